// Written by `UPDATE_TYPES=1 cargo test -p chat-api`; a test compares it.

/**
 * A point in time, in milliseconds: `java.time.Instant`, `datetime`, `Date`; text in RFC 3339 in Node, as on the wire.
 */
export type Time = string;

/**
 * A free JSON object: an object in Node, a `dict` in Python, its text elsewhere.
 */
export type Json = { [key: string]: unknown };

/**
 * An error's stable name: the same in every language and on the wire, never renamed.
 */
export type ErrorCode = "invalid_argument" | "message_too_large" | "too_large" | "forbidden" | "not_found" | "operation_conflict" | "conflict" | "limit_reached" | "rate_limited" | "unauthorized" | "busy" | "storage_unavailable" | "suspended" | "draining";

/**
 * Whether repeating a failed call can help.
 */
export type Retry = "never" | "later" | "fresh";

/**
 * Which field and which limit an error is about. What does not apply is absent.
 */
export type ErrorDetails = { 
/**
 * The field.
 */
field?: string, 
/**
 * Its size in bytes.
 */
size?: number, 
/**
 * The limit: bytes, or a count.
 */
limit?: number, };

/**
 * What a message is.
 */
export type MessageType = "text" | "image" | "file" | "system" | "custom";

/**
 * What a participant may do, lowest rank first.
 */
export type Role = "observer" | "member" | "moderator" | "admin" | "owner";

/**
 * What a room is for.
 */
export type RoomKind = "direct" | "group" | "channel";

/**
 * Where a room is in its life.
 */
export type RoomState = "open" | "frozen" | "archived";

/**
 * What a newcomer sees of what was said before.
 */
export type HistoryMode = "all" | "since_joined";

/**
 * How much of a room a participant wants to be notified of; the engine stores it for the application.
 */
export type Level = "all" | "mentions" | "none";

/**
 * Why a subscriber must catch up.
 */
export type ResyncReason = "too_slow" | "gap";

/**
 * A file that a message refers to. The engine stores the reference, not the bytes.
 */
export type Attachment = { 
/**
 * The application's id of the file.
 */
id?: string, 
/**
 * The file's name, for people.
 */
name: string, 
/**
 * Its media type, such as `image/png`.
 */
content_type: string, 
/**
 * Its size in bytes.
 */
size: number, 
/**
 * Where it is: an `http` or `https` URL, or a path on the application's own site.
 */
url: string, 
/**
 * Width in pixels.
 */
width?: number, 
/**
 * Height in pixels.
 */
height?: number, } & Json;

/**
 * A message. A deleted one keeps its place: its content is gone, `deleted_at` is there.
 */
export type Message = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its room.
 */
room: string, 
/**
 * Its place in the room: 1, 2, 3, …
 */
seq: number, 
/**
 * The last change that touched it.
 */
rev: number, 
/**
 * Who sent it; nobody for a system message.
 */
sender: string | null, 
/**
 * The text; absent from a tombstone, possibly empty beside attachments.
 */
content?: string, 
/**
 * What it is.
 */
message_type: MessageType, 
/**
 * When the engine took it.
 */
created_at: Time, 
/**
 * The sender's name for the send.
 */
client_id?: string, 
/**
 * When it was last edited.
 */
edited_at?: Time, 
/**
 * How often it was edited, plus one; absent until the first edit.
 */
version?: number, 
/**
 * The message that it answers, in the same room.
 */
reply_to?: string, 
/**
 * Free JSON.
 */
metadata?: Json, 
/**
 * Files.
 */
attachments?: Array<Attachment>, 
/**
 * When it was deleted.
 */
deleted_at?: Time, 
/**
 * Who deleted it; absent if the application did.
 */
deleted_by?: string, };

/**
 * The answer to a send.
 */
export type Sent = { 
/**
 * The message as it is stored now.
 */
message: Message, 
/**
 * Whether it had been sent before under the same `client_id`.
 */
duplicate: boolean, };

/**
 * A page of messages.
 */
export type MessagePage = { 
/**
 * The messages.
 */
results: Array<Message>, 
/**
 * What to ask for next, in the same direction; nothing at the end.
 */
next: string | null, };

/**
 * A participant as the others in the room see them.
 */
export type Participant = { 
/**
 * Who.
 */
user_id: string, 
/**
 * The name that the application gave.
 */
name: string | null, 
/**
 * The picture that the application gave.
 */
avatar: string | null, 
/**
 * As what.
 */
role: Role, 
/**
 * Since when.
 */
joined_at: Time, 
/**
 * Everything up to here they have read.
 */
read_seq: number, 
/**
 * Everything up to here was delivered to them.
 */
delivered_seq: number, 
/**
 * The first message that they may read, and so have read; absent where they may read all.
 */
visible_from?: number, 
/**
 * Whether they are connected; absent in events.
 */
online?: boolean, 
/**
 * When they were last connected, if that is known.
 */
last_seen?: Time, 
/**
 * Until when they may not write.
 */
muted_until?: Time, };

/**
 * A page of participants.
 */
export type ParticipantPage = { 
/**
 * The participants.
 */
results: Array<Participant>, 
/**
 * What to ask for next; nothing at the end.
 */
next: string | null, };

/**
 * One's own place in a room.
 */
export type My = { 
/**
 * As what.
 */
role: Role, 
/**
 * What others see as read.
 */
read_seq: number, 
/**
 * What was delivered.
 */
delivered_seq: number, 
/**
 * What unread counts from.
 */
marker_seq: number, 
/**
 * Keeps the room on top of one's list.
 */
pinned: boolean, 
/**
 * Keeps it out of one's list.
 */
hidden: boolean, 
/**
 * What to be notified of.
 */
level: Level, 
/**
 * Reads without telling the others.
 */
private_reading: boolean, };

/**
 * How far one has read, and what is left.
 */
export type Markers = { 
/**
 * What others see as read.
 */
read_seq: number, 
/**
 * What was delivered.
 */
delivered_seq: number, 
/**
 * What unread counts from.
 */
marker_seq: number, 
/**
 * Messages not read; exact.
 */
unread_count: number, };

/**
 * How far somebody has read and received.
 */
export type Marker = { 
/**
 * Who.
 */
user_id: string, 
/**
 * What they have read.
 */
read_seq: number, 
/**
 * What was delivered to them.
 */
delivered_seq: number, };

/**
 * A room as one reader sees it.
 */
export type Room = { 
/**
 * Its id.
 */
id: string, 
/**
 * The application's name for it, such as `job:42`.
 */
key: string | null, 
/**
 * What it is for.
 */
kind: RoomKind, 
/**
 * Its name.
 */
name: string | null, 
/**
 * Its topic.
 */
topic: string | null, 
/**
 * Its picture.
 */
avatar: string | null, 
/**
 * Free JSON.
 */
metadata: { [key: string]: unknown } | null, 
/**
 * Open, frozen or archived.
 */
state: RoomState, 
/**
 * When it was made.
 */
created_at: Time, 
/**
 * What newcomers see.
 */
history: HistoryMode, 
/**
 * How many messages the reader has not read; exact. 0 for the host.
 */
unread_count: number, 
/**
 * The last message the reader may see, a tombstone included.
 */
last_message: Message | null, 
/**
 * The number of the last message.
 */
last_seq: number, 
/**
 * How many are in it.
 */
participants_count: number, 
/**
 * The reader's own place in it; absent for the host.
 */
my?: My, 
/**
 * The position that this view shows.
 */
cursor: string, };

/**
 * A room's settings, the same for every reader.
 */
export type RoomInfo = { 
/**
 * Its id.
 */
id: string, 
/**
 * The application's name for it, such as `job:42`.
 */
key: string | null, 
/**
 * What it is for.
 */
kind: RoomKind, 
/**
 * Its name.
 */
name: string | null, 
/**
 * Its topic.
 */
topic: string | null, 
/**
 * Its picture.
 */
avatar: string | null, 
/**
 * Free JSON.
 */
metadata: { [key: string]: unknown } | null, 
/**
 * Open, frozen or archived.
 */
state: RoomState, 
/**
 * When it was made.
 */
created_at: Time, 
/**
 * What newcomers see.
 */
history: HistoryMode, };

/**
 * A page of rooms.
 */
export type RoomPage = { 
/**
 * The rooms.
 */
results: Array<Room>, 
/**
 * What to ask for next; nothing at the end.
 */
next: string | null, };

/**
 * Where a list goes on, and how much of it to read.
 */
export type Paging = { 
/**
 * What `next` of the page before said.
 */
cursor?: string, 
/**
 * How many; clamped to 1 to 200, by default 50.
 */
limit?: number, };

/**
 * Which messages of a room: the latest, or those before, after or around one. At most one of the three.
 */
export type History = { 
/**
 * Those just below this place, newest first.
 */
before?: number, 
/**
 * Those just above this place, oldest first.
 */
after?: number, 
/**
 * Those on both sides of this place.
 */
around?: number, 
/**
 * How many; clamped to 1 to 200, by default 50.
 */
limit?: number, };

/**
 * A message to post.
 */
export type SendMessage = { 
/**
 * The text, up to 16 KiB.
 */
content?: string, 
/**
 * What it is; by default text.
 */
message_type?: MessageType, 
/**
 * Free JSON.
 */
metadata?: Json, 
/**
 * Files.
 */
attachments?: Array<Attachment>, 
/**
 * The message that it answers.
 */
reply_to?: string, 
/**
 * How far the sender had read when they wrote it. Without it, a send reads up to the message itself.
 */
read_seq?: number, 
/**
 * Whom the host sends for; only the host may name somebody.
 */
sender?: string, 
/**
 * The sender's name for this send: repeating it gives the first result.
 */
client_id?: string, };

/**
 * What a message is to say instead.
 */
export type EditMessage = { 
/**
 * Which message.
 */
message_id: string, 
/**
 * The new text.
 */
content?: string, 
/**
 * The new metadata.
 */
metadata?: { [key: string]: unknown } | null, 
/**
 * The new files.
 */
attachments?: Array<Attachment>, 
/**
 * The name of this operation.
 */
client_id?: string, };

/**
 * A room to make, or to find.
 */
export type CreateRoom = { 
/**
 * The application's name for it, such as `job:42`; only the host makes keyed rooms.
 */
key?: string, 
/**
 * What it is for; by default a group.
 */
kind?: RoomKind, 
/**
 * Its name.
 */
name?: string, 
/**
 * Its topic.
 */
topic?: string, 
/**
 * Its picture.
 */
avatar?: string, 
/**
 * Free JSON.
 */
metadata?: Json, 
/**
 * What newcomers see; by default everything.
 */
history?: HistoryMode, 
/**
 * Who is in it from the start, beside the user who makes it.
 */
participants?: (string | AddParticipant)[], 
/**
 * The name of this operation.
 */
client_id?: string, };

/**
 * What is to change about a room.
 */
export type UpdateRoom = { 
/**
 * Its name.
 */
name?: string | null, 
/**
 * Its topic.
 */
topic?: string | null, 
/**
 * Its picture.
 */
avatar?: string | null, 
/**
 * Free JSON.
 */
metadata?: { [key: string]: unknown } | null, 
/**
 * Open, frozen or archived.
 */
state?: RoomState, 
/**
 * What newcomers from now on see.
 */
history?: HistoryMode, 
/**
 * The name of this operation.
 */
client_id?: string, };

/**
 * Somebody to add.
 */
export type AddParticipant = { 
/**
 * Who.
 */
user_id: string, 
/**
 * As what; by default a member.
 */
role?: Role, 
/**
 * The name to show; the application's word.
 */
name?: string, 
/**
 * The picture to show; the application's word.
 */
avatar?: string, 
/**
 * The first message they may read, where that differs from the room's rule.
 */
visible_from?: number, 
/**
 * The name of this operation.
 */
client_id?: string, };

/**
 * What is to change about a participant.
 */
export type UpdateParticipant = { 
/**
 * Who.
 */
user_id: string, 
/**
 * As what.
 */
role?: Role, 
/**
 * The name to show; the application's word.
 */
name?: string | null, 
/**
 * The picture to show; the application's word.
 */
avatar?: string | null, 
/**
 * Until when they may not write.
 */
muted_until?: string | Date | null, 
/**
 * `true` removes and bans, `false` lifts the ban.
 */
banned?: boolean, 
/**
 * The name of this operation.
 */
client_id?: string, };

/**
 * What is to change about one's own settings in a room.
 */
export type UpdateMe = { 
/**
 * Keeps the room on top of one's list.
 */
pinned?: boolean, 
/**
 * Keeps it out of one's list.
 */
hidden?: boolean, 
/**
 * What to be notified of.
 */
level?: Level, 
/**
 * Reads without telling the others.
 */
private_reading?: boolean, };

/**
 * What happened. Those with a `cursor` are the log: numbered by `rev`, never lost, brought again by catching up; `prev`
 * is the change before, where it is not `rev - 1`. Of the others the latest counts.
 */
export type Event = { "type": "chat_message", room: string, rev: number, prev?: number, cursor: string, message: Message, read_seq?: number, } | { "type": "message_edited", room: string, rev: number, prev?: number, cursor: string, message: Message, } | { "type": "message_deleted", room: string, rev: number, prev?: number, cursor: string, message: Message, } | { "type": "participant_added", room: string, rev: number, prev?: number, cursor: string, participant: Participant, } | { "type": "participant_updated", room: string, rev: number, prev?: number, cursor: string, participant: Participant, } | { "type": "participant_removed", room: string, rev: number, prev?: number, cursor: string, participant: Participant, } | { "type": "room_updated", room: string, rev: number, prev?: number, cursor: string, room_info: RoomInfo, } | { "type": "advance", room: string, rev: number, prev?: number, cursor: string, } | { "type": "message_read", room: string, user_id: string, message_id?: string, seq: number, } | { "type": "message_delivered", room: string, user_id: string, message_id?: string, seq: number, } | { "type": "typing", room: string, user_id: string, is_typing: boolean, typing: Array<string>, } | { "type": "user_joined", room: string, user_id: string, present: Array<string>, } | { "type": "user_left", room: string, user_id: string, present: Array<string>, } | { "type": "presence", user_id: string, online: boolean, last_seen?: Time, } | { "type": "room_added", room: string, room_info: RoomInfo, } | { "type": "room_removed", room: string, } | { "type": "marker", room: string, read_seq: number, delivered_seq: number, marker_seq: number, unread_count: number, } | { "type": "resync", room: string, reason: ResyncReason, } | { "type": "closing", code: number, retry_after_ms?: number, };

/**
 * A room to open, from a cursor or from scratch.
 */
export type OpenRoom = { 
/**
 * The room: its id or its key.
 */
room: string, 
/**
 * The last position that was applied; without one the room comes as a snapshot.
 */
cursor?: string, };

/**
 * A room that was opened: `gone`, or `same`, or `changes`, or a `snapshot`.
 */
export type Opened = { 
/**
 * The room.
 */
room: string, 
/**
 * It is not there, or not theirs.
 */
gone?: boolean, 
/**
 * Nothing was missed.
 */
same?: boolean, 
/**
 * What changed since the cursor, in its present state.
 */
changes?: Array<Event>, 
/**
 * Whether to open it again with the new cursor; live events begin only when this is false.
 */
more?: boolean, 
/**
 * The room from scratch: there was no cursor, or it no longer fits.
 */
snapshot?: Snapshot, 
/**
 * Everybody's markers in a small room, else one's own.
 */
markers?: Array<Marker>, 
/**
 * Who has it open now.
 */
present?: Array<string>, 
/**
 * Who is typing now.
 */
typing?: Array<string>, 
/**
 * The change that holds now: what follows comes after it.
 */
rev?: number, 
/**
 * The position that holds now: hand it back to resume.
 */
cursor?: string, };

/**
 * A room from scratch.
 */
export type Snapshot = { 
/**
 * The room as the reader sees it.
 */
room: Room, 
/**
 * Who is in it; the first of them in a large room.
 */
participants: Array<Participant>, 
/**
 * The last messages, oldest first.
 */
messages: Array<Message>, };

/** What one user, or the application itself, may do. */
export interface SessionMethods {
  /** Makes a room, or finds the one that has the key or the pair. */
  createRoom(create: CreateRoom, options?: CallOptions): Promise<Room>;
  /** One room as the caller sees it. */
  room(room: string, options?: CallOptions): Promise<Room>;
  /** The caller's rooms, latest activity first. */
  rooms(paging?: Paging | null, options?: CallOptions): Promise<RoomPage>;
  /** Changes a room's settings or state. */
  updateRoom(room: string, update: UpdateRoom, options?: CallOptions): Promise<Room>;
  /** Removes a room and all that is in it, for ever. */
  deleteRoom(room: string, options?: CallOptions): Promise<void>;
  /** Adds somebody. */
  addParticipant(room: string, participant: AddParticipant, options?: CallOptions): Promise<Participant>;
  /** Changes somebody's role, name, mute or ban. */
  updateParticipant(room: string, update: UpdateParticipant, options?: CallOptions): Promise<Participant>;
  /** Removes somebody, or oneself. */
  removeParticipant(room: string, userId: string, options?: CallOptions): Promise<void>;
  /** Leaves a room. */
  leave(room: string, options?: CallOptions): Promise<void>;
  /** Who is in a room, by user id. */
  participants(room: string, paging?: Paging | null, options?: CallOptions): Promise<ParticipantPage>;
  /** Who has read a message, by user id, without its sender. */
  readers(messageId: string, paging?: Paging | null, options?: CallOptions): Promise<ParticipantPage>;
  /** Posts a message. Under a `client_id` it can be repeated safely. */
  send(room: string, message: SendMessage, options?: CallOptions): Promise<Sent>;
  /** Changes what a message says. */
  edit(edit: EditMessage, options?: CallOptions): Promise<Message>;
  /** Takes a message's content away. Deleting a deleted one is fine. */
  delete(messageId: string, options?: CallOptions): Promise<Message>;
  /** One message. */
  message(messageId: string, options?: CallOptions): Promise<Message>;
  /** A page of a room's messages, newest first. `next` is the place to give as `before` or `after` to go on, a number. */
  history(room: string, query?: History | null, options?: CallOptions): Promise<MessagePage>;
  /** What the caller may see in all rooms, newest first. */
  messages(paging?: Paging | null, options?: CallOptions): Promise<MessagePage>;
  /** Says that everything up to `seq` was read. Past the end means the end. */
  markRead(room: string, seq: number, options?: CallOptions): Promise<Markers>;
  /** Says that everything up to `seq` was delivered. */
  markDelivered(room: string, seq: number, options?: CallOptions): Promise<Markers>;
  /** Makes the message at `seq` the first unread one again; receipts stay. */
  markUnread(room: string, seq: number, options?: CallOptions): Promise<Markers>;
  /** Says that everything up to this message was read. */
  markMessageRead(messageId: string, options?: CallOptions): Promise<Markers>;
  /** Changes one's own settings in a room. */
  updateMe(room: string, update: UpdateMe, options?: CallOptions): Promise<My>;
  /** How many messages the caller has not read, over all rooms. */
  unread(options?: CallOptions): Promise<number>;
  /** Says that one is typing, or no longer is. It ends by itself after 3 s, and with a send. */
  typing(room: string, isTyping: boolean, options?: CallOptions): Promise<void>;
}

/** How to make one call. */
export interface CallOptions {
  /** Stops waiting; what was begun may still take effect, so repeat it under the same `client_id` to be sure. */
  signal?: AbortSignal;
}
