/** What is in a conversation: very much of it, and what somebody means to do harm with. */

import { expect, test } from "vitest";
import { flood } from "./support/flood.js";
import { stage } from "./support/stage.js";

const set = stage();

test("a history of 5,000 messages is scrolled to its beginning, without a hole", async () => {
  const cleaner = await set.visitor("cleaner1");
  await cleaner.page.goto("/");
  await flood(cleaner, 43, "line", 5_000);
  // A tall window, so that there are fewer steps.
  const client = await set.visitor("client1", { viewport: { width: 900, height: 2_000 } });
  await client.opensChat(43);
  await client.sees("line 5000");
  // What is drawn in any frame, as an eye would see it that follows.
  await client.page.evaluate(() => {
    const seen = new Set<string>();
    const look = () => {
      for (const { firstChild } of document.querySelectorAll(".ce-message-text")) {
        seen.add(firstChild?.textContent?.replace("line ", "") ?? "");
      }
      requestAnimationFrame(look);
    };
    look();
    Object.assign(window, { seen });
  });
  const up = async () => {
    await client.page.mouse.wheel(0, -1_200);
    return client.page.evaluate(async () => {
      // No second turn of the wheel before this one is drawn: an eye could not follow.
      await new Promise((drawn) => requestAnimationFrame(drawn));
      return (window as unknown as { seen: Set<string> }).seen.has("1");
    });
  };
  const begun = performance.now();
  await client.log.hover();
  await expect.poll(up, { timeout: 200_000, interval: 10 }).toBe(true);
  const missed = await client.page.evaluate(() => {
    const { seen } = window as unknown as { seen: Set<string> };
    return Array.from({ length: 5_000 }, (_, n) => String(n + 1)).filter((number) => !seen.has(number));
  });
  expect(missed).toEqual([]);
  process.stdout.write(`5,000 messages scrolled in ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
}, 240_000);

test("hostile content is shown as the text that it is", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  await Promise.all([client.opensChat(42), cleaner.opensChat(42)]);
  const hostile = [
    `<img src=x onerror="window.harmed = true">`,
    `<script>window.harmed = true</script>`,
    `javascript:window.harmed=true`,
    `[click](javascript:window.harmed=true) data:text/html,<b>x</b>`,
    `https://example.com/?"onmouseover="window.harmed=true`,
    `\u202egnp.exe\u202c and \u2066so on`,
  ];
  for (const text of hostile) await cleaner.says(text);
  await client.sees("so on");
  expect(await client.page.evaluate(() => "harmed" in window)).toBe(false);
  expect(await client.log.locator("img, script, iframe").count()).toBe(0);
  const links = await client.log
    .locator("a")
    .evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.getAttribute("rel")]));
  expect(links.length).toBeGreaterThan(0);
  for (const [href, rel] of links) {
    expect(href).toMatch(/^https:\/\//);
    expect(rel).toContain("noopener");
  }
  // It takes more room than there is: what was before it is drawn no more.
  await cleaner.says("W".repeat(16 * 1024));
  await expect.poll(async () => (await client.texts()).at(-1)?.length).toBeGreaterThanOrEqual(16 * 1024);
  // A word of so many letters would keep the browser busy for seconds, were its letters fitted to each other.
  const kerning = await client
    .message("WWWW")
    .locator(".ce-message-text")
    .evaluate((text) => getComputedStyle(text).fontKerning);
  expect(kerning).toBe("none");
  expect(await client.page.evaluate(() => "harmed" in window)).toBe(false);
  const wide = await client.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
});
