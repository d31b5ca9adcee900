import type {
  AddParticipant, CallOptions, CreateRoom, EditMessage, ErrorCode, ErrorDetails, Event, Opened, OpenRoom, Retry, RoomInfo,
  SendMessage, SessionMethods, UpdateMe, UpdateParticipant, UpdateRoom,
} from './generated.cjs';

export type * from './generated.cjs';

/**
 * A running chat engine. Close it when you are done: that finishes what was accepted and lets go of everything.
 * It never keeps a process alive by itself.
 *
 * @example
 * const engine = await ChatEngine.open({ path: 'chat.db' });
 * const room = await engine.host().createRoom({ key: 'job:42', participants: ['ann', 'ben'] });
 * await engine.session('ann').send(room.id, { content: 'On my way' });
 * await engine.close();
 */
export declare class ChatEngine {
  private constructor();
  /** Opens an engine over a file, or in memory. */
  static open(options: OpenOptions): Promise<ChatEngine>;
  /** What a user may do. Your program has decided who the user is. */
  session(user: string, profile?: Profile): Session;
  /** What only the application itself may do: rooms with keys, system messages, sending for others. */
  host(): Session;
  /** Carries a user's connection over a socket of your own. With `room` it is inside that room from the start. */
  connection(user: string, options?: { room?: string } & Profile): Connection;
  /** Serves WebSockets and HTTP from inside the process; it keeps the process alive until it is closed. */
  serve(options: ServeOptions): Promise<Server>;
  /**
   * Lets go of the file for a while: what was accepted is finished, then the file is free. Until `resume` every call fails
   * with `suspended`; subscriptions stay, and hear nothing. Twice is fine. An engine in memory has no file and goes on.
   */
  suspend(): Promise<void>;
  /**
   * Goes on with the same file, which others may have changed meanwhile: every open room gets `resync`. Where it was not
   * suspended nothing happens. If it fails it is still suspended, and can be resumed later.
   */
  resume(): Promise<void>;
  /** Closes its servers, finishes what was accepted, ends every subscription. Closing twice is fine. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a user is shown in the rooms that they open. What is absent, or does not fit, stays as it is. */
export interface Profile {
  name?: string | null;
  /** Where their picture is. */
  avatar?: string | null;
}

/** Whom a token is for: a user's id, alone or with how they are shown. */
export type Login = string | ({ user: string } & Profile);

/** Where an engine keeps its data. */
export type OpenOptions = (
  /** A file; it is made if there is none. One process has it open at a time. */
  | { path: string }
  /** Nowhere: for trials and tests. */
  | { memory: true }
) & {
  /**
   * Your own word on what users do, asked before each of their commands; not for those of the host, nor for reading and
   * typing. It only forbids: what the engine's own rules refuse stays refused. Without a clear answer, because it throws,
   * says something else or takes over 2 s, the command fails with `busy`; what it throws is a `warning` of the process.
   *
   * @example
   * permit: async ({ user, command, room }) =>
   *   command.action !== 'send_message' || (await isPaid(room?.key)) || { deny: 'the bill is not paid' }
   */
  permit?: (attempt: Attempt) => Verdict | Promise<Verdict>;
};

/** What somebody is about to do. */
export interface Attempt {
  /** Who. */
  user: string;
  /** What, in a word. */
  action: Command['action'];
  /** What. Sizes and values are not checked yet. */
  command: Command;
  /** Where; nowhere yet for `create_room`. */
  room: RoomInfo | null;
}

/** Whether they may, or why not: the caller gets it with `forbidden`. Put nothing into it that a user wrote. */
export type Verdict = boolean | { deny: string };

/** A command, as a permission hook is asked about it. */
export type Command =
  | ({ action: 'send_message' } & SendMessage)
  | ({ action: 'edit_message' } & EditMessage)
  | { action: 'delete_message'; message_id: string; client_id?: string }
  | ({ action: 'mark'; kind: 'delivered' | 'read' | 'unread' } & ({ seq: number } | { message_id: string }))
  | ({ action: 'create_room' } & CreateRoom)
  | ({ action: 'update_room' } & UpdateRoom)
  | { action: 'delete_room' }
  | ({ action: 'add_participant' } & AddParticipant)
  | ({ action: 'update_participant' } & UpdateParticipant)
  | { action: 'remove_participant'; user_id: string; client_id?: string }
  | ({ action: 'update_me' } & UpdateMe);

/** What one user, or the application itself, may do. Cheap to make: one per request, or keep it. */
export interface Session extends SessionMethods {
  /**
   * A new subscriber: the events of its rooms, and what concerns the user.
   *
   * @example
   * for await (const event of session.events({ rooms: ['job:42'] })) {
   *   if (event.type === 'chat_message') console.log(event.message.content);
   * }
   */
  events(options?: EventsOptions): Events;
}

/** What to follow. */
export interface EventsOptions {
  /**
   * Rooms, by id or key, to open when the first event is asked for, from then on; a loop over it throws `not_found` where
   * one is not there. To resume, call `subscribe` with cursors.
   */
  rooms?: string | string[];
  /** Ends it: a loop over it throws the signal's reason. */
  signal?: AbortSignal;
}

/**
 * One subscriber's events. Only what is asked for is taken: who falls behind gets `resync` for its rooms instead of what
 * it missed, and subscribes again with its last cursor. Leaving a loop over it ends it. Waiting for an event does not
 * keep the process alive.
 */
export interface Events extends AsyncIterable<Event> {
  /** Opens rooms, each from a cursor or from scratch; what is returned comes before any event of those rooms. */
  subscribe(rooms: string | (string | OpenRoom)[], options?: CallOptions): Promise<Opened[]>;
  /** Closes a room, by its id or key. One that is not there is not open. */
  unsubscribe(room: string, options?: CallOptions): Promise<void>;
  /** Ends it and closes its rooms. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * A user's connection over a socket of your own.
 *
 * @example
 * const conn = engine.connection(user);
 * socket.on('message', (frame, isBinary) => conn.receive(frame, isBinary));
 * socket.on('close', () => conn.close());
 * for await (const frame of conn.frames()) await new Promise((sent) => socket.send(frame, sent));
 * socket.close(conn.closeCode);
 */
export interface Connection {
  /** Takes a frame from the peer; a binary one is answered with an error. Returns at once; a peer that floods is closed. */
  receive(frame: string | { toString(): string }, isBinary?: boolean): void;
  /** The frames to send, pulled: while a slow socket takes one, no others are made. */
  frames(): AsyncGenerator<string, void, void>;
  /** The code to close the socket with, once `frames()` has ended; `undefined` if the peer went. */
  readonly closeCode: number | undefined;
  /** The peer is gone. */
  close(): void;
}

/** How to serve, and how users log in. */
export type ServeOptions = {
  /** The port; 0, the default, takes a free one. */
  port?: number;
  /** The address of this machine to listen on; by default 127.0.0.1. */
  host?: string;
  /** Origins of web pages that may use it, beside those of this machine. */
  allowOrigin?: string[];
} & (
  | {
      /** Users bring JSON Web Tokens signed with this secret (HS256, at least 32 bytes). */
      jwtSecret: string;
      authenticate?: undefined;
    }
  | {
      /**
       * Your own login: the user a token is for, or nothing to refuse. One that throws or takes over 10 s lets nobody in;
       * what it throws is a `warning` of the process.
       */
      authenticate: (token: string) => Login | null | undefined | Promise<Login | null | undefined>;
      jwtSecret?: undefined;
    }
);

/** A server that serves from inside the process. */
export interface Server {
  /** The port it listens on. */
  readonly port: number;
  /** Where it is: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Resolves when it has stopped. */
  readonly closed: Promise<void>;
  /** Stops listening, tells every socket when to come back, finishes requests. */
  close(): Promise<void>;
}

/** Why a call failed. The message is for developers and never repeats what a user wrote. */
export declare class ChatError extends Error {
  private constructor();
  /** The stable code. */
  readonly code: ErrorCode;
  /** Whether repeating the call can help: never, later, or after reading the present state. */
  readonly retry: Retry;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** When to repeat it, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;
  /** Which field and which limit it was about. */
  readonly details: ErrorDetails;
}
