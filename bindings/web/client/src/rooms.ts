/** The list of my rooms, and how much is unread in all. */

import { laterMs } from "./backoff.js";
import { ChatError } from "./errors.js";
import type { Host } from "./host.js";
import type { MyRoom } from "./protocol.js";
import type { Room, RoomSnapshot } from "./room.js";
import { Observable } from "./store.js";

/** The list at one moment. */
export interface RoomListSnapshot {
  /** `idle`: nothing was asked yet. `stale`: it was right a while ago. */
  readonly status: "idle" | "loading" | "live" | "stale";
  /** My rooms, the pinned ones first, then by latest activity. Hidden ones are included (`my.hidden`). */
  readonly rooms: readonly RoomSnapshot[];
  /** Unread messages of all rooms together, those of hidden ones included. */
  readonly unreadTotal: number;
}

/** How many rooms are asked for at once. */
const PAGE = 200;

/**
 * My rooms, as a store. While somebody listens, every room of the list is followed: its last message, unread count and
 * typing stay right, without its messages being fetched.
 *
 * @example
 * ```ts
 * chat.rooms.subscribe(() => setBadge(chat.rooms.getSnapshot().unreadTotal));
 * ```
 */
export class RoomList extends Observable<RoomListSnapshot> {
  readonly #host: Host;
  readonly #named: (room: MyRoom) => Room;
  readonly #rooms = new Map<Room, () => void>();
  #status: RoomListSnapshot["status"] = "idle";
  #watched = false;
  /** Those that were seen since the list is being asked for. */
  #seen: Set<Room> | undefined;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Those whose people were asked for on this connection, so that nobody is asked for again who is not there. */
  readonly #met = new Set<Room>();
  #meeting = false;

  /** @internal */
  constructor(host: Host, named: (room: MyRoom) => Room) {
    super();
    this.#host = host;
    this.#named = named;
  }

  protected override picture(): RoomListSnapshot {
    const rooms = [...this.#rooms.keys()].map((room) => room.getSnapshot());
    rooms.sort((a, b) => Number(b.my?.pinned ?? false) - Number(a.my?.pinned ?? false) || latest(b, a));
    return { status: this.#status, rooms, unreadTotal: rooms.reduce((sum, { unreadCount }) => sum + unreadCount, 0) };
  }

  protected override watched(on: boolean): void {
    this.#watched = on;
    if (on) return this.ready();
    for (const room of this.#rooms.keys()) this.#host.release(room);
    this.#status = this.#status === "idle" ? "idle" : "stale";
  }

  /** Whether the list wants a room to be followed. @internal */
  follows(room: Room): boolean {
    return this.#watched && this.#rooms.has(room);
  }

  /** There may be a connection: asks for the list anew. @internal */
  ready(): void {
    clearTimeout(this.#later);
    if (this.#watched && !this.#seen) void this.#load();
    this.#met.clear();
  }

  /** The connection is gone. @internal */
  lost(): void {
    clearTimeout(this.#later);
    if (this.#status !== "live") return;
    this.#status = "stale";
    this.changed();
  }

  /** I am in a room now. @internal */
  async added(id: string): Promise<void> {
    if (!this.#watched) return;
    try {
      await this.#host.request("get_room", { room: id }, (room) => this.#add(room));
      this.changed();
      await this.#meet();
    } catch {
      // I am out of it again, or there is no connection: then the list is asked for anew.
    }
  }

  /** I am no longer in a room. @internal */
  removed(room: Room): void {
    this.#rooms.get(room)?.();
    if (this.#rooms.delete(room)) this.changed();
  }

  async #load(): Promise<void> {
    const seen = new Set<Room>();
    this.#seen = seen;
    if (this.#status === "idle") this.#status = "loading";
    this.changed();
    try {
      let cursor = await this.#page();
      const isLong = cursor !== null;
      while (cursor) cursor = await this.#page(cursor);
      // One in which something was said meanwhile went past the pages, to the beginning.
      for (let known = 0; isLong && known < seen.size; ) {
        known = seen.size;
        await this.#page();
      }
      for (const room of this.#rooms.keys()) if (!seen.has(room)) this.removed(room);
      this.#status = "live";
    } catch (error) {
      // Where there is no connection, the next one asks again.
      if (!(error instanceof ChatError)) throw error;
      if (error.code !== "disconnected" && error.retry === "later") {
        this.#later = setTimeout(() => this.ready(), laterMs(error));
      }
    } finally {
      this.#seen = undefined;
    }
    this.changed();
    if (this.#status === "live") await this.#meet();
  }

  /** Takes a page of the list, the first one by default; where the next one begins. */
  async #page(cursor?: string): Promise<string | null> {
    const from = cursor ? { cursor } : {};
    const page = await this.#host.request("list_rooms", { limit: PAGE, ...from }, ({ results }) => {
      for (const room of results) this.#add(room);
    });
    return page.next;
  }

  /** The list does not bring who is in a room: where somebody is to be named, they are asked for, one room at a time. */
  async #meet(): Promise<void> {
    if (this.#meeting) return;
    this.#meeting = true;
    try {
      for (let room = this.#unmet(); room; room = this.#unmet()) await this.#ask(room);
    } catch {
      // The next connection asks for the list anew.
    } finally {
      this.#meeting = false;
    }
  }

  #unmet(): Room | undefined {
    return [...this.#rooms.keys()].find((room) => room.hasStrangers && !this.#met.has(room));
  }

  async #ask(room: Room): Promise<void> {
    this.#met.add(room);
    await this.#host.request("list_participants", { room: room.name }, (page) => room.met(page));
  }

  #roomChanged(room: Room): void {
    this.changed();
    if (this.#status === "live" && room.hasStrangers) void this.#meet();
  }

  #add(listed: MyRoom): void {
    const room = this.#named(listed);
    this.#seen?.add(room);
    if (!this.#rooms.has(room))
      this.#rooms.set(
        room,
        room.observe(() => this.#roomChanged(room)),
      );
    room.listed(listed);
    this.#host.follow(room);
  }
}

/** Orders by the time of the last message, or of the room's making. */
function latest(a: RoomSnapshot, b: RoomSnapshot): number {
  const at = activity(a);
  const bt = activity(b);
  if (at === bt) return 0;
  return at < bt ? -1 : 1;
}

function activity({ lastMessage, info }: RoomSnapshot): string {
  return lastMessage?.created_at ?? info?.created_at ?? "";
}
