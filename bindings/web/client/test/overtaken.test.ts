/** Answers that events have overtaken: nothing goes missing by them, and nothing comes back. */

import { expect, test } from "vitest";
import { type ChatClient, type Room, when } from "../src/index.js";
import { Delays } from "./support/delays.js";
import { connected, live, open, stage, texts } from "./support/stage.js";

const s = stage();

/** Ann and Ben in a room of so many messages; Ann's answers can be held back. */
async function talk(messages: number, author = "ben") {
  const key = await s.room("ann", "ben");
  const delays = new Delays();
  const chat = s.client("ann", { environment: { WebSocket: delays.WebSocket } });
  const ben = s.client("ben");
  await connected(ben);
  const speaker = author === "ben" ? ben : chat;
  await connected(speaker);
  const said = Array.from({ length: messages }, (_, n) => say(speaker, key, `${n + 1}`));
  const ids = (await Promise.all(said)).map(({ message }) => message.id);
  return { key, delays, chat, ann: await open(chat, key), ben, ids };
}

const say = (client: ChatClient, room: string, content: string) => client.request("send_message", { room, content });

const heard = (room: Room, content: string) => when(room, ({ lastMessage }) => lastMessage?.content === content);

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`);

test("what is said while the page before it is under way is not left out", async () => {
  const { key, delays, ann, ben } = await talk(70);
  await ann.jumpTo(1);
  const held = delays.hold("history");
  const page = ann.loadNewer();
  await held.arrived;
  await say(ben, key, "71");
  await heard(ann, "71");
  held.release();
  await page;
  while (ann.getSnapshot().hasNewer) await ann.loadNewer();
  expect(texts(ann.getSnapshot())).toEqual(numbers(1, 71));
});

test("the latest messages are the latest, also where one came while they were under way", async () => {
  const { key, delays, ann, ben } = await talk(80);
  await ann.jumpTo(1);
  const held = delays.hold("history");
  const jump = ann.jumpToLatest();
  await held.arrived;
  await say(ben, key, "81");
  await heard(ann, "81");
  held.release();
  await jump;
  expect(ann.getSnapshot().hasNewer).toBe(false);
  expect(texts(ann.getSnapshot())).toEqual(numbers(31, 81));
});

test("what is edited or deleted while its page is under way does not come back as it was", async () => {
  const { key, delays, ann, ben, ids } = await talk(80);
  const held = delays.hold("history");
  const page = ann.loadOlder();
  await held.arrived;
  await ben.request("edit_message", { message_id: ids[4] ?? "", content: "five" });
  await ben.request("delete_message", { message_id: ids[6] ?? "" });
  await say(ben, key, "81");
  await heard(ann, "81");
  held.release();
  await page;
  expect(texts(ann.getSnapshot()).slice(0, 8)).toEqual(["1", "2", "3", "4", "five", "6", null, "8"]);
});

test("what one has edited stays so when the answer is here before the event", async () => {
  const { delays, ann, ids } = await talk(2, "ann");
  const held = delays.hold("message_edited");
  ann.edit(ids[0] ?? "", "one");
  await held.arrived;
  const { messages } = await when(ann, ({ outbox }) => outbox.length === 0);
  expect(texts({ messages })).toEqual(["one", "2"]);
  held.release();
  await when(ann, ({ messages }) => messages[0]?.edited_at !== undefined);
  expect(texts(ann.getSnapshot())).toEqual(["one", "2"]);
});

test("who goes elsewhere while a jump is under way is not called back", async () => {
  const { delays, ann } = await talk(120);
  const held = delays.hold("history");
  const jump = ann.jumpTo(1);
  await held.arrived;
  await ann.jumpToLatest();
  held.release();
  await jump;
  expect(texts(ann.getSnapshot())).toEqual(numbers(71, 120));
});

test("nothing of a room is shown to who was removed while a page was under way", async () => {
  const { key, delays, ann } = await talk(120);
  const held = delays.hold("history");
  const jump = ann.jumpTo(1);
  await held.arrived;
  await s.server.host("DELETE", `chatrooms/${key}/participants/ann/`);
  await when(ann, ({ status }) => status === "gone");
  held.release();
  await jump;
  expect(ann.getSnapshot()).toMatchObject({ status: "gone", messages: [] });
});

test("the list that comes late takes nothing back of a room that is open", async () => {
  const { key, delays, chat, ann, ben } = await talk(1);
  const held = delays.hold("list_rooms");
  chat.rooms.subscribe(() => {});
  await held.arrived;
  await s.server.host("PATCH", `chatrooms/${key}/`, { name: "Friday" });
  await say(ben, key, "2");
  await heard(ann, "2");
  held.release();
  const [listed] = (await when(chat.rooms, ({ status }) => status === "live")).rooms.filter(({ ref }) => ref === key);
  expect(listed).toMatchObject({ lastMessage: { content: "2" }, info: { name: "Friday" } });
});

test("a long list lacks no room that comes to its beginning, or into it, while it is under way", async () => {
  const rooms = 205;
  const name = (n: number) => `long:${n}`;
  for (let n = 0; n < rooms; n += 1) await s.server.room(name(n), "ida", "ben");
  const delays = new Delays();
  const [ida, ben] = [s.client("ida", { environment: { WebSocket: delays.WebSocket } }), s.client("ben")];
  await Promise.all([connected(ida), connected(ben)]);
  const held = delays.hold("list_rooms");
  const stop = ida.rooms.subscribe(() => {});
  await held.arrived;
  await say(ben, name(0), "I come to the beginning");
  await s.server.room(name(rooms), "ida", "ben");
  await when(ida.rooms, (list) => list.rooms.some(({ info }) => info?.key === name(rooms)));
  held.release();
  const list = await when(ida.rooms, ({ status }) => status === "live");
  const keys = list.rooms.map(({ info }) => info?.key);
  expect(new Set(keys)).toEqual(new Set(Array.from({ length: rooms + 1 }, (_, n) => name(n))));
  stop();
});

test("a room that was left before it was open is not taken for one that is followed", async () => {
  const key = await s.room("ann", "ben");
  const delays = new Delays();
  const chat = s.client("ann", { environment: { WebSocket: delays.WebSocket } });
  const ben = await open(s.client("ben"), key);
  await connected(chat);
  const held = delays.hold("subscribe");
  const room = chat.room(key);
  const stop = room.subscribe(() => {});
  await held.arrived;
  stop();
  // As long as it takes until a room that nobody watches is closed.
  await new Promise((later) => setTimeout(later, 1_200));
  held.release();
  await when(ben, ({ present }) => !present.includes("ann"));
  expect(room.getSnapshot().status).toBe("stale");
  ben.send("while you were out");
  await when(ben, ({ messages }) => messages.length === 1);
  room.subscribe(() => {});
  expect(texts(await live(room))).toEqual(["while you were out"]);
});
