// @vitest-environment node
/** How fast it is, measured and told; what is asserted is a hundred times as long as usual. */

import { expect } from "vitest";
import { settled, stage, test } from "./support/browser.js";
import { frames, median, told } from "./support/measure.js";

const { open } = stage("production");

test("a room with fifty messages is drawn at once", async () => {
  const drawn: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const page = await open("fifty");
    drawn.push(await page.evaluate(() => window.drawnIn));
    await page.context().close();
  }
  told(`first drawing of 50 messages: ${median(drawn).toFixed(1)} ms of script (${drawn.map(Math.round).join(", ")})`);
  expect(median(drawn)).toBeGreaterThan(0);
  expect(median(drawn)).toBeLessThan(2_500);
});

test("of ten thousand messages few are drawn, and they scroll smoothly", async () => {
  const page = await open("ten-thousand");
  const articles = () => page.locator("article").count();
  const drawn = await frames(page);
  await page.mouse.move(400, 300);
  for (let step = 0; step < 40; step += 1) {
    await page.mouse.wheel(0, step < 20 ? -1_200 : 1_200);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const all = await drawn();
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
  expect(median(all)).toBeLessThan(1_700);
});
