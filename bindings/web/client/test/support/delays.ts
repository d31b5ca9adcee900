/** Sockets that hold back what the server says: an answer may be overtaken by events, and an event by an answer. */

import WebSocket from "ws";
import type { Action, Event } from "../../src/protocol.js";

/** What is held back. */
export interface Held {
  /** It is here; what came before it was let through. */
  readonly arrived: Promise<void>;
  release(): void;
}

export class Delays {
  readonly WebSocket: typeof WebSocket;
  /** For which actions the next answer is to be held back, and which events. */
  readonly #wanted = new Map<Action | Event["type"], (release: () => void) => void>();

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
        const { type, ref } = event === "message" ? JSON.parse(String(given[0])) : {};
        const arrive = this.#refs.get(ref) ?? wanted.get(type);
        if (!arrive) return tell();
        this.#refs.delete(ref);
        wanted.delete(type);
        arrive(tell);
        return true;
      }
    };
  }

  /** Holds back the answer to the next command of this name, or the next event of it. */
  hold(name: Action | Event["type"]): Held {
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      this.#wanted.set(name, (tell) => {
        release = tell;
        resolve();
      });
    });
    return { arrived, release: () => release() };
  }
}
