/** The gap gate: lets a room's changes through in order, once each, and notices when one is missing. */

import type { Position } from "./protocol.js";

/** What to do with what was offered to a {@link Gate}. */
export type Step<T> =
  /** Apply these, in this order. */
  | { deliver: T[] }
  /** It was applied before. */
  | "known"
  /** Something before it is missing: fetch what follows {@link Gate.cursor}, then call {@link Gate.reached}. */
  | "missing";

/** How many changes wait for a missing one; what comes beyond is dropped, and fetched like any other gap. */
const PARKED = 256;

/**
 * A gate in front of one room's changes: the same as that of the core. It need not look at epochs: an answer of another
 * one comes as a snapshot, and a snapshot begins with a new gate.
 *
 * @example
 * ```ts
 * const id = "01900000-0000-7000-8000-000000000000";
 * const gate = new Gate<string>(3, "cursor after 3");
 * gate.offer({ room: id, rev: 5, cursor: "after 5" }, "five"); // "missing": 4 is not here
 * gate.offer({ room: id, rev: 4, cursor: "after 4" }, "four"); // { deliver: ["four", "five"] }
 * gate.offer({ room: id, rev: 4, cursor: "after 4" }, "four"); // "known"
 * ```
 */
export class Gate<T> {
  #rev: number;
  #cursor: string;
  /** What came too early, by the change that it follows: a long frame must not hide behind a short one. */
  readonly #parked = new Map<number, { rev: number; cursor: string; item: T }>();

  /** A gate that has let everything up to `rev` through. */
  constructor(rev: number, cursor: string) {
    this.#rev = rev;
    this.#cursor = cursor;
  }

  /** The position up to which everything was let through: hand it back to resume. */
  get cursor(): string {
    return this.#cursor;
  }

  /** The change at that position. */
  get rev(): number {
    return this.#rev;
  }

  /** Offers one change. */
  offer(at: Position, item: T): Step<T> {
    const { rev, cursor, prev: from = rev - 1 } = at;
    if (rev <= this.#rev) return "known";
    const longer = (this.#parked.get(from)?.rev ?? 0) < rev;
    if (longer && (from <= this.#rev || this.#parked.size < PARKED)) this.#parked.set(from, { rev, cursor, item });
    const deliver = this.#release();
    return deliver.length > 0 ? { deliver } : "missing";
  }

  /** Says that everything up to `rev` was fetched and applied; returns what waited and fits now. */
  reached(rev: number, cursor: string): T[] {
    if (rev > this.#rev) this.#go(rev, cursor);
    return this.#release();
  }

  #go(rev: number, cursor: string): void {
    this.#rev = rev;
    this.#cursor = cursor;
  }

  #release(): T[] {
    const items: T[] = [];
    for (;;) {
      const from = Math.min(...this.#parked.keys());
      const first = this.#parked.get(from);
      if (!first || from > this.#rev) return items;
      this.#parked.delete(from);
      if (first.rev > this.#rev) {
        this.#go(first.rev, first.cursor);
        items.push(first.item);
      }
    }
  }
}
