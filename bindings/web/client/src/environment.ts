/** What a client needs of the platform. Everything has a default where the platform has it, and can be given instead. */

import { ChatError } from "./errors.js";

/** The part of a WebSocket that is used. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** A WebSocket class: the platform's own, or that of a package such as `ws`. */
export type SocketClass = new (url: string, protocols: string[]) => Socket;

/** See the module. */
export interface Environment {
  /** Default: the global one. Node has one from version 22 on. */
  WebSocket: SocketClass;
  /** Default: the global one. Needed only to jump to a message by its id. */
  fetch: typeof fetch;
  /** From 0 to below 1. Default: `Math.random`. */
  random: () => number;
  /** A name that nobody else makes. Default: a UUID. */
  newName: () => string;
  /**
   * Calls `wake` when the network may have changed: the device went online or offline, the page is looked at again. Returns
   * what ends that. Default: the events of the browser, where there are any. On React Native use `AppState`.
   */
  onWake: (wake: () => void) => () => void;
}

/** The environment, with what was given put over the platform's own. */
export function environment(given: Partial<Environment> = {}): Environment {
  return {
    get WebSocket() {
      return given.WebSocket ?? global<SocketClass>("WebSocket");
    },
    get fetch() {
      return given.fetch ?? global<typeof fetch>("fetch").bind(globalThis);
    },
    random: given.random ?? Math.random,
    newName: given.newName ?? newName,
    onWake: given.onWake ?? onWake,
  };
}

function global<T>(name: string): T {
  const found = (globalThis as Record<string, unknown>)[name];
  if (found === undefined) {
    throw new ChatError("unsupported", `this platform has no ${name}; give one as \`environment.${name}\``, "never");
  }
  return found as T;
}

/** A UUID. Without `crypto` (React Native) it need only be unlikely to be made twice: it is a name, not a secret. */
function newName(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  if (crypto?.randomUUID) return crypto.randomUUID();
  const part = () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return `${Date.now().toString(16)}-${part()}${part()}${part()}`;
}

function onWake(wake: () => void): () => void {
  const { document } = globalThis as { document?: Document };
  const seen = () => {
    if (document?.visibilityState === "visible") wake();
  };
  const on = (target: EventTarget | undefined, name: string, listener: () => void) => {
    target?.addEventListener?.(name, listener);
    return () => target?.removeEventListener?.(name, listener);
  };
  const { addEventListener } = globalThis as Partial<EventTarget>;
  const page = addEventListener ? (globalThis as unknown as EventTarget) : undefined;
  const stops = ["online", "offline", "pageshow"].map((name) => on(page, name, wake));
  stops.push(on(document, "visibilitychange", seen));
  return () => {
    for (const stop of stops) stop();
  };
}
