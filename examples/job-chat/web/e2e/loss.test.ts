/** What is lost on the way: connections, the server, pages, tabs. Nothing that was written is lost, doubled or moved. */

import { expect, test } from "vitest";
import { Network } from "./support/network.js";
import { stage } from "./support/stage.js";
import type { Visitor } from "./support/visitor.js";

const set = stage();

/** Waits until somebody sees exactly these at the end of a conversation. */
async function ends(visitor: Visitor, texts: string[]): Promise<void> {
  await expect.poll(async () => (await visitor.texts()).slice(-texts.length)).toEqual(texts);
}

test("the server is killed and started again: both go on, and what was written meanwhile comes in order, once", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  await Promise.all([client.opensChat(42), cleaner.opensChat(42)]);
  await client.says("before");
  await cleaner.sees("before");
  await set.server.kill();
  await client.page.getByText("Reconnecting").first().waitFor();
  for (const text of ["while 1", "while 2", "while 3"]) await client.says(text);
  await client.seesTick("while 3", "Sending");
  await set.server.start();
  const texts = ["before", "while 1", "while 2", "while 3"];
  await Promise.all([ends(client, texts), ends(cleaner, texts)]);
  await client.says("after");
  await Promise.all([ends(client, [...texts, "after"]), ends(cleaner, [...texts, "after"])]);
});

test("a device goes offline and comes back", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  const network = await Network.of(cleaner.context);
  await Promise.all([client.opensChat(43), cleaner.opensChat(43)]);
  await cleaner.context.setOffline(true);
  await network.unplug();
  await cleaner.page.getByText("Reconnecting").first().waitFor();
  await client.says("Where are you?");
  await client.seesTick("Where are you?", "Sent");
  await cleaner.says("In the lift");
  network.plug();
  await cleaner.context.setOffline(false);
  const texts = ["Where are you?", "In the lift"];
  await Promise.all([ends(client, texts), ends(cleaner, texts)]);
});

test("what is pending when the page is loaded again is shown, and sent", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  const network = await Network.of(client.context);
  const other = await set.anotherTab(client);
  await Promise.all([client.opensChat(41), other.opensChat(41), cleaner.opensChat(41)]);
  await network.unplug();
  await client.says("written in a tunnel");
  await client.seesTick("written in a tunnel", "Sending");
  // Shown it is before it is kept; another tab shows what is kept.
  await other.sees("written in a tunnel");
  await other.page.close();
  await client.page.reload();
  await client.seesTick("written in a tunnel", "Sending");
  network.plug();
  await cleaner.sees("written in a tunnel");
  await client.seesTick("written in a tunnel", "Read");
  expect((await cleaner.texts()).filter((text) => text === "written in a tunnel")).toHaveLength(1);
});

test("what is pending in a tab that is closed is sent by another one, once", async () => {
  const [client, cleaner] = await Promise.all([set.visitor("client1"), set.visitor("cleaner1")]);
  const network = await Network.of(client.context);
  const other = await set.anotherTab(client);
  await Promise.all([client.opensChat(41), other.opensChat(41), cleaner.opensChat(41)]);
  await client.says("both tabs see this");
  await Promise.all([other.sees("both tabs see this"), cleaner.sees("both tabs see this")]);
  await network.unplug();
  await client.says("from the closed tab 1");
  await client.says("from the closed tab 2");
  await client.seesTick("from the closed tab 2", "Sending");
  await other.sees("from the closed tab 2");
  await client.page.close();
  network.plug();
  const texts = ["both tabs see this", "from the closed tab 1", "from the closed tab 2"];
  await Promise.all([ends(cleaner, texts), ends(other, texts)]);
});
