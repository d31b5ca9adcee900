/** The server dies and comes back: with its data, and without. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type ChatClient, when } from "../src/index.js";
import { connected, live, open, settled, stage, texts } from "./support/stage.js";

const folder = mkdtempSync(join(tmpdir(), "chat-client-"));
afterAll(() => rmSync(folder, { recursive: true }));

const lasting = stage({ db: `sqlite:${join(folder, "chat.db")}` });
const memory = stage();

/** What a client says about continuity, without the rooms. */
function continuity(chat: ChatClient) {
  const told: object[] = [];
  chat.on("continuity", ({ cause, mended }) => told.push({ cause, mended }));
  return told;
}

test("a server that is killed while everybody writes comes back: nothing is lost, doubled or out of order", async () => {
  const key = await lasting.room("ann", "ben");
  const [a, b] = [lasting.client("ann"), lasting.client("ben")];
  const [ann, ben] = [await open(a, key), await open(b, key)];
  const told = continuity(a);
  for (let n = 0; n < 40; n += 1) {
    ann.send(`a${n}`);
    ben.send(`b${n}`);
  }
  await when(ann, ({ lastSeq }) => lastSeq >= 10);
  await lasting.server.kill();
  await when(a.connection, ({ status }) => status !== "open");
  for (let n = 40; n < 50; n += 1) {
    ann.send(`a${n}`);
    ben.send(`b${n}`);
  }
  await lasting.server.start();
  const [there, here] = [await settled(ann, 100), await settled(ben, 100)];
  expect(texts(there)).toEqual(texts(here));
  for (const who of ["a", "b"]) {
    const own = texts(there).filter((text) => text?.startsWith(who));
    expect(own).toEqual(Array.from({ length: 50 }, (_, n) => `${who}${n}`));
  }
  expect(told).toEqual([{ cause: "connection", mended: expect.stringMatching(/same|changes/) }]);
  await when(ann, ({ unreadCount }) => unreadCount === 50);
  await when(ben, ({ unreadCount }) => unreadCount === 50);
});

test("a server that lost its data is noticed: the room begins anew, and what was on its way goes out", async () => {
  await memory.server.room("job:42", "ann", "ben");
  const chat = memory.client("ann");
  const ann = await open(chat, "job:42");
  ann.send("before");
  const before = await settled(ann, 1);
  const told = continuity(chat);
  await memory.server.kill();
  await when(chat.connection, ({ status }) => status !== "open");
  // The data is to be there before the client is.
  chat.close();
  ann.send("after");
  await memory.server.start();
  await memory.server.room("job:42", "ann", "ben");
  chat.connect();
  const after = await settled(ann, 1);
  expect(texts(after)).toEqual(["after"]);
  expect(after.id).not.toBe(before.id);
  expect(told).toEqual([{ cause: "connection", mended: "snapshot" }]);
});

test("a server that stops says when to come back, and clients do by themselves", async () => {
  const key = await lasting.room("ann", "ben");
  const chat = lasting.client("ann");
  const ann = await open(chat, key);
  const told = continuity(chat);
  const stopped = lasting.server.kill("SIGTERM");
  expect(await when(chat.connection, ({ status }) => status !== "open")).toMatchObject({ status: "waiting" });
  ann.send("when you are back");
  await stopped;
  await lasting.server.start();
  await connected(chat);
  await live(ann);
  expect(texts(await settled(ann, 1))).toEqual(["when you are back"]);
  expect(told).toHaveLength(1);
});
