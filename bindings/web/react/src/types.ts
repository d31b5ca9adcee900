/** What the hooks give: a room, as an interface shows it. */

import type {
  ChatError,
  ConnectionState,
  Level,
  Message,
  My,
  Participant,
  RoomInfo,
  RoomKind,
  RoomListSnapshot,
  RoomState,
  RoomStatus,
  SendMessage,
} from "@chat-engine/client";

/** What a room may be named by: a job's number (`42` is the key `job:42`), a key, or an id. */
export type RoomRef = string | number;

/**
 * How far a message has come.
 *
 * - `pending`: it is in the outbox; `failed`: the server refused it, see `error`.
 * - `sent`: it is stored. `delivered`, `read`: all others in the room who may read it have received it, have read it. In a
 *   room with more people than `participants` holds (a hundred), it stays `sent`.
 */
export type Progress = "pending" | "failed" | "sent" | "delivered" | "read";

/** A message as a list shows it: a stored one, or one of my own that is on its way. */
export interface ChatMessage extends Omit<Message, "seq" | "rev"> {
  /** The same from the moment it was written until it is stored and beyond: right for React's `key`. */
  readonly key: string;
  /** Its number in the room; absent while it is on its way. */
  readonly seq?: number;
  readonly isMine: boolean;
  /** What its author is called, or their id; empty for a system message. */
  readonly senderName: string;
  /** Only for what is mine; what others wrote is `sent`. `failed`: it was not sent, or what was to be done with it not done. */
  readonly progress: Progress;
  /** Why it failed. */
  readonly error?: ChatError;
  /** What it was to say by an edit that the server refused; `content` is what it says. */
  readonly refused?: string;
}

/** Somebody who types. */
export interface TypingUser {
  readonly user_id: string;
  /** What they are called; else their id. */
  readonly name: string;
  /** Whether they are among the participants that are known: those of a room that is only listed are mostly not. */
  readonly isKnown: boolean;
}

/** A room, as `useChat` gives it. The first five fields are those that the original hook had. */
export interface Chat {
  /** In order: what is stored, then what is on its way. */
  readonly messages: readonly ChatMessage[];
  /** Whether what is shown is as the server has it, now. */
  readonly isConnected: boolean;
  /** Sends, now or when there is a connection. Returns the operation's name, for `retry` and `discard`. */
  readonly sendMessage: (content: string, more?: Omit<SendMessage, "content" | "client_id" | "sender">) => string;
  /** Call it at every key. It is told at most every 2 s, and ends by itself 3 s after the last. */
  readonly sendTypingIndicator: () => void;
  readonly stopTyping: () => void;

  readonly status: RoomStatus;
  readonly connection: ConnectionState;
  /** My own user id, once the server has said it. */
  readonly me: string | null;
  readonly room: RoomInfo | null;
  readonly my: My | null;
  readonly participants: readonly Participant[];
  /** Whose clients follow the room now, be it in a list of rooms: user ids. */
  readonly present: readonly string[];
  /** Who types now, oneself left out. */
  readonly typingUsers: readonly TypingUser[];
  readonly unreadCount: number;
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  readonly loadOlder: () => Promise<void>;
  readonly loadNewer: () => Promise<void>;
  readonly jumpTo: (target: number | string) => Promise<number>;
  readonly jumpToLatest: () => Promise<void>;
  readonly markRead: (seq?: number) => void;
  readonly markUnread: (seq: number) => Promise<void>;
  readonly editMessage: (messageId: string, content: string) => string;
  readonly deleteMessage: (messageId: string) => string;
  readonly retry: (clientId: string) => void;
  readonly discard: (clientId: string) => void;
}

/** A room, as a list shows it. */
export interface ChatRoomItem {
  /** What to give to `useChat`. */
  readonly roomId: string;
  /** The host's own name for it. */
  readonly key: string | null;
  readonly kind: RoomKind;
  /** Its name; a direct room's is the other person's. Where neither is known: its key, or an empty text. */
  readonly name: string;
  readonly avatar: string | null;
  readonly lastMessage: Message | null;
  readonly unreadCount: number;
  readonly typingUsers: readonly TypingUser[];
  readonly pinned: boolean;
  /** What the user wants to be told of. */
  readonly level: Level;
  readonly state: RoomState;
}

/** My rooms, as `useChatRooms` gives them: those that I hid left out. */
export interface ChatRooms {
  /** `stale`: it was right a while ago. */
  readonly status: RoomListSnapshot["status"];
  /** The pinned ones first, then by latest activity. */
  readonly rooms: readonly ChatRoomItem[];
  /** Of all rooms together, those that I hid included. */
  readonly unreadTotal: number;
}

/** Somebody else in a room, as `usePresence` gives them. */
export interface Presence {
  readonly user_id: string;
  readonly name: string;
  /** Whether they are connected. */
  readonly online: boolean;
  /** Whether a client of theirs follows this room: it is shown there, or a list of their rooms is. */
  readonly here: boolean;
  /** When they were last connected, if that is known. */
  readonly lastSeen: string | null;
}
