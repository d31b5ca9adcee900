/** A server, a browser, and people who come and go in it. */

import { execFileSync } from "node:child_process";
import { type Browser, type BrowserContextOptions, chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Server } from "./server.js";
import { Visitor } from "./visitor.js";

export interface Stage {
  server: Server;
  browser: Browser;
  /** Somebody who has logged in, with a browser profile of their own. */
  visitor(who: string, options?: BrowserContextOptions): Promise<Visitor>;
  /** The same one in another tab. */
  anotherTab(visitor: Visitor): Promise<Visitor>;
}

/** How long one waits for what is to be seen or done: a limit, however slow the machine is. */
const PATIENCE_MS = 60_000;

/** Sets the stage for the tests of a file; the arguments are options of the program. */
export function stage(...options: string[]): Stage {
  /** What no page may ever do: throw, or do something that its policy forbids. */
  const complaints: string[] = [];
  const watched = (visitor: Visitor) => {
    const { page } = visitor;
    page.on("pageerror", (error) => complaints.push(`${visitor.who}: ${error.message}`));
    page.on("console", (line) => {
      if (/Content Security Policy/.test(line.text())) complaints.push(`${visitor.who}: ${line.text()}`);
    });
    return visitor;
  };
  const set: Stage = {
    server: undefined as never,
    browser: undefined as never,
    async visitor(who, options) {
      const context = await set.browser.newContext({ baseURL: set.server.url, ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const login = { email: `${who}@test.com`, password: "testpass123" };
      expect((await context.request.post("/api/login", { data: login })).status()).toBe(200);
      return watched(new Visitor(await context.newPage(), who));
    },
    async anotherTab({ context, who }) {
      return watched(new Visitor(await context.newPage(), who));
    },
  };
  beforeAll(async () => {
    const executablePath = process.env.CHROMIUM ?? execFileSync("which", ["chromium"]).toString().trim();
    const launch = chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    [set.server, set.browser] = await Promise.all([Server.start(...options), launch]);
  });
  afterEach(async () => {
    await Promise.all(set.browser.contexts().map((context) => context.close()));
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await set.browser?.close();
    await set.server?.end();
  });
  return set;
}
