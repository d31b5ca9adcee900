/** A server, a browser, and people who come and go in it. */

import { execFileSync } from "node:child_process";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Server } from "./server.js";
import { Visitor } from "./visitor.js";

export interface Stage {
  server: Server;
  browser: Browser;
  /** Somebody who has not logged in, with a browser profile of their own. */
  nobody(options?: BrowserContextOptions): Promise<Visitor>;
  /** Somebody who has. */
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
  const enter = async (who: string, context: BrowserContext) => {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(`${who}: ${error.message}`));
    page.on("console", (line) => {
      if (/Content Security Policy/.test(line.text())) complaints.push(`${who}: ${line.text()}`);
    });
    return new Visitor(page, who);
  };
  const profile = async (options?: BrowserContextOptions) => {
    const context = await set.browser.newContext({ baseURL: set.server.url, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  };
  const set: Stage = {
    server: undefined as never,
    browser: undefined as never,
    async nobody(options) {
      return enter("nobody", await profile(options));
    },
    async visitor(who, options) {
      const context = await profile(options);
      const login = { email: `${who}@test.com`, password: "testpass123" };
      expect((await context.request.post("/api/login", { data: login })).status()).toBe(200);
      return enter(who, context);
    },
    async anotherTab({ context, who }) {
      return enter(who, context);
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
