/** An outbox that outlives the page: `@chat-engine/client/outbox-indexeddb`. */

import type { OutboxEntry, OutboxStorage } from "./outbox.js";

const ENTRIES = "entries";
const BY_NAME = "client_id";

/**
 * Keeps the outbox in IndexedDB, under a name that is the user's own: what one user wrote must not be sent by the next
 * one who logs in.
 *
 * Tabs with the same name share it. Whichever has a connection sends everything that waits, while it holds a lock that
 * ends with the tab (Web Locks). Where there are no Web Locks, two tabs may send the same entry; the server does it once.
 *
 * @example
 * ```ts
 * import { ChatClient } from "@chat-engine/client";
 * import { indexedDbOutbox } from "@chat-engine/client/outbox-indexeddb";
 *
 * const chat = new ChatClient({ url, token, outbox: indexedDbOutbox(`chat-outbox:${userId}`) });
 * ```
 */
export function indexedDbOutbox(name: string): OutboxStorage {
  return new IndexedDbOutbox(name);
}

/** An entry with its place in the order. */
type Row = OutboxEntry & { order?: number };

class IndexedDbOutbox implements OutboxStorage {
  readonly #name: string;
  #opened: Promise<IDBDatabase> | undefined;
  #channel: BroadcastChannel | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  async all(): Promise<OutboxEntry[]> {
    const rows = await this.#in("readonly", (entries) => done<Row[]>(entries.getAll()));
    return rows.map(({ order: _, ...entry }) => entry as OutboxEntry);
  }

  async put(entry: OutboxEntry): Promise<void> {
    await this.#in("readwrite", async (entries) => {
      const order = await done(entries.index(BY_NAME).getKey(entry.clientId));
      await done(entries.put(order === undefined ? entry : { ...entry, order }));
    });
    this.#tell();
  }

  async remove(clientId: string): Promise<void> {
    await this.#in("readwrite", async (entries) => {
      const order = await done(entries.index(BY_NAME).getKey(clientId));
      if (order !== undefined) await done(entries.delete(order));
    });
    this.#tell();
  }

  async exclusively(work: () => Promise<void>): Promise<void> {
    const { locks } = (globalThis.navigator ?? {}) as Partial<Navigator>;
    let began = false;
    const begin = () => {
      began = true;
      return work();
    };
    try {
      await (locks ? locks.request(this.#name, begin) : inTurn(this.#name, begin));
    } catch (error) {
      // A browser that lets the page keep nothing has locks, and gives none.
      if (began) throw error;
      await inTurn(this.#name, work);
    }
  }

  onChange(listener: () => void): () => void {
    try {
      const channel = new BroadcastChannel(this.#name);
      this.#channel = channel;
      channel.onmessage = listener;
      return () => {
        channel.close();
        this.#channel = undefined;
      };
    } catch {
      // There is no such thing, or the page may keep nothing: then there is nothing to be shared.
      return () => {};
    }
  }

  #tell(): void {
    this.#channel?.postMessage("changed");
  }

  /** Runs `work` in a transaction, and waits until that is durable. */
  async #in<T>(mode: IDBTransactionMode, work: (entries: IDBObjectStore) => Promise<T>): Promise<T> {
    const transaction = await this.#begin(mode);
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([work(transaction.objectStore(ENTRIES)), ended]);
    return result;
  }

  async #begin(mode: IDBTransactionMode): Promise<IDBTransaction> {
    const begin = async () => {
      this.#opened ??= open(this.#name);
      return (await this.#opened).transaction(ENTRIES, mode, { durability: "strict" });
    };
    try {
      return await begin();
    } catch {
      // It may have been closed, by the browser or for another tab: then it is opened once more.
      this.#opened = undefined;
      return begin();
    }
  }
}

async function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    const entries = request.result.createObjectStore(ENTRIES, { keyPath: "order", autoIncrement: true });
    entries.createIndex(BY_NAME, "clientId", { unique: true });
  };
  const database = await done(request);
  // Another tab with a later version of the page wants to change the shape.
  database.onversionchange = () => database.close();
  return database;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Who waits for whom, by name, where the platform has no locks of its own. */
const turns = new Map<string, Promise<void>>();

function inTurn(name: string, work: () => Promise<void>): Promise<void> {
  const before = turns.get(name) ?? Promise.resolve();
  const mine = before.then(work);
  const settled = mine.catch(() => {});
  turns.set(name, settled);
  return mine;
}
