//! Everything that is told, and what somebody who opens a room is told first.

use serde::{Deserialize, Serialize};

use super::{Marker, Message, Participant, ResyncReason, Room, RoomInfo};
use crate::value::Time;

/// What happened. Those with a `cursor` are the log: numbered by `rev`, never lost, brought again by catching up; `prev`
/// is the change before, where it is not `rev - 1`. Of the others the latest counts.
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are as in the records; `user_id` is whom the event is about")]
pub enum Event {
    /// A message was posted. Its author has read up to it; where the send said otherwise, up to `read_seq`.
    ChatMessage { room: String, rev: i64, prev: Option<i64>, cursor: String, message: Message, read_seq: Option<i64> },
    /// A message says something else now.
    MessageEdited { room: String, rev: i64, prev: Option<i64>, cursor: String, message: Message },
    /// A message is a tombstone now.
    MessageDeleted { room: String, rev: i64, prev: Option<i64>, cursor: String, message: Message },
    /// Somebody is in the room now.
    ParticipantAdded { room: String, rev: i64, prev: Option<i64>, cursor: String, participant: Participant },
    /// Somebody has another role, name or mute.
    ParticipantUpdated { room: String, rev: i64, prev: Option<i64>, cursor: String, participant: Participant },
    /// Somebody is no longer in the room.
    ParticipantRemoved { room: String, rev: i64, prev: Option<i64>, cursor: String, participant: Participant },
    /// The room's settings or state are others now.
    RoomUpdated { room: String, rev: i64, prev: Option<i64>, cursor: String, room_info: RoomInfo },
    /// The log moved by something that this reader may not see.
    Advance { room: String, rev: i64, prev: Option<i64>, cursor: String },
    /// Somebody has read up to `seq`.
    MessageRead { room: String, user_id: String, message_id: Option<String>, seq: i64 },
    /// Everything up to `seq` was delivered to somebody.
    MessageDelivered { room: String, user_id: String, message_id: Option<String>, seq: i64 },
    /// Somebody began or stopped typing; `typing` is everybody who types now.
    Typing { room: String, user_id: String, is_typing: bool, typing: Vec<String> },
    /// Somebody's first connection opened the room; `present` is everybody who has it open now.
    UserJoined { room: String, user_id: String, present: Vec<String> },
    /// Somebody's last connection closed the room.
    UserLeft { room: String, user_id: String, present: Vec<String> },
    /// Somebody came online or went.
    Presence { user_id: String, online: bool, last_seen: Option<Time> },
    /// I am in a room now.
    RoomAdded { room: String, room_info: RoomInfo },
    /// I am no longer in a room, or it is gone.
    RoomRemoved { room: String },
    /// My own marker moved, perhaps on another device.
    Marker { room: String, read_seq: i64, delivered_seq: i64, marker_seq: i64, unread_count: i64 },
    /// What this subscriber missed must be fetched: subscribe again with the last cursor.
    Resync { room: String, reason: ResyncReason },
    /// The connection is about to be closed.
    Closing { code: i64, retry_after_ms: Option<i64> },
}

data! {
    /// A room to open, from a cursor or from scratch.
    pub struct OpenRoom {
        /// The room: its id or its key.
        pub room: String,
        /// The last position that was applied; without one the room comes as a snapshot.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub cursor: Option<String>,
    }

    /// A room that was opened: `gone`, or `same`, or `changes`, or a `snapshot`.
    pub struct Opened {
        /// The room.
        pub room: String,
        /// It is not there, or not theirs.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<bool>", optional))]
        pub gone: bool,
        /// Nothing was missed.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<bool>", optional))]
        pub same: bool,
        /// What changed since the cursor, in its present state.
        pub changes: Option<Vec<Event>>,
        /// Whether to open it again with the new cursor; live events begin only when this is false.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<bool>", optional))]
        pub more: bool,
        /// The room from scratch: there was no cursor, or it no longer fits.
        pub snapshot: Option<Snapshot>,
        /// Everybody's markers in a small room, else one's own.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<Vec<Marker>>", optional))]
        pub markers: Vec<Marker>,
        /// Who has it open now.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<Vec<String>>", optional))]
        pub present: Vec<String>,
        /// Who is typing now.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<Vec<String>>", optional))]
        pub typing: Vec<String>,
        /// The change that holds now: what follows comes after it.
        pub rev: Option<i64>,
        /// The position that holds now: hand it back to resume.
        pub cursor: Option<String>,
    }

    /// A room from scratch.
    pub struct Snapshot {
        /// The room as the reader sees it.
        pub room: Room,
        /// Who is in it; the first of them in a large room.
        pub participants: Vec<Participant>,
        /// The last messages, oldest first.
        pub messages: Vec<Message>,
    }
}
