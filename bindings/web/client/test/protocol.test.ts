/**
 * The frames of the protocol page are what the types say. That page is played against the engine by
 * `xtask/tests/protocol.rs`, and the types are compared with the engine's by `xtask/tests/typescript.rs`.
 */

import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const CHECKED = path("../.checked/");

beforeAll(() => mkdir(CHECKED, { recursive: true }));
afterAll(() => rm(CHECKED, { recursive: true }));

/** What the compiler says about a program. */
async function complaints(name: string, program: string): Promise<string[]> {
  await writeFile(`${CHECKED}${name}.ts`, program);
  // An example need not use all that it names.
  const compilerOptions = { noUnusedLocals: false };
  const config = { extends: "../tsconfig.json", compilerOptions, include: [], files: [`${name}.ts`] };
  await writeFile(`${CHECKED}${name}.json`, JSON.stringify(config));
  const tsc = path("../../node_modules/.bin/tsc");
  const run = promisify(execFile)(tsc, ["-p", `${CHECKED}${name}.json`, "--pretty", "false"]);
  const said = await run.then(
    () => "",
    ({ stdout }) => stdout as string,
  );
  return said.split("\n").filter((line) => line.includes("error"));
}

/** The frames that the page shows in one direction. */
async function frames(direction: "from" | "to"): Promise<string[]> {
  const page = await readFile(path("../../../../docs/src/protocol.md"), "utf8");
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
  expect(await complaints("heard", program.join("\n"))).toEqual([]);
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
  expect(await complaints("said", program.join("\n"))).toEqual([]);
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
  const said = await complaints("wrong", program.join("\n"));
  expect(said.map((line) => /\((\d+),/.exec(line)?.[1])).toEqual(["2", "3"]);
});

test("the examples of the README and of the comments compile", async () => {
  const names = ["client", "errors", "gate", "receipts", "room", "rooms", "store", "paced", "outbox-indexeddb"];
  const sources = ["../README.md", ...names.map((name) => `../src/${name}.ts`)];
  const examples: string[] = [];
  for (const source of sources) {
    const text = (await readFile(path(source), "utf8")).replace(/^ *\* ?/gm, "");
    for (const [, body] of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) examples.push(body ?? "");
  }
  expect(examples.length).toBeGreaterThan(15);
  await writeFile(`${CHECKED}given.d.ts`, GIVEN);
  await writeFile(`${CHECKED}react-native.d.ts`, REACT_NATIVE);
  for (const [n, example] of examples.entries()) {
    const imports = (example.match(/^import .*;$/gm) ?? []).join("\n");
    const own = imports.replace(/"@chat-engine\/client(\/[^"]*)?"/g, (_, part = "/index") => `"../src${part}.js"`);
    const body = example.replace(/^import .*;$/gm, "");
    await writeFile(`${CHECKED}example${n}.ts`, `${own}\nexport async function example() {\n${body}\n}\n`);
  }
  const all = examples.map((_, n) => `import "./example${n}.js";`);
  expect(
    await complaints(
      "examples",
      ['/// <reference path="react-native.d.ts" />', 'import "./given.d.ts";', ...all].join("\n"),
    ),
  ).toEqual([]);
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
