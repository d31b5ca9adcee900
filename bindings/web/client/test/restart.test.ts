/** The server dies and comes back. */

import { expect, test } from "vitest";
import { when } from "../src/index.js";
import { live, open, settled, stage, texts } from "./support/stage.js";

const memory = stage();

test("a server that lost its data is noticed: the room begins anew, and what was on its way goes out", async () => {
  await memory.server.room("job:42", "ann", "ben");
  const chat = memory.client("ann");
  const ann = await open(chat, "job:42");
  ann.send("before");
  const before = await settled(ann, 1);
  const told: object[] = [];
  chat.on("continuity", ({ cause, mended }) => told.push({ cause, mended }));
  await memory.server.kill();
  await when(chat.connection, ({ status }) => status !== "open");
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

test("a server that stops says so: clients wait as long as it asks, and come back by themselves", async () => {
  await memory.server.room("job:43", "ann", "ben");
  const chat = memory.client("ann");
  const ann = await open(chat, "job:43");
  const stopped = memory.server.kill("SIGTERM");
  const waiting = await when(chat.connection, ({ status }) => status === "waiting");
  expect(waiting).toMatchObject({ status: "waiting" });
  await stopped;
  await memory.server.start();
  await memory.server.room("job:43", "ann", "ben");
  chat.connect();
  // By now it may have been told that there is no such room; being added to it, it is there again.
  await when(ann, ({ status }) => status === "live");
  await live(ann);
});
