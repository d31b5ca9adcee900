/** The hooks. Each draws its component again only when what it returns changes, and at most once a frame. */

import { type ConnectionState, type Participant, readBy } from "@chat-engine/client";
import { useSyncExternalStore } from "react";
import { useHub } from "./provider.js";
import type { Chat, ChatRooms, Presence, RoomRef, TypingUser } from "./types.js";
import { useView } from "./use-view.js";
import { sameFields, sameList } from "./view.js";

/**
 * A room: its messages and everything to be done there. It is followed while a component uses it.
 *
 * @example
 * ```tsx
 * const { messages, isConnected, sendMessage, sendTypingIndicator, stopTyping } = useChat(42);
 * ```
 */
export function useChat(roomId: RoomRef): Chat {
  return useView(useHub().chat(roomId), (chat) => chat);
}

/** My rooms. All of them are followed while a component uses this; their messages are not fetched. */
export function useChatRooms(): ChatRooms {
  return useView(useHub().rooms, (rooms) => rooms);
}

/** How many messages are unread in all my rooms together. */
export function useUnreadTotal(): number {
  return useView(useHub().rooms, ({ unreadTotal }) => unreadTotal);
}

/** Who types in a room now, oneself left out. */
export function useTyping(roomId: RoomRef): readonly TypingUser[] {
  return useView(useHub().chat(roomId), ({ typingUsers }) => typingUsers);
}

/** Everybody else in a room: whether they are connected, and whether a client of theirs follows it. */
export function usePresence(roomId: RoomRef): readonly Presence[] {
  return useView(useHub().chat(roomId), presence, (a, b) => sameList(a, b, sameFields));
}

/**
 * Who has read a message, its author left out. In a room of more than a hundred people only the first hundred are known
 * here; `client.request("readers", …)` asks the server.
 */
export function useReadBy(roomId: RoomRef, messageId: string): readonly Participant[] {
  const select = ({ messages, participants }: Chat) => {
    const message = messages.find(({ id }) => id === messageId);
    if (message?.seq === undefined) return [];
    return readBy({ ...message, seq: message.seq, rev: 0 }, participants);
  };
  return useView(useHub().chat(roomId), select, sameList);
}

const IDLE: ConnectionState = { status: "idle" };

/** Where the connection is. */
export function useConnection(): ConnectionState {
  const { connection } = useHub().client;
  return useSyncExternalStore(connection.subscribe, connection.getSnapshot, () => IDLE);
}

function presence({ participants, present, me }: Chat): Presence[] {
  const others = participants.filter(({ user_id }) => user_id !== me);
  return others.map(({ user_id, name, online, last_seen }) => {
    const here = present.includes(user_id);
    return { user_id, name: name ?? user_id, online: here || (online ?? false), here, lastSeen: last_seen ?? null };
  });
}
