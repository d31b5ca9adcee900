// @vitest-environment node
/** What the server refuses, as one sees it in the page: why, and that trying again helps once it may be done. */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { marks, test } from "./support/browser.js";
import { live } from "./support/live.js";

const set = live({ env: { CHAT_LIMITS_MESSAGE_BYTES: "1000" } });

let jobs = 0;
/** A room of Ann and Ben, in which something was said. */
async function room(): Promise<string> {
  jobs += 1;
  const key = `job:${jobs}`;
  const participants = ["ann", "ben"].map((user_id) => ({ user_id, name: user_id }));
  await set.server.host("POST", "chatrooms/", { key, name: `Job ${jobs}`, participants });
  await set.server.host("POST", `chatrooms/${key}/send_message/`, { sender: "ben", content: "Hello Ann" });
  return key;
}

const field = (page: Page) => page.getByRole("textbox", { name: "Message" });
const message = (page: Page, text: string) => page.locator(".ce-message", { hasText: text });
const progress = (page: Page, text: string, progress: string) =>
  message(page, text).getByRole("img", { name: progress, exact: true }).waitFor();

/** Until the server has refused so often what the page sends: the room and what was written in it are answered apart. */
function refused(page: Page, times = 1): Promise<void> {
  let left = times;
  return new Promise((resolve) => {
    page.on("websocket", (socket) => {
      const sent = new Set<unknown>();
      socket.on("framesent", ({ payload }) => {
        const { action, ref } = JSON.parse(String(payload));
        if (action === "send_message") sent.add(ref);
      });
      socket.on("framereceived", ({ payload }) => {
        const { type, ref } = JSON.parse(String(payload));
        if (type === "error" && sent.has(ref)) left -= 1;
        if (left === 0) resolve();
      });
    });
  });
}

async function write(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

/** What the room holds, as the host sees it. */
async function stored(key: string): Promise<unknown[]> {
  const { results } = await set.server.host("GET", `chatrooms/${key}/messages/`);
  return (results as { content: string }[]).map(({ content }) => content).reverse();
}

test("a room was frozen while one was away: what one wrote says why it was not sent, and is when the room is open", async () => {
  const key = await room();
  const page = await set.page("ann", { room: key });
  await message(page, "Hello Ann").waitFor();
  const twice = refused(page, 2);
  set.network.unplug();
  await write(page, "May I come in?");
  await progress(page, "May I come in?", "Sending");
  await set.server.host("PATCH", `chatrooms/${key}/`, { state: "frozen" });
  set.network.restore();
  await message(page, "May I come in?").getByText("Not sent: it is not allowed here").waitFor();
  await page.getByText("This conversation can be read, but not written in.").waitFor();
  // Too early: it says so again.
  await page.getByRole("button", { name: "Try again" }).click();
  await twice;
  await message(page, "May I come in?").getByText("Not sent: it is not allowed here").waitFor();
  expect(await stored(key)).toEqual(["Hello Ann"]);
  await set.server.host("PATCH", `chatrooms/${key}/`, { state: "open" });
  await field(page).waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await progress(page, "May I come in?", "Sent");
  expect(await page.locator(".ce-failed").count()).toBe(0);
  expect(await stored(key)).toEqual(["Hello Ann", "May I come in?"]);
});

test("an edit that a frozen room refused leaves what was said, says why, and can be tried again", async () => {
  const key = await room();
  const page = await set.page("ann", { room: key });
  await message(page, "Hello Ann").waitFor();
  await write(page, "Tuesday");
  await progress(page, "Tuesday", "Sent");
  set.network.unplug();
  await message(page, "Tuesday").hover();
  await message(page, "Tuesday").getByRole("button", { name: "Message actions" }).click();
  await page.getByRole("menuitem", { name: "Edit" }).click();
  await write(page, "Wednesday");
  await message(page, "Wednesday").waitFor();
  await set.server.host("PATCH", `chatrooms/${key}/`, { state: "frozen" });
  set.network.restore();
  await message(page, "Tuesday").getByText("Not changed: it is not allowed here").waitFor();
  await set.server.host("PATCH", `chatrooms/${key}/`, { state: "open" });
  await field(page).waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await message(page, "Wednesday").getByText("edited").waitFor();
  expect(await stored(key)).toEqual(["Hello Ann", "Wednesday"]);
});

test("what was written before the server said how long it may be is refused as too long; then the field says it", async () => {
  const key = await room();
  set.network.unplug();
  const page = await set.page("ann", { room: key });
  const long = `Too long: ${"x".repeat(1_000)}`;
  await write(page, long);
  await message(page, "Too long").waitFor();
  set.network.restore();
  await message(page, "Too long").getByText("Not sent: it is too long").waitFor();
  await field(page).fill(long);
  await page.getByRole("alert").getByText("Too long by 10 bytes").waitFor();
  await field(page).fill("Short");
  await field(page).press("Enter");
  await progress(page, "Short", "Sent");
  await page.getByRole("button", { name: "Discard" }).click();
  await message(page, "Too long").waitFor({ state: "detached" });
  expect(await stored(key)).toEqual(["Hello Ann", "Short"]);
});

test("who was removed while away sees nothing of the room; let in again, what they wrote is there, says why, and goes out", async () => {
  const key = await room();
  const page = await set.page("ann", { room: key });
  await message(page, "Hello Ann").waitFor();
  const late = refused(page);
  set.network.unplug();
  await write(page, "I am late");
  await progress(page, "I am late", "Sending");
  await set.server.host("DELETE", `chatrooms/${key}/participants/ann/`);
  set.network.restore();
  await page.getByText("This conversation is not available.").first().waitFor();
  await late;
  expect(await page.locator(".ce-message").count()).toBe(0);
  await set.server.host("POST", `chatrooms/${key}/participants/`, { user_id: "ann", name: "ann" });
  await message(page, "I am late").getByText("Not sent: you are no longer here").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await progress(page, "I am late", "Sent");
  expect(await stored(key)).toEqual(["Hello Ann", "I am late"]);
});

test("far more is unread than a page: it says how much, goes to where that began, and a quote from there leads back", async () => {
  const key = await room();
  const send = (content: string, more = {}) =>
    set.server.host("POST", `chatrooms/${key}/send_message/`, { sender: "ben", content, ...more });
  const first = await send("The first of many");
  for (let n = 2; n <= 150; n += 1) await send(`Number ${n}`);
  await send("The last of them", { reply_to: first.id });
  const page = await set.page("ann", { room: key });
  const isSeen = (text: string) =>
    message(page, text)
      .last()
      .evaluate((row) => {
        const list = row.closest(".ce-list")?.getBoundingClientRect();
        const { top, bottom } = row.getBoundingClientRect();
        return list !== undefined && top >= list.top && bottom <= list.bottom;
      });
  const sees = (text: string) => expect.poll(() => isSeen(text)).toBe(true);
  await sees("The last of them");
  await page.getByRole("button", { name: "152 new messages" }).click();
  await page.locator(".ce-unread-divider").waitFor();
  await sees("The first of many");
  await page.getByRole("button", { name: "To the latest message" }).click();
  await sees("The last of them");
  const marked = await marks(page);
  await message(page, "The last of them").locator(".ce-quote").click();
  await expect.poll(marked).toEqual(["The first of many"]);
  await sees("The first of many");
});
