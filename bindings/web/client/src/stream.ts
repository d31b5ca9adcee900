/** A connection over HTTP that looks like a WebSocket: events come down in one response, frames go up in requests. */

import { type Address, addressOf } from "./address.js";
import type { Socket } from "./environment.js";
import { CLOSE_CODES } from "./protocol.js";

/** What a stream is told to use. */
export interface StreamOptions {
  /** The address of the socket that it stands for. */
  url: string;
  fetch: typeof fetch;
  /** The server has said its first word. */
  opened(): void;
  /** Nothing that the server says came back. */
  unanswered(): void;
  /** It is over, whoever ended it. */
  ended(): void;
}

/** How a connection ends that nobody closed. */
const GONE = 1006;
/** A character has at most so many bytes. */
const WIDEST = 3;

/** See the module. */
export class Stream implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #options: StreamOptions;
  readonly #address: Address;
  readonly #abort = new AbortController();
  /** It goes into a header of every request, and into no address. */
  #token: string | undefined;
  /** What `ready` said about where frames go, and how much at once. */
  #ready: { connection_id: string; limits: { frame_bytes: number } } | undefined;
  #waiting: string[] = [];
  /** The server wants a sign of life. */
  #asked = false;
  #bringing = false;
  #number = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#address = addressOf(options.url);
    queueMicrotask(() => this.onopen?.({} as never));
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#abort.signal.aborted;
  }

  send(text: string): void {
    const token = tokenIn(text);
    const isFirst = this.#token === undefined;
    if (token !== undefined) this.#token = token;
    if (isFirst) return void this.#read();
    this.#waiting.push(text);
    void this.#bring();
  }

  close(code: number = GONE): void {
    if (this.ended) return;
    this.#abort.abort();
    this.#options.ended();
    this.onclose?.({ code } as never);
  }

  // ---- down ----------------------------------------------------------------------------------------------------

  async #read(): Promise<void> {
    try {
      const answer = await this.#ask(this.#address.events, { headers: { accept: "text/event-stream" } });
      if (answer.status !== 200) return this.#refused(await answer.json());
      if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) throw new TypeError("no stream");
      const reader = answer.body?.getReader();
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) break;
        text += decoder.decode(value, { stream: true });
        const events = text.split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) this.#heard(event);
      }
    } catch {
      // It ends below.
    }
    if (!this.#ready && !this.ended) this.#options.unanswered();
    this.close();
  }

  /** The server answered, and lets nobody in: it says so as it does over a socket. */
  #refused(error: { code?: string; retry?: string; retry_after_ms?: number }): void {
    if (!error.code) throw new TypeError("somebody else's answer");
    const later = error.retry === "later";
    this.#say(JSON.stringify({ ...error, type: "error" }));
    if (later) this.#say(JSON.stringify({ type: "closing", retry_after_ms: error.retry_after_ms }));
    this.close(later ? CLOSE_CODES.overloaded : CLOSE_CODES.unauthorized);
  }

  #heard(event: string): void {
    // By the line feed alone: a text may contain what else ends a line for a regular expression.
    const data = event
      .split("\n")
      .find((line) => line.startsWith("data: "))
      ?.slice("data: ".length);
    if (this.ended) return;
    if (data === undefined) {
      this.#asked = true;
      void this.#bring();
    } else if (event.startsWith("event: close")) {
      this.close((JSON.parse(data) as { code: number }).code);
    } else {
      if (!this.#ready) {
        this.#ready = JSON.parse(data);
        this.#options.opened();
      }
      this.#say(data);
    }
  }

  #say(data: string): void {
    this.onmessage?.({ data } as never);
  }

  // ---- up ------------------------------------------------------------------------------------------------------

  /** Brings what waits, request after request: each with all that gathered while the last one was under way. */
  async #bring(): Promise<void> {
    if (this.#bringing || !this.#ready) return;
    this.#bringing = true;
    const { connection_id, limits } = this.#ready;
    while (!this.ended && (this.#asked || this.#waiting.length > 0)) {
      this.#asked = false;
      this.#number += 1;
      const address = `${this.#address.frames}${connection_id}/`;
      const request = { method: "POST", body: `${this.#number}\n${this.#take(limits.frame_bytes / WIDEST)}` };
      // The server takes a numbered request once, so it can be repeated when its answer was lost.
      const answer = await this.#ask(address, request).catch(() => this.#ask(address, request).catch(() => undefined));
      // What was not taken is answered by nobody: that is for whoever asked to repeat, on a new connection.
      if (answer?.status !== 202) this.close();
    }
    this.#bringing = false;
  }

  /** As many of the frames that wait as fit. */
  #take(characters: number): string {
    let size = 0;
    let count = 0;
    for (const frame of this.#waiting) {
      size += frame.length + 1;
      if (count > 0 && size > characters) break;
      count += 1;
    }
    return this.#waiting.splice(0, count).join("\n");
  }

  #ask(address: string, request: RequestInit): Promise<Response> {
    const headers = { ...request.headers, authorization: `Bearer ${this.#token}` };
    const { signal } = this.#abort;
    return this.#options.fetch(address, { ...request, headers, signal, cache: "no-store" });
  }
}

/** The token in a frame that brings one. */
function tokenIn(text: string): string | undefined {
  if (!text.includes('"authenticate"')) return undefined;
  const { action, token } = JSON.parse(text) as { action: string; token: string };
  return action === "authenticate" ? token : undefined;
}
