/** What is known of a room: as the server has it, once everything that comes has been applied. */

import { Gate } from "./gate.js";
import { People } from "./people.js";
import type { Event, Message, MyRoom, Opened, Position, RoomInfo, Snapshot } from "./protocol.js";
import { Reading, type Tell } from "./reading.js";
import { MessageWindow } from "./window.js";

/** How what was missed was made good: nothing was; all changes were fetched; or the room began anew. */
export type Mended = "same" | "changes" | "snapshot";

/** What a replica needs of its room, and tells it. */
export interface Keeper {
  /** My user id. */
  me(): string;
  /** How many messages are held at most. */
  readonly windowSize: number;
  /** Tells the server how far I have read or received. */
  readonly mark: Tell;
  /** The server has answered that something is read. */
  marked(): void;
  /** These messages are stored. */
  stored(messages: readonly Message[]): void;
  /** Somebody else posted a message. */
  posted(message: Message, live: boolean): void;
}

const NOBODY: readonly string[] = [];

/** See the module. */
export class Replica {
  readonly #keeper: Keeper;
  readonly people = new People();
  readonly reading: Reading;
  info: RoomInfo | undefined;
  lastMessage: Message | undefined;
  /** The messages that are held; none while only the list follows the room. */
  window: MessageWindow | undefined;
  /** Who types, oneself left out; the same array until that changes. */
  typing = NOBODY;
  #gate: Gate<Event & Position> | undefined;
  /** What came of messages while pages of them were under way, by their numbers; for each page. */
  readonly #overtaking = new Set<Map<number, Message>>();
  /** Where the list of rooms saw it: from here on it can be followed without a snapshot. */
  #listedAt: string | undefined;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    this.reading = new Reading(keeper.me, keeper.mark, (markers) => {
      this.reading.moved(markers);
      keeper.marked();
    });
  }

  /** The position from which the room is opened; none where its messages are wanted and not there. */
  cursor(withMessages: boolean): string | undefined {
    if (withMessages && !this.window) return undefined;
    return this.#gate?.cursor ?? this.#listedAt;
  }

  /** Whether a change is still to come with the log. */
  awaits(rev: number): boolean {
    return this.#gate !== undefined && rev > this.#gate.rev;
  }

  /** The list of rooms shows it. */
  listed(room: MyRoom): void {
    this.#look(room, false);
    if (!this.#gate) this.#listedAt = room.cursor;
  }

  /** It is open: this is what was missed. */
  opened(opened: Opened): Mended {
    let mended: Mended = "same";
    if ("snapshot" in opened) {
      mended = "snapshot";
      this.#begin(opened.snapshot);
      this.#gate = new Gate(opened.rev, opened.cursor);
    } else if ("changes" in opened) {
      mended = "changes";
      for (const change of opened.changes as (Event & Position)[]) this.#caughtUp(change);
    }
    this.#gate ??= new Gate(opened.rev, opened.cursor);
    this.people.setMarkers(opened.markers);
    this.people.present = opened.present;
    this.setTyping(opened.typing);
    for (const event of this.#gate.reached(opened.rev, opened.cursor)) this.#apply(event, true);
    return mended;
  }

  /** A change that was fetched. Each follows the one before it, so none can be missing. */
  #caughtUp(change: Event & Position): void {
    const step = this.#gate?.offer(change, change) ?? { deliver: [change] };
    if (typeof step === "object") for (const event of step.deliver) this.#apply(event, false);
  }

  /** A change that happened just now. Returns whether one before it is missing. */
  offer(change: Event & Position): boolean {
    const step = this.#gate?.offer(change, change) ?? "known";
    if (typeof step === "object") for (const event of step.deliver) this.#apply(event, true);
    return step === "missing";
  }

  /** Begins anew. */
  #begin({ room, participants, messages }: Snapshot): void {
    this.#look(room, true);
    this.people.replace(participants, participants.length >= room.participants_count);
    this.hold(messages, { older: (messages[0]?.seq ?? 1) > 1, newer: false });
  }

  #look(room: MyRoom, anew: boolean): void {
    const { id, key, kind, name, topic, avatar, metadata, state, created_at, history } = room;
    this.info = { id, key, kind, name, topic, avatar, metadata, state, created_at, history };
    this.lastMessage = room.last_message ?? undefined;
    this.reading.view(room, anew);
  }

  /** Has a page fetched, and brought up to date: what came meanwhile may be later than what the page says. */
  async page(fetch: (current: (page: readonly Message[]) => Message[]) => Promise<unknown>): Promise<void> {
    const later = new Map<number, Message>();
    this.#overtaking.add(later);
    const current = (message: Message): Message => {
      const now = later.get(message.seq);
      return now && now.rev > message.rev ? now : message;
    };
    try {
      await fetch((page) => page.map(current));
    } finally {
      this.#overtaking.delete(later);
    }
  }

  /** Holds these messages, oldest first, instead of those that were held. */
  hold(messages: readonly Message[], more: { older: boolean; newer: boolean }): void {
    this.window = new MessageWindow(this.#keeper.windowSize, messages, more);
    this.#keeper.stored(messages);
  }

  #apply(event: Event & Position, live: boolean): void {
    this.people.reduce(event);
    if (event.type === "room_updated") this.info = event.room_info;
    if (!("message" in event)) return;
    const { message } = event;
    for (const later of this.#overtaking) later.set(message.seq, message);
    this.window?.apply(message);
    if (!this.lastMessage || message.seq >= this.lastMessage.seq) this.lastMessage = message;
    this.#keeper.stored([message]);
    if (event.type === "chat_message") {
      this.setTyping(this.people.typing);
      this.reading.posted(event, live);
      if (message.sender !== this.#keeper.me()) this.#keeper.posted(message, live);
    } else {
      this.reading.changed(event, live);
    }
  }

  /** These type now. */
  setTyping(typing: readonly string[]): void {
    this.people.typing = typing;
    const others = typing.filter((user) => user !== this.#keeper.me());
    const same = others.length === this.typing.length && others.every((user, at) => user === this.typing[at]);
    if (!same) this.typing = others;
  }

  /** Nobody is known to be there: it is not followed. */
  alone(): void {
    this.people.away();
    this.setTyping(NOBODY);
  }

  /** It is not mine: nothing of it stays but its name. */
  forget(): void {
    this.window = undefined;
    this.lastMessage = undefined;
    this.#gate = undefined;
    this.#listedAt = undefined;
    this.people.replace([], false);
    this.alone();
    this.reading.my = undefined;
    this.reading.unread = 0;
  }
}
