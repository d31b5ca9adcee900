/** The examples of the README and of the book's page compile. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { compiler, examples, parts } from "../../client/test/support/compiler.js";

const HERE = join(import.meta.dirname, "..");
const { complaints, write } = compiler(HERE);

/** What an example may take for granted. */
const GIVEN = `
import type { ReactNode } from "react";
declare global {
  const user: { id: string };
  const fetchToken: () => Promise<string>;
  const App: () => ReactNode;
}
`;

test.each([
  ["README.md", 4],
  ["../../../docs/src/getting-started/react.md", 2],
])("the examples of %s compile", async (page, count) => {
  const own = (text: string) =>
    text.replace(/"@chat-engine\/react(\/components)?"/g, (_, part = "") => `"../src${part}/index.js"`);
  const all = await examples(join(HERE, page), "tsx");
  expect(all.length).toBeGreaterThanOrEqual(count);
  await write("given.d.ts", GIVEN);
  for (const [n, example] of all.entries()) {
    const { imports, body } = parts(own(example));
    await write(`example${n}.tsx`, `${imports}\n${body}`);
  }
  const program = ['import "./given.d.ts";', ...all.map((_, n) => `import "./example${n}.js";`)];
  expect(await complaints("examples.ts", program.join("\n"))).toEqual([]);
});

test("the examples of the comments compile", async () => {
  const files = ["hooks.ts", "use-web-socket.ts", "provider.tsx"];
  const all = (await Promise.all(files.map((file) => examples(join(HERE, "src", file), "tsx")))).flat();
  expect(all.length).toBe(3);
  const uses =
    'import { useEffect } from "react";\nimport { useChat, useWebSocket, WebSocketProvider } from "../src/index.js";';
  await write("given.d.ts", GIVEN);
  for (const [n, example] of all.entries()) {
    const body = example.trimStart().startsWith("<") ? `return (\n${example});` : example;
    await write(`comment${n}.tsx`, `${uses}\nexport function Example() {\n${body}\n}\n`);
  }
  const program = ['import "./given.d.ts";', ...all.map((_, n) => `import "./comment${n}.js";`)];
  expect(await complaints("comments.ts", program.join("\n"))).toEqual([]);
});
