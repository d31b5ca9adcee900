// Written from the Rust types by `UPDATE_TYPES=1 cargo test -p xtask --test typescript`. Do not edit.

/** Free JSON. */
export type Metadata = { [key: string]: unknown };

/** Somebody to add: an object, or the user's id alone. */
export type AddParticipant = string | ParticipantObject;

/** What a message is. */
export type MessageType = "text" | "image" | "file" | "system" | "custom";

/** A file that a message refers to. The engine stores the reference, not the bytes. */
export interface Attachment {
  /** The host's id of the file. */
  id?: string;
  /** The file's name, for people. */
  name: string;
  /** Its media type, such as `image/png`. */
  content_type: string;
  /** Its size in bytes. */
  size: number;
  /** Where it is: an `http` or `https` URL, or a path on the host's own site. */
  url: string;
  /** Width in pixels. */
  width?: number;
  /** Height in pixels. */
  height?: number;
  [more: string]: unknown;
}

/**
 * A message as every reader sees it: the same object on the socket, over HTTP and in every binding.
 *
 * A deleted message keeps its place as a tombstone: `content`, `metadata`, `attachments` and `reply_to` are gone,
 * `deleted_at` and `deleted_by` are there.
 */
export interface Message {
  /** Its id. */
  id: string;
  /** Its room. */
  room: string;
  /** Its place in the room. */
  seq: number;
  /** The last change that touched it. */
  rev: number;
  /** Who sent it; nobody for a system message. */
  sender: string | null;
  /** The text; absent from a tombstone, possibly empty beside attachments. */
  content?: string;
  /** What it is. */
  message_type: MessageType;
  /** When the server took it. */
  created_at: string;
  /** The sender's name for the send. */
  client_id?: string;
  /** When it was last edited. */
  edited_at?: string;
  /** How often it was edited, plus one; absent until the first edit. */
  version?: number;
  /** The message that it answers, in the same room. */
  reply_to?: string;
  /** Free JSON. */
  metadata?: Metadata;
  /** Files. */
  attachments?: Attachment[];
  /** When it was deleted. */
  deleted_at?: string;
  /** Who deleted it; absent if the host did. */
  deleted_by?: string;
}

/** What a participant may do; the permission table in `rules` says exactly what. Ordered by rank. */
export type Role = "observer" | "member" | "moderator" | "admin" | "owner";

/** How much of a room a participant wants to be notified of; the engine stores it for the host. */
export type Level = "all" | "mentions" | "none";

/** A participant's own settings for a room; only they see them. */
export interface MemberSettings {
  /** Keeps the room on top of one's list. */
  pinned: boolean;
  /** Keeps it out of one's list. */
  hidden: boolean;
  /** What to be notified of. */
  level: Level;
  /** Reads without telling the others. */
  private_reading: boolean;
}

/** A participant as the others in the room see them. */
export interface Participant {
  /** Who. */
  user_id: string;
  /** The name that the host gave. */
  name: string | null;
  /** The picture that the host gave. */
  avatar: string | null;
  /** As what. */
  role: Role;
  /** Since when. */
  joined_at: string;
  /** Everything up to here they have read. */
  read_seq: number;
  /** Everything up to here was delivered to them. */
  delivered_seq: number;
  /** The first message that they may read, and so have read; absent where they may read all. */
  visible_from?: number;
  /** Whether they are connected; absent in events, where it would depend on the moment. */
  online?: boolean;
  /** When they were last connected, if that is known. */
  last_seen?: string;
  /** Until when they may not write. */
  muted_until?: string;
}

/** What a room is for. */
export type RoomKind = "direct" | "group" | "channel";

/** Where a room is in its life. */
export type RoomState = "open" | "frozen" | "archived";

/** What a newcomer sees of what was said before. */
export type HistoryMode = "all" | "since_joined";

/** What every reader of a room sees alike. */
export interface RoomInfo {
  /** Its id. */
  id: string;
  /** The host's name for it. */
  key: string | null;
  /** What it is for. */
  kind: RoomKind;
  /** Its name. */
  name: string | null;
  /** Its topic. */
  topic: string | null;
  /** Its picture. */
  avatar: string | null;
  /** Free JSON. */
  metadata: Metadata | null;
  /** Open, frozen or archived. */
  state: RoomState;
  /** When it was made. */
  created_at: string;
  /** What newcomers see. */
  history: HistoryMode;
}

/** A room as one reader sees it, in the room list and alone. */
export interface MyRoom extends RoomInfo {
  /** How many messages the reader has not read; exact. 0 for the host. */
  unread_count: number;
  /** The last message the reader may see, a tombstone included. */
  last_message: Message | null;
  /** The number of the last message. */
  last_seq: number;
  /** How many are in it. */
  participants_count: number;
  /** The reader's own place in it; absent for the host. */
  my?: My;
  /** The position that this view shows. */
  cursor: string;
}

/** A reader's own place in a room. */
export interface My extends MemberSettings {
  /** As what. */
  role: Role;
  /** What others see as read. */
  read_seq: number;
  /** What was delivered. */
  delivered_seq: number;
  /** What unread counts from. */
  marker_seq: number;
}

/** Where an event of the log stands in its room. */
export interface Position {
  /** The room. */
  room: string;
  /** The change. */
  rev: number;
  /** The change that must have been applied before, where it is not `rev − 1`. */
  prev?: number;
  /** The position that holds after it. */
  cursor: string;
}

/** Why a subscriber must catch up. */
export type ResyncReason = "too_slow" | "gap";

/** How far somebody has read and received. */
export interface Marker {
  /** Who. */
  user_id: string;
  /** What they have read. */
  read_seq: number;
  /** What was delivered to them. */
  delivered_seq: number;
}

/** A message was posted. Its author has read up to it; where the send said otherwise, up to `read_seq`. */
export interface ChatMessageEvent extends Position {
  type: "chat_message";
  message: Message;
  read_seq?: number;
}

/** A message says something else now. */
export interface MessageEditedEvent extends Position {
  type: "message_edited";
  message: Message;
}

/** A message is a tombstone now. */
export interface MessageDeletedEvent extends Position {
  type: "message_deleted";
  message: Message;
}

/** Somebody is in the room now. */
export interface ParticipantAddedEvent extends Position {
  type: "participant_added";
  participant: Participant;
}

/** Somebody has another role, name or mute. */
export interface ParticipantUpdatedEvent extends Position {
  type: "participant_updated";
  participant: Participant;
}

/** Somebody is no longer in the room. */
export interface ParticipantRemovedEvent extends Position {
  type: "participant_removed";
  participant: Participant;
}

/** The room's settings or state are others now. */
export interface RoomUpdatedEvent extends Position {
  type: "room_updated";
  room_info: RoomInfo;
}

/** The log moved by something that this reader may not see. */
export interface AdvanceEvent extends Position {
  type: "advance";
}

/** Somebody has read up to `seq`. */
export interface MessageReadEvent {
  type: "message_read";
  room: string;
  user_id: string;
  message_id?: string;
  seq: number;
}

/** Everything up to `seq` was delivered to somebody. */
export interface MessageDeliveredEvent {
  type: "message_delivered";
  room: string;
  user_id: string;
  message_id?: string;
  seq: number;
}

/** Somebody began or stopped typing; `typing` is everybody who types now. */
export interface TypingEvent {
  type: "typing";
  room: string;
  user_id: string;
  is_typing: boolean;
  typing: string[];
}

/** Somebody's first connection opened the room; `present` is everybody who has it open now. */
export interface UserJoinedEvent {
  type: "user_joined";
  room: string;
  user_id: string;
  present: string[];
}

/** Somebody's last connection closed the room. */
export interface UserLeftEvent {
  type: "user_left";
  room: string;
  user_id: string;
  present: string[];
}

/** Somebody came online or went; told to the others who have a room with them open. */
export interface PresenceEvent {
  type: "presence";
  user_id: string;
  online: boolean;
  last_seen?: string;
}

/** I am in a room now. */
export interface RoomAddedEvent {
  type: "room_added";
  room: string;
  room_info: RoomInfo;
}

/** I am no longer in a room, or it is gone. */
export interface RoomRemovedEvent {
  type: "room_removed";
  room: string;
}

/** My own marker moved, perhaps on another device. */
export interface MarkerEvent {
  type: "marker";
  room: string;
  read_seq: number;
  delivered_seq: number;
  marker_seq: number;
  unread_count: number;
}

/** What this subscriber missed must be fetched from its cursor. A room that is not open has changed since it was read. */
export interface ResyncEvent {
  type: "resync";
  room: string;
  reason: ResyncReason;
}

/** The server is about to close the connection. */
export interface ClosingEvent {
  type: "closing";
  code: number;
  retry_after_ms?: number;
}

/**
 * What happened, as everybody who may know it is told. `type` is the first key on the wire.
 *
 * Events with a `Position` are the log: numbered, never lost, brought again by catching up. The others are
 * registers and ephemera: the latest one counts, and a lost one heals.
 */
export type Event =
  | ChatMessageEvent
  | MessageEditedEvent
  | MessageDeletedEvent
  | ParticipantAddedEvent
  | ParticipantUpdatedEvent
  | ParticipantRemovedEvent
  | RoomUpdatedEvent
  | AdvanceEvent
  | MessageReadEvent
  | MessageDeliveredEvent
  | TypingEvent
  | UserJoinedEvent
  | UserLeftEvent
  | PresenceEvent
  | RoomAddedEvent
  | RoomRemovedEvent
  | MarkerEvent
  | ResyncEvent
  | ClosingEvent;

/** The answer to a send. */
export interface Sent {
  /** The message as it is stored now. */
  message: Message;
  /** Whether it had been sent before under the same `client_id`. */
  duplicate: boolean;
}

/** How far one has read, and what is left. */
export interface Markers {
  /** What others see as read. */
  read_seq: number;
  /** What was delivered. */
  delivered_seq: number;
  /** What unread counts from. */
  marker_seq: number;
  /** Messages not read; exact. */
  unread_count: number;
}

/** A page of a list. */
export interface Page<T> {
  /** The entries. */
  results: T[];
  /**
   * What to ask for next, in the same direction; nothing at the end. Opaque, except for messages of a room, where
   * it is a place.
   */
  next: string | null;
}

/** A room from scratch. */
export interface Snapshot {
  /** The room as the reader sees it. */
  room: MyRoom;
  /** Who is in it; the first of them in a large room. */
  participants: Participant[];
  /** The last messages, oldest first. */
  messages: Message[];
}

/** What was missed. */
export type Sync = {
  /** Always true. */
  same: boolean;
} | {
  /** The changes. */
  changes: Event[];
  /** Whether to ask again with the new cursor; live events begin only when this is false. */
  more: boolean;
} | {
  /** The room. */
  snapshot: Snapshot;
};

/** A room that was opened. */
export type Opened = Sync & {
  /** Its id. */
  room: string;
  /** Everybody's markers in a small room, else one's own. */
  markers: Marker[];
  /** Who has it open now; the first of them in a large room. */
  present: string[];
  /** Who is typing now. */
  typing: string[];
  /** The last change that is included: what a gate in front of the room goes on from. */
  rev: number;
  /** The position that holds now: hand it back to resume. */
  cursor: string;
};

/** What somebody who opens a room, or comes back to it, is told first. */
export type Subscribed = Opened | {
  /** The room as it was asked for. */
  room: string;
  /** Always true. */
  gone: boolean;
};

/** An error's stable name: the same on every surface, never renamed. */
export type Code = "invalid_argument" | "message_too_large" | "too_large" | "forbidden" | "not_found" | "operation_conflict" | "conflict" | "limit_reached" | "rate_limited" | "unauthorized" | "busy" | "storage_unavailable" | "suspended" | "draining";

/** Whether repeating a failed request can help. */
export type Retry = "never" | "later" | "fresh";

/** An error as the socket and HTTP show it. */
export interface ErrorBody {
  /** The stable code. */
  code: Code;
  /** What was wrong, for developers. */
  message: string;
  /** Whether to try again. */
  retry: Retry;
  /** When, where that is known. */
  retry_after_ms?: number;
}

export interface ReadyLimits {
  frame_bytes: number;
  message_bytes: number;
  metadata_bytes: number;
  attachments: number;
  page: number;
  subscribe_rooms: number;
}

export interface ReadyRoom extends MyRoom {
  present: string[];
  typing: string[];
}

export interface Ready {
  user_id: string | null;
  connection_id: string;
  heartbeat_s: number;
  limits: ReadyLimits;
  room?: ReadyRoom;
}

/** A message to post. */
export interface SendMessage {
  /**
   * The text, up to `Limits::message_bytes`. May be empty beside attachments, and
   * in a custom message with metadata.
   */
  content?: string;
  /** What it is. */
  message_type?: MessageType;
  /** Free JSON. */
  metadata?: Metadata;
  /** Files. */
  attachments?: Attachment[];
  /** The message that it answers. */
  reply_to?: string;
  /** How far the sender had read when they wrote it. Without it, a send reads up to the message itself. */
  read_seq?: number;
  /** Whom the host sends for; only the host may name somebody. */
  sender?: string;
  /** The sender's name for this send: repeating it gives the first result. */
  client_id?: string;
}

/** What a message is to say instead. Fields that are absent stay. */
export interface EditMessage {
  /** Which message. */
  message_id: string;
  /** The new text. */
  content?: string;
  /** The new metadata; `null` takes it away. */
  metadata?: Metadata | null;
  /** The new files. */
  attachments?: Attachment[];
  /** The name of this operation. */
  client_id?: string;
}

/** Which message is to lose its content. */
export interface DeleteMessage {
  /** Which message. */
  message_id: string;
  /** The name of this operation. */
  client_id?: string;
}

export interface ParticipantObject {
  user_id: string;
  role?: Role;
  name?: string;
  avatar?: string;
  visible_from?: number;
  client_id?: string;
}

/**
 * A room to make, or to find.
 *
 * A room with a `key` is found if there is one; its participants are left as they are. A direct room is found by its
 * two people.
 */
export interface CreateRoom {
  /** The host's name for it; only the host makes keyed rooms. */
  key?: string;
  /** What it is for. */
  kind?: RoomKind;
  /** Its name. */
  name?: string;
  /** Its topic. */
  topic?: string;
  /** Its picture. */
  avatar?: string;
  /** Free JSON. */
  metadata?: Metadata;
  /** What newcomers see. */
  history?: HistoryMode;
  /** Who is in it from the start, beside the user who makes it. */
  participants?: AddParticipant[];
  /** The name of this operation. */
  client_id?: string;
}

/** What is to change about a room. Fields that are absent stay; `null` clears. */
export interface UpdateRoom {
  /** Its name. */
  name?: string | null;
  /** Its topic. */
  topic?: string | null;
  /** Its picture. */
  avatar?: string | null;
  /** Free JSON. */
  metadata?: Metadata | null;
  /** Open, frozen or archived. */
  state?: RoomState;
  /** What newcomers from now on see. */
  history?: HistoryMode;
  /** The name of this operation. */
  client_id?: string;
}

/** What is to change about a participant. Fields that are absent stay; `null` clears. */
export interface UpdateParticipant {
  /** Who. */
  user_id: string;
  /** As what. */
  role?: Role;
  /** The name to show; the host's word. */
  name?: string | null;
  /** The picture to show; the host's word. */
  avatar?: string | null;
  /** Until when they may not write; `null` lifts it. */
  muted_until?: string | null;
  /** `true` removes and bans, `false` lifts the ban. */
  banned?: boolean;
  /** The name of this operation. */
  client_id?: string;
}

/** Whom to remove; oneself means to leave. */
export interface RemoveParticipant {
  /** Who. */
  user_id: string;
  /** The name of this operation. */
  client_id?: string;
}

/** What is to change about one's own settings in a room. Fields that are absent stay. */
export interface UpdateMe {
  /** Keeps the room on top of one's list. */
  pinned?: boolean;
  /** Keeps it out of one's list. */
  hidden?: boolean;
  /** What to be notified of. */
  level?: Level;
  /** Reads without telling the others. */
  private_reading?: boolean;
}

/** Everything that a client can ask for. */
export type Action =
  | "authenticate"
  | "ping"
  | "send_message"
  | "edit_message"
  | "delete_message"
  | "read_message"
  | "message_delivered"
  | "mark_unread"
  | "typing_start"
  | "typing_stop"
  | "create_room"
  | "update_room"
  | "delete_room"
  | "get_room"
  | "list_rooms"
  | "leave_room"
  | "add_participant"
  | "update_participant"
  | "remove_participant"
  | "list_participants"
  | "update_me"
  | "subscribe"
  | "unsubscribe"
  | "history"
  | "readers";

/** Why the server closes a connection. 3000–3499: reconnect and resume. 3500–3999: do not. */
export const CLOSE_CODES = {
  /** The server goes down; reconnect after the delay that `closing` named. */
  draining: 3000,
  /** The peer took too long to read. */
  too_slow: 3001,
  /** The server has too much to do. */
  overloaded: 3002,
  /** The token ended; come back with a new one. */
  token_expired: 3003,
  /** No valid token, or not for this room. */
  unauthorized: 3500,
  /** The user is no longer in the room that the connection was for. */
  removed: 3501,
  /** The user has too many connections. */
  too_many_connections: 3502,
  /** The peer does not speak the protocol. */
  protocol: 3503,
} as const;
