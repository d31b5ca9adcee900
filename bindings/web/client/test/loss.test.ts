/** Whatever the connection does, nothing is lost, doubled or out of order. */

import { expect, test } from "vitest";
import type { ClientEvents } from "../src/index.js";
import { when } from "../src/index.js";
import { connected, live, open, settled, stage, texts, watch } from "./support/stage.js";
import { token } from "./support/token.js";

// Little may wait for somebody, and nobody is given up for taking long over it.
const patient = {
  CHAT_LIMITS_PENDING_BYTES: "65536",
  CHAT_SERVER_WRITE_TIMEOUT: "3600",
  CHAT_SERVER_PING_EVERY: "1200",
  CHAT_SERVER_IDLE_TIMEOUT: "3600",
};
const s = stage({ env: { CHAT_JWT_LEEWAY: "0", ...patient } });

const offline = (status: string) => status === "waiting" || status === "connecting";

/** What the client says about continuity, without the rooms. */
function continuity(chat: ReturnType<typeof s.client>) {
  const told: Omit<ClientEvents["continuity"], "room">[] = [];
  chat.on("continuity", ({ cause, mended }) => told.push({ cause, mended }));
  return told;
}

test("a send whose answer was lost is repeated under its name: one message", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const chat = s.client("ann", { far: true });
  const ann = await open(chat, key);
  s.network.loseAnswers();
  const id = ann.send("did you get this?");
  // The server has it, and its answer is lost.
  await settled(ben, 1);
  expect(ann.getSnapshot().outbox).toMatchObject([{ clientId: id, state: "pending" }]);
  s.network.restore();
  s.network.cut();
  await settled(ann, 1);
  ann.send("and this?");
  expect(texts(await settled(ann, 2))).toEqual(["did you get this?", "and this?"]);
  expect(texts(await settled(ben, 2))).toEqual(["did you get this?", "and this?"]);
});

test("cut again and again while sending: all there, once, in order", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const chat = s.client("ann", { far: true });
  const ann = await open(chat, key);
  const said = Array.from({ length: 60 }, (_, n) => `${n}`);
  for (const [n, text] of said.entries()) {
    ann.send(text);
    if (n % 12 === 5) {
      await when(ben, ({ lastSeq }) => lastSeq > n - 6);
      s.network.cut();
    }
  }
  expect(texts(await settled(ben, 60))).toEqual(said);
  expect(texts(await settled(ann, 60))).toEqual(said);
});

test("what is written offline goes out in order, and reads nothing that came meanwhile", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const chat = s.client("ann", { far: true });
  const ann = await open(chat, key);
  s.network.unplug();
  await when(chat.connection, ({ status }) => offline(status));
  for (const text of ["one", "two", "three"]) ann.send(text);
  ben.send("meanwhile");
  await settled(ben, 1);
  expect(ann.getSnapshot()).toMatchObject({ status: "stale", messages: [], outbox: { length: 3 } });
  s.network.restore();
  expect(texts(await settled(ann, 4))).toEqual(["meanwhile", "one", "two", "three"]);
  await when(ann, ({ unreadCount }) => unreadCount === 1);
  expect((await chat.request("get_room", { room: key })).unread_count).toBe(1);
});

test("who was away ends in the same state as who was not: messages, edits, deletes, people, receipts", async () => {
  const key = await s.room("ann", "ben", "cat");
  const [ben, there] = [await open(s.client("ben"), key), await open(s.client("ann"), key)];
  const chat = s.client("ann", { far: true });
  const away = await open(chat, key);
  for (const text of ["kept", "edited", "deleted"]) ben.send(text);
  const { messages } = await settled(away, 3);
  const told = continuity(chat);
  s.network.unplug();
  await when(chat.connection, ({ status }) => offline(status));
  ben.edit(messages[1]?.id ?? "", "edited, better");
  ben.delete(messages[2]?.id ?? "");
  ben.send("new");
  ben.send("new, edited");
  ben.send("new, deleted");
  const now = await settled(ben, 6);
  ben.edit(now.messages[4]?.id ?? "", "new, edited, better");
  ben.delete(now.messages[5]?.id ?? "");
  await s.server.host("POST", `chatrooms/${key}/participants/`, { user_id: "dan", name: "Dan" });
  await s.server.host("DELETE", `chatrooms/${key}/participants/cat/`);
  await s.server.host("PATCH", `chatrooms/${key}/`, { name: "Friday" });
  ben.markRead();
  const done = await when(there, (now) => {
    const read = now.participants.find(({ user_id }) => user_id === "ben")?.read_seq;
    return texts(now)[5] === null && now.info?.name === "Friday" && read === 6 && now.unreadCount === 4;
  });
  s.network.restore();
  const back = await when(away, (now) => now.status === "live" && now.unreadCount === 4);
  const shown = ({ messages, info, participants, unreadCount, lastMessage, my }: typeof back) => {
    const people = participants.map(({ online: _, last_seen: __, delivered_seq: ___, ...person }) => person);
    return { messages, info, people, unreadCount, lastMessage, marker: my?.marker_seq };
  };
  expect(shown(back)).toEqual(shown(done));
  expect(texts(back)).toEqual(["kept", "edited, better", null, "new", "new, edited, better", null]);
  expect(told).toEqual([{ cause: "connection", mended: "changes" }]);
  // Nothing happened: that is said too.
  s.network.cut();
  await when(chat.connection, ({ status }) => offline(status));
  await live(away);
  expect(told.slice(1)).toEqual([{ cause: "connection", mended: "same" }]);
});

test("who was away learns who went meanwhile", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(s.client("ann", { far: true }), key);
  const ben = s.client("ben");
  await open(ben, key);
  const online = () => ann.getSnapshot().participants.find(({ user_id }) => user_id === "ben")?.online;
  await when(ann, () => online() === true);
  s.network.unplug();
  await when(ann, ({ status }) => status === "stale");
  expect(online()).toBeUndefined();
  ben.close();
  s.network.restore();
  await when(ann, () => online() === false);
});

test("a long absence comes back in steps", async () => {
  const key = await s.room("ann", "ben");
  const chat = s.client("ann", { far: true, windowSize: 2_000 });
  const away = await open(chat, key);
  s.network.unplug();
  await when(chat.connection, ({ status }) => offline(status));
  const ben = s.client("ben");
  await connected(ben);
  const said = Array.from({ length: 1_200 }, (_, n) => `${n}`);
  await Promise.all(said.map((content) => ben.request("send_message", { room: key, content })));
  s.network.restore();
  expect(texts(await settled(away, 1_200))).toEqual(said);
  await when(away, ({ unreadCount }) => unreadCount === 1_200);
});

test("who reads too slowly is told so, and catches up", async () => {
  const key = await s.room("ann", "ben");
  const ben = s.client("ben");
  await connected(ben);
  const chat = s.client("ann", { far: true });
  const slow = await open(chat, key);
  const told = continuity(chat);
  const large = "x".repeat(16_000);
  s.network.clog();
  // More than the network and the server hold for somebody: only the last of them finds that out.
  const said = Array.from({ length: 900 }, (_, n) => `${n} ${large}`);
  await Promise.all(said.map((content) => ben.request("send_message", { room: key, content })));
  s.network.unclog();
  await when(slow, ({ lastSeq, status }) => status === "live" && lastSeq === 900);
  expect(told).toEqual([{ cause: "too_slow", mended: "changes" }]);
  const { messages } = slow.getSnapshot();
  expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, n) => 401 + n));
});

test("a token that ends is replaced on the connection that there is", async () => {
  const asked: (() => void)[] = [];
  const third = new Promise<void>((resolve) =>
    asked.push(
      resolve,
      () => {},
      () => {},
    ),
  );
  const chat = s.client("ann", {
    token: () => {
      asked.pop()?.();
      return token("ann", 12);
    },
  });
  const seen = watch(chat.connection);
  // Each is replaced at half of its life: when the third is asked for, the first has ended.
  await third;
  await chat.request("ping", {});
  expect(seen.map(({ status }) => status)).toEqual(["connecting", "open"]);
});

test("who is removed sees the room go, and sends nothing there any more; who comes back sees it again", async () => {
  const key = await s.room("ann", "ben");
  const chat = s.client("ann");
  const ann = await open(chat, key);
  ann.send("hello");
  await settled(ann, 1);
  await s.server.host("DELETE", `chatrooms/${key}/participants/ann/`);
  const gone = await when(ann, ({ status }) => status === "gone");
  expect(gone).toMatchObject({ messages: [], participants: [], unreadCount: 0 });
  const id = ann.send("let me in");
  await when(ann, ({ outbox }) => outbox[0]?.state === "failed");
  expect(ann.getSnapshot().outbox).toMatchObject([{ clientId: id, error: { code: "not_found" } }]);
  expect(chat.connection.getSnapshot().status).toBe("open");
  ann.discard(id);
  await s.server.host("POST", `chatrooms/${key}/participants/`, { user_id: "ann" });
  expect(texts(await live(ann))).toEqual(["hello"]);
});
