// @vitest-environment node
/** Coming back to a room that was closed meanwhile: what was missed is new, and where it begins is shown. */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { token } from "../../../client/test/support/token.js";
import { settled, test } from "./support/browser.js";
import { live } from "./support/live.js";

const set = live();

let jobs = 0;
/** A room of Ann and Ben, in which so much was said that not all of it is seen at once; Ann has read it. */
async function room(): Promise<string> {
  jobs += 1;
  const key = `job:${jobs}`;
  await set.server.room(key, "ann", "ben");
  await says(key, "Before", 30);
  await readElsewhere(key, 30);
  return key;
}

async function says(key: string, what: string, times: number): Promise<void> {
  for (let n = 1; n <= times; n += 1) {
    await set.server.host("POST", `chatrooms/${key}/send_message/`, { sender: "ben", content: `${what} ${n}` });
  }
}

/** Ann has read so far on another device. */
async function readElsewhere(key: string, seq: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${set.server.port}/api/chatrooms/${key}/mark_read/`, {
    method: "POST",
    headers: { authorization: `Bearer ${token("ann")}`, "content-type": "application/json" },
    body: JSON.stringify({ seq }),
  });
  expect(answer.ok).toBe(true);
}

/** How far the end is below what is seen. */
const toEnd = (page: Page) =>
  page
    .locator(".ce-list")
    .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);

interface Wire {
  /** What the page has asked for: the commands. */
  readonly asked: { action: string; ref: unknown; seq?: number }[];
  /** From now on, answers to this command do not arrive until the returned function is called. */
  hold(action: string): () => void;
}

/** Ann's page in a room, and what goes over its socket. */
async function visit(key: string): Promise<[Page, Wire]> {
  const held = new Map<string, (() => void)[]>();
  const wire: Wire = {
    asked: [],
    hold(action) {
      held.set(action, []);
      return () => {
        for (const deliver of held.get(action) ?? []) deliver();
        held.delete(action);
      };
    },
  };
  const page = await set.page("ann", { room: key }, (page) =>
    page.routeWebSocket(/\/ws\//, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        wire.asked.push(JSON.parse(String(text)));
        server.send(text);
      });
      server.onMessage((text) => {
        const { ref } = JSON.parse(String(text));
        const asked = wire.asked.find((asked) => ref !== undefined && asked.ref === ref);
        const late = held.get(asked?.action ?? "");
        if (late) late.push(() => socket.send(text));
        else socket.send(text);
      });
    }),
  );
  await page.getByText("Before 30").waitFor();
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  return [page, wire];
}

/** Leaves the room, and waits until it is closed. */
async function leave(page: Page, wire: Wire): Promise<void> {
  await page.evaluate(() => window.show(undefined));
  await expect.poll(() => wire.asked.some(({ action }) => action === "unsubscribe")).toBe(true);
}

const enter = (page: Page, key: string) => page.evaluate((key) => window.show(key), key);

test("what was said meanwhile is below a line, where one begins to read, and not read before one has seen it", async () => {
  const key = await room();
  const [page, wire] = await visit(key);
  await leave(page, wire);
  await says(key, "Missed", 40);
  // As it is where the server is far away: what was missed is there first, and then how much it is.
  const [open, count] = [wire.hold("subscribe"), wire.hold("get_room")];
  await enter(page, key);
  await page.getByRole("status", { name: "Loading…" }).waitFor();
  open();
  await page.locator(".ce-unread-divider").waitFor();
  await settled(page);
  count();
  await expect.poll(() => wire.asked.some(({ action }) => action === "read_message")).toBe(true);
  await settled(page);
  await page.locator(".ce-unread-divider").waitFor();
  expect(await page.locator(".ce-message", { hasText: "Missed 1" }).first().isVisible()).toBe(true);
  expect(await toEnd(page)).toBeGreaterThan(500);
  const read = wire.asked.flatMap(({ action, seq = 0 }) => (action === "read_message" ? [seq] : []));
  expect(Math.max(...read)).toBeLessThan(70);
});

test("where the connection is there, coming back is no reconnecting", async () => {
  const key = await room();
  const [page, wire] = await visit(key);
  await leave(page, wire);
  const open = wire.hold("subscribe");
  await enter(page, key);
  await page.getByRole("status", { name: "Loading…" }).waitFor();
  expect(await page.getByText("Reconnecting…").count()).toBe(0);
  open();
  await page.getByText("Before 30").waitFor();
});

test("what was read on another device meanwhile is not new", async () => {
  const key = await room();
  const [page, wire] = await visit(key);
  await leave(page, wire);
  await says(key, "Missed", 40);
  await readElsewhere(key, 70);
  const count = wire.hold("get_room");
  await enter(page, key);
  await page.getByText("Missed 40").waitFor();
  await settled(page);
  count();
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  expect(await page.locator(".ce-unread-divider").count()).toBe(0);
});

test("without a connection the room is shown as it was left", async () => {
  const key = await room();
  const [page, wire] = await visit(key);
  await leave(page, wire);
  set.network.unplug();
  await page.evaluate(() => window.show(undefined));
  await enter(page, key);
  await page.getByText("Before 30").waitFor();
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
});
