/** Where the unread messages began when the room was opened. */

import { useState } from "react";
import type { Chat } from "../types.js";

/**
 * The number of the first unread message as of the moment in which the room was first shown: reading does not move the
 * line away. Sending does. `undefined` until the room is known.
 */
export function useUnreadFrom(chat: Chat): number | null | undefined {
  const { status, my, unreadCount, messages } = chat;
  const [from, setFrom] = useState<number | null>();
  if (from === undefined && (status === "live" || status === "stale") && my)
    setFrom(unreadCount > 0 ? my.marker_seq + 1 : null);
  const last = messages.at(-1);
  if (from && last?.isMine && last.progress === "pending") setFrom(null);
  return from;
}
