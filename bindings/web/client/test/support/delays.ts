/** Sockets that hold answers back: a server may be overtaken by what happens while it reads. */

import WebSocket from "ws";
import type { Action } from "../../src/protocol.js";

/** An answer that is held back. */
export interface Held {
  /** It is here; what came before it was let through. */
  readonly arrived: Promise<void>;
  release(): void;
}

export class Delays {
  readonly WebSocket: typeof WebSocket;
  /** For which actions the next answer is to be held back. */
  readonly #wanted = new Map<Action, (release: () => void) => void>();

  constructor() {
    const wanted = this.#wanted;
    this.WebSocket = class extends WebSocket {
      readonly #refs = new Map<unknown, (release: () => void) => void>();

      override send(text: string): void {
        const { action, ref } = JSON.parse(text);
        const arrive = wanted.get(action);
        if (arrive) this.#refs.set(ref, arrive);
        wanted.delete(action);
        super.send(text);
      }

      override emit(event: string | symbol, ...given: unknown[]): boolean {
        const tell = () => super.emit(event, ...given);
        const ref = event === "message" ? JSON.parse(String(given[0])).ref : undefined;
        const arrive = ref === undefined ? undefined : this.#refs.get(ref);
        if (!arrive) return tell();
        this.#refs.delete(ref);
        arrive(tell);
        return true;
      }
    };
  }

  /** Holds the answer to the next command of this name back. */
  hold(action: Action): Held {
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      this.#wanted.set(action, (tell) => {
        release = tell;
        resolve();
      });
    });
    return { arrived, release: () => release() };
  }
}
