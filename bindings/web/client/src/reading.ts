/** One's own place in a room: what is read, what was received, and how much is unread. */

import { Marking } from "./marking.js";
import type { ChatMessageEvent, Markers, MessageDeletedEvent, MessageEditedEvent, My, MyRoom } from "./protocol.js";

/** Says to the server that everything up to `seq` is read, or received. */
export type Tell = (
  action: "read_message" | "message_delivered",
  seq: number,
  take?: (markers: Markers) => void,
) => Promise<Markers>;

/** See the module. The count is kept where it is certain; where it is not, it is asked for ({@link needsCount}). */
export class Reading {
  my: My | undefined;
  /** Messages that are not read. */
  unread = 0;
  /** The number of the room's last message. */
  lastSeq = 0;
  /** Something happened whose effect on the count only the server knows. */
  needsCount = false;
  /** Messages up to here are in the count. */
  #counted = 0;
  /** Where the server last said that the count begins. */
  #marker = 0;
  /** The number of the last message by somebody else. */
  #others = 0;
  readonly #me: () => string;
  readonly #read: Marking;
  readonly #delivered: Marking;

  /** `told` is given what the server answers when something is read. */
  constructor(me: () => string, tell: Tell, told: (markers: Markers) => void) {
    this.#me = me;
    this.#read = new Marking((seq) => tell("read_message", seq, told));
    this.#delivered = new Marking((seq) => tell("message_delivered", seq));
  }

  /**
   * Takes the room as the server shows it; `anew`: what was known before no longer counts. Events may overtake an answer:
   * a count that does not know of what was posted meanwhile is asked for again.
   */
  view(room: MyRoom, anew = false): void {
    this.lastSeq = anew ? room.last_seq : Math.max(this.lastSeq, room.last_seq);
    if (!anew && room.last_seq < this.#counted) {
      this.needsCount = true;
    } else {
      this.#counted = room.last_seq;
      this.unread = room.unread_count;
    }
    if (!room.my) return;
    this.#place(room.my);
    if (room.last_message?.sender !== this.#me()) this.#others = room.last_seq;
    this.received();
  }

  /** One's markers moved, here or on another device. */
  moved({ read_seq, delivered_seq, marker_seq, unread_count }: Markers): void {
    if (!this.my) return;
    const same = marker_seq === this.#marker;
    this.#place({ ...this.my, read_seq, delivered_seq, marker_seq });
    if (same) return;
    this.unread = marker_seq >= this.lastSeq ? 0 : unread_count;
    // It does not say which messages it knows of.
    this.needsCount ||= marker_seq < this.lastSeq;
  }

  /** What the server says, with what it has not heard yet put over it. */
  #place(my: My): void {
    this.#marker = my.marker_seq;
    this.#read.set(my.marker_seq);
    this.#delivered.set(my.delivered_seq);
    this.my = my;
    if (this.#read.pending > 0) this.#readTo(this.#read.pending);
  }

  /** A message was posted; `live`: just now, so that every earlier one is known. */
  posted({ message, read_seq }: ChatMessageEvent, live: boolean): void {
    const mine = message.sender === this.#me();
    this.lastSeq = Math.max(this.lastSeq, message.seq);
    if (!mine) this.#others = Math.max(this.#others, message.seq);
    if (!live) {
      this.needsCount = true;
      return;
    }
    if (message.seq <= this.#counted) return;
    this.#counted = message.seq;
    if (!mine) {
      if (message.message_type !== "system") this.unread += 1;
      this.received();
    } else if (read_seq === undefined) {
      this.#readTo(message.seq);
    } else if (this.my && read_seq > this.my.marker_seq) {
      this.needsCount = true;
    }
  }

  /** A message is another now, or gone. Whether it was unread, only the server knows. */
  changed({ type, message }: MessageEditedEvent | MessageDeletedEvent, live: boolean): void {
    this.lastSeq = Math.max(this.lastSeq, message.seq);
    this.needsCount ||= type === "message_deleted" || !live;
  }

  /** Everything that others have said has reached this device. */
  received(): void {
    if (this.my && this.#others > this.my.delivered_seq) this.#delivered.advance(this.#others);
  }

  /** Everything up to `seq` is read. Returns whether that is news. */
  read(seq: number): boolean {
    const to = Math.min(seq, this.lastSeq);
    if (!this.my || to <= this.my.marker_seq) return false;
    this.#readTo(to);
    this.#read.advance(to);
    return true;
  }

  #readTo(seq: number): void {
    if (!this.my) return;
    const { marker_seq, read_seq, private_reading } = this.my;
    this.my = {
      ...this.my,
      marker_seq: Math.max(marker_seq, seq),
      read_seq: private_reading ? read_seq : Math.max(read_seq, seq),
    };
    if (seq >= this.lastSeq) this.unread = 0;
  }

  /** There is a new connection: what was not answered is told again. */
  again(): void {
    void this.#read.again();
    void this.#delivered.again();
  }
}
