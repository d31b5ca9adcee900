/** Every state of the page: no barrier that axe finds, and with `SCREENSHOTS=1` the pictures of the book. */

import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { expect, test } from "vitest";
import { Network } from "./support/network.js";
import { stage } from "./support/stage.js";
import type { Visitor } from "./support/visitor.js";

const IMAGES = fileURLToPath(new URL("../../../../docs/src/images/", import.meta.url));
const DESK = { width: 1100, height: 720 };
const PHONE = { width: 390, height: 844 };

const set = stage();

async function holds(visitor: Visitor, state: string): Promise<void> {
  const { page } = visitor;
  // What moves is looked at when it has arrived; what turns for ever is not waited for.
  await page.evaluate(() => {
    const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    return Promise.all(ending.map(({ finished }) => finished.catch(() => {})));
  });
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  const words = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  expect(words, state).toEqual([]);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${IMAGES}${state}.png` });
}

// Each opens a chat in which something is unread; once opened, nothing is.
for (const { colorScheme, job, last } of [
  { colorScheme: "light", job: 44, last: "One more thing" },
  { colorScheme: "dark", job: 41, last: "Found an earring" },
] as const) {
  const name = (state: string) => `${state}-${colorScheme}`;

  test(`the login, ${colorScheme}`, async () => {
    const nobody = await set.nobody({ colorScheme, viewport: DESK });
    await nobody.page.goto("/login");
    await nobody.page.getByRole("heading", { name: "Welcome back" }).waitFor();
    await holds(nobody, name("login"));
  });

  test(`the jobs, and one of them, ${colorScheme}`, async () => {
    const client = await set.visitor("client1", { colorScheme, viewport: DESK });
    await client.page.goto("/");
    await client.page.locator(".ce-unread-badge").first().waitFor();
    await holds(client, name("dashboard"));
    await client.page.locator(`[data-job='${job}']`).click();
    await client.page.getByRole("dialog").waitFor();
    await holds(client, name("modal"));
  });

  test(`a chat: unread, both ways, empty, on a phone, without a connection, ${colorScheme}`, async () => {
    const client = await set.visitor("client1", { colorScheme, viewport: DESK });
    const network = await Network.of(client.context);
    await client.opensChat(43);
    await client.page.getByText("No messages yet").waitFor();
    await holds(client, name("empty"));
    await client.opensChat(job);
    await client.sees(last);
    await client.page.getByText("New messages").first().waitFor();
    await holds(client, name("chat"));
    await client.page.setViewportSize(PHONE);
    await holds(client, name("phone"));
    await client.page.setViewportSize(DESK);
    await network.unplug();
    await client.says("I will ask the neighbour");
    await client.seesTick("I will ask the neighbour", "Sending");
    await client.page.getByText("Reconnecting").first().waitFor();
    await holds(client, name("reconnecting"));
  });
}

test("what is not there", async () => {
  const client = await set.visitor("client1", { viewport: DESK });
  await client.page.goto("/jobs/45/chat");
  await client.page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await holds(client, "not-found");
});

test("everything can be done by the keyboard", async () => {
  const { page } = await set.nobody();
  await page.goto("/login");
  await page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type("client1@test.com");
  await page.keyboard.press("Tab");
  await page.keyboard.type("testpass123");
  await page.keyboard.press("Enter");
  await page.locator("[data-job='42']").waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-job"));
  for (let n = 0; n < 12 && (await focused()) !== "42"; n++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  // Gone, not only closed: what is closed is told of that a moment later.
  await page.locator("dialog").waitFor({ state: "detached" });
  await expect.poll(focused).toBe("42");
  await page.keyboard.press("Enter");
  const chat = page.getByRole("dialog").getByRole("link", { name: "Chat" });
  await expect.poll(() => chat.evaluate((link) => link === document.activeElement)).toBe(true);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/jobs/42/chat");
  const composer = page.getByRole("textbox", { name: "Message" });
  await composer.waitFor();
  const writing = () => composer.evaluate((box) => box === document.activeElement);
  for (let n = 0; n < 20 && !(await writing()); n++) await page.keyboard.press("Tab");
  await page.keyboard.type("By the keyboard");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("alone");
  await page.keyboard.press("Enter");
  await page.locator(".ce-message", { hasText: "By the keyboard\nalone" }).waitFor();
});
