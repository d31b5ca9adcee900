/** The outbox, as what is said in many rooms. */

import { expect, test, vi } from "vitest";
import { ChatError } from "../src/index.js";
import { MemoryOutbox, Outbox, type OutboxEntry, type OutboxStorage } from "../src/outbox.js";

const message = ({ clientId }: OutboxEntry) => ({ client_id: clientId }) as never;

/** An outbox of a server that does as it is told; what it has done. */
function outbox(deliver: (entry: OutboxEntry) => Promise<void>, storage: OutboxStorage = new MemoryOutbox()) {
  const done: string[] = [];
  const box = new Outbox(storage, {
    async deliver(entry) {
      await deliver(entry);
      done.push(entry.clientId);
      return message(entry);
    },
    stored: () => false,
  });
  box.online();
  const say = (room: string, name: string) =>
    box.add({ action: "send_message", fields: { content: name } }, room, name);
  const empty = () =>
    new Promise<void>((resolve) => {
      const look = () => box.getSnapshot().length === 0 && resolve();
      box.subscribe(look);
      look();
    });
  return { box, say, done, empty };
}

test("a room in which the server wants to be asked later holds up no other, and keeps its order", async () => {
  let refusals = 2;
  const { say, done, empty } = outbox(async ({ room }) => {
    if (room !== "busy" || refusals === 0) return;
    refusals -= 1;
    throw new ChatError("busy", "come back later", "later", 100);
  });
  say("busy", "one");
  say("busy", "two");
  say("free", "three");
  await new Promise(setImmediate);
  say("other", "four");
  await empty();
  expect(done).toEqual(["three", "four", "one", "two"]);
});

test("a room in which nothing waited goes out while the answer of another one is awaited", async () => {
  let answer = () => {};
  const slow = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { say, done, empty } = outbox(({ room }) => (room === "slow" ? slow : Promise.resolve()));
  say("slow", "one");
  await new Promise(setImmediate);
  say("free", "two");
  say("free", "three");
  await new Promise(setImmediate);
  expect(done).toEqual(["two", "three"]);
  answer();
  await empty();
  expect(done).toEqual(["two", "three", "one"]);
});

test("what cannot be written as a frame is failed, and holds nothing up", async () => {
  const { box, say, done } = outbox(async ({ clientId }) => void (clientId === "odd" && JSON.stringify({ n: 1n })));
  say("room", "odd");
  say("room", "next");
  await new Promise(setImmediate);
  expect(box.getSnapshot()).toMatchObject([{ clientId: "odd", state: "failed", error: { code: "invalid_argument" } }]);
  expect(done).toEqual(["next"]);
});

test("where the connection goes while the server wants to be asked later, the next one asks at once", async () => {
  let refusals = 1;
  const { box, say, done, empty } = outbox(async () => {
    if (refusals-- > 0) throw new ChatError("busy", "come back later", "later", 1_000_000);
  });
  say("busy", "one");
  await new Promise(setImmediate);
  expect(done).toEqual([]);
  box.offline();
  box.online();
  await empty();
  expect(done).toEqual(["one"]);
});

test("what could not be kept stays until it is done, whatever others change in the storage", async () => {
  let others = () => {};
  const full = Object.assign(new MemoryOutbox(), {
    put: async () => {
      throw new Error("full");
    },
    onChange(listener: () => void) {
      others = listener;
      return () => {};
    },
  });
  const answers: (() => void)[] = [];
  const { box, say, done, empty } = outbox(() => new Promise((answer) => answers.push(answer)), full);
  box.open();
  for (const name of ["one", "two"]) say("room", name);
  for (const left of [2, 1]) {
    await vi.waitUntil(() => answers.length === 1, { timeout: 10_000 });
    others();
    await new Promise(setImmediate);
    expect(box.getSnapshot()).toHaveLength(left);
    answers.pop()?.();
  }
  await empty();
  expect(done).toEqual(["one", "two"]);
});
