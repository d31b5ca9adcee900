/** What one has written and the server has not stored yet: in order, once each, whatever the connection does. */

import { laterMs } from "./backoff.js";
import { ChatError } from "./errors.js";
import type { DeleteMessage, EditMessage, Message, SendMessage } from "./protocol.js";
import { Observable } from "./store.js";

/** What can be done through the outbox. */
export type Operation =
  | { action: "send_message"; fields: SendMessage }
  | { action: "edit_message"; fields: EditMessage }
  | { action: "delete_message"; fields: DeleteMessage };

/** An operation as it is kept. */
export type OutboxEntry = Operation & {
  /** The name of the operation. The server does an operation of the same name once only. */
  clientId: string;
  /** The room, as it was named when this was written. */
  room: string;
  /** When it was written, in milliseconds of the epoch. */
  createdAt: number;
  /** Why the server will not do it. */
  error?: { code: ChatError["code"]; message: string };
};

/**
 * An operation on its way, as it is shown.
 *
 * - `pending`: it will be sent, or was sent and not answered.
 * - `sent`: the server has stored it; the room's log brings the message in a moment.
 * - `failed`: the server will not do it, and `error` says why. It stays until it is retried or discarded.
 */
export type Outgoing = OutboxEntry & { state: "pending" | "sent" | "failed" };

/** Where an outbox keeps its entries. */
export interface OutboxStorage {
  /** Every entry, in the order in which they were added. */
  all(): Promise<OutboxEntry[]>;
  /** Adds an entry, or changes it in its place. */
  put(entry: OutboxEntry): Promise<void>;
  /** Takes an entry away. */
  remove(clientId: string): Promise<void>;
  /** Runs `work` while nobody else who shares the storage runs theirs. */
  exclusively(work: () => Promise<void>): Promise<void>;
  /** Calls `listener` when somebody else who shares the storage changed it, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/** How an outbox reaches the server and the rooms. */
export interface Carrier {
  /** Has the server do it; the message as it is then. */
  deliver(entry: OutboxEntry): Promise<Message>;
  /** It was done. Returns whether the room's log is going to bring the message. */
  stored(entry: OutboxEntry, message: Message): boolean;
}

/** See the module. Operations in one room go one after the other; rooms do not wait for each other. */
export class Outbox extends Observable<readonly Outgoing[]> {
  readonly #storage: OutboxStorage;
  readonly #carrier: Carrier;
  #entries: Outgoing[] = [];
  /** Those that are being written to the storage. */
  readonly #saving = new Set<string>();
  /** Those that could not be written to it, and are sent all the same. */
  readonly #unsaved = new Set<string>();
  #online = false;
  #working = false;
  #again = false;
  /** Whether nobody else who shares the storage sends now. */
  #isAlone = false;
  /** What sends now, by room. */
  readonly #lanes = new Map<string, Promise<void>>();
  /** The rooms in which the server wants to be asked later. */
  readonly #later = new Map<string, ReturnType<typeof setTimeout>>();
  #stop: (() => void) | undefined;

  constructor(storage: OutboxStorage, carrier: Carrier) {
    super();
    this.#storage = storage;
    this.#carrier = carrier;
  }

  protected override picture(): readonly Outgoing[] {
    return [...this.#entries];
  }

  /** Shows what is kept from earlier, and follows what others do who share the storage. */
  open(): void {
    this.#stop ??= this.#storage.onChange(() => void this.#follow());
    void this.#reload();
  }

  /** Follows the others no longer. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** There is a connection: what waits is sent. */
  online(): void {
    this.#online = true;
    void this.#work();
  }

  /** There is no connection: what is pending stays so. */
  offline(): void {
    this.#online = false;
    for (const timer of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
  }

  /** Adds an operation; it is shown at once. */
  add(operation: Operation, room: string, clientId: string): void {
    const entry: OutboxEntry = { ...operation, clientId, room, createdAt: Date.now() };
    this.#entries.push({ ...entry, state: "pending" });
    this.changed();
    void this.#save(entry);
  }

  /** Tries a failed one again, in its old place. */
  retry(clientId: string): void {
    const failed = this.#find(clientId);
    if (failed?.state !== "failed") return;
    const { state: _, error: __, ...entry } = failed;
    this.#show({ ...entry, state: "pending" } as Outgoing);
    void this.#save(entry as OutboxEntry);
  }

  /** Gives one up. It may have reached the server already. */
  discard(clientId: string): void {
    this.#hide((entry) => entry.clientId === clientId);
    void this.#storage.remove(clientId).catch(() => {});
  }

  /** The room's log has brought the message: it is not on its way any more. */
  arrived(room: (name: string) => boolean, clientId: string): void {
    const entry = this.#find(clientId);
    if (entry?.action !== "send_message" || !room(entry.room)) return;
    this.#hide((other) => other === entry);
    if (entry.state !== "sent") void this.#storage.remove(clientId).catch(() => {});
  }

  /** The log of a room will not bring what was sent there: it began anew, or is not followed. */
  settle(room: (name: string) => boolean): void {
    this.#hide((entry) => entry.state === "sent" && room(entry.room));
  }

  #find(clientId: string): Outgoing | undefined {
    return this.#entries.find((entry) => entry.clientId === clientId);
  }

  #show(entry: Outgoing): void {
    this.#entries = this.#entries.map((other) => (other.clientId === entry.clientId ? entry : other));
    this.changed();
  }

  #hide(which: (entry: Outgoing) => boolean): void {
    const gone = this.#entries.filter(which);
    if (gone.length === 0) return;
    for (const { clientId } of gone) this.#unsaved.delete(clientId);
    this.#entries = this.#entries.filter((entry) => !gone.includes(entry));
    this.changed();
  }

  async #save(entry: OutboxEntry): Promise<void> {
    const { clientId } = entry;
    this.#saving.add(clientId);
    try {
      await this.#storage.put(entry);
      this.#unsaved.delete(clientId);
    } catch {
      // With a connection it goes out at once; without one it would be gone with the page.
      if (this.#online) this.#unsaved.add(clientId);
      else this.#fail(entry, new ChatError("not_saved", "the outbox could not be written", "later"));
    }
    this.#saving.delete(clientId);
    void this.#work();
  }

  #fail(entry: OutboxEntry, { code, message }: ChatError): OutboxEntry {
    const failed = { ...entry, error: { code, message } };
    this.#show({ ...failed, state: "failed" });
    return failed;
  }

  /** Somebody else changed the storage: they may have no connection, and this one may. */
  async #follow(): Promise<void> {
    await this.#reload();
    if (this.#entries.some(({ state }) => state === "pending")) void this.#work();
  }

  /** Takes over what the storage holds: others may have added, sent or discarded. */
  async #reload(): Promise<void> {
    const kept = await this.#storage.all().catch(() => undefined);
    if (!kept) return;
    const shown = new Map(this.#entries.map((entry) => [entry.clientId, entry]));
    const isOnlyHere = ({ clientId }: Outgoing) => this.#saving.has(clientId) || this.#unsaved.has(clientId);
    const entries = kept.map((entry): Outgoing => {
      const known = shown.get(entry.clientId);
      shown.delete(entry.clientId);
      const state = entry.error ? "failed" : "pending";
      return known && (known.state === state || isOnlyHere(known)) ? known : { ...entry, state };
    });
    const others = [...shown.values()].filter(
      (entry) => isOnlyHere(entry) || entry.state === "sent" || entry.error?.code === "not_saved",
    );
    const now = [...entries, ...others];
    const same = now.length === this.#entries.length && now.every((entry, at) => entry === this.#entries[at]);
    if (same) return;
    this.#entries = now;
    this.changed();
  }

  /** Sends what waits, until nothing does or there is no connection. */
  async #work(): Promise<void> {
    this.#again = true;
    if (this.#isAlone) this.#start();
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#again && this.#online) await this.#storage.exclusively(() => this.#pass());
    } catch {
      // The storage cannot be used now; the next entry or the next connection tries again.
    } finally {
      this.#working = false;
    }
  }

  /** Nobody else who shares the storage sends meanwhile. */
  async #pass(): Promise<void> {
    this.#again = false;
    await this.#reload();
    this.#isAlone = true;
    this.#start();
    // What is written meanwhile goes out at once, also in rooms in which nothing waited.
    while (this.#lanes.size > 0) await Promise.allSettled(this.#lanes.values());
    this.#isAlone = false;
  }

  /** Begins to send in each room where something waits. */
  #start(): void {
    for (const { room } of this.#entries) {
      if (this.#lanes.has(room) || !this.#next(room)) continue;
      this.#lanes.set(
        room,
        this.#lane(room).finally(() => this.#lanes.delete(room)),
      );
    }
  }

  async #lane(room: string): Promise<void> {
    let next = this.#next(room);
    while (next && (await this.#attempt(next))) next = this.#next(room);
  }

  /** What is to be sent next in a room, if it is time for that. */
  #next(room: string): Outgoing | undefined {
    if (!this.#online || this.#later.has(room)) return undefined;
    const first = this.#entries.find((entry) => entry.room === room && entry.state === "pending");
    return first && !this.#saving.has(first.clientId) ? first : undefined;
  }

  /** Has one done; `false` if it is to be tried again. */
  async #attempt({ state: _, ...entry }: Outgoing): Promise<boolean> {
    let message: Message;
    try {
      message = await this.#carrier.deliver(entry as OutboxEntry);
    } catch (error) {
      return this.#refused(entry as OutboxEntry, error instanceof ChatError ? error : unsendable());
    }
    await this.#storage.remove(entry.clientId).catch(() => {});
    if (!this.#find(entry.clientId)) return true;
    if (this.#carrier.stored(entry as OutboxEntry, message)) this.#show({ ...entry, state: "sent" } as Outgoing);
    else this.#hide(({ clientId }) => clientId === entry.clientId);
    return true;
  }

  /** Fails one, or leaves it for later; `false` if it is to be tried again. */
  async #refused(entry: OutboxEntry, error: ChatError): Promise<boolean> {
    if (error.code === "disconnected") return false;
    if (error.retry === "later") {
      this.#wait(entry.room, laterMs(error));
      return false;
    }
    const failed = this.#fail(entry, error);
    // What was given up meanwhile is not to come back.
    if (this.#find(entry.clientId)) await this.#storage.put(failed).catch(() => {});
    return true;
  }

  /** Sends nothing in a room for so long; the others do not wait for it. */
  #wait(room: string, ms: number): void {
    const again = () => {
      this.#later.delete(room);
      void this.#work();
    };
    this.#later.set(room, setTimeout(again, ms));
  }
}

/** It did not even become a frame; what it says is not repeated. */
function unsendable(): ChatError {
  return new ChatError("invalid_argument", "it cannot be written as JSON", "never");
}

/** An outbox that lasts as long as the page. */
export class MemoryOutbox implements OutboxStorage {
  readonly #entries = new Map<string, OutboxEntry>();

  async all(): Promise<OutboxEntry[]> {
    return [...this.#entries.values()];
  }

  async put(entry: OutboxEntry): Promise<void> {
    this.#entries.set(entry.clientId, entry);
  }

  async remove(clientId: string): Promise<void> {
    this.#entries.delete(clientId);
  }

  exclusively(work: () => Promise<void>): Promise<void> {
    return work();
  }

  onChange(): () => void {
    return () => {};
  }
}
