/** Tells the server how far one has read or received: at once, one at a time, and only the latest. */

/** A place that moves forward. */
export class Marking {
  readonly #tell: (seq: number) => Promise<unknown>;
  #wanted = 0;
  #told = 0;
  #busy = false;

  /** `tell` fails where there is no connection; then {@link again} tells it on the next one. */
  constructor(tell: (seq: number) => Promise<unknown>) {
    this.#tell = tell;
  }

  /** What the server does not know yet; 0 if it knows all. */
  get pending(): number {
    return this.#wanted > this.#told ? this.#wanted : 0;
  }

  /** The place is at least `seq`. What comes while an answer is awaited goes with the next one. */
  advance(seq: number): void {
    this.#wanted = Math.max(this.#wanted, seq);
    void this.again();
  }

  /** The server says where the place is; it may have been moved back from elsewhere. */
  set(seq: number): void {
    if (this.pending === 0) this.#wanted = this.#told = seq;
    else this.#told = Math.max(this.#told, seq);
  }

  /** Tells what is pending. */
  async again(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.pending > 0) {
        const seq = this.#wanted;
        await this.#tell(seq);
        this.#told = Math.max(this.#told, seq);
      }
    } catch {
      // It goes with the next place, or on the next connection.
    } finally {
      this.#busy = false;
    }
  }
}
