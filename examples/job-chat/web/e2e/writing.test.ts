/** What one does in a room, each thing between two browsers and the real server. */

import { expect, test } from "vitest";
import { stage } from "./support/stage.js";

const set = stage();

/** A client and a cleaner, both in the chat of a job. */
async function both(job: number) {
  const clipboard = { permissions: ["clipboard-read", "clipboard-write"] };
  const [client, cleaner] = await Promise.all([set.visitor("client1", clipboard), set.visitor("cleaner1")]);
  await Promise.all([client.opensChat(job), cleaner.opensChat(job)]);
  return [client, cleaner] as const;
}

test("own messages are blue and at one side, those of others grey, with a name, in groups", async () => {
  const [client, cleaner] = await both(43);
  await client.says("One of mine");
  await cleaner.sees("One of mine");
  await cleaner.says("One of theirs");
  await cleaner.says("And one more");
  await client.sees("And one more");
  const colour = (text: string) =>
    client
      .message(text)
      .locator(".ce-bubble")
      .evaluate((bubble) => getComputedStyle(bubble).backgroundColor);
  const [red, green, blue] = (await colour("One of mine")).match(/\d+/g)?.map(Number) ?? [];
  expect(blue).toBeGreaterThan(Math.max(red ?? 255, green ?? 255));
  const grey = (await colour("One of theirs")).match(/\d+/g)?.map(Number) ?? [];
  expect(Math.max(...grey.slice(0, 3)) - Math.min(...grey.slice(0, 3))).toBeLessThan(16);
  await client.message("One of theirs").getByText("Kim Osei").waitFor();
  expect(await client.message("And one more").locator(".ce-sender").count()).toBe(0);
  const middle = async (text: string) => {
    const box = await client.message(text).locator(".ce-bubble").boundingBox();
    return (box?.x ?? 0) + (box?.width ?? 0) / 2;
  };
  expect(await middle("One of mine")).toBeGreaterThan(await middle("One of theirs"));
});

test("Shift and Enter break a line, a word that is being put together is not sent, emoji and what is pasted go out", async () => {
  const [client, cleaner] = await both(43);
  await client.composer.pressSequentially("First line");
  await client.composer.press("Shift+Enter");
  await client.composer.pressSequentially("second line");
  await client.composer.evaluate((field) => {
    const typed = { key: "Enter", bubbles: true, cancelable: true, isComposing: true };
    field.dispatchEvent(new KeyboardEvent("keydown", typed));
  });
  expect(await client.composer.inputValue()).toBe("First line\nsecond line");
  await client.page.getByRole("button", { name: "Emoji" }).click();
  await client.page.getByRole("button", { name: "👍", exact: true }).click();
  // As a word processor puts it there: with its looks, of which nothing comes along.
  await client.page.evaluate(async () => {
    const [plain, html] = [new Blob([" <b>pasted</b>"], { type: "text/plain" }), "<h1>pasted</h1>"];
    const rich = new Blob([html], { type: "text/html" });
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": plain, "text/html": rich })]);
  });
  await client.composer.press("ControlOrMeta+v");
  const whole = "First line\nsecond line👍 <b>pasted</b>";
  await expect.poll(() => client.composer.inputValue()).toBe(whole);
  await client.composer.press("Enter");
  await cleaner.sees("second line");
  expect((await cleaner.texts()).at(-1)).toBe(whole);
  // What was said can be copied, and is the same again.
  await client.message("second line").hover();
  await client.message("second line").getByRole("button", { name: "Message actions" }).click();
  await client.page.getByRole("menuitem", { name: "Copy text" }).click();
  // A page is told later than it asks that the clipboard was written.
  await expect.poll(() => client.page.evaluate(() => navigator.clipboard.readText())).toBe(whole);
  await client.composer.press("ControlOrMeta+v");
  await expect.poll(() => client.composer.inputValue()).toBe(whole);
});

test("an answer quotes, an edit is marked, a deletion leaves its place: for both", async () => {
  const [client, cleaner] = await both(42);
  await client.says("Where are the keys?");
  await cleaner.sees("Where are the keys?");
  const menu = async (who: typeof client, text: string, item: string) => {
    const message = who.message(text).first();
    await message.hover();
    await message.getByRole("button", { name: "Message actions" }).click();
    await who.page.getByRole("menuitem", { name: item }).click();
  };
  await menu(cleaner, "Where are the keys?", "Reply");
  await cleaner.says("With the concierge");
  await client.message("With the concierge").locator(".ce-quote", { hasText: "Where are the keys?" }).waitFor();
  await menu(cleaner, "With the concierge", "Edit");
  await cleaner.says("With the concierge, ground floor");
  await client.message("ground floor").getByText("edited").waitFor();
  await menu(client, "Where are the keys?", "Delete");
  await client.page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await cleaner.message("Message deleted").first().waitFor();
  const said = cleaner.page.locator(".ce-message-text", { hasText: "Where are the keys?" });
  await expect.poll(() => said.count()).toBe(0);
});

test("a reader is not pulled down, is told how many are new, and finds where the unread ones began", async () => {
  const [client, cleaner] = await both(43);
  for (let n = 1; n <= 30; n += 1) await client.says(`Line ${n}`);
  await cleaner.sees("Line 30");
  await client.seesTick("Line 30", "Read");
  await cleaner.log.hover();
  const wheel = await cleaner.log.evaluateHandle((log) => ({
    ended: new Promise((end) => log.addEventListener("scrollend", end, { once: true })),
  }));
  await cleaner.page.mouse.wheel(0, -2_000);
  // The wheel turns on for a while.
  await wheel.evaluate(async ({ ended }) => void (await ended));
  const top = () => cleaner.log.evaluate((log) => log.scrollTop);
  const before = await cleaner.log.evaluate(async (log) => {
    // What it brought into sight is measured after that: until it stands still for six frames.
    for (let [was, still] = [log.scrollTop, 0]; still < 6; was = log.scrollTop) {
      await new Promise(requestAnimationFrame);
      still = log.scrollTop === was ? still + 1 : 0;
    }
    return log.scrollTop;
  });
  const below = await cleaner.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  expect(below).toBeGreaterThan(300);
  await client.says("While you read");
  await client.says("And another one");
  await cleaner.page.getByRole("button", { name: "2 new messages" }).waitFor();
  expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(2);
  await cleaner.page.getByRole("button", { name: "2 new messages" }).click();
  await client.seesTick("And another one", "Read");
  await cleaner.page.goto("/");
  await client.says("When you come back");
  await client.seesTick("When you come back", "Delivered");
  await cleaner.opensChat(43);
  await cleaner.page.locator(".ce-unread-divider").waitFor();
});
