/** What can go wrong, as a caller can act on it. */

import type { Code, ErrorBody, Retry } from "./protocol.js";

/**
 * The client's own codes, beside the server's {@link Code}.
 *
 * - `disconnected`: there is no connection, or it was lost before the answer came. Whether a write was done is unknown.
 * - `no_token`: the token provider failed.
 * - `not_saved`: the outbox could not be written.
 * - `unsupported`: the platform lacks something that is needed; the message names it.
 */
export type ClientCode = "disconnected" | "no_token" | "not_saved" | "unsupported";

/**
 * An error of the server or of the client. No text that a user wrote appears in one.
 *
 * @example
 * ```ts
 * try {
 *   await chat.request("update_room", { room: "job:42", name: "Friday" });
 * } catch (error) {
 *   if (error instanceof ChatError && error.code === "forbidden") showHint("Only admins rename a room.");
 * }
 * ```
 */
export class ChatError extends Error {
  override readonly name = "ChatError";

  constructor(
    /** The stable name. New ones may be added: treat an unknown one by {@link retry}. */
    readonly code: Code | ClientCode,
    message: string,
    /** Whether repeating can help: never, later with the same request, or after reading the present state. */
    readonly retry: Retry,
    /** When, in milliseconds, where the server said so. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }

  /** The error that a frame or an HTTP answer shows. */
  static of(body: ErrorBody): ChatError {
    return new ChatError(body.code, body.message, body.retry, body.retry_after_ms);
  }
}

/** The connection is not there, or went while the answer was awaited. */
export function disconnected(): ChatError {
  return new ChatError("disconnected", "there is no connection", "later");
}
