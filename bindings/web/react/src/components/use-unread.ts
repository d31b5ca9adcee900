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
 */
export function useUnread(chat: Chat): Unread | null | undefined {
  const { status, room, my, unreadCount, messages } = chat;
  const [opened, setOpened] = useState<{ room: string; unread: Unread | null }>();
  const known = opened?.room === room?.id ? opened : undefined;
  if (!known && room && my && (status === "live" || status === "stale")) {
    setOpened({ room: room.id, unread: unreadCount > 0 ? { seq: my.marker_seq + 1, count: unreadCount } : null });
  }
  const last = messages.at(-1);
  if (known?.unread && last?.isMine && last.progress === "pending") setOpened({ ...known, unread: null });
  return known?.unread;
}
