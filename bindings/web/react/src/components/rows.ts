/** Messages as a list shows them: grouped by who wrote them, and by day. */

import type { ChatMessage } from "../types.js";
import { dayOf } from "./time.js";

/** A message, and what is shown around it because of its neighbours. */
export interface Row {
  readonly message: ChatMessage;
  /** Whether a day begins with it. */
  readonly startsDay: boolean;
  /** Whether the unread ones begin with it. */
  readonly startsUnread: boolean;
  /** Whether it begins, and whether it ends, a group of one author. */
  readonly first: boolean;
  readonly last: boolean;
}

/** After so long a new group begins, also of the same author. */
const PAUSE_MS = 5 * 60_000;

/** `unreadFrom` is the number of the first unread message when the room was opened. */
export function rowsOf(messages: readonly ChatMessage[], unreadFrom: number | null): Row[] {
  const rows: Row[] = [];
  let before: ChatMessage | undefined;
  let startsNext = messages[0] !== undefined;
  let divided = unreadFrom === null;
  for (const [at, message] of messages.entries()) {
    const startsDay = before === undefined || dayOf(before.created_at) !== dayOf(message.created_at);
    const startsUnread = !divided && !message.isMine && message.seq !== undefined && message.seq >= (unreadFrom ?? 0);
    divided ||= startsUnread;
    const first = startsNext || startsDay || startsUnread;
    const next = messages[at + 1];
    startsNext = next === undefined || !follows(message, next);
    const last = startsNext || dayOf(next?.created_at ?? "") !== dayOf(message.created_at);
    rows.push({ message, startsDay, startsUnread, first, last });
    before = message;
  }
  return rows;
}

/** Whether two messages belong to one group. */
function follows(one: ChatMessage, next: ChatMessage): boolean {
  if (one.message_type === "system" || next.message_type === "system") return false;
  if (one.isMine !== next.isMine || (!one.isMine && one.sender !== next.sender)) return false;
  return Date.parse(next.created_at) - Date.parse(one.created_at) < PAUSE_MS;
}
