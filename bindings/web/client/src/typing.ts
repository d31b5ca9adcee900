/** One's own typing: told sparingly. */

/** How often it is told at most. The server ends it after 3 s. */
const AGAIN_MS = 2_000;
const ENDS_MS = 3_000;

/** See the module. */
export class OwnTyping {
  readonly #tell: (action: "typing_start" | "typing_stop") => void;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(tell: (action: "typing_start" | "typing_stop") => void) {
    this.#tell = tell;
  }

  /** A key was pressed. */
  type(): void {
    if (Date.now() - this.#toldAt < AGAIN_MS) return;
    this.#toldAt = Date.now();
    this.#tell("typing_start");
  }

  /** The text was taken back, or left. */
  stop(): void {
    if (Date.now() - this.#toldAt < ENDS_MS) this.#tell("typing_stop");
    this.sent();
  }

  /** A message was sent, or the connection lost: the server ends it by itself. */
  sent(): void {
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }
}
