/** Two people talk, over the real server. */

import { expect, test } from "vitest";
import WebSocket from "ws";
import {
  ChatError,
  type Message,
  type Participant,
  type RoomListSnapshot,
  readBy,
  receiptOf,
  when,
} from "../src/index.js";
import { connected, live, open, settled, stage, texts, typed, watch } from "./support/stage.js";

const s = stage();

test("what one says the other hears, both ways and in order", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(s.client("ann"), key);
  const ben = await open(s.client("ben"), key);
  for (let n = 0; n < 20; n += 1) {
    ann.send(`a${n}`);
    ben.send(`b${n}`);
  }
  const [a, b] = [await settled(ann, 40), await settled(ben, 40)];
  expect(texts(a)).toEqual(texts(b));
  for (const name of ["a", "b"]) {
    const own = texts(a).filter((text) => text?.startsWith(name));
    expect(own).toEqual(Array.from({ length: 20 }, (_, n) => `${name}${n}`));
  }
});

test("a message is shown at once, once, and keeps its name", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(s.client("ann"), key);
  const seen = watch(ann);
  const id = ann.send("hello");
  expect(ann.getSnapshot().outbox).toMatchObject([{ clientId: id, state: "pending", fields: { content: "hello" } }]);
  await settled(ann, 1);
  for (const { messages, outbox } of seen) {
    const names = [...messages.map(({ client_id }) => client_id), ...outbox.map(({ clientId }) => clientId)];
    expect(names.filter((name) => name === id).length).toBeLessThanOrEqual(1);
  }
  // From the first echo on it is never away.
  const first = seen.findIndex(({ outbox }) => outbox.length > 0);
  for (const { messages, outbox } of seen.slice(first)) expect(messages.length + outbox.length).toBe(1);
  expect(ann.getSnapshot().messages[0]).toMatchObject({ client_id: id, sender: "ann", content: "hello" });
});

test("content is data, whatever it looks like", async () => {
  const key = await s.room("ann", "ben");
  const [ann, ben] = [await open(s.client("ann"), key), await open(s.client("ben"), key)];
  const hostile = [
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "a\n\tb",
    "😀".repeat(4_000),
  ];
  for (const text of hostile) ann.send(text);
  expect(texts(await settled(ben, hostile.length))).toEqual(hostile);
});

test("ticks follow the other one: sent, delivered, read", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(s.client("ann"), key);
  ann.send("read this");
  await settled(ann, 1);
  const receipt = () => receiptOf(ann.getSnapshot().messages[0] as never, ann.getSnapshot().participants);
  expect(receipt()).toBe("sent");
  const ben = await open(s.client("ben"), key);
  await when(ann, () => receipt() === "delivered");
  expect(ben.getSnapshot().unreadCount).toBe(1);
  ben.markRead();
  expect(ben.getSnapshot()).toMatchObject({ unreadCount: 0, my: { marker_seq: 1, read_seq: 1 } });
  await when(ann, () => receipt() === "read");
  const { messages, participants } = ann.getSnapshot();
  expect(readBy(messages[0] as never, participants).map(({ user_id }) => user_id)).toEqual(["ben"]);
});

test("who came later and may not read a message has neither read it nor keeps it from being read by all", async () => {
  const key = "job:since-joined";
  await s.server.host("POST", "chatrooms/", { key, history: "since_joined", participants: ["amy", "ben"] });
  const chat = s.client("amy");
  const [amy, ben] = [await open(chat, key), await open(s.client("ben"), key)];
  amy.send("One");
  await Promise.all([settled(amy, 1), settled(ben, 1)]);
  ben.markRead();
  const now = () => {
    const { messages, participants } = amy.getSnapshot();
    const one = messages[0] as Message;
    return [receiptOf(one, participants), readBy(one, participants).map(({ user_id }) => user_id)];
  };
  await when(amy, () => now()[0] === "read");
  await s.server.host("POST", `chatrooms/${key}/participants/`, { user_id: "zoe" });
  await when(amy, ({ participants }) => participants.length === 3);
  expect(now()).toEqual(["read", ["ben"]]);
  const zoe = await open(s.client("zoe"), key);
  ben.send("Two");
  await settled(zoe, 1);
  zoe.markRead();
  const hasRead = (seq: number) => (who: Participant) => who.user_id === "zoe" && who.read_seq >= seq;
  await when(amy, ({ participants }) => participants.some(hasRead(2)));
  expect(now()).toEqual(["read", ["ben"]]);
  const { results } = await chat.request("readers", { message_id: amy.getSnapshot().messages[0]?.id as string });
  expect(results.map(({ user_id }) => user_id)).toEqual(["ben"]);
});

test("typing is shown to the others, ends after 3 s, and ends with a message", async () => {
  const key = await s.room("ann", "ben");
  const [ann, ben] = [await open(s.client("ann"), key), await open(s.client("ben"), key)];
  const began = performance.now();
  ann.type();
  ann.type();
  await when(ben, ({ typing }) => typing.includes("ann"));
  expect(ann.getSnapshot().typing).toEqual([]);
  await when(ben, ({ typing }) => typing.length === 0);
  expect(performance.now() - began).toBeGreaterThan(2_500);
  ann.type();
  await when(ben, ({ typing }) => typing.includes("ann"));
  ann.stopTyping();
  await when(ben, ({ typing }) => typing.length === 0);
  ann.type();
  await when(ben, ({ typing }) => typing.includes("ann"));
  ann.send("done");
  const { typing } = await settled(ben, 1);
  expect(typing).toEqual([]);
});

test("edits and deletes are shown at once to oneself and then to the others", async () => {
  const key = await s.room("ann", "ben");
  const [ann, ben] = [await open(s.client("ann"), key), await open(s.client("ben"), key)];
  ann.send("one");
  ann.send("two");
  const { messages } = await settled(ann, 2);
  ann.edit(messages[0]?.id ?? "", "one, better");
  ann.delete(messages[1]?.id ?? "");
  expect(texts(ann.getSnapshot())).toEqual(["one, better", null]);
  await when(ben, (now) => texts(now)[0] === "one, better" && texts(now)[1] === null);
  // What the server answers and what it tells come one after the other, in any order.
  const done = await when(ann, ({ outbox, messages }) => outbox.length === 0 && messages[1]?.deleted_by === "ann");
  expect(texts(done)).toEqual(["one, better", null]);
});

test("what the server refuses is failed, says why, and can be discarded; what follows goes out", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(s.client("ann"), key);
  const id = ann.send("x".repeat(20_000));
  ann.send("fits");
  await when(ann, ({ outbox, messages }) => outbox[0]?.state === "failed" && messages.length === 1);
  expect(ann.getSnapshot().outbox).toMatchObject([
    { clientId: id, state: "failed", error: { code: "message_too_large" } },
  ]);
  ann.retry(id);
  expect(ann.getSnapshot().outbox).toMatchObject([{ clientId: id, state: "pending" }]);
  await when(ann, ({ outbox }) => outbox[0]?.state === "failed");
  ann.discard(id);
  expect(ann.getSnapshot().outbox).toEqual([]);
});

test("what is larger than a frame is failed, and ends no connection", async () => {
  const key = await s.room("ann", "ben");
  const chat = s.client("ann");
  const ann = await open(chat, key);
  const states = watch(chat.connection);
  const id = ann.send("ü".repeat(70_000));
  ann.send("fits");
  await when(ann, ({ outbox, messages }) => outbox[0]?.state === "failed" && messages.length === 1);
  expect(ann.getSnapshot().outbox).toMatchObject([{ clientId: id, state: "failed", error: { code: "too_large" } }]);
  await expect(chat.request("update_room", { room: key, topic: "x".repeat(140_000) })).rejects.toMatchObject({
    code: "too_large",
    retry: "never",
  });
  expect(states.map(({ status }) => status)).not.toContain("waiting");
});

test("what is given up while it is being refused does not come back", async () => {
  const key = await s.room("ann", "ben");
  let said: (frame: string) => void = () => {};
  class Overheard extends WebSocket {
    override send(frame: string): void {
      super.send(frame);
      said(frame);
    }
  }
  const ann = await open(s.client("ann", { environment: { WebSocket: Overheard } }), key);
  const id = ann.send("x".repeat(20_000));
  said = (frame) => {
    if (frame.includes(id)) ann.discard(id);
  };
  // The next one goes out after the refusal, and looks at everything that is kept.
  await when(ann, ({ outbox }) => outbox.length === 0);
  ann.send("fits");
  await settled(ann, 1);
  ann.send("fits too");
  await settled(ann, 2);
  expect(ann.getSnapshot().outbox).toEqual([]);
});

test("unread is what the server says, through reading, marking unread and deleting", async () => {
  const key = await s.room("ann", "ben");
  const [chat, ben] = [s.client("ann"), await open(s.client("ben"), key)];
  const ann = await open(chat, key);
  for (let n = 1; n <= 5; n += 1) ben.send(`${n}`);
  await when(ann, ({ unreadCount }) => unreadCount === 5);
  const truth = async () => (await chat.request("get_room", { room: key })).unread_count;
  expect(await truth()).toBe(5);
  ann.markRead(3);
  await when(ann, ({ unreadCount }) => unreadCount === 2);
  expect(await truth()).toBe(2);
  const { messages } = await settled(ben, 5);
  ben.delete(messages[4]?.id ?? "");
  await when(ann, ({ unreadCount }) => unreadCount === 1);
  expect(await truth()).toBe(1);
  ann.markRead();
  expect(ann.getSnapshot().unreadCount).toBe(0);
  await ann.markUnread(2);
  await when(ann, ({ unreadCount }) => unreadCount === 3);
  expect(await truth()).toBe(3);
  // An answer of mine does not read what I marked unread.
  ann.send("later");
  await settled(ann, 6);
  expect(ann.getSnapshot().unreadCount).toBe(3);
  expect(await truth()).toBe(3);
});

test("another device of mine follows what I read", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const [phone, laptop] = [await open(s.client("ann"), key), await open(s.client("ann"), key)];
  ben.send("one");
  ben.send("two");
  await when(laptop, ({ unreadCount }) => unreadCount === 2);
  await settled(phone, 2);
  phone.markRead();
  await when(laptop, ({ unreadCount }) => unreadCount === 0);
});

test("the list follows all rooms, and sums what is unread", async () => {
  const [one, two] = [await s.room("cat", "ben"), await s.room("cat", "ben")];
  const cat = s.client("cat");
  cat.rooms.subscribe(() => {});
  await when(cat.rooms, ({ status, rooms }) => status === "live" && rooms.every((room) => room.status === "live"));
  const ben = s.client("ben");
  const [first, second] = [await open(ben, one), await open(ben, two)];
  first.send("a");
  await settled(first, 1);
  second.send("b");
  second.send("c");
  const { rooms } = await when(cat.rooms, ({ unreadTotal }) => unreadTotal === 3);
  expect(rooms.map(({ info, unreadCount, lastMessage }) => [info?.key, unreadCount, lastMessage?.content])).toEqual([
    [two, 2, "c"],
    [one, 1, "a"],
  ]);
  // Nothing was fetched for rooms that nobody looks at; delivered they are.
  expect(rooms.map(({ messages }) => messages.length)).toEqual([0, 0]);
  await when(second, ({ participants }) => participants.find(({ user_id }) => user_id === "cat")?.delivered_seq === 2);
  const opened = await open(cat, two);
  expect(texts(opened.getSnapshot())).toEqual(["b", "c"]);
  opened.markRead();
  await when(cat.rooms, ({ unreadTotal }) => unreadTotal === 1);
  const three = await s.room("cat", "dan");
  await when(cat.rooms, ({ rooms }) => rooms.some(({ info }) => info?.key === three));
  await s.server.host("DELETE", `chatrooms/${three}/participants/cat/`);
  await when(cat.rooms, ({ rooms }) => !rooms.some(({ info }) => info?.key === three));
});

test("a room that the list follows says at once that its messages are not here yet", async () => {
  const key = await s.room("eva", "ben");
  const ben = await open(s.client("ben"), key);
  ben.send("hello");
  await settled(ben, 1);
  const eva = s.client("eva");
  eva.rooms.subscribe(() => {});
  await when(eva.rooms, ({ rooms: [room] }) => room?.status === "live");
  const room = eva.room(key);
  const seen = watch(room);
  expect(room.getSnapshot().status).toBe("loading");
  expect(eva.rooms.getSnapshot().rooms).toEqual([room.getSnapshot()]);
  expect(texts(await live(room))).toEqual(["hello"]);
  expect(seen.map(({ status }) => status).filter((status, at, all) => status !== all[at - 1])).toEqual([
    "live",
    "loading",
    "live",
  ]);
});

test("a direct room that was never opened is known by the other one in it", async () => {
  const ben = s.client("ben");
  await connected(ben);
  const dan = s.client("dan");
  const heard: string[] = [];
  dan.rooms.subscribe(() => {
    for (const { participants } of dan.rooms.getSnapshot().rooms) {
      heard.push(...participants.filter(({ user_id }) => user_id !== "dan").map(({ user_id }) => user_id));
    }
  });
  await when(dan.rooms, ({ status }) => status === "live");
  await ben.request("create_room", { kind: "direct", participants: ["dan"] });
  await when(dan.rooms, () => heard.includes("ben"));
  // And the next time, from the list.
  const again = s.client("dan");
  again.rooms.subscribe(() => {});
  const known = ({ participants }: { participants: readonly { user_id: string }[] }) => participants.length === 2;
  const { rooms } = await when(again.rooms, ({ rooms }) => rooms.some(known));
  expect(rooms.find(known)).toMatchObject({
    messages: [],
    hasAllParticipants: true,
    info: { kind: "direct", name: null },
  });
});

test("who types in a room that was never opened is known by name; it is asked for once", async () => {
  const key = "job:typed-in";
  const participants = ["dan", "ben", "cat"].map((user_id) => ({ user_id, name: `Name of ${user_id}` }));
  await s.server.host("POST", "chatrooms/", { key, participants });
  const said: string[] = [];
  class Heard extends WebSocket {
    override send(text: string): void {
      said.push(text);
      super.send(text);
    }
  }
  const dan = s.client("dan", { environment: { WebSocket: Heard } });
  dan.rooms.subscribe(() => {});
  const listed = ({ rooms }: RoomListSnapshot) => rooms.find(({ info }) => info?.key === key);
  const before = listed(await when(dan.rooms, (list) => list.status === "live" && listed(list)?.status === "live"));
  expect(before?.participants).toEqual([]);
  const [ben, cat] = await Promise.all([open(s.client("ben"), key), open(s.client("cat"), key)]);
  const named = when(dan.rooms, (list) => listed(list)?.participants.length === 3);
  await typed([ben], named);
  const two = when(dan.rooms, (list) => listed(list)?.typing.length === 2);
  const both = listed(await typed([ben, cat], two));
  expect(both?.participants.map(({ name }) => name)).toEqual(["Name of ben", "Name of cat", "Name of dan"]);
  expect(both?.messages).toEqual([]);
  const asked = said.filter((text) => text.includes('"list_participants"') && text.includes(before?.id ?? "?"));
  expect(asked).toHaveLength(1);
});

test("a room is the same object by its key and its id, and keeps its snapshot until something changes", async () => {
  const key = await s.room("ann", "ben");
  const chat = s.client("ann");
  const room = await open(chat, key);
  const { id } = room.getSnapshot();
  expect(chat.room(id ?? "")).toBe(room);
  expect(room.getSnapshot()).toBe(room.getSnapshot());
  const before = room.getSnapshot();
  room.type();
  const ben = await open(s.client("ben"), key);
  ben.type();
  const after = await when(room, ({ typing }) => typing.length === 1);
  expect(after.messages).toBe(before.messages);
  expect(after.outbox).toBe(before.outbox);
});

test("a room that nobody watches is closed after a moment; opened again it fetches only what changed", async () => {
  const key = await s.room("ann", "ben");
  const [chat, ben] = [s.client("ann"), await open(s.client("ben"), key)];
  const room = chat.room(key);
  const stop = room.subscribe(() => {});
  await live(room);
  await when(ben, ({ present }) => present.includes("ann"));
  stop();
  await when(ben, ({ present }) => !present.includes("ann"));
  expect(room.getSnapshot().status).toBe("stale");
  ben.send("while you were out");
  await settled(ben, 1);
  const mended: string[] = [];
  chat.on("continuity", (news) => mended.push(news.mended));
  room.subscribe(() => {});
  expect(texts(await live(room))).toEqual(["while you were out"]);
  // It was closed on purpose: nothing broke.
  expect(mended).toEqual([]);
});

test("a name that cannot be a room's keeps no other room from being opened", async () => {
  const key = await s.room("ann", "ben");
  const chat = s.client("ann");
  const codes: string[] = [];
  chat.on("error", ({ error }) => codes.push((error as ChatError).code));
  const rooms = ["", key, "job:none"].map((name) => chat.room(name));
  for (const room of rooms) room.subscribe(() => {});
  await Promise.all(rooms.map((room) => when(room, ({ status }) => status === "live" || status === "gone")));
  expect(rooms.map((room) => room.getSnapshot().status)).toEqual(["gone", "live", "gone"]);
  expect(codes).toEqual(["invalid_argument"]);
});

test("news of messages by others come once each", async () => {
  const key = await s.room("ann", "ben");
  const [chat, ben] = [s.client("ann"), await open(s.client("ben"), key)];
  const ann = await open(chat, key);
  const heard: (string | undefined)[] = [];
  chat.on("message", ({ message, live }) => live && heard.push(message.content));
  ann.send("mine");
  ben.send("yours");
  ben.send("again");
  await settled(ann, 3);
  expect(heard).toEqual(["yours", "again"]);
});

test("any command can be asked for, and an error says what it was", async () => {
  const ann = s.client("ann");
  await connected(ann);
  const room = await ann.request("create_room", { kind: "direct", participants: ["ben"] });
  expect(room.kind).toBe("direct");
  const refused = ann.request("get_room", { room: "job:nowhere" });
  await expect(refused).rejects.toBeInstanceOf(ChatError);
  await expect(refused).rejects.toMatchObject({ code: "not_found", retry: "never" });
  const missing = ann.room("job:nowhere");
  missing.subscribe(() => {});
  await when(missing, ({ status }) => status === "gone");
  ann.close();
  await expect(ann.request("ping", {})).rejects.toMatchObject({ code: "disconnected", retry: "later" });
});
