/** A room in a real Chromium and in front of the real server, with a network between them that can be cut. */

import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Network } from "../../../../client/test/support/network.js";
import { Server, type Settings } from "../../../../client/test/support/server.js";
import { token } from "../../../../client/test/support/token.js";
import { type Build, serve } from "../page/server.js";
import { ARGS, CHROMIUM, PATIENCE_MS } from "./browser.js";

export interface Live {
  server: Server;
  network: Network;
  /** A page of a user; what is not given is not shown. `before` it is loaded, something may be put between. */
  page(user: string, query?: { room?: string; list?: string }, before?: (page: Page) => Promise<void>): Promise<Page>;
}

/** Sets the stage for the tests of a file. */
export function live(settings: Settings = {}, build: Build = "development"): Live {
  const complaints: string[] = [];
  let browser: Browser | undefined;
  let site: Awaited<ReturnType<typeof serve>> | undefined;
  const set: Live = {
    server: undefined as never,
    network: undefined as never,
    async page(user, query = {}, before) {
      if (!browser || !site) throw new Error("there is no browser");
      const page = await browser.newPage({ viewport: { width: 900, height: 640 } });
      page.context().setDefaultTimeout(PATIENCE_MS);
      page.on("pageerror", (error) => complaints.push(`${user}: ${error.message}`));
      page.on("console", (line) => {
        if (/Content Security Policy/.test(line.text())) complaints.push(`${user}: ${line.text()}`);
      });
      await before?.(page);
      const address = { url: `ws://127.0.0.1:${set.network.port}/ws/`, token: token(user), ...query };
      await page.goto(`${site.url}live?${new URLSearchParams(address)}`);
      return page;
    },
  };
  beforeAll(async () => {
    if (!CHROMIUM) return;
    set.server = await Server.start(settings);
    set.network = await Network.before(set.server);
    [browser, site] = await Promise.all([chromium.launch({ executablePath: CHROMIUM, args: ARGS }), serve(build)]);
  });
  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? []);
    set.network?.restore();
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    set.network?.close();
    await set.server?.kill();
  });
  return set;
}
