// @vitest-environment node
/**
 * How fast a room is before the real server, measured and told. What is asserted is a hundred times as slow as usual.
 * `npm run speed -w react` takes longer, and says it alone.
 */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { settled, test } from "./support/browser.js";
import { live } from "./support/live.js";
import { frames, median, told } from "./support/measure.js";
import { write } from "./support/senders.js";

const RATE = 1_000;
const SENDERS = 10;
const SECONDS = Number(process.env.SPEED_SECONDS ?? 2);
const ROUNDS = Number(process.env.SPEED_ROUNDS ?? 1);

const set = live({}, "production");
const users = ["ann", ...Array.from({ length: SENDERS }, (_, n) => `writer${n + 1}`)];
interface LastMessage {
  readonly seq: number;
  readonly content: string;
}

const one = (number: number) => number.toFixed(1);

/** What the main thread of a page spends from now on, in milliseconds, until it is asked. */
async function spending(page: Page): Promise<() => Promise<Record<"script" | "style" | "layout" | "all", number>>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const look = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name: string) => 1_000 * (metrics.find((metric) => metric.name === name)?.value ?? Number.NaN);
    const [script, style] = [of("ScriptDuration"), of("RecalcStyleDuration")];
    return { script, style, layout: of("LayoutDuration"), all: of("TaskDuration") };
  };
  const before = await look();
  return async () => {
    const { script, style, layout, all } = await look();
    return {
      script: script - before.script,
      style: style - before.style,
      layout: layout - before.layout,
      all: all - before.all,
    };
  };
}

const message = (page: Page, text: string) => page.locator(".ce-message", { hasText: text });

test("a room with fifty messages is opened: from the click to the last message measured", async () => {
  const scripts: number[] = [];
  const wholes: number[] = [];
  for (let round = 0; round < ROUNDS + 2; round += 1) {
    const room = `job:5${round}`;
    await set.server.room(room, ...users);
    await write(set.server.port, room, users.slice(1), RATE, 0.05);
    const page = await set.page("ann");
    await page.waitForFunction(() => "show" in window);
    await settled(page);
    const spent = await spending(page);
    await page.evaluate((room) => window.show(room), room);
    await message(page, "Message").first().waitFor();
    await settled(page);
    const used = await spent();
    scripts.push(used.script);
    wholes.push(used.all);
    await page.context().close();
  }
  const all = scripts.map(Math.round).join(", ");
  told(
    `a room of 50 opened: ${one(median(scripts))} ms of script (${all}), ${one(median(wholes))} ms of the main thread`,
  );
  expect(median(scripts)).toBeGreaterThan(0);
  expect(median(scripts)).toBeLessThan(5_000);
});

test("a thousand messages a second by ten people: drawn by the frame, all of them, at its end", {
  timeout: 300_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const room = `job:10${round}`;
    await set.server.room(room, ...users);
    const page = await set.page("ann", { room });
    await page.getByText("No messages yet").waitFor();
    const spent = await spending(page);
    const drawn = await frames(page);
    const wrote = await write(set.server.port, room, users.slice(1), RATE, SECONDS);
    const all = await drawn();
    const used = await spent();
    // Which one is the last is the server's to say.
    const [last] = (await set.server.host("GET", `chatrooms/${room}/messages/?limit=1`)).results as LastMessage[];
    expect(last?.seq).toBe(wrote.stored);
    await message(page, last?.content ?? "").waitFor();
    await settled(page);
    const seconds = all.reduce((sum, frame) => sum + frame, 0) / 1_000;
    const share = (what: keyof typeof used) => `${Math.round(used[what] / seconds / 10)} %`;
    const late = all.filter((frame) => frame > 1_000 / 30 + 1).length;
    told(
      `${Math.round(wrote.rate)} messages a second by ${SENDERS} for ${one(seconds)} s: ` +
        `${one(all.length / seconds)} frames a second, the middle one ${one(median(all))} ms, ` +
        `the longest ${Math.round(Math.max(...all))} ms, ${late} of ${all.length} longer than a thirtieth of a second; ` +
        `of the main thread ${share("all")} are used: script ${share("script")}, style ${share("style")}, layout ${share("layout")}`,
    );
    expect(all.length / seconds).toBeGreaterThan(0.6);
    const below = await page
      .locator(".ce-list")
      .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
    expect(below).toBeLessThanOrEqual(2);
    await page.context().close();
  }
});
