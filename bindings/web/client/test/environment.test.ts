/** Platforms that have less than a browser: the client needs a socket and a clock, and nothing else. */

import { afterEach, expect, test, vi } from "vitest";
import { environment } from "../src/environment.js";
import { when } from "../src/index.js";
import { open, stage, texts } from "./support/stage.js";

const s = stage();

afterEach(() => vi.unstubAllGlobals());

/** React Native has a WebSocket, timers and `fetch`; no page, no events of a window, no `crypto`. */
function asReactNative(): void {
  for (const name of ["document", "addEventListener", "crypto", "requestAnimationFrame", "navigator", "EventSource"]) {
    vi.stubGlobal(name, undefined);
  }
}

test("where there is no page and no crypto, two people talk", async () => {
  const job = await s.room("ann", "ben");
  asReactNative();
  const [ann, ben] = await Promise.all([open(s.client("ann"), job), open(s.client("ben"), job)]);
  const names = ["One", "Two"].map((text) => ann.send(text));
  expect(new Set(names).size).toBe(2);
  const heard = await when(ben, ({ messages }) => messages.length === 2);
  expect(texts(heard)).toEqual(["One", "Two"]);
  expect(heard.messages.map(({ client_id }) => client_id)).toEqual(names);
});

test("what wakes the client there is the application's to say", async () => {
  asReactNative();
  const { onWake, newName } = environment();
  onWake(() => {})();
  expect(new Set(Array.from({ length: 1_000 }, newName)).size).toBe(1_000);
  const wakes: (() => void)[] = [];
  const client = s.client("ann", {
    environment: {
      onWake(wake) {
        wakes.push(wake);
        return () => wakes.splice(wakes.indexOf(wake), 1);
      },
    },
  });
  await when(client.connection, ({ status }) => status === "open");
  expect(wakes).toHaveLength(1);
  client.close();
  expect(wakes).toEqual([]);
});

test("Deno and Bun have the names of a browser: whatever is global is taken, at the moment when it is used", () => {
  class Theirs {}
  vi.stubGlobal("WebSocket", Theirs);
  expect(environment().WebSocket).toBe(Theirs);
  class Given {}
  expect(environment({ WebSocket: Given as never }).WebSocket).toBe(Given);
});
