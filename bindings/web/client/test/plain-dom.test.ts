// @vitest-environment happy-dom
// @vitest-environment-options { "happyDOM": { "settings": { "fetch": { "disableSameOriginPolicy": true } } } }
/** The example without a framework, in front of the real server. It uses the client as it is built. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test, vi } from "vitest";
import WebSocket from "ws";
import { open, settled, stage } from "./support/stage.js";
import { token } from "./support/token.js";

const EXAMPLE = join(import.meta.dirname, "../../../../examples/plain-dom");

const s = stage();

/** Runs a module of a page. */
async function run(file: string): Promise<void> {
  const { outputFiles } = await build({ entryPoints: [file], bundle: true, format: "esm", write: false });
  await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`);
}

test("a page without a framework: what is said, on its way, received, read and typed", async () => {
  await s.server.host("POST", "chatrooms/", {
    key: "job:42",
    participants: [{ user_id: "ann", name: "Ann Alder" }, "ben"],
  });
  const html = await readFile(join(EXAMPLE, "index.html"), "utf8");
  document.body.innerHTML = html.replace(/<script.*<\/script>/, "");
  vi.stubGlobal("WebSocket", WebSocket);
  location.hash = `url=ws://127.0.0.1:${s.server.port}/ws/&room=job:42&token=${token("ann")}`;
  await run(join(EXAMPLE, "main.js"));

  const at = (id: string) => document.getElementById(id) as HTMLInputElement;
  const lines = () => Array.from(document.querySelectorAll("li"), ({ textContent }) => textContent);
  const soon = (holds: () => void) => vi.waitFor(holds, { timeout: 60_000, interval: 5 });
  const send = (text: string) => {
    at("text").value = text;
    at("text").dispatchEvent(new Event("input"));
    at("composer").dispatchEvent(new Event("submit", { cancelable: true }));
  };

  // Before there is a connection.
  send("On my way");
  await soon(() => expect(lines()).toEqual(["me: On my way pending"]));
  await soon(() => expect(lines()).toEqual(["Ann Alder: On my way sent"]));
  expect(at("status").textContent).toBe("live");
  expect(at("text").value).toBe("");

  const ben = await open(s.client("ben"), "job:42");
  await soon(() => expect(lines()).toEqual(["Ann Alder: On my way delivered"]));
  ben.markRead();
  await soon(() => expect(lines()).toEqual(["Ann Alder: On my way read"]));
  // Key after key: what is told once ends by itself, seen or not.
  await soon(() => {
    at("text").dispatchEvent(new Event("input"));
    expect(ben.getSnapshot().typing).toEqual(["ann"]);
  });
  await soon(() => {
    ben.type();
    expect(at("typing").textContent).toBe("ben …");
  });
  ben.send("<img src=x onerror=alert(1)>");
  await settled(ben, 2);
  await soon(() => expect(lines()[1]).toBe("ben: <img src=x onerror=alert(1)> "));
  expect(document.querySelector("img")).toBeNull();
  // It is looked at, so it is read.
  await soon(() => expect(ben.getSnapshot().participants.find(({ user_id }) => user_id === "ann")?.read_seq).toBe(2));
});

test("it has sixty lines", async () => {
  const files = await Promise.all(["index.html", "main.js"].map((name) => readFile(join(EXAMPLE, name), "utf8")));
  const lines = files.reduce((sum, text) => sum + text.trimEnd().split("\n").length, 0);
  expect(lines).toBeLessThanOrEqual(60);
});
