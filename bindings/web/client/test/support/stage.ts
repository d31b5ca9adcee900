/** A server, a network before it, and clients that are closed after each test. */

import { afterAll, afterEach, beforeAll } from "vitest";
import WebSocket from "ws";
import {
  ChatClient,
  type ChatOptions,
  type Message,
  type Room,
  type RoomSnapshot,
  type Store,
  when,
} from "../../src/index.js";
import { Network } from "./network.js";
import { Server, type Settings } from "./server.js";
import { token } from "./token.js";

export interface Stage {
  server: Server;
  network: Network;
  /** A connected client of a user; `far`: behind the network that can be cut. */
  client(user: string, options?: Partial<ChatOptions> & { far?: boolean }): ChatClient;
  /** A room of its own for a test. */
  room(...users: string[]): Promise<string>;
}

/** Sets the stage for the tests of a file. */
export function stage(settings: Settings = {}): Stage {
  const clients: ChatClient[] = [];
  let rooms = 0;
  const set: Stage = {
    server: undefined as never,
    network: undefined as never,
    client(user, { far, ...options } = {}) {
      const port = far ? set.network.port : set.server.port;
      const client = new ChatClient({
        url: `ws://127.0.0.1:${port}/ws/`,
        token: () => token(user),
        backoff: { base: 20, cap: 200 },
        ...options,
        environment: { WebSocket, ...options.environment },
      });
      clients.push(client);
      client.connect();
      return client;
    },
    async room(...users) {
      rooms += 1;
      const key = `job:${rooms}`;
      await set.server.room(key, ...users);
      return key;
    },
  };
  beforeAll(async () => {
    set.server = await Server.start(settings);
    set.network = await Network.before(set.server);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    set.network.restore();
    set.network.allowSockets();
  });
  afterAll(async () => {
    set.network.close();
    await set.server.kill();
  });
  return set;
}

/** Opens a room, keeps it open for the rest of the test, and waits until it is live. */
export async function open(client: ChatClient, key: string): Promise<Room> {
  const room = client.room(key);
  room.subscribe(() => {});
  await live(room);
  return room;
}

export const live = (room: Room): Promise<RoomSnapshot> => when(room, ({ status }) => status === "live");

export const connected = (client: ChatClient): Promise<unknown> =>
  when(client.connection, ({ status }) => status === "open");

/** Waits for what is shown while these type, key after key: what is told once ends by itself, however late it is seen. */
export async function typed<T>(rooms: readonly Room[], shown: Promise<T>): Promise<T> {
  const keys = setInterval(() => {
    for (const room of rooms) room.type();
  }, 20);
  return shown.finally(() => clearInterval(keys));
}

/** The texts that a room shows, a tombstone as `null`. */
export const texts = ({ messages }: { messages: readonly Message[] }): (string | null)[] =>
  messages.map(({ content }) => content ?? null);

/** Waits until a room shows so many messages and has nothing on its way. */
export const settled = (room: Room, messages: number): Promise<RoomSnapshot> =>
  when(room, (now) => now.status === "live" && now.messages.length === messages && now.outbox.length === 0);

/** Every snapshot that a store shows from now on. */
export function watch<T>(store: Store<T>): T[] {
  const seen = [store.getSnapshot()];
  store.subscribe(() => seen.push(store.getSnapshot()));
  return seen;
}
