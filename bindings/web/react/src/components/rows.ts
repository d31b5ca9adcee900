/** Messages as a list shows them: grouped by who wrote them, and by day. */

import type { ChatMessage } from "../types.js";
import { dayOf } from "./time.js";

/** A message, and what is shown around it because of its neighbours. */
export interface Row {
  readonly message: ChatMessage;
  /** Where a day begins with it, the day on which that is said: what was today is yesterday then. */
  readonly startsDay: string | false;
  /** Whether the unread ones begin with it. */
  readonly startsUnread: boolean;
  /** Whether it begins, and whether it ends, a group of one author. */
  readonly first: boolean;
  readonly last: boolean;
}

/** After so long a new group begins, also of the same author. */
const PAUSE_MS = 5 * 60_000;

/** `unreadFrom` is the number of the first unread message when the room was opened; `today` is the day of the drawing. */
export function rowsOf(messages: readonly ChatMessage[], unreadFrom: number | null, today: string): Row[] {
  const unread = messages.findIndex(
    ({ isMine, seq }) => !isMine && seq !== undefined && seq >= (unreadFrom ?? Infinity),
  );
  const days = messages.map(({ created_at }) => dayOf(created_at));
  const starts = messages.map((message, at) => {
    const before = messages[at - 1];
    return before === undefined || at === unread || days[at] !== days[at - 1] || !follows(before, message);
  });
  return messages.map((message, at) => ({
    message,
    startsDay: days[at] !== days[at - 1] && today,
    startsUnread: at === unread,
    first: starts[at] ?? true,
    last: starts[at + 1] ?? true,
  }));
}

/** Whether two messages belong to one group. */
function follows(one: ChatMessage, next: ChatMessage): boolean {
  if (one.message_type === "system" || next.message_type === "system") return false;
  if (one.isMine !== next.isMine || (!one.isMine && one.sender !== next.sender)) return false;
  return Date.parse(next.created_at) - Date.parse(one.created_at) < PAUSE_MS;
}
