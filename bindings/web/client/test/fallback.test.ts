/** Where sockets are blocked, and where they are not. */

import { afterEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { Connection } from "../src/connection.js";
import { environment } from "../src/environment.js";
import { withFallback } from "../src/fallback.js";
import { type ClientEvents, when } from "../src/index.js";
import { dice, seeds } from "./support/dice.js";
import { connected, live, open, settled, stage, texts, watch } from "./support/stage.js";
import { ownTimers } from "./support/timers.js";
import { token } from "./support/token.js";

// Little may wait for somebody, and nobody is given up for taking long over it.
const patient = {
  CHAT_LIMITS_PENDING_BYTES: "65536",
  CHAT_SERVER_WRITE_TIMEOUT: "3600",
  CHAT_SERVER_PING_EVERY: "1200",
  CHAT_SERVER_IDLE_TIMEOUT: "3600",
};
const s = stage({ env: patient });
const brisk = stage({ env: { CHAT_JWT_LEEWAY: "0", CHAT_SERVER_PING_EVERY: "1" } });
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A class that falls back, and every address that it asked for over HTTP. */
function fallback(): { WebSocket: ReturnType<typeof withFallback>; asked: string[] } {
  const asked: string[] = [];
  const counted: typeof fetch = (address, request) => {
    asked.push(`${request?.method ?? "GET"} ${address}`);
    return fetch(address, request);
  };
  return { WebSocket: withFallback({ WebSocket, fetch: counted }), asked };
}

/** A `fetch` whose requests with frames fare as `fate` says; streams are left alone. */
function lossy(fate: () => "arrives" | "is lost" | "loses its answer"): typeof fetch {
  return async (address, request) => {
    const how = request?.method === "POST" ? fate() : "arrives";
    if (how === "is lost") throw new TypeError("lost");
    const answer = await fetch(address, request);
    if (how === "loses its answer") throw new TypeError("answer lost");
    return answer;
  };
}

/** A client of a user behind a network that blocks sockets. */
function blocked(user: string, options: Parameters<typeof s.client>[1] = {}) {
  s.network.blockSockets();
  return s.client(user, { far: true, environment: { WebSocket: withFallback({ WebSocket }) }, ...options });
}

test("where sockets open, nothing goes over HTTP", async () => {
  const key = await s.room("ann", "ben");
  const { WebSocket, asked } = fallback();
  const chat = s.client("ann", { far: true, environment: { WebSocket } });
  const ann = await open(chat, key);
  ann.send("hello");
  await settled(ann, 1);
  s.network.cut();
  await when(chat.connection, ({ status }) => status !== "open");
  await live(ann);
  expect(asked).toEqual([]);
});

test("where they do not, everything goes over a stream, and no token stands in an address", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const { WebSocket, asked } = fallback();
  const chat = blocked("ann", { environment: { WebSocket } });
  const ann = await open(chat, key);
  expect(chat.connection.getSnapshot()).toMatchObject({ status: "open", userId: "ann" });
  // Other signs that end a line for some are a part of the text.
  ben.send("can you\nread\u2028this?\u2029 ☂");
  expect(texts(await settled(ann, 1))).toEqual(["can you\nread\u2028this?\u2029 ☂"]);
  ann.type();
  await when(ben, ({ typing }) => typing.includes("ann"));
  const said = Array.from({ length: 200 }, (_, n) => `${n} ${"ü".repeat(400)}`);
  for (const text of said) ann.send(text);
  expect(texts(await settled(ben, 201)).slice(1)).toEqual(said);
  expect(texts(await settled(ann, 201)).slice(1)).toEqual(said);
  expect(asked[0]).toBe(`GET http://127.0.0.1:${s.network.port}/events/`);
  expect(asked.slice(1).every((line) => /^POST \S+\/events\/frames\/[0-9a-f-]+\/$/.test(line))).toBe(true);
});

test("what is asked for at once is brought together", async () => {
  const { WebSocket, asked } = fallback();
  const chat = blocked("ann", { environment: { WebSocket } });
  await connected(chat);
  const before = asked.length;
  await Promise.all(Array.from({ length: 500 }, () => chat.request("ping", {})));
  expect(asked.length - before).toBeLessThan(10);
});

test("cut again and again while sending: all there, once, in order", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const ann = await open(blocked("ann"), key);
  const said = Array.from({ length: 60 }, (_, n) => `${n}`);
  for (const [n, text] of said.entries()) {
    ann.send(text);
    if (n % 12 === 5) {
      await when(ben, ({ lastSeq }) => lastSeq > n - 6);
      s.network.cut();
    }
  }
  expect(texts(await settled(ben, 60))).toEqual(said);
  expect(texts(await settled(ann, 60))).toEqual(said);
});

test("a request whose answer was lost is repeated, and done once", async () => {
  let lost = 0;
  const fate = () => {
    lost += 1;
    return lost % 2 === 1 ? "loses its answer" : "arrives";
  };
  const chat = blocked("dan", { environment: { WebSocket: withFallback({ WebSocket, fetch: lossy(fate) }) } });
  await connected(chat);
  // Without a `client_id`: each time that it arrived, there would be another room.
  for (let n = 0; n < 10; n += 1) await chat.request("create_room", { kind: "group", name: `${n}` });
  expect((await chat.request("list_rooms", {})).results.length).toBe(10);
});

test.each(seeds(3))("requests that fare badly lose nothing and double nothing (seed %i)", async (seed) => {
  const random = dice(seed);
  const fates = ["is lost", "loses its answer"] as const;
  const fate = () => fates[random(5)] ?? "arrives";
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const ann = await open(
    blocked("ann", { environment: { WebSocket: withFallback({ WebSocket, fetch: lossy(fate) }) } }),
    key,
  );
  const said = Array.from({ length: 40 }, (_, n) => `${n}`);
  for (const text of said) ann.send(text);
  expect(texts(await settled(ben, 40))).toEqual(said);
  expect(texts(await settled(ann, 40))).toEqual(said);
});

test("who reads a stream too slowly is told so, and catches up", async () => {
  const key = await s.room("ann", "ben");
  const ben = s.client("ben");
  await connected(ben);
  const chat = blocked("ann");
  const slow = await open(chat, key);
  const told: Omit<ClientEvents["continuity"], "room">[] = [];
  chat.on("continuity", ({ cause, mended }) => told.push({ cause, mended }));
  const large = "x".repeat(16_000);
  s.network.clog();
  const said = Array.from({ length: 900 }, (_, n) => `${n} ${large}`);
  await Promise.all(said.map((content) => ben.request("send_message", { room: key, content })));
  s.network.unclog();
  await when(slow, ({ lastSeq, status }) => status === "live" && lastSeq === 900);
  expect(told).toEqual([{ cause: "too_slow", mended: "changes" }]);
  const { messages } = slow.getSnapshot();
  expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, n) => 401 + n));
});

test("heartbeats are answered, and a token that ends is replaced on the stream that there is", async () => {
  const { WebSocket, asked } = fallback();
  let given = 0;
  const third = new Promise<void>((resolve) => {
    ends.push(resolve);
  });
  brisk.network.blockSockets();
  const chat = brisk.client("ann", {
    far: true,
    environment: { WebSocket },
    token: () => {
      given += 1;
      if (given === 3) for (const end of ends.splice(0)) end();
      return token("ann", 12);
    },
  });
  await third;
  // Each is replaced at half of its life: the first has ended, and the stream has not.
  await chat.request("ping", {});
  expect(chat.connection.getSnapshot().status).toBe("open");
  expect(asked.filter((line) => line.startsWith("GET")).length).toBe(1);
  // One a second, and nothing else was there to say but the new token.
  expect(asked.filter((line) => line.startsWith("POST")).length).toBeGreaterThanOrEqual(4);
});

test("a token that is no good closes, and so does a room that is not mine, or no longer", async () => {
  const bad = blocked("ann", { token: () => "no token at all" });
  expect(await when(bad.connection, ({ status }) => status === "closed")).toMatchObject({
    reason: "unauthorized",
    error: { code: "unauthorized" },
  });
  await s.server.room("job:streamed", "ann", "ben");
  const toRoom = (user: string) => {
    const url = `ws://127.0.0.1:${s.network.port}/ws/job_chat/streamed`;
    const audience = { ready() {}, lost() {}, event() {}, failed() {} };
    const options = { url, token: () => token(user), backoff: { base: 20, cap: 200 } };
    const connection = new Connection(options, environment({ WebSocket: withFallback({ WebSocket }) }), audience);
    ends.push(() => connection.close());
    connection.connect();
    return connection;
  };
  const ann = toRoom("ann");
  await when(ann, ({ status }) => status === "open");
  await s.server.host("DELETE", "chatrooms/job:streamed/participants/ann/");
  expect(await when(ann, ({ status }) => status === "closed")).toMatchObject({ reason: "removed" });
  const refused = await when(toRoom("eve"), ({ status }) => status === "closed");
  expect(refused).toMatchObject({ reason: "unauthorized", error: { code: "not_found" } });
});

test("a network that lets sockets open and passes nothing on is seen through", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  ends.push(() => vi.useRealTimers());
  s.network.muteSockets();
  const { WebSocket, asked } = fallback();
  const chat = s.client("ann", { far: true, environment: { WebSocket } });
  const before = s.network.muted;
  for (const sockets of [1, 2]) {
    while (s.network.muted < before + sockets) await new Promise(setImmediate);
    expect(chat.connection.getSnapshot().status).toBe("connecting");
    // Nobody waits longer for `ready`.
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.advanceTimersByTimeAsync(200);
  }
  await connected(chat);
  expect(asked[0]).toContain("/events/");
});

test("where nothing is answered it was the network, and sockets are tried again", async () => {
  const { WebSocket, asked } = fallback();
  s.network.unplug();
  const chat = s.client("ann", { far: true, environment: { WebSocket } });
  await when(chat.connection, (state) => state.status === "waiting" && state.attempt >= 7);
  // Every third attempt was a stream.
  expect(asked.length).toBe(2);
  s.network.restore();
  await connected(chat);
});

test("the choice is remembered for the tab, and a socket is tried again later", async () => {
  const key = await s.room("ann", "ben");
  const remembered = new Map<string, string>();
  const tab = globalThis as { sessionStorage?: unknown };
  tab.sessionStorage = {
    getItem: (name: string) => remembered.get(name) ?? null,
    setItem: (name: string, value: string) => remembered.set(name, value),
  };
  ends.push(() => {
    tab.sessionStorage = undefined;
  });
  const first = blocked("ann");
  await connected(first);
  // The socket that is tried at once comes to nothing.
  while (remembered.size === 0) await first.request("ping", {});
  const [[name, until] = ["", ""]] = [...remembered];
  expect(Number(until)).toBeGreaterThan(Date.now() + 500_000);
  first.close();

  // Another page of the tab does not try sockets first.
  const opened: string[] = [];
  class Counted extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      opened.push(url);
    }
  }
  const page = () => s.client("ann", { far: true, environment: { WebSocket: withFallback({ WebSocket: Counted }) } });
  const second = page();
  const seen = watch(second.connection);
  await connected(second);
  expect(seen.map(({ status }) => status)).toEqual(["connecting", "open"]);
  expect(opened).toEqual([]);
  second.close();

  // The time is over, and sockets are possible: the page goes back to them, and misses nothing.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  ends.push(() => vi.useRealTimers());
  remembered.set(name, `${Date.now() + 5_000}`);
  const third = page();
  s.network.allowSockets();
  const ann = await open(third, key);
  ann.send("over a stream");
  await settled(ann, 1);
  expect(opened).toEqual([]);
  await vi.advanceTimersByTimeAsync(5_000);
  await when(third.connection, ({ status }) => status !== "open");
  await vi.advanceTimersByTimeAsync(200);
  await connected(third);
  expect(remembered.get(name)).toBe("0");
  ann.send("over a socket");
  expect(texts(await settled(ann, 2))).toEqual(["over a stream", "over a socket"]);
  expect(opened.length).toBe(2);
});

test("closing leaves nothing running", async () => {
  const timers = ownTimers();
  ends.push(timers.end);
  const chat = blocked("ann");
  await connected(chat);
  await chat.request("ping", {});
  expect(timers.count()).toBeGreaterThan(0);
  chat.close();
  expect(timers.count()).toBe(0);
});
