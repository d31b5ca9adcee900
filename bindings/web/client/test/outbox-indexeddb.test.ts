/** The outbox that outlives the page, shared by tabs. */

import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ChatClient, type OutboxStorage, type Room, when } from "../src/index.js";
import { indexedDbOutbox } from "../src/outbox-indexeddb.js";
import { connected, open, settled, stage, texts } from "./support/stage.js";

const s = stage();
let names = 0;
let name: string;
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  names += 1;
  name = `chat-outbox:ann:${names}`;
});

afterEach(() => vi.unstubAllGlobals());

/** A tab of ann's, behind the network that can be cut. */
const tab = () => s.client("ann", { far: true, outbox: indexedDbOutbox(name) });

/** Waits until the storage holds so many entries: they are there after the page is gone. */
async function kept(storage: OutboxStorage, count: number): Promise<void> {
  if ((await storage.all()).length === count) return;
  await new Promise<void>((resolve) => {
    const stop = storage.onChange(async () => {
      if ((await storage.all()).length !== count) return;
      stop();
      resolve();
    });
  });
}

test("what was pending when the page went is sent by the next one, in order", async () => {
  const key = await s.room("ann", "ben");
  s.network.unplug();
  const before = tab();
  const said = Array.from({ length: 20 }, (_, n) => `${n}`);
  const look = indexedDbOutbox(name);
  const saved = kept(look, 20);
  for (const text of said) before.room(key).send(text);
  await saved;
  // The page goes without a word.
  before.close();
  s.network.restore();
  const after = await open(tab(), key);
  expect(texts(await settled(after, 20))).toEqual(said);
  expect(await look.all()).toEqual([]);
});

test("what is pending shows at once after a reload, before there is a connection", async () => {
  const key = await s.room("ann", "ben");
  s.network.unplug();
  const before = tab();
  const look = indexedDbOutbox(name);
  const saved = kept(look, 1);
  const id = before.room(key).send("are you there?");
  await saved;
  before.close();
  const after = tab();
  await when(after.room(key), ({ outbox }) => outbox[0]?.clientId === id && outbox[0].state === "pending");
  s.network.restore();
  await settled(after.room(key), 1);
});

/** The room of a key, as the list finds it: by its id. */
async function found(client: ChatClient, key: string): Promise<Room> {
  client.rooms.subscribe(() => {});
  await when(client.rooms, ({ rooms }) => rooms.some(({ info }) => info?.key === key));
  return client.room(key);
}

test.each([
  ["from the list", "by its key", found, open],
  ["by its key", "from the list", open, found],
])(
  "what failed in a room that was opened %s is shown after a reload where that is opened %s",
  async (_, __, one, other) => {
    const key = await s.room("ann", "ben");
    const look = indexedDbOutbox(name);
    const before = tab();
    const id = (await one(before, key)).send("x".repeat(20_000));
    await expect.poll(() => look.all()).toMatchObject([{ clientId: id, error: { code: "message_too_large" } }]);
    const { ref } = before.room(key);
    before.close();
    const after = await other(tab(), key);
    expect(after.ref).not.toBe(ref);
    await when(after, ({ outbox }) => outbox[0]?.clientId === id && outbox[0].state === "failed");
  },
);

test("the page goes after the server has it and before the answer: one message", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const before = tab();
  await connected(before);
  s.network.loseAnswers();
  before.room(key).send("once");
  await settled(ben, 1);
  expect((await indexedDbOutbox(name).all()).length).toBe(1);
  before.close();
  s.network.restore();
  const after = await open(tab(), key);
  await settled(after, 1);
  expect(texts(await settled(ben, 1))).toEqual(["once"]);
});

test("two tabs share it: each sends, none doubles, both show the same in one order", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const [one, two] = [await open(tab(), key), await open(tab(), key)];
  s.network.unplug();
  await when(one, ({ status }) => status === "stale");
  await when(two, ({ status }) => status === "stale");
  for (let n = 0; n < 10; n += 1) {
    one.send(`one ${n}`);
    two.send(`two ${n}`);
  }
  // Each shows what the other has on its way.
  await when(one, ({ outbox }) => outbox.length === 20);
  await when(two, ({ outbox }) => outbox.length === 20);
  s.network.restore();
  const all = await settled(ben, 20);
  expect(new Set(texts(all)).size).toBe(20);
  for (const who of ["one", "two"]) {
    const own = texts(all).filter((text) => text?.startsWith(who));
    expect(own).toEqual(Array.from({ length: 10 }, (_, n) => `${who} ${n}`));
  }
  expect(texts(await settled(one, 20))).toEqual(texts(all));
  expect(texts(await settled(two, 20))).toEqual(texts(all));
  expect(await indexedDbOutbox(name).all()).toEqual([]);
});

test("a tab sends what another one left, and what one discards is gone from both", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  // The first has no connection; the second has.
  s.network.unplug();
  const cut = tab();
  const whole = s.client("ann", { outbox: indexedDbOutbox(name) });
  const [here, there] = [cut.room(key), await open(whole, key)];
  here.subscribe(() => {});
  here.send("through the other one");
  expect(texts(await settled(ben, 1))).toEqual(["through the other one"]);
  await settled(there, 1);
  await when(here, ({ outbox }) => outbox.length === 0);
  const refused = here.send("x".repeat(20_000));
  await when(here, ({ outbox }) => outbox[0]?.state === "failed");
  await when(there, ({ outbox }) => outbox[0]?.state === "failed");
  expect(there.getSnapshot().outbox[0]?.error?.code).toBe("message_too_large");
  there.discard(refused);
  await when(here, ({ outbox }) => outbox.length === 0);
  s.network.restore();
});

test("where the browser closes the database, as when its data is cleared, it is opened anew", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(tab(), key);
  ann.send("before");
  await settled(ann, 1);
  await new Promise((done) => {
    indexedDB.deleteDatabase(name).onsuccess = done;
  });
  ann.send("after");
  expect(texts(await settled(ann, 2))).toEqual(["before", "after"]);
});

/** A storage in which there is no room for anything. */
const full: OutboxStorage = {
  all: async () => [],
  put: async () => {
    throw new DOMException("", "QuotaExceededError");
  },
  remove: async () => {},
  exclusively: (work) => work(),
  onChange: () => () => {},
};

test("without a connection, what cannot be kept says so, and can be tried again when there is one", async () => {
  const key = await s.room("ann", "ben");
  const ann = await open(s.client("ann", { far: true, outbox: full }), key);
  s.network.unplug();
  await when(ann, ({ status }) => status === "stale");
  const id = ann.send("no room for this");
  await when(ann, ({ outbox }) => outbox[0]?.state === "failed");
  expect(ann.getSnapshot().outbox).toMatchObject([{ clientId: id, error: { code: "not_saved" } }]);
  s.network.restore();
  await when(ann, ({ status }) => status === "live");
  ann.retry(id);
  expect(texts(await settled(ann, 1))).toEqual(["no room for this"]);
});

test("where the browser lets the page keep nothing, one writes as long as there is a connection", async () => {
  const refuses = () => {
    throw new DOMException("the operation is insecure", "SecurityError");
  };
  vi.stubGlobal("indexedDB", { open: refuses });
  vi.stubGlobal(
    "BroadcastChannel",
    class {
      constructor() {
        refuses();
      }
    },
  );
  vi.stubGlobal("navigator", { locks: { request: async () => refuses() } });
  const key = await s.room("ann", "ben");
  const ann = await open(tab(), key);
  for (const text of ["One", "Two"]) ann.send(text);
  ann.edit((await settled(ann, 2)).messages[0]?.id ?? "", "Three");
  expect(texts(await settled(ann, 2))).toEqual(["Three", "Two"]);
});
