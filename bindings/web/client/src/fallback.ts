/** For networks in which WebSockets do not open: `@chat-engine/client/fallback`. */

import { addressOf } from "./address.js";
import type { Environment, Socket, SocketClass } from "./environment.js";
import { Stream } from "./stream.js";

/** So many sockets in a row must come to nothing before a stream is tried. */
const TRIES = 2;
/** For how long sockets count as blocked; then one is tried again. */
const BLOCKED_MS = 600_000;
/** How long a socket may take to say its first word. */
const PATIENCE_MS = 10_000;

/**
 * A WebSocket class that goes over HTTP where sockets are blocked: by a proxy that does not let them through, or lets them
 * open and passes nothing on.
 *
 * Two sockets in a row that came to nothing make the next connection a stream, at the address that has `/events` in place
 * of the last `/ws`. If HTTP is not answered either, it was the network, and sockets are tried again. While a stream is
 * open, a socket is tried every ten minutes beside it; once one works, the connection goes back to it. In a browser the
 * choice is remembered for as long as the tab.
 *
 * `given` is what the platform lacks: a `WebSocket` class, a `fetch` whose response bodies are streams.
 *
 * @example
 * ```ts
 * import { ChatClient } from "@chat-engine/client";
 * import { withFallback } from "@chat-engine/client/fallback";
 *
 * const chat = new ChatClient({ url, token, environment: { WebSocket: withFallback() } });
 * ```
 */
export function withFallback(given: Partial<Pick<Environment, "WebSocket" | "fetch">> = {}): SocketClass {
  const openSocket = (url: string) =>
    new (given.WebSocket ?? (globalThis as unknown as Environment).WebSocket)(url, ["chat.v1"]);
  const request = given.fetch ?? ((...asked: Parameters<typeof fetch>) => globalThis.fetch(...asked));
  /** Sockets in a row that came to nothing. */
  let failures = 0;
  /** Until when sockets count as blocked. */
  let until: number | undefined;

  const blockedUntil = (url: string) => {
    until ??= Number(stored((storage) => storage.getItem(key(url)))) || 0;
    return until;
  };
  const remember = (url: string, blocked: number) => {
    until = blocked;
    failures = 0;
    stored((storage) => storage.setItem(key(url), `${blocked}`));
  };

  /** A socket that is watched: does it come to anything? */
  function watched(url: string): Socket {
    const socket = openSocket(url);
    const began = Date.now();
    let said = false;
    let closed = false;
    const passed: Socket = {
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => socket.send(text),
      close(...how) {
        // Whoever had no patience any more has seen nothing of the server; whoever changed their mind has not tried.
        if (!said && !closed && Date.now() - began > PATIENCE_MS / 2) failures += 1;
        closed = true;
        socket.close(...how);
      },
    };
    socket.onopen = (event) => passed.onopen?.(event);
    socket.onmessage = (event) => {
      said = true;
      failures = 0;
      passed.onmessage?.(event);
    };
    socket.onclose = (event) => {
      if (!said && !closed) failures += 1;
      closed = true;
      passed.onclose?.(event);
    };
    socket.onerror = (event) => passed.onerror?.(event);
    return passed;
  }

  /** A stream, which ends when a socket is possible again. */
  function streamed(url: string): Socket {
    const began = Date.now();
    let opened = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let probe: Socket | undefined;
    const stop = () => {
      clearTimeout(timer);
      if (!probe) return;
      probe.onopen = probe.onmessage = probe.onclose = null;
      probe.close();
      probe = undefined;
    };
    const probed = (works: boolean) => {
      stop();
      remember(url, works ? 0 : Date.now() + BLOCKED_MS);
      if (works) stream.close();
      else later();
    };
    const later = () => {
      timer = setTimeout(look, blockedUntil(url) - Date.now());
    };
    const look = () => {
      probe = openSocket(url);
      timer = setTimeout(() => probed(false), PATIENCE_MS);
      // Any answer will do; that to a stranger's first frame costs nobody anything.
      probe.onopen = () => probe?.send('{"action":"ping"}');
      probe.onmessage = () => probed(true);
      probe.onclose = () => probed(false);
      probe.onerror = () => {};
    };
    const stream = new Stream({
      url,
      fetch: request,
      opened() {
        opened = true;
        later();
      },
      unanswered() {
        failures = 0;
      },
      ended() {
        stop();
        if (!opened && Date.now() - began > PATIENCE_MS / 2) failures = 0;
      },
    });
    return stream;
  }

  return function open(url: string) {
    // An address that no stream can stand for is found out at once, not when sockets fail.
    addressOf(url);
    return failures >= TRIES || blockedUntil(url) > Date.now() ? streamed(url) : watched(url);
  } as unknown as SocketClass;
}

const key = (url: string) => `chat-engine-blocked:${url}`;

/** Uses the tab's own storage, where there is one and it may be used. */
function stored<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}
