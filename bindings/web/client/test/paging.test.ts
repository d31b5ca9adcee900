/** A long history: pages both ways, jumps, and what comes live meanwhile. */

import { beforeAll, expect, test } from "vitest";
import { ChatClient, when } from "../src/index.js";
import { connected, live, open, stage } from "./support/stage.js";

const s = stage();
const LAST = 500;
let key: string;
const ids: string[] = [];

beforeAll(async () => {
  key = await s.room("ann", "ben", "cat");
  const ben = s.client("ben");
  await connected(ben);
  const sent = Array.from({ length: LAST }, (_, n) =>
    ben.request("send_message", { room: key, content: `message ${n + 1}` }),
  );
  for (const { message } of await Promise.all(sent)) ids[message.seq] = message.id;
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const seqs = ({ messages }: { messages: readonly { seq: number }[] }) => messages.map(({ seq }) => seq);

test("all the way up, a page at a time", async () => {
  const room = await open(s.client("ann"), key);
  expect(seqs(room.getSnapshot())).toEqual(range(451, LAST));
  let pages = 0;
  while (room.getSnapshot().hasOlder) {
    await room.loadOlder();
    pages += 1;
  }
  expect(pages).toBe(9);
  expect(seqs(room.getSnapshot())).toEqual(range(1, LAST));
  expect(room.getSnapshot().messages.map(({ content }) => content)).toEqual(range(1, LAST).map((n) => `message ${n}`));
});

test("a window of 120 goes up and comes down again, always whole", async () => {
  const room = await open(s.client("ann", { windowSize: 120 }), key);
  while (room.getSnapshot().hasOlder) {
    await room.loadOlder();
    const held = seqs(room.getSnapshot());
    expect(held.length).toBeLessThanOrEqual(120);
    expect(held).toEqual(range(held[0] as number, held.at(-1) as number));
  }
  expect([seqs(room.getSnapshot()), room.getSnapshot().hasNewer]).toEqual([range(1, 120), true]);
  while (room.getSnapshot().hasNewer) {
    await room.loadNewer();
    expect(room.getSnapshot().messages.length).toBeLessThanOrEqual(120);
  }
  expect(seqs(room.getSnapshot())).toEqual(range(LAST - 119, LAST));
});

test.each([
  ["wss://chat.example.com/ws/", "https://chat.example.com/api/messages/m1/"],
  ["wss://example.com/chat/ws", "https://example.com/chat/api/messages/m1/"],
  ["ws://localhost:8080/ws/job_chat/42/", "http://localhost:8080/api/messages/m1/"],
])("beside %s a message is asked for at %s", async (url, at) => {
  const asked: string[] = [];
  const fetch = (async (url) => {
    asked.push(String(url));
    return Response.json({ code: "not_found", message: "", retry: "never" }, { status: 404 });
  }) as typeof globalThis.fetch;
  const chat = new ChatClient({ url, token: "t", environment: { fetch } });
  await expect(chat.room("job:42").jumpTo("m1")).rejects.toMatchObject({ code: "not_found" });
  expect(asked).toEqual([at]);
});

test("jumps to a message by its place or its id, and goes on from there in both directions", async () => {
  const room = await open(s.client("ann"), key);
  expect(await room.jumpTo(250)).toBe(250);
  const around = room.getSnapshot();
  expect([around.hasOlder, around.hasNewer]).toEqual([true, true]);
  const held = seqs(around);
  expect(held).toContain(250);
  expect(held).toEqual(range(held[0] as number, held.at(-1) as number));
  await Promise.all([room.loadOlder(), room.loadNewer(), room.loadOlder()]);
  expect(seqs(room.getSnapshot())).toEqual(range((held[0] as number) - 50, (held.at(-1) as number) + 50));
  expect(await room.jumpTo(ids[7] as string)).toBe(7);
  expect(seqs(room.getSnapshot())[0]).toBe(1);
  expect(room.getSnapshot().hasOlder).toBe(false);
  await expect(room.jumpTo("01900000-0000-7000-8000-000000000000")).rejects.toMatchObject({ code: "not_found" });
  // What one may see elsewhere says nothing about this room.
  const elsewhere = await open(s.client("ann"), await s.room("ann", "ben"));
  await expect(elsewhere.jumpTo(ids[7] as string)).rejects.toMatchObject({ code: "not_found" });
  expect(elsewhere.getSnapshot().messages).toEqual([]);
  await room.jumpToLatest();
  expect([seqs(room.getSnapshot()), room.getSnapshot().hasNewer]).toEqual([range(451, LAST), false]);
});

test("what comes live while one reads further up is there when one comes down", async () => {
  const other = await s.room("ann", "ben");
  const [ann, ben] = [await open(s.client("ann"), other), await open(s.client("ben"), other)];
  for (const n of range(1, 120)) ben.send(`${n}`);
  await when(ann, ({ lastSeq }) => lastSeq === 120);
  await ann.jumpTo(1);
  const held = seqs(ann.getSnapshot());
  expect(held).toEqual(range(1, 120));
  const far = s.client("ann");
  const late = await open(far, other);
  await late.jumpTo(10);
  const before = seqs(late.getSnapshot());
  ben.send("121");
  await when(late, ({ lastSeq, lastMessage }) => lastSeq === 121 && lastMessage?.content === "121");
  expect(seqs(late.getSnapshot())).toEqual(before);
  while (late.getSnapshot().hasNewer) await late.loadNewer();
  expect(seqs(late.getSnapshot()).at(-1)).toBe(121);
  ben.send("122");
  await when(late, ({ messages }) => messages.at(-1)?.content === "122");
});

test("a page that is on its way when the connection goes fails, and can be had again", async () => {
  const chat = s.client("ann", { far: true });
  const room = await open(chat, key);
  s.network.loseAnswers();
  const lost = room.loadOlder();
  s.network.restore();
  s.network.cut();
  await expect(lost).rejects.toMatchObject({ code: "disconnected", retry: "later" });
  await when(room, ({ status }) => status === "live");
  await live(room);
  await room.loadOlder();
  expect(seqs(room.getSnapshot())).toEqual(range(401, LAST));
});
