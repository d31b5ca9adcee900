/** The client: one connection, many rooms. */

import { addressOf } from "./address.js";
import { laterMs } from "./backoff.js";
import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import { type Environment, environment } from "./environment.js";
import { ChatError } from "./errors.js";
import type { Commands } from "./frames.js";
import type { ClientEvents, Host } from "./host.js";
import { MemoryOutbox, Outbox, type OutboxEntry, type OutboxStorage } from "./outbox.js";
import type { Action, ErrorBody, Event, Message, MyRoom, Subscribed } from "./protocol.js";
import { Room } from "./room.js";
import { RoomList } from "./rooms.js";
import { type Store, tell } from "./store.js";

/** How a client is set up. */
export interface ChatOptions extends ConnectionOptions {
  /** Where what is on its way is kept. Default: in memory, until the page goes. */
  outbox?: OutboxStorage;
  /** How many messages a room holds at most. Default 500. */
  windowSize?: number;
  /** What to use instead of the platform's own. */
  environment?: Partial<Environment>;
}

/** How long a room that nobody watches stays open: a page that changes over to another one of it closes nothing. */
const LINGER_MS = 1_000;

/**
 * Chat rooms over one connection.
 *
 * @example
 * ```ts
 * import { ChatClient } from "@chat-engine/client";
 *
 * const chat = new ChatClient({
 *   url: "wss://chat.example.com/ws/",
 *   token: async () => {
 *     const answer = await fetch("/chat-token");
 *     if (!answer.ok) throw new Error(`/chat-token answered ${answer.status}`);
 *     return answer.text();
 *   },
 * });
 * chat.connect();
 *
 * const room = chat.room("job:42");
 * room.subscribe(() => {
 *   for (const { sender, content } of room.getSnapshot().messages) show(sender, content);
 * });
 * room.send("On my way");
 * ```
 */
export class ChatClient {
  readonly #options: ChatOptions;
  readonly #environment: Environment;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #host: Host;
  readonly #list: RoomList;
  /** By every name that they are known by. */
  readonly #rooms = new Map<string, Room>();
  /** Every room once. */
  readonly #all = new Set<Room>();
  /** To be opened together. */
  readonly #toOpen = new Set<Room>();
  /** Whose opening is under way; `true`: once more after it. */
  readonly #opening = new Map<Room, boolean>();
  readonly #lingering = new Map<Room, ReturnType<typeof setTimeout>>();
  #later: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Map<keyof ClientEvents, Set<(news: never) => void>>();
  #me = "";

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#environment = environment(options.environment);
    this.#connection = new Connection(options, this.#environment, {
      ready: ({ user_id }) => this.#ready(user_id ?? ""),
      lost: () => this.#lost(),
      event: (event) => this.#event(event),
      failed: (error) => this.#tell("error", { error }),
    });
    this.#outbox = new Outbox(options.outbox ?? new MemoryOutbox(), {
      deliver: (entry) => this.#deliver(entry),
      stored: (entry, message) => this.#stored(entry, message),
    });
    this.#host = this.#hosting();
    this.#list = new RoomList(this.#host, (room) => this.#named(room));
    this.#outbox.subscribe(() => {
      const entries = this.#outbox.getSnapshot();
      for (const room of this.#all) room.outboxChanged(entries);
    });
  }

  /** Where the connection is. */
  get connection(): Store<ConnectionState> {
    return this.#connection;
  }

  /** My rooms, and how much is unread in all. */
  get rooms(): RoomList {
    return this.#list;
  }

  /** My user id; empty before the first connection. */
  get me(): string {
    return this.#me;
  }

  /** Connects, and stays connected until `close`. While it waits for the next attempt, that is made now. */
  connect(): void {
    this.#outbox.open();
    this.#connection.connect();
  }

  /** Closes the connection. What is in the outbox stays there; `connect` opens again. */
  close(): void {
    this.#connection.close();
    this.#outbox.close();
    clearTimeout(this.#later);
    for (const timer of this.#lingering.values()) clearTimeout(timer);
    this.#lingering.clear();
  }

  /** A room, by its id or its key. It is the same object each time, and is opened when somebody listens to it. */
  room(name: string): Room {
    let room = this.#rooms.get(name) ?? [...this.#all].find((room) => room.answersTo(name));
    if (!room) {
      room = new Room(name, this.#host);
      this.#rooms.set(name, room);
      this.#all.add(room);
      room.outboxChanged(this.#outbox.getSnapshot());
    }
    return room;
  }

  /**
   * Any command of the protocol. Fails with a {@link ChatError}; `disconnected` where there is no connection.
   *
   * @example
   * ```ts
   * const room = await chat.request("create_room", { kind: "direct", participants: ["ben"] });
   * ```
   */
  request<A extends Action>(action: A, fields: Commands[A]["fields"]): Promise<Commands[A]["ok"]> {
    return this.#connection.request(action, fields);
  }

  /**
   * Listens for news that are no state: see {@link ClientEvents}. Returns what ends it.
   *
   * @example
   * ```ts
   * chat.on("message", ({ room, message }) => notify(room.getSnapshot().info?.name, message.content));
   * chat.on("continuity", ({ mended }) => log(`reconnected: ${mended}`));
   * ```
   */
  on<E extends keyof ClientEvents>(event: E, listener: (news: ClientEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #tell<E extends keyof ClientEvents>(event: E, news: ClientEvents[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) tell(listener, news as never);
  }

  // ---- for rooms -------------------------------------------------------------------------------------------------

  #hosting(): Host {
    const client = this;
    return {
      get me() {
        return client.#me;
      },
      windowSize: this.#options.windowSize ?? 500,
      outbox: this.#outbox,
      request: this.#connection.request,
      notify: (action, room) => this.#connection.notify(action, room),
      submit: (operation, room) => {
        const clientId = this.#environment.newName();
        this.#outbox.add(operation, room, clientId);
        return clientId;
      },
      message: (id) => this.#message(id),
      follow: (room) => this.#follow(room),
      release: (room) => this.#release(room),
      tell: (event, news) => this.#tell(event, news),
    };
  }

  /** One message, which the socket has no command for. */
  async #message(id: string): Promise<Message> {
    const url = `${addressOf(this.#options.url).api}messages/${encodeURIComponent(id)}/`;
    const token = await this.#connection.token();
    const answer = await this.#environment.fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw ChatError.of((await answer.json()) as ErrorBody);
    return (await answer.json()) as Message;
  }

  #named(listed: MyRoom): Room {
    const byKey = listed.key === null ? undefined : this.#rooms.get(listed.key);
    return this.#rooms.get(listed.id) ?? byKey ?? this.room(listed.id);
  }

  // ---- opening rooms -----------------------------------------------------------------------------------------------

  #follow(room: Room): void {
    if (this.#opening.has(room)) {
      this.#opening.set(room, true);
      return;
    }
    if (this.#toOpen.size === 0) queueMicrotask(() => this.#openAll());
    this.#toOpen.add(room);
  }

  #release(room: Room): void {
    clearTimeout(this.#lingering.get(room));
    const timer = setTimeout(() => {
      this.#lingering.delete(room);
      // What is being opened is closed as soon as it is open.
      if (!this.#wants(room) && !this.#opening.has(room)) this.#close(room);
    }, LINGER_MS);
    this.#lingering.set(room, timer);
  }

  #close(room: Room): void {
    room.closed();
    // It may be known by two names.
    if ([...this.#all].some((other) => other.id === room.id && this.#wants(other))) return;
    this.#connection.request("unsubscribe", { rooms: [room.name] }).catch(() => {});
  }

  #wants(room: Room): boolean {
    return room.isWatched || this.#list.follows(room);
  }

  #keeps(room: Room): boolean {
    return this.#wants(room) || this.#lingering.has(room);
  }

  /** Opens what is to be opened, in as few commands as the server takes. */
  #openAll(): void {
    const state = this.#connection.getSnapshot();
    const rooms = [...this.#toOpen].filter((room) => this.#keeps(room));
    this.#toOpen.clear();
    if (state.status !== "open") return;
    for (let at = 0; at < rooms.length; at += state.limits.subscribe_rooms) {
      void this.#open(rooms.slice(at, at + state.limits.subscribe_rooms));
    }
  }

  async #open(rooms: Room[]): Promise<void> {
    for (const room of rooms) this.#opening.set(room, false);
    // By the name that was asked for: behind a key there may be another room after the server's data was replaced.
    const asked = rooms.map((room) => ({ room: room.ref, ...(room.cursor ? { cursor: room.cursor } : {}) }));
    try {
      await this.#connection.request("subscribe", { rooms: asked }, (answer) => {
        rooms.forEach((room, at) => void this.#opened(room, answer.rooms[at]));
      });
    } catch (error) {
      for (const room of rooms) this.#opening.delete(room);
      if (!(error instanceof ChatError)) throw error;
      // The next connection opens them again.
      if (error.code === "disconnected") return;
      if (error.retry === "never" && rooms.length > 1) {
        // One of them may be what is wrong: each is asked for by itself.
        for (const room of rooms) void this.#open([room]);
        return;
      }
      this.#tell("error", { error });
      if (error.retry === "never") {
        for (const room of rooms) this.#removed(room);
        return;
      }
      this.#later = setTimeout(() => rooms.forEach((room) => void this.#follow(room)), laterMs(error));
    }
  }

  #opened(room: Room, opened: Subscribed | undefined): void {
    let again = this.#opening.get(room);
    this.#opening.delete(room);
    if (!opened || "gone" in opened) this.#removed(room);
    else again = room.opened(opened) || again;
    if (!this.#keeps(room)) this.#close(room);
    else if (again) this.#follow(room);
  }

  // ---- what the connection tells -----------------------------------------------------------------------------------

  #ready(me: string): void {
    this.#me = me;
    for (const room of this.#all) if (room.isWatched) this.#follow(room);
    this.#list.ready();
    this.#outbox.online();
  }

  #lost(): void {
    this.#opening.clear();
    this.#outbox.offline();
    for (const room of this.#all) room.lost();
    this.#list.lost();
  }

  #event(event: Event): void {
    if (event.type === "presence") {
      for (const room of this.#all) room.receive(event);
      return;
    }
    if (!("room" in event)) return;
    if (event.type === "room_added") {
      void this.#list.added(event.room);
      const known = (room: Room) => room.answersTo(event.room) || room.answersTo(event.room_info.key ?? event.room);
      for (const room of this.#all) if (room.isWatched && known(room)) this.#follow(room);
      return;
    }
    // It may be known by two names.
    for (const room of this.#all) {
      if (room.id !== event.room) continue;
      if (event.type === "room_removed") this.#removed(room);
      else room.receive(event);
    }
  }

  #removed(room: Room): void {
    room.removed();
    this.#list.removed(room);
  }

  // ---- the outbox --------------------------------------------------------------------------------------------------

  async #deliver({ action, fields, room, clientId }: OutboxEntry): Promise<Message> {
    const named = { ...fields, room, client_id: clientId };
    const { message } = await this.#connection.request(action, named as Commands[typeof action]["fields"]);
    return message;
  }

  #stored({ room: name, action }: OutboxEntry, message: Message): boolean {
    const rooms = [...this.#all].filter((room) => room.answersTo(name));
    const come = rooms.filter((room) => room.stored(message));
    return action === "send_message" && come.length > 0;
  }
}
