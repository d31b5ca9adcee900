/** Rooms through the hooks, with the real server. */

import { ChatClient } from "@chat-engine/client";
import { render } from "@testing-library/react";
import { version } from "react";
import { expect, test } from "vitest";
import { Delays } from "../../../client/test/support/delays.js";
import { open, settled, stage, texts } from "../../../client/test/support/stage.js";
import { token } from "../../../client/test/support/token.js";
import {
  type Chat,
  useChat,
  useChatRooms,
  useConnection,
  usePresence,
  useReadBy,
  useTyping,
  useUnreadTotal,
  useWebSocket,
  WebSocketProvider,
} from "../../src/index.js";
import { as, probe, show, soon, tidy, typed } from "./support/chat.js";

const s = stage();
tidy();

/** A room of Ann and somebody else, mostly Ben, whom the host has given names. */
let jobs = 0;
async function job(other = { user_id: "ben", name: "Ben Birch" }): Promise<number> {
  jobs += 1;
  const participants = [{ user_id: "ann", name: "Ann Alder" }, other];
  await s.server.host("POST", "chatrooms/", { key: `job:${1_000 + jobs}`, participants });
  return 1_000 + jobs;
}

const live = (latest: () => Chat) => soon(() => expect(latest().isConnected).toBe(true));

test(`it is React ${version}, as the project says`, ({ task }) => {
  expect(task.file.projectName).toBe(`react ${version.split(".")[0]}`);
});

test("two people talk", async () => {
  const id = await job();
  const [ann, ben] = [probe(() => useChat(id)), probe(() => useChat(String(id)))];
  show("ann", s.server, ann.probe);
  show("ben", s.server, ben.probe);
  await live(ann.latest);
  await live(ben.latest);
  expect(ann.latest()).toMatchObject({ me: "ann", status: "live", messages: [], hasOlder: false, unreadCount: 0 });
  ann.latest().sendMessage("Are you there?");
  await soon(() => expect(ben.latest().messages).toHaveLength(1));
  ben.latest().sendMessage("On my way");
  await soon(() => expect(ann.latest().messages.map(({ seq }) => seq)).toEqual([1, 2]));
  const shown = ann.latest().messages.map(({ content, senderName, isMine }) => [content, senderName, isMine]);
  expect(shown).toEqual([
    ["Are you there?", "Ann Alder", true],
    ["On my way", "Ben Birch", false],
  ]);
  await soon(() => expect(ben.latest().unreadCount).toBe(1));
  ben.latest().markRead();
  await soon(() => expect(ben.latest().unreadCount).toBe(0));
});

test("a message is shown at once, keeps its key, and its ticks follow the other one", async () => {
  const id = await job();
  const ann = probe(() => useChat(id));
  show("ann", s.server, ann.probe);
  // There is no connection yet.
  const name = ann.latest().sendMessage("hello", { metadata: { mood: "good" } });
  await soon(() => expect(ann.latest().messages[0]?.seq).toBe(1));
  const ben = await open(s.client("ben"), `job:${id}`);
  await soon(() => expect(ann.latest().messages[0]?.progress).toBe("delivered"));
  ben.markRead();
  await soon(() => expect(ann.latest().messages[0]?.progress).toBe("read"));
  const shown = ann.drawn.flatMap(({ messages }) => messages);
  expect(new Set(shown.map(({ key }) => key))).toEqual(new Set([name]));
  expect(shown[0]).toMatchObject({ progress: "pending", content: "hello", isMine: true, metadata: { mood: "good" } });
  expect(shown[0]).not.toHaveProperty("seq");
  const steps = shown.map(({ progress }) => progress).filter((step, at, all) => step !== all[at - 1]);
  expect(steps).toEqual(["pending", "sent", "delivered", "read"]);
  expect(shown.at(-1)).toMatchObject({ senderName: "Ann Alder", room: ben.getSnapshot().id });
});

test("in a room whose people are not all known, nothing is said of all", async () => {
  const others = Array.from({ length: 120 }, (_, n) => `user${n}`);
  await s.server.host("POST", "chatrooms/", { key: "job:8", participants: ["ann", ...others] });
  const ann = s.client("ann");
  await settled(await open(ann, "job:8"), 0);
  ann.room("job:8").send("hello");
  const { participants, hasAllParticipants } = await settled(ann.room("job:8"), 1);
  expect(hasAllParticipants).toBe(false);
  const known = participants.map(({ user_id }) => user_id).filter((user) => user !== "ann");
  expect(known.length).toBe(99);
  for (const user of known) {
    const headers = { authorization: `Bearer ${token(user)}`, "content-type": "application/json" };
    const url = `http://127.0.0.1:${s.server.port}/api/chatrooms/job:8/mark_read/`;
    expect((await fetch(url, { method: "POST", headers, body: '{"seq":1}' })).ok).toBe(true);
  }
  const chat = probe(() => useChat(8));
  show("ann", s.server, chat.probe);
  await live(chat.latest);
  const late = chat.latest().participants.filter(({ user_id, read_seq }) => user_id !== "ann" && read_seq !== 1);
  expect(late).toEqual([]);
  expect(chat.latest().messages).toMatchObject([{ isMine: true, progress: "sent" }]);
});

test("what does not change stays the same object: a tick that moves rebuilds one message", async () => {
  const id = await job();
  const key = `job:${id}`;
  const ben = await open(s.client("ben"), key);
  for (let n = 0; n < 40; n += 1) ben.send(`${n}`);
  await settled(ben, 40);
  const ann = probe(() => useChat(id));
  show("ann", s.server, ann.probe);
  await live(ann.latest);
  ann.latest().sendMessage("last");
  await soon(() => expect(ann.latest().messages[40]?.progress).toBe("delivered"));
  const before = ann.latest().messages;
  ben.markRead();
  await soon(() => expect(ann.latest().messages[40]?.progress).toBe("read"));
  const after = ann.latest().messages;
  expect(after.slice(0, 40).every((message, at) => message === before[at])).toBe(true);
  expect(after[40]).not.toBe(before[40]);
  // Somebody types: no message is touched, and the list is the same one.
  await typed(
    () => ben.type(),
    () => expect(ann.latest().typingUsers).toEqual([{ user_id: "ben", name: "Ben Birch", isKnown: true }]),
  );
  expect(ann.latest().messages).toBe(after);
  expect(ann.latest().sendMessage).toBe(ann.drawn[0]?.sendMessage);
});

test("what the server refuses is failed and says why; it can be retried and discarded", async () => {
  const id = await job();
  const ann = probe(() => useChat(id));
  show("ann", s.server, ann.probe);
  await live(ann.latest);
  const name = ann.latest().sendMessage("x".repeat(20_000));
  await soon(() => expect(ann.latest().messages[0]?.progress).toBe("failed"));
  const [refused] = ann.latest().messages;
  expect(refused).toMatchObject({ key: name, error: { code: "message_too_large" } });
  ann.latest().retry(name);
  await soon(() => {
    expect(ann.latest().messages[0]).not.toBe(refused);
    expect(ann.latest().messages[0]).toMatchObject({ key: name, progress: "failed" });
  });
  ann.latest().discard(name);
  await soon(() => expect(ann.latest().messages).toEqual([]));
});

test("edits and deletes are shown, to oneself at once", async () => {
  const id = await job();
  const [ann, ben] = [probe(() => useChat(id)), await open(s.client("ben"), `job:${id}`)];
  show("ann", s.server, ann.probe);
  await live(ann.latest);
  ann.latest().sendMessage("one");
  ann.latest().sendMessage("two");
  await soon(() => expect(ann.latest().messages[1]?.seq).toBe(2));
  const [one, two] = ann.latest().messages;
  ann.latest().editMessage(one?.id ?? "", "one, better");
  ann.latest().deleteMessage(two?.id ?? "");
  const shown = ["one, better", undefined];
  await soon(() => expect(ann.latest().messages.map(({ content }) => content)).toEqual(shown));
  await soon(() => expect(texts(ben.getSnapshot())).toEqual(["one, better", null]));
  await soon(() => expect(ann.latest().messages[1]).toMatchObject({ key: two?.key, deleted_by: "ann" }));
});

test("a connection that is lost is seen, and what was written meanwhile is sent once", async () => {
  const id = await job();
  const [ann, ben] = [probe(() => useChat(id)), await open(s.client("ben"), `job:${id}`)];
  show("ann", s.network, ann.probe);
  await live(ann.latest);
  s.network.unplug();
  await soon(() => expect(ann.latest()).toMatchObject({ isConnected: false, status: "stale" }));
  ann.latest().sendMessage("from the tunnel");
  await soon(() => expect(ann.latest().messages).toMatchObject([{ progress: "pending" }]));
  ben.send("hello?");
  await settled(ben, 1);
  s.network.restore();
  await settled(ben, 2);
  await soon(() => expect(ann.latest()).toMatchObject({ isConnected: true, messages: [{}, { seq: 2 }] }));
  expect(ann.latest().messages.map(({ content }) => content)).toEqual(["hello?", "from the tunnel"]);
});

test("rooms are named by job, key or id, and chatMessages by what was passed", async () => {
  const id = await job();
  const key = `job:${id}`;
  const room = await open(s.client("ben"), key);
  room.send("hello");
  const uuid = (await settled(room, 1)).id ?? "";
  const ann = probe(useWebSocketRead);
  show("ann", s.server, ann.probe);
  const { connectChatWebSocket, disconnectChatWebSocket, sendChatMessage } = ann.latest();
  for (const name of [id, key, uuid]) connectChatWebSocket(name);
  connectChatWebSocket(id);
  for (const name of [id, String(id), key, uuid]) {
    await soon(() => expect(ann.latest().chatMessages[name]).toMatchObject([{ content: "hello", seq: 1 }]));
  }
  sendChatMessage(String(id), "hello yourself");
  await soon(() => expect(ann.latest().chatMessages[uuid]).toMatchObject([{}, { seq: 2, isMine: true }]));
  expect(ann.latest().chatMessages).not.toHaveProperty("1");
  disconnectChatWebSocket(id);
  await soon(() => expect(Object.keys(ann.latest().chatMessages)).toEqual([key, uuid]));
});

/** The hook as somebody uses it who reads messages. */
function useWebSocketRead() {
  const socket = useWebSocket();
  void socket.chatMessages;
  return socket;
}

test("a component is drawn again only for what it shows", async () => {
  // Of whoever was here before, it may be told late that they went and came.
  const id = await job({ user_id: "ida", name: "Ida Ilex" });
  const chat = probe(() => useChat(id));
  const typing = probe(() => useTyping(id));
  const presence = probe(() => usePresence(id));
  const connection = probe(useConnection);
  const writer = probe(() => useWebSocket().sendChatMessage);
  const reader = probe(() => useWebSocket().chatMessages[id]);
  show(
    "ann",
    s.server,
    <>
      {chat.probe}
      {typing.probe}
      {presence.probe}
      {connection.probe}
      {writer.probe}
      {reader.probe}
    </>,
  );
  await live(chat.latest);
  const ida = await open(s.client("ida"), `job:${id}`);
  await soon(() => expect(presence.latest()).toMatchObject([{ user_id: "ida", online: true, here: true }]));
  await soon(() => expect(presence.latest()[0]).toMatchObject({ name: "Ida Ilex" }));
  const [typings, presences, connections] = [typing, presence, connection].map(({ drawn }) => drawn.length);
  const chats = chat.drawn.length;
  for (let n = 0; n < 5; n += 1) {
    ida.send(`${n}`);
    await soon(() => expect(chat.latest().messages).toHaveLength(n + 1));
  }
  expect(chat.drawn.length).toBeGreaterThanOrEqual(chats + 5);
  expect(presence.drawn.length).toBe(presences);
  expect(connection.drawn.length).toBe(connections);
  expect(typing.drawn.length).toBe(typings);
  expect(writer.drawn.length).toBe(1);
  // It reads the messages of connected rooms, and this room is not one of them.
  expect(reader.drawn.length).toBe(1);
  await typed(
    () => ida.type(),
    () => expect(typing.latest()).toEqual([{ user_id: "ida", name: "Ida Ilex", isKnown: true }]),
  );
  // Where it was seen late, it may have ended and begun again: each time that it was drawn, it was another.
  const drawn = typing.drawn.slice((typings ?? 0) - 1).map(({ length }) => length);
  expect(drawn.filter((count, at) => count === drawn[at - 1])).toEqual([]);
  expect(writer.drawn.length).toBe(1);
});

test("who is there: connected, in the room, and since when not", async () => {
  await s.server.room("job:7", "ann", "dan");
  const presence = probe(() => usePresence(7));
  show("ann", s.server, presence.probe);
  const is = (now: object) => soon(() => expect(presence.latest()).toMatchObject([{ user_id: "dan", ...now }]));
  await is({ name: "dan", online: false, here: false, lastSeen: null });
  const dan = s.client("dan");
  await is({ online: true, here: false });
  await open(dan, "job:7");
  await is({ online: true, here: true });
  dan.close();
  // The server waits a while: a page that is reloaded is no news.
  await is({ online: true, here: false });
  await is({ online: false, here: false, lastSeen: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
});

test("a thousand messages at once are drawn by the frame, and none is missed", async () => {
  const id = await job();
  const ann = probe(() => useChat(id));
  show("ann", s.server, ann.probe);
  await live(ann.latest);
  const ben = s.client("ben");
  const key = `job:${id}`;
  const before = ann.drawn.length;
  const began = performance.now();
  // As fast as the server takes them.
  await soon(() => expect(ben.connection.getSnapshot().status).toBe("open"));
  const sent = Array.from({ length: 1_000 }, (_, n) => ben.request("send_message", { room: key, content: `${n}` }));
  await Promise.all(sent);
  await soon(() => expect(ann.latest().messages.at(-1)?.seq).toBe(1_000));
  const took = performance.now() - began;
  const drawn = ann.drawn.length - before;
  expect(drawn).toBeLessThan(20 + took / 8);
  const seqs = ann.latest().messages.map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 500 }, (_, n) => 501 + n));
});

test("history is fetched page by page, both ways, and around a message", async () => {
  const id = await job();
  const ben = s.client("ben");
  await soon(() => expect(ben.connection.getSnapshot().status).toBe("open"));
  for (let n = 1; n <= 200; n += 1) await ben.request("send_message", { room: `job:${id}`, content: `${n}` });
  const ann = probe(() => useChat(id));
  show("ann", s.server, ann.probe);
  await live(ann.latest);
  const held = () => {
    const { messages, hasOlder, hasNewer } = ann.latest();
    return [hasOlder, messages[0]?.seq, messages.at(-1)?.seq, hasNewer];
  };
  expect(held()).toEqual([true, 151, 200, false]);
  await ann.latest().loadOlder();
  await soon(() => expect(held()).toEqual([true, 101, 200, false]));
  expect(await ann.latest().jumpTo(20)).toBe(20);
  await soon(() => expect(held()).toEqual([false, 1, expect.any(Number), true]));
  const end = ann.latest().messages.length;
  await ann.latest().loadNewer();
  await soon(() => expect(held()).toEqual([false, 1, end + 50, true]));
  await ann.latest().jumpToLatest();
  await soon(() => expect(held()).toEqual([true, 151, 200, false]));
  ann.latest().markRead(190);
  await soon(() => expect(ann.latest().unreadCount).toBe(10));
  await ann.latest().markUnread(181);
  await soon(() => expect(ann.latest().unreadCount).toBe(20));
});

test("a room that is not there, or no longer mine, is gone, and nothing of it is shown", async () => {
  const id = await job();
  const ann = probe(() => ({ chat: useChat(id), nowhere: useChat("job:nowhere") }));
  show("ann", s.server, ann.probe);
  await live(() => ann.latest().chat);
  await soon(() => expect(ann.latest().nowhere).toMatchObject({ status: "gone", isConnected: false }));
  ann.latest().chat.sendMessage("hello");
  await soon(() => expect(ann.latest().chat.messages).toMatchObject([{ seq: 1 }]));
  await s.server.host("DELETE", `chatrooms/job:${id}/participants/ann/`);
  await soon(() => expect(ann.latest().chat).toMatchObject({ status: "gone", isConnected: false, messages: [] }));
  expect(ann.latest().chat).toMatchObject({ participants: [], my: null, unreadCount: 0 });
});

test("who has read a message", async () => {
  const id = await job();
  const ben = await open(s.client("ben"), `job:${id}`);
  const ann = probe(() => {
    const chat = useChat(id);
    return { chat, readers: useReadBy(id, chat.messages[0]?.id ?? "").map(({ name }) => name) };
  });
  show("ann", s.server, ann.probe);
  await live(() => ann.latest().chat);
  ann.latest().chat.sendMessage("read this");
  await settled(ben, 1);
  await soon(() => expect(ann.latest().chat.messages[0]?.seq).toBe(1));
  expect(ann.latest().readers).toEqual([]);
  ben.markRead();
  await soon(() => expect(ann.latest().readers).toEqual(["Ben Birch"]));
});

test("a tick stays where it is when somebody comes who may not read the message", async () => {
  const key = "job:since-joined";
  await s.server.host("POST", "chatrooms/", { key, history: "since_joined", participants: ["ada", "ben"] });
  const ben = await open(s.client("ben"), key);
  const ada = probe(() => useChat(key));
  show("ada", s.server, ada.probe);
  await live(ada.latest);
  ada.latest().sendMessage("read this");
  await settled(ben, 1);
  ben.markRead();
  const ticks = () => ada.latest().messages.map(({ progress }) => progress);
  await soon(() => expect(ticks()).toEqual(["read"]));
  await s.server.host("POST", `chatrooms/${key}/participants/`, { user_id: "zoe" });
  await soon(() => expect(ada.latest().participants).toHaveLength(3));
  expect(ticks()).toEqual(["read"]);
  // What they may read, they have not.
  ada.latest().sendMessage("and this");
  await settled(ben, 2);
  ben.markRead();
  const hasRead = (seq: number) =>
    ada.latest().participants.find(({ user_id, read_seq }) => user_id === "ben" && read_seq >= seq);
  await soon(() => expect(hasRead(2)).toBeDefined());
  expect(ticks()).toEqual(["read", "sent"]);
});

test("a room that the list is about to follow is connected when its messages are here, not before", async () => {
  const id = await job();
  const ben = await open(s.client("ben"), `job:${id}`);
  ben.send("hello");
  await settled(ben, 1);
  const delays = new Delays();
  const client = new ChatClient({ ...as("ann", s.server), environment: { WebSocket: delays.WebSocket } });
  client.connect();
  const followed = delays.hold("subscribe");
  client.rooms.subscribe(() => {});
  await followed.arrived;
  const ann = probe(() => useChat(id));
  render(<WebSocketProvider client={client}>{ann.probe}</WebSocketProvider>);
  followed.release();
  await soon(() => expect(ann.latest()).toMatchObject({ isConnected: true, messages: [{ content: "hello" }] }));
  expect(ann.drawn.filter(({ isConnected, messages }) => isConnected && messages.length === 0)).toEqual([]);
  client.close();
});

test("my rooms: names, last message, unread, who types; and the total", async () => {
  const host = (body: object) => s.server.host("POST", "chatrooms/", body);
  const people = [{ user_id: "cat", name: "Cat Cedar" }, "ben"];
  await host({ key: "job:garden", name: "Garden", participants: people });
  await host({ key: "job:roof", participants: people });
  const ben = s.client("ben");
  await soon(() => expect(ben.connection.getSnapshot().status).toBe("open"));
  const direct = await ben.request("create_room", { kind: "direct", participants: ["cat"] });
  const list = probe(useChatRooms);
  const total = probe(useUnreadTotal);
  show(
    "cat",
    s.server,
    <>
      {list.probe}
      {total.probe}
    </>,
  );
  await soon(() => expect(list.latest()).toMatchObject({ status: "live", rooms: { length: 3 } }));
  const garden = await open(ben, "job:garden");
  garden.send("The gate is open");
  garden.send("Mind the dog");
  await settled(garden, 2);
  const talk = await open(ben, direct.id);
  talk.send("Hello Cat");
  await soon(() => expect(total.latest()).toBe(3));
  await soon(() =>
    expect(list.latest().rooms.map(({ name, unreadCount }) => [name, unreadCount])).toEqual([
      ["ben", 1],
      ["Garden", 2],
      ["job:roof", 0],
    ]),
  );
  expect(list.latest().rooms[1]).toMatchObject({ key: "job:garden", lastMessage: { content: "Mind the dog" } });
  // A room that nothing happens in is the same object.
  const roof = list.latest().rooms[2];
  await typed(
    () => talk.type(),
    () => expect(list.latest().rooms[0]?.typingUsers).toEqual([{ user_id: "ben", name: "ben", isKnown: true }]),
  );
  expect(list.latest().rooms[2]).toBe(roof);
  // Of all that, the total was drawn for no more than itself.
  expect(total.drawn.filter((count, at) => count === total.drawn[at - 1])).toEqual([]);
  // What is hidden is not in the list, and still counts; what is pinned is on top.
  const cat = s.client("cat");
  await soon(() => expect(cat.connection.getSnapshot().status).toBe("open"));
  await cat.request("update_me", { room: direct.id, hidden: true });
  await cat.request("update_me", { room: "job:roof", pinned: true });
  const again = probe(useChatRooms);
  show("cat", s.server, again.probe);
  await soon(() => expect(again.latest().rooms.map(({ name }) => name)).toEqual(["job:roof", "Garden"]));
  await soon(() => expect(again.latest()).toMatchObject({ unreadTotal: 3, rooms: [{ pinned: true }, {}] }));
});
