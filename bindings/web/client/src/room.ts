/** One room: what is known of it, kept as the server has it. */

import { ChatError } from "./errors.js";
import type { Cause, Host } from "./host.js";
import type { Outgoing } from "./outbox.js";
import type {
  Event,
  Markers,
  Message,
  My,
  MyRoom,
  Opened,
  Page,
  Participant,
  RoomInfo,
  SendMessage,
  UpdateMe,
} from "./protocol.js";
import { type Mended, Replica } from "./replica.js";
import { Observable } from "./store.js";
import { OwnTyping } from "./typing.js";
import type { MessageWindow } from "./window.js";

/**
 * How far a room is known.
 *
 * - `idle`: nothing was asked yet.
 * - `loading`: the first answer is awaited.
 * - `live`: everything is shown as the server has it.
 * - `stale`: what is shown was right a while ago; it is brought up to date when there is a connection.
 * - `gone`: there is no such room, or I am not in it (any more).
 */
export type RoomStatus = "idle" | "loading" | "live" | "stale" | "gone";

/** A room at one moment. Parts that did not change are the same objects as before. */
export interface RoomSnapshot {
  /** The name by which it was asked for. */
  readonly ref: string;
  /** Its id, once it is known. */
  readonly id: string | null;
  readonly status: RoomStatus;
  /** What every reader sees alike: name, state and so on. */
  readonly info: RoomInfo | null;
  /** A part of its messages, in order and without a hole; tombstones included. Content is text, never markup. */
  readonly messages: readonly Message[];
  /** Whether there are older messages than those held, and newer ones. */
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** What is on its way, in order. Sends are to be shown after the messages; edits and deletes are in them already. */
  readonly outbox: readonly Outgoing[];
  /**
   * Who is in it, by user id; in a large room the first hundred. Of rooms that only the list follows, they are known
   * where one of them is to be named: in a direct one without a name, and from when somebody types.
   */
  readonly participants: readonly Participant[];
  /** Whether those are all: then what all of them have read is what everybody has. */
  readonly hasAllParticipants: boolean;
  /** Whose clients follow it now: it is shown there, or the list of rooms is. */
  readonly present: readonly string[];
  /** Who types now, oneself left out. */
  readonly typing: readonly string[];
  /** My own place in it. */
  readonly my: My | null;
  readonly unreadCount: number;
  readonly lastMessage: Message | null;
  /** The number of the last message. */
  readonly lastSeq: number;
}

/** How many messages a page has. */
const PAGE = 50;
/** Of how many people it is known whether they are connected. */
const PEOPLE = 100;

const NOTHING: readonly Outgoing[] = [];

/**
 * A room, as a store. It is followed while somebody listens: the first `subscribe` opens it on the server, and a while
 * after the last one ended it is closed. What is known stays, and opening it again fetches only what changed.
 *
 * @example
 * ```ts
 * const room = chat.room("job:42");
 * const stop = room.subscribe(() => render(room.getSnapshot()));
 * room.send("On my way");
 * ```
 */
export class Room extends Observable<RoomSnapshot> {
  /** The name by which it was asked for: its id or its key. */
  readonly ref: string;
  readonly #host: Host;
  readonly #typing: OwnTyping;
  readonly #known: Replica;
  #status: RoomStatus = "idle";
  /** Whether somebody wants to see its messages. */
  #watched = false;
  /** Why it is not followed. */
  #cause: Cause | undefined;
  /** Whether the list has brought the number of unread messages on this connection. */
  #counted = false;
  #counting = false;
  /** How often it was asked for other messages than those that are held. */
  #jumps = 0;
  readonly #loading = new Map<"older" | "newer", Promise<void>>();
  #outbox: readonly Outgoing[] = NOTHING;
  #shown: { from: readonly Message[]; outbox: readonly Outgoing[]; messages: readonly Message[] } | undefined;

  /** @internal */
  constructor(ref: string, host: Host) {
    super();
    this.ref = ref;
    this.#host = host;
    this.#typing = new OwnTyping((action) => host.notify(action, this.name));
    this.#known = new Replica({
      me: () => host.me,
      windowSize: host.windowSize,
      mark: (action, seq, take) => host.request(action, { room: this.name, seq }, take),
      marked: () => this.#recounted(),
      stored: (messages) => this.#arrived(messages),
      posted: (message, live) => host.tell("message", { room: this, message, live }),
    });
  }

  // ---- saying ----------------------------------------------------------------------------------------------------

  /**
   * Sends a message. It is in the outbox at once and goes out in order, now or when there is a connection. Returns its
   * `client_id`, under which the stored message comes back.
   *
   * @example
   * ```ts
   * room.send("On my way");
   * room.send("See the picture", { attachments: [picture], reply_to: question.id });
   * ```
   */
  send(content: string, more: Omit<SendMessage, "content" | "client_id" | "sender"> = {}): string {
    this.#typing.sent();
    // A message that goes out late must not mark as read what came meanwhile.
    const { my } = this.#known.reading;
    const read = my ? { read_seq: Math.min(my.read_seq, my.marker_seq) } : {};
    const fields = { content, ...read, ...more };
    return this.#host.submit({ action: "send_message", fields }, this.ref);
  }

  /** Changes what a message says, through the outbox; it is shown at once. */
  edit(messageId: string, content: string): string {
    return this.#host.submit({ action: "edit_message", fields: { message_id: messageId, content } }, this.ref);
  }

  /** Takes a message's content away, through the outbox; it is shown at once. */
  delete(messageId: string): string {
    return this.#host.submit({ action: "delete_message", fields: { message_id: messageId } }, this.ref);
  }

  /** Tries an operation that failed again. */
  retry(clientId: string): void {
    this.#host.outbox.retry(clientId);
  }

  /** Gives up an operation that is not done. */
  discard(clientId: string): void {
    this.#host.outbox.discard(clientId);
  }

  /** Says that I type. Call it at every key: it is told at most every 2 s, and ends by itself after 3 s. */
  type(): void {
    this.#typing.type();
  }

  /** Says that I no longer type. */
  stopTyping(): void {
    this.#typing.stop();
  }

  // ---- reading ---------------------------------------------------------------------------------------------------

  /** Marks everything up to `seq` as read, by default all. It is shown at once, and told when there is a connection. */
  markRead(seq: number = this.#known.reading.lastSeq): void {
    if (this.#known.reading.read(seq)) this.changed();
  }

  /** Makes `seq` the first unread message. What others see as read stays. */
  async markUnread(seq: number): Promise<void> {
    await this.#host.request("mark_unread", { room: this.name, seq }, (markers) => this.#moved(markers));
  }

  /** Changes my own settings here: pinned, hidden, level, private reading. */
  async updateMe(settings: UpdateMe): Promise<void> {
    await this.#host.request("update_me", { room: this.name, ...settings }, (my) => {
      this.#known.reading.my = my;
      this.changed();
    });
  }

  /** Fetches the page before the first message that is held. */
  loadOlder(): Promise<void> {
    return this.#load("older", async (window) => {
      const before = window.first?.seq;
      if (!window.hasOlder || before === undefined) return;
      await this.#history({ before }, (messages, more) => window.older(messages.reverse(), more));
    });
  }

  /** Fetches the page after the last message that is held. */
  loadNewer(): Promise<void> {
    return this.#load("newer", async (window) => {
      const after = window.last?.seq;
      if (!window.hasNewer || after === undefined) return;
      await this.#history({ after }, (messages, more) => window.newer(messages, more));
    });
  }

  /**
   * Holds the messages around one, instead of those that were held: by its `seq`, or by its id (of a quoted message, say).
   * Returns its `seq`, for scrolling there.
   */
  async jumpTo(target: number | string): Promise<number> {
    this.#jumps += 1;
    const held = this.#known.window?.messages.find(({ id, seq }) => id === target || seq === target);
    if (held) return held.seq;
    const seq = typeof target === "number" ? target : await this.#seqOf(target);
    await this.#replace({ around: seq });
    return seq;
  }

  async #seqOf(messageId: string): Promise<number> {
    const { room, seq } = await this.#host.message(messageId);
    if (room !== (this.id ?? room)) throw new ChatError("not_found", "the message is in another room", "never");
    return seq;
  }

  /** Holds the last messages, instead of those that were held. */
  async jumpToLatest(): Promise<void> {
    this.#jumps += 1;
    if (this.#known.window && !this.#known.window.hasNewer) return;
    // What was posted while the page was under way is not in it.
    if (await this.#replace({})) await this.loadNewer();
  }

  /** Holds other messages, and says so; unless one has gone elsewhere meanwhile, or is not here any more. */
  async #replace(place: { around?: number }): Promise<boolean> {
    const jump = this.#jumps;
    const isWanted = () => jump === this.#jumps && this.#status !== "gone";
    await this.#history(place, (messages) => {
      if (!isWanted() || messages.length === 0) return;
      messages.sort((a, b) => a.seq - b.seq);
      const [first, last] = [messages[0]?.seq ?? 1, messages.at(-1)?.seq ?? 0];
      this.#known.hold(messages, { older: first > 1, newer: last < this.#known.reading.lastSeq });
      this.changed();
    });
    return isWanted();
  }

  /** Runs one load in each direction at a time; who asks meanwhile waits for that one. */
  #load(end: "older" | "newer", work: (window: MessageWindow) => Promise<void>): Promise<void> {
    const window = this.#known.window;
    if (!window) return Promise.resolve();
    const running = this.#loading.get(end);
    if (running) return running;
    const loading = work(window).finally(() => {
      this.#loading.delete(end);
      // Where the window was replaced meanwhile, the page went into the old one.
      this.changed();
    });
    this.#loading.set(end, loading);
    return loading;
  }

  #history(
    place: { before?: number; after?: number; around?: number },
    take: (messages: Message[], more: boolean) => void,
  ): Promise<void> {
    return this.#known.page((current) =>
      this.#host.request("history", { room: this.name, ...place, limit: PAGE }, ({ results, next }) =>
        take(current(results), next !== null),
      ),
    );
  }

  // ---- showing ---------------------------------------------------------------------------------------------------

  protected override picture(): RoomSnapshot {
    const { info, window, people, typing, lastMessage, reading } = this.#known;
    return {
      ref: this.ref,
      id: info?.id ?? null,
      status: this.#status,
      info: info ?? null,
      messages: this.#messages(),
      hasOlder: window?.hasOlder ?? false,
      hasNewer: window?.hasNewer ?? false,
      outbox: this.#outbox,
      participants: people.participants,
      hasAllParticipants: people.isComplete,
      present: people.present,
      typing,
      my: reading.my ?? null,
      unreadCount: reading.unread,
      lastMessage: lastMessage ?? null,
      lastSeq: reading.lastSeq,
    };
  }

  /** The messages, as they will be when what is pending is done. */
  #messages(): readonly Message[] {
    const from = this.#known.window?.messages ?? [];
    if (this.#shown?.from === from && this.#shown.outbox === this.#outbox) return this.#shown.messages;
    const pending = this.#outbox.filter(({ action, state }) => action !== "send_message" && state === "pending");
    const messages = pending.length === 0 ? from : from.map((message) => pending.reduce(foreseen, message));
    this.#shown = { from, outbox: this.#outbox, messages };
    return messages;
  }

  protected override watched(on: boolean): void {
    this.#watched = on;
    if (!on) return this.#host.release(this);
    // A room that only the list follows has no messages yet.
    if (!this.#known.window && this.#status !== "gone") {
      this.#status = "loading";
      this.changed();
    }
    if (this.#status !== "live") this.#host.follow(this);
    else void this.#see();
  }

  // ---- what the client tells it ------------------------------------------------------------------------------------

  /** Its id, once it is known. @internal */
  get id(): string | undefined {
    return this.#known.info?.id;
  }

  /** The name by which the server is asked. @internal */
  get name(): string {
    return this.id ?? this.ref;
  }

  /** Whether `name` means this room. @internal */
  readonly answersTo = (name: string): boolean => {
    return name === this.ref || name === this.id || name === this.#known.info?.key;
  };

  /** Whether somebody wants to see its messages. @internal */
  get isWatched(): boolean {
    return this.#watched;
  }

  /** The position to open it from. @internal */
  get cursor(): string | undefined {
    return this.#known.cursor(this.#watched);
  }

  /** The list of rooms shows it. @internal */
  listed(room: MyRoom): void {
    // What comes live is later than the answer may be.
    if (this.#status === "live") this.#known.reading.view(room);
    else this.#known.listed(room);
    this.#counted = true;
    this.#named();
    if (this.#status === "gone") this.#status = "idle";
    this.#recounted();
  }

  /**
   * Whether somebody is shown who is not known: the other one of a direct room, which is called by them, or one who types.
   * @internal
   */
  get hasStrangers(): boolean {
    const { info, people, typing } = this.#known;
    if (info?.kind === "direct" && info.name === null && people.participants.length === 0) return true;
    return typing.some((user) => !people.find(user));
  }

  /** These are in it. @internal */
  met({ results, next }: Page<Participant>): void {
    this.#known.people.meet(results, next === null);
    this.changed();
  }

  /** It is open: this is what was missed. Returns whether there is more, for which it must be opened again. @internal */
  opened(opened: Opened): boolean {
    const again = this.#known.window !== undefined;
    const mended = this.#known.opened(opened);
    this.#named();
    const more = "more" in opened && opened.more;
    if (!more) this.#caughtUp(again, mended);
    this.changed();
    return more;
  }

  #caughtUp(again: boolean, mended: Mended): void {
    const { reading } = this.#known;
    this.#status = "live";
    this.#host.outbox.settle(this.answersTo);
    if (mended !== "snapshot" && !this.#counted) reading.needsCount = true;
    if (this.#watched) void this.#see();
    reading.received();
    reading.again();
    this.#recounted();
    const cause = this.#cause;
    this.#cause = undefined;
    if (cause && again) this.#host.tell("continuity", { room: this, cause, mended });
  }

  /** Asks who is connected: what was missed does not say. */
  async #see(): Promise<void> {
    if (!this.#known.people.hasUnseen) return;
    try {
      await this.#host.request("list_participants", { room: this.name, limit: PEOPLE }, ({ results }) => {
        this.#known.people.see(results);
        this.changed();
      });
    } catch {
      // Opening the room again asks again.
    }
  }

  /** Something happened in it. @internal */
  receive(event: Event): void {
    switch (event.type) {
      case "resync":
        return this.#lose(event.reason);
      case "marker":
        return this.#moved(event);
      case "typing":
        this.#known.setTyping(event.typing);
        return this.changed();
      case "message_read":
      case "message_delivered":
      case "user_joined":
      case "user_left":
      case "presence":
        this.#known.people.reduce(event);
        return this.changed();
      default:
        if (!("rev" in event)) return;
        if (this.#known.offer(event)) this.#lose("gap");
        this.#recounted();
    }
  }

  /** Something of it was missed: it must be opened again from its cursor. */
  #lose(cause: Cause): void {
    this.#cause ??= cause;
    if (this.#status === "live") this.#status = "stale";
    this.#host.follow(this);
    this.changed();
  }

  /** The connection is gone. @internal */
  lost(): void {
    this.#counted = false;
    this.#typing.sent();
    if (this.#status !== "live") return;
    this.#cause ??= "connection";
    this.#status = "stale";
    this.#known.alone();
    this.changed();
  }

  /** It is no longer followed: what is known grows old. @internal */
  closed(): void {
    if (this.#status === "live") this.#status = "stale";
    this.#known.alone();
    this.#host.outbox.settle(this.answersTo);
    this.changed();
  }

  /** It is not there, or not mine: nothing of it stays. @internal */
  removed(): void {
    this.#status = "gone";
    this.#cause = undefined;
    this.#known.forget();
    this.#host.outbox.settle(this.answersTo);
    this.changed();
  }

  /** The outbox changed. @internal */
  outboxChanged(all: readonly Outgoing[]): void {
    const mine = all.filter((entry) => this.answersTo(entry.room));
    const same = mine.length === this.#outbox.length && mine.every((entry, at) => entry === this.#outbox[at]);
    if (same) return;
    this.#outbox = mine.length === 0 ? NOTHING : mine;
    this.changed();
  }

  /** Its names are known: what was written under any of them, maybe before a reload, is shown. */
  #named(): void {
    this.outboxChanged(this.#host.outbox.getSnapshot());
  }

  /** An operation of the outbox was done. Returns whether the log will bring the message. @internal */
  stored(message: Message): boolean {
    const { window } = this.#known;
    const comes = this.#status === "live" && this.#known.awaits(message.rev);
    // What is new waits for what was said before it; what is held already is as it is now.
    if (!comes || message.seq <= (window?.last?.seq ?? 0)) {
      window?.apply(message);
      this.changed();
    }
    return comes;
  }

  /** What is stored is on its way no more. */
  #arrived(messages: readonly Message[]): void {
    for (const { client_id, sender } of messages) {
      if (client_id !== undefined && sender === this.#host.me) this.#host.outbox.arrived(this.answersTo, client_id);
    }
  }

  // ---- counting ------------------------------------------------------------------------------------------------------

  /** My markers moved. */
  #moved(markers: Markers): void {
    this.#known.reading.moved(markers);
    this.#recounted();
  }

  /** The number of unread messages may be another, or uncertain. */
  #recounted(): void {
    this.changed();
    if (this.#known.reading.needsCount && !this.#counting && this.#status === "live") void this.#count();
  }

  /** Asks for the number of unread messages until it is certain. */
  async #count(): Promise<void> {
    const { reading } = this.#known;
    this.#counting = true;
    try {
      while (reading.needsCount) {
        reading.needsCount = false;
        await this.#host.request("get_room", { room: this.name }, (room) => {
          reading.view(room);
          this.changed();
        });
      }
    } catch {
      // Opening the room again asks again.
    } finally {
      this.#counting = false;
    }
  }
}

/** A message as it will be when an edit or a delete is done. */
function foreseen(message: Message, { action, fields, createdAt }: Outgoing): Message {
  if (action === "send_message" || fields.message_id !== message.id) return message;
  if (action === "edit_message") return { ...message, content: fields.content ?? message.content };
  const gone = { content: undefined, metadata: undefined, attachments: undefined, reply_to: undefined };
  return { ...message, ...gone, deleted_at: new Date(createdAt).toISOString() };
}
