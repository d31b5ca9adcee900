/** How a connection begins, waits and ends. */

import { afterEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { Connection } from "../src/connection.js";
import { environment } from "../src/environment.js";
import { ChatClient, ChatError, when } from "../src/index.js";
import { connected, open, stage, watch } from "./support/stage.js";
import { token } from "./support/token.js";

const s = stage();
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A connection to the socket of one room, as the original application's clients have it. */
function toRoom(user: string, path: string): Connection {
  const audience = { ready() {}, lost() {}, event() {}, failed() {} };
  const options = {
    url: `ws://127.0.0.1:${s.server.port}${path}`,
    token: () => token(user),
    backoff: { base: 20, cap: 200 },
  };
  const connection = new Connection(options, environment({ WebSocket }), audience);
  ends.push(() => connection.close());
  connection.connect();
  return connection;
}

test("idle, connecting, open, closed; and open again", async () => {
  const chat = new ChatClient({
    url: `ws://127.0.0.1:${s.server.port}/ws/`,
    token: token("ann"),
    environment: { WebSocket },
  });
  ends.push(() => chat.close());
  const seen = watch(chat.connection);
  chat.connect();
  await connected(chat);
  expect(chat.me).toBe("ann");
  chat.close();
  chat.connect();
  await connected(chat);
  expect(seen.map(({ status }) => status)).toEqual(["idle", "connecting", "open", "closed", "connecting", "open"]);
  expect(seen[3]).toEqual({ status: "closed", reason: "client", error: null });
});

test("a token of somebody else ends it: what one has written does not go out as another's", async () => {
  let user = "ann";
  const chat = new ChatClient({
    url: `ws://127.0.0.1:${s.server.port}/ws/`,
    token: () => token(user, 3),
    backoff: { base: 20, cap: 50 },
    environment: { WebSocket },
  });
  ends.push(() => chat.close());
  chat.connect();
  await connected(chat);
  // In another tab of the same browser somebody else has logged in, and the back end signs for them.
  user = "ben";
  const closed = await when(chat.connection, ({ status }) => status === "closed");
  expect(closed).toMatchObject({ reason: "unauthorized", error: { code: "unauthorized" } });
  expect(chat.me).toBe("ann");
});

test("who is removed from the room of their socket is closed out, and does not come back", async () => {
  await s.server.room("job:kicked", "ann", "ben");
  const connection = toRoom("ann", "/ws/job_chat/kicked/");
  await when(connection, ({ status }) => status === "open");
  const seen = watch(connection);
  await s.server.host("DELETE", "chatrooms/job:kicked/participants/ann/");
  const closed = await when(connection, ({ status }) => status !== "open");
  expect(closed).toMatchObject({ status: "closed", reason: "removed" });
  // Not there, and not theirs: the two look the same, and are as final.
  const stranger = toRoom("eve", "/ws/job_chat/kicked/");
  const refused = await when(stranger, ({ status }) => status === "closed");
  expect(refused).toMatchObject({ reason: "unauthorized", error: { code: "not_found" } });
  expect(seen.map(({ status }) => status)).toEqual(["open", "closed"]);
});

test("a token that is no good closes, and says so; one that was kept is replaced once", async () => {
  const bad = s.client("ann", { token: () => "no token at all" });
  expect(await when(bad.connection, ({ status }) => status === "closed")).toMatchObject({
    reason: "unauthorized",
    error: { code: "unauthorized" },
  });
  // Without a legible end it is kept, until the server refuses it.
  let given = token("ann");
  const chat = s.client("ann", { far: true, token: () => given.replace(/^[^.]+/, (head) => head) });
  await connected(chat);
  given = "revoked";
  s.network.cut();
  await when(chat.connection, ({ status }) => status !== "open");
  await connected(chat);
});

test("a provider that fails is asked again; one that says never is believed", async () => {
  let asked = 0;
  const chat = s.client("ann", {
    token: async () => {
      asked += 1;
      if (asked < 3) throw new Error("the back end is away");
      return token("ann");
    },
  });
  const waiting = await when(chat.connection, ({ status }) => status === "waiting");
  expect(waiting).toMatchObject({ error: { code: "no_token" } });
  await connected(chat);
  expect(asked).toBe(3);
  const out = s.client("ann", {
    token: () => {
      throw new ChatError("unauthorized", "signed out", "never");
    },
  });
  expect(await when(out.connection, ({ status }) => status === "closed")).toMatchObject({ reason: "no_token" });
});

test("a server that cannot be reached is tried again, later each time but never later than the cap", async () => {
  s.network.unplug();
  const draws: number[] = [];
  const random = () => {
    draws.push(1);
    return 0.999;
  };
  const chat = s.client("ann", { far: true, backoff: { base: 10, cap: 40 }, environment: { WebSocket, random } });
  const seen = watch(chat.connection);
  await when(chat.connection, (state) => state.status === "waiting" && state.attempt === 5);
  const waits = seen.flatMap((state) => (state.status === "waiting" ? [state.attempt] : []));
  expect(waits).toEqual([1, 2, 3, 4, 5]);
  expect(draws.length).toBe(5);
  s.network.restore();
  await connected(chat);
});

test("a device that wakes does not wait: it connects at once, and looks whether what is open still lives", async () => {
  let wake = () => {};
  let stopped = false;
  const onWake = (woken: () => void) => {
    wake = woken;
    return () => {
      stopped = true;
    };
  };
  const patient = {
    backoff: { base: 3_600_000, cap: 3_600_000 },
    environment: { WebSocket, onWake, random: () => 0.9 },
  };
  s.network.unplug();
  const chat = s.client("ann", { far: true, ...patient });
  await when(chat.connection, ({ status }) => status === "waiting");
  s.network.restore();
  wake();
  await connected(chat);
  // The network went without a word.
  s.network.loseAnswers();
  wake();
  const began = performance.now();
  await when(chat.connection, ({ status }) => status === "waiting");
  // Silence alone would be noticed after half a minute.
  expect(performance.now() - began).toBeLessThan(20_000);
  // An attempt hangs there; where there is a network again, nobody waits for the end of that one.
  s.network.restore();
  s.network.muteSockets();
  wake();
  await expect.poll(() => s.network.muted).toBe(1);
  s.network.allowSockets();
  wake();
  await connected(chat);
  // However often it was in vain, what comes after waking begins anew.
  s.network.unplug();
  for (let wakes = 0; wakes < 3; wakes += 1) {
    const waiting = await when(chat.connection, ({ status }) => status === "waiting");
    expect(waiting).toMatchObject({ attempt: 1 });
    wake();
  }
  chat.close();
  expect(stopped).toBe(true);
});

test("silence is noticed as well where the clock was set back", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  ends.push(() => vi.useRealTimers());
  const chat = s.client("ann", { far: true });
  await connected(chat);
  s.network.loseAnswers();
  vi.setSystemTime(Date.now() - 3_600_000);
  // Until it is noticed, and until the answer to a ping has not come.
  await vi.advanceTimersByTimeAsync(25_000 + 5_000);
  expect(chat.connection.getSnapshot().status).not.toBe("open");
});

test("a platform without WebSocket is told what is missing", async () => {
  const bare = globalThis as { WebSocket?: unknown };
  const kept = bare.WebSocket;
  bare.WebSocket = undefined;
  const chat = new ChatClient({ url: "ws://127.0.0.1:1/ws/", token: "t" });
  chat.connect();
  const closed = await when(chat.connection, ({ status }) => status === "closed");
  expect(closed).toMatchObject({ reason: "unsupported", error: { code: "unsupported" } });
  expect((closed as { error: ChatError }).error.message).toContain("WebSocket");
  bare.WebSocket = kept;
});

test("one socket too many is tried again after a minute, in which the server gives up the dead ones, or on waking", async () => {
  const sockets = Array.from({ length: 32 }, () => s.client("greedy"));
  await Promise.all(sockets.map((socket) => connected(socket)));
  let wake = () => {};
  const onWake = (woken: () => void) => {
    wake = woken;
    return () => {};
  };
  const late = s.client("greedy", { environment: { WebSocket, onWake } });
  const began = Date.now();
  const waiting = await when(late.connection, ({ status }) => status === "waiting");
  expect((waiting as { retryAt: number }).retryAt).toBeGreaterThanOrEqual(began + 60_000);
  // A place is free as soon as the server has heard of it; until then one is told the same again.
  sockets[0]?.close();
  const again = late.connection.subscribe(() => late.connection.getSnapshot().status === "waiting" && wake());
  wake();
  await connected(late);
  again();
});

test("closing leaves nothing running", async () => {
  await s.server.room("job:closing", "ann");
  const chat = s.client("ann");
  await open(chat, "job:closing");
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  chat.close();
  expect(timers()).toBeLessThan(before);
  expect(chat.room("job:closing").getSnapshot().status).toBe("stale");
});
