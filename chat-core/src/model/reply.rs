//! What commands and reads answer.

use serde::{Deserialize, Serialize};

use super::{Cursor, Event, Marker, Member, Message, MyRoom, Participant, Rev, RoomId, Seq, UserId};

/// The answer to a send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// The message as it is stored now.
    pub message: std::sync::Arc<Message>,
    /// Whether it had been sent before under the same `client_id`.
    pub duplicate: bool,
}

/// How far one has read, and what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markers {
    /// What others see as read.
    pub read_seq: Seq,
    /// What was delivered.
    pub delivered_seq: Seq,
    /// What unread counts from.
    pub marker_seq: Seq,
    /// Messages not read; exact.
    pub unread_count: u64,
}

impl Markers {
    pub(crate) const fn of(member: &Member, unread_count: u64) -> Self {
        Self {
            read_seq: member.read_seq,
            delivered_seq: member.delivered_seq,
            marker_seq: member.marker_seq,
            unread_count,
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries.
    pub results: Vec<T>,
    /// What to ask for next, in the same direction; nothing at the end. Opaque, except for messages of a room, where
    /// it is a place.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page of what becomes of each entry.
    pub(crate) fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U> {
        Page { results: self.results.into_iter().map(to).collect(), next: self.next }
    }
}

/// What somebody who opens a room, or comes back to it, is told first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Subscribed {
    /// The room is open.
    Open(Box<Opened>),
    /// It is not there, or not theirs.
    Gone {
        /// The room as it was asked for.
        room: String,
        /// Always true.
        gone: bool,
    },
}

/// A room that was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Its id.
    pub room: RoomId,
    /// What was missed.
    #[serde(flatten)]
    pub sync: Sync,
    /// Everybody's markers in a small room, else one's own.
    pub markers: Vec<Marker>,
    /// Who has it open now; the first of them in a large room.
    pub present: Vec<UserId>,
    /// Who is typing now.
    pub typing: Vec<UserId>,
    /// The last change that is included: what a gate in front of the room goes on from.
    pub rev: Rev,
    /// The position that holds now: hand it back to resume.
    pub cursor: Cursor,
}

/// What was missed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Sync {
    /// Nothing.
    Same {
        /// Always true.
        same: bool,
    },
    /// What changed since the cursor, in its present state: what is new in the place where it came, all else in that
    /// of its last change.
    Changes {
        /// The changes.
        changes: Vec<Event>,
        /// Whether to ask again with the new cursor; live events begin only when this is false.
        more: bool,
    },
    /// The room from scratch: there was no cursor, or it no longer fits.
    Snapshot {
        /// The room.
        snapshot: Box<Snapshot>,
    },
}

/// A room from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The room as the reader sees it.
    pub room: MyRoom,
    /// Who is in it; the first of them in a large room.
    pub participants: Vec<Participant>,
    /// The last messages, oldest first.
    pub messages: Vec<Message>,
}
