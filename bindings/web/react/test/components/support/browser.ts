/** The page of states in a real Chromium, and what may never happen in it. */

import { execFileSync } from "node:child_process";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test as plain } from "vitest";
import { type Build, serve } from "../page/server.js";

export const CHROMIUM = found();
export const ARGS = ["--no-sandbox", "--disable-dev-shm-usage"];
if (!CHROMIUM) {
  const missing = "Chromium is not there: install it, or name it in the environment variable CHROMIUM";
  if (process.env.CI) throw new Error(missing);
  process.emitWarning(`The components are not looked at in a browser. ${missing}.`);
}

/** A test that is left out where there is no browser; in CI that fails. */
export const test = plain.skipIf(!CHROMIUM);

/** How long one waits for what is to be seen or done: a limit, however slow the machine is. */
export const PATIENCE_MS = 60_000;

/** A moment of the page's own days: what is shown depends on no clock. */
export const NOW = new Date("2026-11-25T11:00:00Z");

export interface Look extends BrowserContextOptions {
  readonly lang?: "en" | "de";
  readonly dir?: "ltr" | "rtl";
}

/** One browser for the tests of a file; each test opens pages of its own. */
export function stage(build: Build = "development"): { open: (state: string, look?: Look) => Promise<Page> } {
  const complaints: string[] = [];
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    if (!CHROMIUM) return;
    [browser, site] = await Promise.all([chromium.launch({ executablePath: CHROMIUM, args: ARGS }), serve(build)]);
  });
  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? []);
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
  });
  return {
    async open(state, { lang = "en", dir = "ltr", ...options } = {}) {
      const context = await browser.newContext({
        viewport: { width: 900, height: 640 },
        timezoneId: "UTC",
        ...options,
      });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      page.on("pageerror", (error) => complaints.push(`${state}: ${error.message}`));
      // Whatever the policy forbids is an error, too.
      page.on("console", (line) => line.type() === "error" && complaints.push(`${state}: ${line.text()}`));
      await page.clock.setFixedTime(NOW);
      await page.goto(`${site.url}?${new URLSearchParams({ state, lang, dir })}`);
      await page.locator(".ce-room").waitFor();
      await settled(page);
      return page;
    },
  };
}

/**
 * Waits until the list has measured what it drew, and looked where it is: until it stands still for six frames. While it
 * holds itself for moved, which it shows by taking no clicks, it draws fewer messages than once it stands.
 */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const place = () => {
      const { scrollTop, scrollHeight, clientHeight } = document.querySelector(".ce-list") ?? document.body;
      return [scrollTop, scrollHeight, clientHeight].join();
    };
    const isMoved = () => document.querySelector(".ce-list > [style*='pointer-events']") !== null;
    for (let [was, still] = [place(), 0]; still < 6; was = place()) {
      await new Promise(requestAnimationFrame);
      still = place() === was && !isMoved() ? still + 1 : 0;
    }
  });
}

/** The texts that are marked from now on as what was gone to: a mark goes by itself, maybe before one looks. */
export async function marks(page: Page): Promise<() => Promise<string[]>> {
  const marked = await page.evaluateHandle(() => {
    const marked: string[] = [];
    const look = () => {
      const text = document.querySelector("[data-target] .ce-message-text")?.firstChild?.textContent;
      if (text && text !== marked.at(-1)) marked.push(text);
    };
    const changes = { attributeFilter: ["data-target"], childList: true, subtree: true };
    new MutationObserver(look).observe(document.body, changes);
    return marked;
  });
  return () => marked.jsonValue();
}

function found(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  try {
    return execFileSync("which", ["chromium"]).toString().trim();
  } catch {
    return undefined;
  }
}
