// @vitest-environment node
/** How fast it is, measured and told; what is asserted leaves room for a busy machine. */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { settled, stage, test } from "./support/browser.js";

const { open } = stage();

const told = (what: string) => process.stdout.write(`${what}\n`);
const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

/** How long each frame took while something was done, in milliseconds. */
async function frames(page: Page, work: () => Promise<void>): Promise<number[]> {
  const clock = await page.evaluateHandle(() => {
    const clock = { at: [] as number[], runs: true };
    const tick = (now: number) => {
      clock.at.push(now);
      if (clock.runs) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    return clock;
  });
  await work();
  const at = await clock.evaluate((clock) => {
    clock.runs = false;
    return clock.at;
  });
  return at.slice(1).map((now, n) => now - (at[n] ?? now));
}

test("a room with fifty messages is drawn at once", async () => {
  const drawn: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const page = await open("fifty");
    drawn.push(await page.evaluate(() => window.drawnIn));
    await page.context().close();
  }
  told(`first drawing of 50 messages: ${median(drawn).toFixed(1)} ms of script (${drawn.map(Math.round).join(", ")})`);
  expect(median(drawn)).toBeGreaterThan(0);
  expect(median(drawn)).toBeLessThan(500);
});

test("of ten thousand messages few are drawn, and they scroll smoothly", async () => {
  const page = await open("ten-thousand");
  const articles = () => page.locator("article").count();
  const all = await frames(page, async () => {
    await page.mouse.move(400, 300);
    for (let step = 0; step < 40; step += 1) {
      await page.mouse.wheel(0, step < 20 ? -1_200 : 1_200);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  expect(await articles()).toBeLessThan(400);
  await page.locator(".ce-list").evaluate((list) => list.scrollTo(0, 0));
  await page
    .getByText(/^Message 1 /)
    .first()
    .waitFor();
  expect(await articles()).toBeLessThan(400);
  expect(await articles()).toBeGreaterThan(5);
  await page.locator(".ce-list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await settled(page);
  await page
    .getByText(/^Message 10000/)
    .first()
    .waitFor();
  told(
    `scrolling through 10,000 messages: a frame takes ${median(all).toFixed(1)} ms, the longest ${Math.max(...all).toFixed(0)} ms`,
  );
  expect(median(all)).toBeLessThan(200);
});

test("a room in which a thousand messages a second come stays smooth, and at its end", async () => {
  const page = await open("fifty");
  const all = await frames(page, () =>
    page.evaluate(async () => {
      const begun = performance.now();
      let seq = 50;
      // As the hooks do: told once a frame, with a window of messages that is held.
      for (let now = begun; now - begun < 2_000; now = await new Promise<number>(requestAnimationFrame)) {
        const due = 50 + Math.floor(Math.max(0, now - begun));
        window.change((chat) => {
          const like = chat.messages.at(-1);
          if (!like) throw new Error("nothing is shown");
          const more = Array.from({ length: due - seq }, (_, n) => {
            const name = `s${seq + n + 1}`;
            return {
              ...like,
              key: name,
              id: name,
              client_id: name,
              seq: seq + n + 1,
              content: `Message ${seq + n + 1}`,
            };
          });
          return { ...chat, messages: [...chat.messages, ...more].slice(-500) };
        });
        seq = due;
      }
    }),
  );
  await settled(page);
  const seconds = all.reduce((sum, frame) => sum + frame, 0) / 1_000;
  const rate = all.length / seconds;
  told(
    `1,000 messages a second: ${rate.toFixed(0)} frames a second, the longest frame ${Math.max(...all).toFixed(0)} ms`,
  );
  expect(seconds).toBeGreaterThan(1.5);
  expect(rate).toBeGreaterThan(2);
  const below = await page
    .locator(".ce-list")
    .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
  expect(below).toBeLessThanOrEqual(2);
});
