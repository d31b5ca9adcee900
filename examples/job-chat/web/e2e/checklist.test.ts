/** The checklist of the chat that this replaces, played by a client and a cleaner in two browsers. */

import { expect, test } from "vitest";
import { stage } from "./support/stage.js";

const set = stage();

test("whoever is not logged in is asked to, and then is where they wanted to be", async () => {
  const { page } = await set.nobody();
  await page.goto("/jobs/42/chat");
  await page.waitForURL("**/login");
  await page.getByLabel("E-mail address").fill("client1@test.com");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByText("The e-mail address or the password is wrong.").waitFor();
  await page.getByLabel("Password").fill("testpass123");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForURL("**/jobs/42/chat");
  await page.getByRole("heading", { name: "Kim Osei" }).waitFor();
});

test("a job's chat is opened from the job, and leads back to the jobs", async () => {
  const client = await set.visitor("client1");
  await client.page.goto("/");
  await client.page.getByRole("button", { name: "Deep clean, two-room flat" }).click();
  await client.page.getByRole("dialog").getByRole("link", { name: "Chat" }).click();
  await client.page.waitForURL("**/jobs/42/chat");
  await client.sees("Thanks, noted. I will be there at nine.");
  await client.page.getByRole("link", { name: "Back to my jobs" }).click();
  await client.page.getByRole("heading", { name: "Hello Clara" }).waitFor();
});

test("messages go both ways at once, and both see the same", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  await Promise.all([client.opensChat(43), cleaner.opensChat(43)]);
  await client.says("Can you bring a ladder?");
  await cleaner.sees("Can you bring a ladder?");
  await cleaner.says("I will.\nAnything else?");
  await client.sees("Anything else?");
  await client.says("No, thank you 🙏");
  await cleaner.sees("No, thank you 🙏");
  await cleaner.seesTick("Anything else?", "Read");
  const texts = ["Can you bring a ladder?", "I will.\nAnything else?", "No, thank you 🙏"];
  expect(await client.texts()).toEqual(texts);
  expect(await cleaner.texts()).toEqual(texts);
});

test("typing is shown at once, and ends 3 s after the last key", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  await Promise.all([client.opensChat(42), cleaner.opensChat(42)]);
  const typing = cleaner.page.getByText(/Clara.* typing/).first();
  // Key after key, as one types: what was typed before the other could see it is not shown later.
  const isSeenTyping = async () => {
    await client.composer.pressSequentially("a");
    return typing.isVisible();
  };
  await expect.poll(isSeenTyping, { interval: 100 }).toBe(true);
  await typing.waitFor({ state: "detached" });
  // Not every key is told: only of one after a rest it is known when it was. Of one that was not seen in time, nothing is.
  let last = 0;
  const isSeenAtOnce = async () => {
    last = performance.now();
    const seen = typing.waitFor({ timeout: 10_000 }).then(
      () => true,
      () => false,
    );
    await client.composer.pressSequentially("a");
    return seen;
  };
  await expect.poll(isSeenAtOnce).toBe(true);
  await typing.waitFor({ state: "detached" });
  // Seen from here, through two browsers: how much later than it is, is theirs to say.
  expect(performance.now() - last).toBeGreaterThan(2_500);
});

test("a message shows how far it has come: sent, delivered, read", async () => {
  const client = await set.visitor("client1");
  await client.opensChat(42);
  await client.says("Are you on your way?");
  await client.seesTick("Are you on your way?", "Sent");
  const cleaner = await set.visitor("cleaner1");
  await cleaner.page.goto("/");
  await client.seesTick("Are you on your way?", "Delivered");
  await cleaner.opensChat(42);
  await client.seesTick("Are you on your way?", "Read");
});

test("what is unread is counted on the job, on its chat button and in the title, until it is read", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner2")]);
  await client.page.goto("/");
  const card = client.page.locator("[data-job='44']");
  await card.getByText("2", { exact: true }).waitFor();
  await cleaner.opensChat(44);
  await cleaner.says("Never mind, I found it.");
  await card.getByText("3", { exact: true }).waitFor();
  await card.click();
  await client.page
    .getByRole("dialog")
    .getByRole("link", { name: /Chat.*3/ })
    .click();
  await client.sees("Never mind, I found it.");
  await expect.poll(() => client.page.title()).toBe("(2) Brightside");
  await client.page.getByRole("link", { name: "Back to my jobs" }).click();
  await card.waitFor();
  await expect.poll(() => card.locator(".ce-unread-badge").count()).toBe(0);
});

test("several chats run at once, and no message goes astray", async () => {
  const client = await set.visitor("client1");
  const [kim, lina] = await Promise.all([set.visitor("cleaner1"), set.visitor("cleaner2")]);
  const other = await set.anotherTab(client);
  await Promise.all([client.opensChat(41), other.opensChat(46), kim.opensChat(41), lina.opensChat(46)]);
  for (let n = 1; n <= 3; n++) {
    await Promise.all([kim.says(`From Kim, ${n}`), lina.says(`From Lina, ${n}`)]);
    await Promise.all([client.sees(`From Kim, ${n}`), other.sees(`From Lina, ${n}`)]);
  }
  expect((await client.texts()).filter((text) => text.startsWith("From"))).toEqual(
    [1, 2, 3].map((n) => `From Kim, ${n}`),
  );
  expect((await other.texts()).filter((text) => text.startsWith("From"))).toEqual(
    [1, 2, 3].map((n) => `From Lina, ${n}`),
  );
  // Nothing of it is unread when these pages go.
  await Promise.all([kim.seesTick("From Kim, 3", "Read"), lina.seesTick("From Lina, 3", "Read")]);
});

test("beside the open chat stand the others: what is new there, that somebody types, and a click leads there", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner2")]);
  await Promise.all([client.opensChat(42), cleaner.opensChat(46)]);
  const item = client.page.getByRole("navigation", { name: "Conversations" }).getByRole("button", { name: /Kitchen/ });
  const isSeenTyping = async () => {
    await cleaner.composer.pressSequentially("a");
    return item.getByText("Lina Sato is typing…").isVisible();
  };
  await expect.poll(isSeenTyping, { interval: 100 }).toBe(true);
  await cleaner.says("One more bill, sorry");
  await item.getByText("One more bill, sorry").waitFor();
  await item.getByRole("img", { name: "1 unread" }).waitFor();
  await item.click();
  await client.page.waitForURL("**/jobs/46/chat");
  await client.sees("One more bill, sorry");
  await item.getByRole("img", { name: "1 unread" }).waitFor({ state: "detached" });
  await expect.poll(() => item.getAttribute("aria-current")).toBe("true");
});

test("each step of a job is told in its chat, and shown to both", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  await client.opensChat(43);
  await cleaner.page.goto("/");
  await cleaner.page.locator("[data-job='43']").click();
  const modal = cleaner.page.getByRole("dialog");
  for (const [step, done] of [
    ["Confirm", "confirmed"],
    ["Start", "started"],
    ["Finish", "finished"],
  ] as const) {
    await modal.getByRole("button", { name: `${step} the job` }).click();
    await client.note(`Kim Osei ${done} the job`).waitFor();
  }
  await client.page.locator(".pill-finished").waitFor();
});

test("a message that comes while nobody looks is told on the desktop, and a click leads to it", async () => {
  const client = await set.visitor("client1", { permissions: ["notifications"] });
  // A headless window is always looked at, and shows no notices: it says that it is hidden, and keeps what it is to show.
  await client.page.addInitScript(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    const notices: object[] = [];
    class Notice {
      static permission = "granted";
      onclick: (() => void) | null = null;
      constructor(title: string, { body }: NotificationOptions) {
        notices.push({ title, body, open: () => this.onclick?.() });
      }
      close() {}
    }
    Object.assign(window, { Notification: Notice, notices });
  });
  await client.page.goto("/");
  await client.page.locator("[data-job='42']").waitFor();
  const cleaner = await set.visitor("cleaner1");
  await cleaner.opensChat(42);
  await cleaner.says("I am at the door");
  type Noticed = { notices: { title: string; body: string; open: () => void }[] };
  await client.page.waitForFunction(() => (window as unknown as Noticed).notices.length > 0);
  const [notice] = await client.page.evaluate(() =>
    (window as unknown as Noticed).notices.map(({ title, body }) => [title, body]),
  );
  expect(notice).toEqual(["Kim Osei", "I am at the door"]);
  await client.page.evaluate(() => (window as unknown as Noticed).notices[0]?.open());
  await client.page.waitForURL("**/jobs/42/chat");
});

test("where a page may show no notices although they are allowed, it goes on", async () => {
  const client = await set.visitor("client1");
  await client.page.addInitScript(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    // As Chrome does on Android: there they are for service workers alone.
    class Notice {
      static permission = "granted";
      constructor() {
        Object.assign(window, { tried: true });
        throw new TypeError("Illegal constructor. Use ServiceWorkerRegistration.showNotification() instead.");
      }
    }
    Object.assign(window, { Notification: Notice });
  });
  await client.page.goto("/");
  await client.page.locator("[data-job='42']").waitFor();
  const cleaner = await set.visitor("cleaner1");
  await cleaner.opensChat(42);
  await cleaner.says("I have rung twice");
  await client.page.waitForFunction(() => "tried" in window);
  // What it throws is a complaint, which no page may give cause for.
  await client.page.locator("[data-job='42'] .ce-unread-badge").waitFor();
});
