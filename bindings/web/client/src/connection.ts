/** One connection to the server, made again whenever it is lost. */

import { type Backoff, delay } from "./backoff.js";
import type { Environment, Socket } from "./environment.js";
import { ChatError, disconnected } from "./errors.js";
import type { Commands, ReadyFrame, Ref, Request, ServerFrame } from "./frames.js";
import { type Action, CLOSE_CODES, type Event } from "./protocol.js";
import { Observable } from "./store.js";
import { type TokenProvider, Tokens } from "./token.js";

/** Why a connection ended for good: the client's own wish, the token provider's word, or the server's. */
export type CloseReason = "client" | "no_token" | "unsupported" | keyof typeof CLOSE_CODES | "refused";

/**
 * Where a connection is.
 *
 * - `idle`: `connect` was not called yet.
 * - `connecting`: an attempt is under way.
 * - `open`: the server has said `ready`.
 * - `waiting`: the connection was lost or not made; the next attempt is at `retryAt` (milliseconds of the epoch), or as
 *   soon as the device comes back online or the page is looked at again.
 * - `closed`: there will be no attempt until `connect` is called again; `reason` says why.
 */
export type ConnectionState =
  | { status: "idle" }
  | { status: "connecting"; attempt: number }
  | { status: "open"; userId: string; connectionId: string; limits: ReadyFrame["limits"] }
  | { status: "waiting"; attempt: number; retryAt: number; error: ChatError }
  | { status: "closed"; reason: CloseReason; error: ChatError | null };

/** How a connection is set up. */
export interface ConnectionOptions {
  /** The address of the server's socket: `wss://chat.example.com/ws/`. */
  url: string;
  /** Where tokens come from. */
  token: TokenProvider;
  /** How long to wait between attempts. */
  backoff?: Partial<Backoff>;
}

/** Whom a connection tells what comes. */
export interface Audience {
  /** The server has said `ready`; requests are possible now. */
  ready(frame: ReadyFrame): void;
  /** The connection is gone; what was asked and not answered has failed with `disconnected`. */
  lost(): void;
  /** Something happened. */
  event(event: Event): void;
  /** A command without an answer of its own failed. */
  failed(error: ChatError): void;
}

/** How long an attempt may take until `ready`. */
const CONNECT_MS = 10_000;
/** How long the answer to a `ping` may take. */
const ANSWER_MS = 5_000;
/** A connection that lasted so long was a good one: the next wait begins small again. */
const STEADY_MS = 5_000;
/** How long to wait at least where one has too many sockets: after so long the server has given up those that are dead. */
const CROWDED_MS = 60_000;
/** The longest that a timer of the platform can wait. */
const TIMER_MS = 2 ** 31 - 1;

interface Asked {
  answered(ok: never): void;
  reject(error: ChatError): void;
}

/** See the module. */
export class Connection extends Observable<ConnectionState> {
  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  readonly #environment: Environment;
  readonly #audience: Audience;
  readonly #tokens: Tokens;
  #state: ConnectionState = { status: "idle" };
  #socket: Socket | undefined;
  /** Who connected first, and who must connect from then on. */
  #userId: string | undefined;
  /** The number of the present attempt: what belongs to an earlier one is ignored. */
  #number = 0;
  #attempt = 0;
  #asked = new Map<Ref, Asked>();
  #refs = 0;
  /** The end of the present wait, or of the patience with the present attempt. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #heartbeatMs = 0;
  #heardAt = 0;
  #frames = 0;
  #openedAt = 0;
  /** What the server said about coming back. */
  #retryAfterMs: number | undefined;
  /** The last error that answered no command: it says why the server closes. */
  #said: ChatError | undefined;
  #tokenWasFresh = false;
  #stopWaking: (() => void) | undefined;

  constructor(options: ConnectionOptions, environment: Environment, audience: Audience) {
    super();
    this.#options = options;
    this.#backoff = { base: 500, cap: 30_000, ...options.backoff };
    this.#environment = environment;
    this.#audience = audience;
    this.#tokens = new Tokens(options.token);
  }

  protected override picture(): ConnectionState {
    return this.#state;
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.changed();
  }

  /** Whether requests are possible. */
  get isOpen(): boolean {
    return this.#socket !== undefined && this.#state.status === "open";
  }

  /** Connects, and connects again whenever the connection is lost. While it waits, the next attempt is made now. */
  connect(): void {
    this.#stopWaking ??= this.#environment.onWake(() => this.#wake());
    const { status } = this.#state;
    if (status === "connecting" || status === "open") return;
    if (status !== "waiting") this.#attempt = 0;
    void this.#open();
  }

  /** Closes for good; `connect` opens again. */
  close(): void {
    this.#end("client", null);
  }

  /** Asks the server for something. Fails with `disconnected` where there is no connection, or it goes meanwhile. */
  readonly request: Request = (action, fields, take) => {
    return new Promise((resolve, reject) => {
      if (this.#state.status !== "open" || !this.isOpen) return reject(disconnected());
      this.#refs += 1;
      const frame = JSON.stringify({ action, ...fields, ref: this.#refs });
      // The server would end the connection, and each one after it that brings the same.
      const error = tooLarge(frame, this.#state.limits.frame_bytes);
      if (error) return reject(error);
      const answered = (ok: Commands[typeof action]["ok"]) => {
        take?.(ok);
        resolve(ok);
      };
      this.#asked.set(this.#refs, { answered, reject });
      this.#socket?.send(frame);
    });
  };

  /** A token that is good now, for what does not go over the socket. */
  async token(): Promise<string> {
    return (await this.#tokens.get()).token;
  }

  /** Says something that needs no answer; says nothing where there is no connection. */
  notify(action: "typing_start" | "typing_stop", room: string): void {
    if (this.isOpen) this.#send({ action, room });
  }

  #send(frame: { action: Action; [field: string]: unknown }): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  // ---- coming and going ----------------------------------------------------------------------------------------

  async #open(): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    clearTimeout(this.#timer);
    this.#become({ status: "connecting", attempt: this.#attempt });
    this.#timer = setTimeout(() => this.#lost(0), CONNECT_MS);
    try {
      const { token, fresh } = await this.#tokens.get();
      if (number !== this.#number) return;
      this.#tokenWasFresh = fresh;
      const socket = new this.#environment.WebSocket(this.#options.url, ["chat.v1"]);
      this.#socket = socket;
      // In the first frame the token is in nobody's log, and why it is refused can be told from a server that is away.
      socket.onopen = () => this.#send({ action: "authenticate", token });
      socket.onmessage = ({ data }: { data: string }) => this.#heard(data);
      socket.onclose = ({ code }: { code: number }) => this.#lost(code);
      // A `close` follows, and says more.
      socket.onerror = () => {};
    } catch (error) {
      if (number === this.#number) this.#failed(error);
    }
  }

  /** The attempt came to nothing before there was a socket. */
  #failed(error: unknown): void {
    if (error instanceof ChatError && error.retry === "never") {
      return this.#end(error.code === "unsupported" ? "unsupported" : "no_token", error);
    }
    if (!(error instanceof ChatError)) {
      // The platform refuses the address itself.
      return this.#end("unsupported", new ChatError("unsupported", "`url` must be a ws:// or wss:// address", "never"));
    }
    this.#wait(error);
  }

  /** The socket is gone. */
  #lost(code: number): void {
    if (this.isOpen && Date.now() - this.#openedAt >= STEADY_MS) this.#attempt = 0;
    const error = this.#said ?? disconnected();
    const unauthorized = code === CLOSE_CODES.unauthorized;
    if (unauthorized || code === CLOSE_CODES.token_expired) this.#tokens.forget();
    // What takes the places may be one's own sockets of a network that is gone.
    const crowded = code === CLOSE_CODES.too_many_connections;
    if (crowded) this.#retryAfterMs = CROWDED_MS;
    // Where the token was one that had been kept, a new one may be good.
    const hopeless = code >= 3500 && code <= 3999 && !crowded && !(unauthorized && !this.#tokenWasFresh);
    this.#drop();
    if (hopeless) this.#end(reasonOf(code), error);
    else this.#wait(error);
  }

  /** Waits for the next attempt. */
  #wait(error: ChatError): void {
    clearTimeout(this.#timer);
    const told = this.#retryAfterMs;
    this.#retryAfterMs = undefined;
    const ms = delay(this.#attempt, this.#backoff, this.#environment.random, told);
    this.#attempt += 1;
    this.#timer = setTimeout(() => void this.#open(), ms);
    this.#become({ status: "waiting", attempt: this.#attempt, retryAt: Date.now() + ms, error });
  }

  #end(reason: CloseReason, error: ChatError | null): void {
    this.#drop();
    this.#stopWaking?.();
    this.#stopWaking = undefined;
    this.#become({ status: "closed", reason, error });
  }

  /** Lets the present socket go, and everything that belongs to it. */
  #drop(): void {
    const wasOpen = this.isOpen;
    this.#number += 1;
    for (const timer of [this.#timer, this.#heartbeat, this.#refresh]) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#said = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const asked = this.#asked;
    this.#asked = new Map();
    for (const { reject } of asked.values()) reject(disconnected());
    if (wasOpen) this.#audience.lost();
  }

  /** The network may have changed: what could not be done may be possible now, and what seems open may be dead. */
  #wake(): void {
    if (this.isOpen) return this.#probe();
    this.#attempt = 0;
    // An attempt that is under way may hang on a network that is gone; not so the first one, which a page begins with.
    if (this.#state.status === "connecting" && this.#userId === undefined) return;
    this.#drop();
    void this.#open();
  }

  // ---- what comes ----------------------------------------------------------------------------------------------

  #heard(text: string): void {
    this.#heardAt = Date.now();
    this.#frames += 1;
    const frame = JSON.parse(text) as ServerFrame;
    switch (frame.type) {
      case "ready":
        return this.#ready(frame);
      case "reply":
        return this.#answered(frame.ref)?.answered(frame.ok as never);
      case "error": {
        const error = ChatError.of(frame);
        if (frame.ref !== undefined) return this.#answered(frame.ref)?.reject(error);
        this.#said = error;
        return this.#audience.failed(error);
      }
      case "closing":
        this.#retryAfterMs = frame.retry_after_ms;
        return;
      default:
        return this.#audience.event(frame);
    }
  }

  #answered(ref: Ref): Asked | undefined {
    const asked = this.#asked.get(ref);
    this.#asked.delete(ref);
    return asked;
  }

  #ready(frame: ReadyFrame): void {
    clearTimeout(this.#timer);
    this.#openedAt = Date.now();
    this.#retryAfterMs = undefined;
    this.#heartbeatMs = frame.heartbeat_s * 1000;
    const { user_id, connection_id: connectionId, limits } = frame;
    const userId = user_id ?? "";
    // What one user has written must not go out as another's: the page is told, and begins anew.
    if (this.#userId !== undefined && this.#userId !== userId)
      return this.#end("unauthorized", new ChatError("unauthorized", "the token is another user's", "never"));
    this.#userId = userId;
    this.#become({ status: "open", userId, connectionId, limits });
    this.#listen();
    this.#refreshLater();
    this.#audience.ready(frame);
  }

  // ---- staying -------------------------------------------------------------------------------------------------

  /** Notices silence: a page does not see the server's pings. */
  #listen(): void {
    clearTimeout(this.#heartbeat);
    const silent = Date.now() - this.#heardAt;
    // Where the clock was set back, it does not tell how long the silence is.
    if (silent < 0 || silent >= this.#heartbeatMs) return this.#probe();
    this.#heartbeat = setTimeout(() => this.#listen(), this.#heartbeatMs - silent);
  }

  /** Asks whether the server is still there. */
  #probe(): void {
    clearTimeout(this.#heartbeat);
    const before = this.#frames;
    this.request("ping", {}).catch(() => {});
    this.#heartbeat = setTimeout(() => (this.#frames === before ? this.#lost(0) : this.#listen()), ANSWER_MS);
  }

  /** Replaces the token before it ends, on the connection that there is. */
  #refreshLater(): void {
    const number = this.#number;
    const ms = this.#tokens.replaceIn;
    if (ms > TIMER_MS) return;
    this.#refresh = setTimeout(async () => {
      try {
        const { token } = await this.#tokens.get();
        if (number !== this.#number) return;
        await this.request("authenticate", { token });
        this.#refreshLater();
      } catch (error) {
        // The old token still holds for a while; the server says when it ends, and then a new connection is made.
        if (number === this.#number && error instanceof ChatError) this.#audience.failed(error);
      }
    }, ms);
  }
}

function tooLarge(frame: string, limit: number): ChatError | undefined {
  // No character has more than three bytes for each of its units.
  const bytes = frame.length * 3 > limit ? new TextEncoder().encode(frame).length : 0;
  if (bytes <= limit) return undefined;
  return new ChatError("too_large", `the frame has ${bytes} bytes; the limit is ${limit}`, "never");
}

function reasonOf(code: number): CloseReason {
  const known = Object.entries(CLOSE_CODES).find(([, number]) => number === code);
  return known ? (known[0] as keyof typeof CLOSE_CODES) : "refused";
}
