//! Everything that is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Cursor, Member, Message, MessageId, Participant, Rev, RoomId, RoomInfo, Seq, Timestamp, UserId, metadata::held,
};

/// Where an event of the log stands in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The room.
    pub room: RoomId,
    /// The change.
    pub rev: Rev,
    /// The change that must have been applied before, where it is not `rev − 1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<Rev>,
    /// The position that holds after it.
    pub cursor: Cursor,
}

impl Position {
    /// The change that must have been applied before.
    pub fn follows(&self) -> Rev {
        self.prev.unwrap_or(self.rev.saturating_sub(1))
    }
}

/// What happened, as everybody who may know it is told. `type` is the first key on the wire.
///
/// Events with a [`Position`] are the log: numbered, never lost, brought again by catching up. The others are
/// registers and ephemera: the latest one counts, and a lost one heals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "fields that every event has: `at` is its position, `room` its room, `user_id` whom it is about"
)]
pub enum Event {
    /// A message was posted. Its author has read up to it; where the send said otherwise, up to `read_seq`.
    ChatMessage {
        #[serde(flatten)]
        at: Position,
        message: Arc<Message>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_seq: Option<Seq>,
    },
    /// A message says something else now.
    MessageEdited {
        #[serde(flatten)]
        at: Position,
        message: Arc<Message>,
    },
    /// A message is a tombstone now.
    MessageDeleted {
        #[serde(flatten)]
        at: Position,
        message: Arc<Message>,
    },
    /// Somebody is in the room now.
    ParticipantAdded {
        #[serde(flatten)]
        at: Position,
        participant: Participant,
    },
    /// Somebody has another role, name or mute.
    ParticipantUpdated {
        #[serde(flatten)]
        at: Position,
        participant: Participant,
    },
    /// Somebody is no longer in the room.
    ParticipantRemoved {
        #[serde(flatten)]
        at: Position,
        participant: Participant,
    },
    /// The room's settings or state are others now.
    RoomUpdated {
        #[serde(flatten)]
        at: Position,
        room_info: RoomInfo,
    },
    /// The log moved by something that this reader may not see.
    Advance {
        #[serde(flatten)]
        at: Position,
    },
    /// Somebody has read up to `seq`.
    MessageRead {
        room: RoomId,
        user_id: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<MessageId>,
        seq: Seq,
    },
    /// Everything up to `seq` was delivered to somebody.
    MessageDelivered {
        room: RoomId,
        user_id: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<MessageId>,
        seq: Seq,
    },
    /// Somebody began or stopped typing; `typing` is everybody who types now.
    Typing { room: RoomId, user_id: UserId, is_typing: bool, typing: Vec<UserId> },
    /// Somebody's first connection opened the room; `present` is everybody who has it open now.
    UserJoined { room: RoomId, user_id: UserId, present: Vec<UserId> },
    /// Somebody's last connection closed the room.
    UserLeft { room: RoomId, user_id: UserId, present: Vec<UserId> },
    /// Somebody came online or went; told to the others who have a room with them open.
    Presence {
        user_id: UserId,
        online: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen: Option<Timestamp>,
    },
    /// I am in a room now.
    RoomAdded { room: RoomId, room_info: RoomInfo },
    /// I am no longer in a room, or it is gone.
    RoomRemoved { room: RoomId },
    /// My own marker moved, perhaps on another device.
    Marker { room: RoomId, read_seq: Seq, delivered_seq: Seq, marker_seq: Seq, unread_count: u64 },
    /// What this subscriber missed must be fetched from its cursor. A room that is not open has changed since it was read.
    Resync { room: RoomId, reason: ResyncReason },
    /// The server is about to close the connection.
    Closing {
        code: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// Why a subscriber must catch up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// It fell behind, and what waited for it was dropped.
    TooSlow,
    /// Something went missing on the way.
    Gap,
}

impl Event {
    /// Its place in the log, if it is of the log.
    pub const fn position(&self) -> Option<&Position> {
        match self {
            Self::ChatMessage { at, .. }
            | Self::MessageEdited { at, .. }
            | Self::MessageDeleted { at, .. }
            | Self::ParticipantAdded { at, .. }
            | Self::ParticipantUpdated { at, .. }
            | Self::ParticipantRemoved { at, .. }
            | Self::RoomUpdated { at, .. }
            | Self::Advance { at } => Some(at),
            _ => None,
        }
    }

    /// About how many bytes its free JSON takes in memory beside its text.
    pub fn held(&self) -> usize {
        match self {
            Self::ChatMessage { message, .. }
            | Self::MessageEdited { message, .. }
            | Self::MessageDeleted { message, .. } => message.held(),
            Self::RoomUpdated { room_info, .. } | Self::RoomAdded { room_info, .. } => {
                room_info.metadata.as_ref().map_or(0, held)
            }
            _ => 0,
        }
    }

    /// The room it is about, if it is about one.
    pub const fn room(&self) -> Option<RoomId> {
        match self {
            Self::MessageRead { room, .. }
            | Self::MessageDelivered { room, .. }
            | Self::Typing { room, .. }
            | Self::UserJoined { room, .. }
            | Self::UserLeft { room, .. }
            | Self::RoomAdded { room, .. }
            | Self::RoomRemoved { room }
            | Self::Marker { room, .. }
            | Self::Resync { room, .. } => Some(*room),
            Self::Presence { .. } | Self::Closing { .. } => None,
            _ => match self.position() {
                Some(at) => Some(at.room),
                None => None,
            },
        }
    }
}

/// How far somebody has read and received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Who.
    pub user_id: UserId,
    /// What they have read.
    pub read_seq: Seq,
    /// What was delivered to them.
    pub delivered_seq: Seq,
}

impl From<&Member> for Marker {
    fn from(member: &Member) -> Self {
        Self { user_id: member.user.clone(), read_seq: member.read_seq, delivered_seq: member.delivered_seq }
    }
}
