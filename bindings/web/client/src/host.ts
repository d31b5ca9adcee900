/** What a room and the list of rooms need of the client that they belong to. */

import type { Request } from "./frames.js";
import type { Outbox } from "./outbox.js";
import type { Message } from "./protocol.js";
import type { Mended } from "./replica.js";
import type { Room } from "./room.js";

/** What a client tells to those who listen with `on`. */
export interface ClientEvents {
  /**
   * A room could not be followed for a while, and is followed again.
   *
   * `cause`: the connection was lost, the server dropped events because they were read too slowly, or one was missing.
   * `mended`: nothing had changed (`same`); everything that changed was fetched and applied (`changes`); or the room began
   * anew (`snapshot`), because the server's data is another, and what was held before is gone.
   */
  continuity: { room: Room; cause: Cause; mended: Mended };
  /** Somebody else posted a message in a room that is followed. `live`: just now, not while this client was away. */
  message: { room: Room; message: Message; live: boolean };
  /** A command that has no answer of its own failed. */
  error: { error: Error };
}

/** Why a room could not be followed. */
export type Cause = "connection" | "too_slow" | "gap";

/** See the module. */
export interface Host {
  /** My user id; empty before the first connection. */
  readonly me: string;
  /** How many messages a room holds at most. */
  readonly windowSize: number;
  readonly outbox: Outbox;
  readonly request: Request;
  notify(action: "typing_start" | "typing_stop", room: string): void;
  /** Adds to the outbox. Returns the name of the operation. */
  submit(operation: Parameters<Outbox["add"]>[0], room: string): string;
  /** One message, by its id. */
  message(id: string): Promise<Message>;
  /** The room is to be opened, or opened again from its cursor. */
  follow(room: Room): void;
  /** The room need not be followed any more, unless the list does. */
  release(room: Room): void;
  tell<E extends keyof ClientEvents>(event: E, news: ClientEvents[E]): void;
}
