/**
 * The frames of the protocol page are what the types say. That page is played against the engine by
 * `xtask/tests/protocol.rs`, and the types are compared with the engine's by `xtask/tests/typescript.rs`.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compiler, examples, parts } from "./support/compiler.js";

const HERE = join(import.meta.dirname, "..");
const { complaints, write } = compiler(HERE);

/** The frames that the page shows in one direction. */
async function frames(direction: "from" | "to"): Promise<string[]> {
  const page = await readFile(join(HERE, "../../../docs/src/protocol.md"), "utf8");
  const blocks = [...page.matchAll(/^```json,(from|to)=.*\n([\s\S]*?)^```/gm)].filter(
    (block) => block[1] === direction,
  );
  return blocks.flatMap(([, , body = ""]) => {
    try {
      return [JSON.stringify(JSON.parse(body))];
    } catch {
      return body.trim().split("\n");
    }
  });
}

test("every frame that the server sends is a ServerFrame, field for field", async () => {
  const shown = await frames("to");
  expect(shown.length).toBeGreaterThan(10);
  const program = [
    'import type { ServerFrame } from "../src/frames.js";',
    ...shown.map((frame, n) => `export const frame${n}: ServerFrame = ${frame};`),
  ];
  expect(await complaints("heard.ts", program.join("\n"))).toEqual([]);
});

test("every frame that a client sends is a command with its fields", async () => {
  const shown = await frames("from");
  expect(shown.length).toBeGreaterThan(5);
  const program = [
    'import type { Commands, Ref } from "../src/frames.js";',
    'import type { Action } from "../src/protocol.js";',
    "type Fields<F> = F extends unknown ? Partial<F> : never;",
    "type Command = { [A in Action]: { action: A; ref?: Ref; room?: string; cursor?: string } & Fields<Commands[A]['fields']> }[Action];",
    "export const everyCommandIsAnAction: Action = '' as keyof Commands;",
    ...shown.map((frame, n) => `export const frame${n}: Command = ${frame};`),
  ];
  expect(await complaints("said.ts", program.join("\n"))).toEqual([]);
});

test("a frame with a field that the types lack, or without one that they have, would be noticed", async () => {
  const [ready] = (await frames("to")).filter((frame) => frame.includes('"type":"chat_message"'));
  const frame = JSON.parse(ready ?? "{}");
  const more = { ...frame, message: { ...frame.message, mood: "good" } };
  const { seq: _, ...message } = frame.message;
  const program = [
    'import type { ServerFrame } from "../src/frames.js";',
    `export const more: ServerFrame = ${JSON.stringify(more)};`,
    `export const less: ServerFrame = ${JSON.stringify({ ...frame, message })};`,
  ];
  const said = await complaints("wrong.ts", program.join("\n"));
  expect(said.map((line) => /\((\d+),/.exec(line)?.[1])).toEqual(["2", "3"]);
});

test("the examples of the README and of the comments compile", async () => {
  const names = ["client", "errors", "gate", "receipts", "room", "rooms", "store", "paced", "outbox-indexeddb"];
  const sources = ["README.md", ...names.map((name) => `src/${name}.ts`)];
  const all = (await Promise.all(sources.map((source) => examples(join(HERE, source), "ts")))).flat();
  expect(all.length).toBeGreaterThan(15);
  await write("given.d.ts", GIVEN);
  await write("react-native.d.ts", REACT_NATIVE);
  for (const [n, example] of all.entries()) {
    const { imports, body } = parts(example);
    const own = imports.replace(/"@chat-engine\/client(\/[^"]*)?"/g, (_, part = "/index") => `"../src${part}.js"`);
    await write(`example${n}.ts`, `${own}\nexport async function example() {\n${body}\n}\n`);
  }
  const program = [
    '/// <reference path="react-native.d.ts" />',
    'import "./given.d.ts";',
    ...all.map((_, n) => `import "./example${n}.js";`),
  ];
  expect(await complaints("examples.ts", program.join("\n"))).toEqual([]);
});

/** What an example takes for granted. */
const GIVEN = `
import type * as client from "../src/index.js";
import type { Gate as TheGate } from "../src/gate.js";
declare global {
  const chat: client.ChatClient;
  const room: client.Room;
  const url: string;
  const token: string;
  const userId: string;
  const picture: client.Attachment;
  const question: client.Message;
  const when: typeof client.when;
  const paced: typeof client.paced;
  const receiptOf: typeof client.receiptOf;
  const ChatError: typeof client.ChatError;
  const Gate: typeof TheGate;
  function show(...what: unknown[]): void;
  function render(what: client.RoomSnapshot): void;
  function notify(...what: unknown[]): void;
  function log(...what: unknown[]): void;
  function setBadge(count: number): void;
  function showHint(hint: string): void;
}
`;

/** A platform that is not here. */
const REACT_NATIVE = `
declare module "react-native" {
  export const AppState: {
    addEventListener(event: "change", listener: (state: string) => void): { remove(): void };
  };
}
`;
