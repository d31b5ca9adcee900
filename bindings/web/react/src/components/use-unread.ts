/** What was unread when the room was opened. */

import { useState } from "react";
import type { Chat } from "../types.js";

/** Where the unread messages began: the number of the first one; and how many they were. */
export interface Unread {
  readonly seq: number;
  readonly count: number;
}

/**
 * As of the moment in which the room was first shown, be it empty: reading does not move the line away, and what comes
 * while one looks is below none. Sending takes it away. `undefined` until the room is known, `null` where all is read.
 * `place` is the room, and who looks.
 */
export function useUnread(chat: Chat, place: string | undefined): Unread | null | undefined {
  const { status, connection, messages } = chat;
  const [opened, setOpened] = useState<{ place: string; unread: Unread | null }>();
  const known = opened?.place === place ? opened : undefined;
  // A room that one comes back to is as it was left, until it is live. Without a connection, that is all there is.
  const isNow = status === "live" || (status === "stale" && connection.status !== "open");
  if (!known && place && chat.my && isNow) setOpened({ place, unread: unreadIn(chat, chat.my) });
  const last = messages.at(-1);
  if (known?.unread && last?.isMine && last.progress === "pending") setOpened({ ...known, unread: null });
  return known?.unread;
}

/** In a room that one comes back to, what was missed is there before the server has counted it: what is held counts. */
function unreadIn({ messages, unreadCount }: Chat, { marker_seq }: NonNullable<Chat["my"]>): Unread | null {
  const held = messages.filter(
    ({ seq = 0, isMine, sender, deleted_at }) => seq > marker_seq && !isMine && sender && !deleted_at,
  );
  const count = Math.max(held.length, unreadCount);
  return count > 0 ? { seq: marker_seq + 1, count } : null;
}
