/** What was written and not sent yet: over a reload, and in several tabs. */

import { indexedDbOutbox } from "@chat-engine/client/outbox-indexeddb";
import { render } from "@testing-library/react";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import { open, settled, stage, texts } from "../../../client/test/support/stage.js";
import { useChat, WebSocketProvider } from "../../src/index.js";
import { as, probe, soon, tidy } from "./support/chat.js";

const s = stage();
tidy();
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

/** A tab of Ann's that shows a room. */
function tab(room: string, server: { port: number }) {
  const chat = probe(() => useChat(room));
  const page = render(
    <WebSocketProvider {...as("ann", server)} outbox={indexedDbOutbox("chat-outbox:ann")}>
      {chat.probe}
    </WebSocketProvider>,
  );
  return { ...chat, ...page };
}

test("a message that was pending when the page went is shown and sent by the next one, under the same key", async () => {
  const room = await s.room("ann", "ben");
  s.network.unplug();
  const before = tab(room, s.network);
  const key = before.latest().sendMessage("from the tunnel");
  const look = indexedDbOutbox("chat-outbox:ann");
  await soon(() => expect(before.latest().messages).toMatchObject([{ key, progress: "pending" }]));
  await expect.poll(async () => (await look.all()).length).toBe(1);
  before.unmount();

  const after = tab(room, s.network);
  await soon(() => expect(after.latest().messages).toMatchObject([{ key, progress: "pending", isMine: true }]));
  s.network.restore();
  await soon(() => expect(after.latest().messages).toMatchObject([{ key, progress: "sent", seq: 1 }]));
  expect(new Set(after.drawn.flatMap(({ messages }) => messages.map((message) => message.key)))).toEqual(
    new Set([key]),
  );
});

test("two tabs show the same, and each message is sent once", async () => {
  const room = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), room);
  const [one, other] = [tab(room, s.server), tab(room, s.server)];
  await soon(() => expect([one, other].map(({ latest }) => latest().isConnected)).toEqual([true, true]));
  for (let n = 0; n < 10; n += 1) (n % 2 ? one : other).latest().sendMessage(`${n}`);
  const { messages } = await settled(ben, 10);
  for (const { latest, drawn } of [one, other]) {
    await soon(() => expect(latest().messages.map(({ seq }) => seq)).toEqual(messages.map(({ seq }) => seq)));
    expect(latest().messages.map(({ content }) => content)).toEqual(texts({ messages }));
    // A message is never there twice, on its way and stored.
    for (const { messages: shown } of drawn) expect(new Set(shown.map(({ key }) => key)).size).toBe(shown.length);
  }
});
