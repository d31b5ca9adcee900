/** The part of a room's messages that is held: without a hole, and bounded. */

import type { Message } from "./protocol.js";

/** Which end stays when there are too many: the one at which somebody reads. */
type End = "oldest" | "newest";

/** See the module. Messages are in order of `seq`. */
export class MessageWindow {
  readonly #limit: number;
  readonly #messages: Message[];
  #shown: readonly Message[] | undefined;
  #keep: End = "newest";
  /** The number of the last new one that did not come into the window. */
  #passed = 0;
  /** Whether there are older ones than those held. */
  hasOlder: boolean;
  /** Whether there are newer ones; then what is new does not come into the window. */
  hasNewer: boolean;

  /** A window of at most `limit` messages that begins with a page, oldest first. */
  constructor(limit: number, page: readonly Message[] = [], more = { older: false, newer: false }) {
    this.#limit = limit;
    this.#messages = [...page];
    this.hasOlder = more.older;
    this.hasNewer = more.newer;
    this.#trim();
  }

  /** The messages; the same array until one changes. */
  get messages(): readonly Message[] {
    this.#shown ??= [...this.#messages];
    return this.#shown;
  }

  get first(): Message | undefined {
    return this.#messages[0];
  }

  get last(): Message | undefined {
    return this.#messages.at(-1);
  }

  /** Adds a page, oldest first, that ends just before the first message. */
  older(page: readonly Message[], more: boolean): void {
    this.hasOlder = more;
    this.#keep = "oldest";
    for (const message of page) this.#put(message);
    this.#trim();
  }

  /** Adds a page, oldest first, that begins just after the last message. */
  newer(page: readonly Message[], more: boolean): void {
    this.#keep = "newest";
    for (const message of page) this.#put(message);
    this.#trim();
    // What came while the page was under way may not be in it.
    this.hasNewer = more || (this.last?.seq ?? 0) < this.#passed;
  }

  /**
   * Takes a message as it is now. One outside the window is passed over: it comes with its page. While catching up, new
   * ones may come in another order than that of `seq`.
   */
  apply(message: Message): void {
    const { first, last } = this;
    if (first && message.seq < first.seq && this.hasOlder) return;
    if (this.hasNewer && !(last && message.seq <= last.seq)) {
      this.#passed = Math.max(this.#passed, message.seq);
      return;
    }
    this.#put(message);
    this.#trim();
  }

  #put(message: Message): void {
    const at = this.#place(message.seq);
    const held = this.#messages[at];
    if (held?.seq === message.seq) {
      // A page that was read earlier may arrive later.
      if (message.rev >= held.rev) this.#messages[at] = message;
    } else {
      this.#messages.splice(at, 0, message);
    }
    this.#shown = undefined;
  }

  /** Where a message stands, or would. */
  #place(seq: number): number {
    let [from, to] = [0, this.#messages.length];
    if ((this.last?.seq ?? 0) < seq) return to;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#messages[middle] as Message).seq < seq) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #trim(): void {
    this.#shown = undefined;
    const beyond = this.#messages.length - this.#limit;
    if (beyond <= 0) return;
    if (this.#keep === "newest") {
      this.#messages.splice(0, beyond);
      this.hasOlder = true;
    } else {
      this.#messages.splice(this.#limit);
      this.hasNewer = true;
    }
  }
}
