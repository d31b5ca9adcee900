//! Who is in a room.

use super::{Level, Role};
use crate::value::Time;

data! {
    /// A participant as the others in the room see them.
    pub struct Participant {
        /// Who.
        pub user_id: String,
        /// The name that the application gave.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub name: Option<String>,
        /// The picture that the application gave.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub avatar: Option<String>,
        /// As what.
        pub role: Role,
        /// Since when.
        pub joined_at: Time,
        /// Everything up to here they have read.
        pub read_seq: i64,
        /// Everything up to here was delivered to them.
        pub delivered_seq: i64,
        /// The first message that they may read, and so have read; absent where they may read all.
        pub visible_from: Option<i64>,
        /// Whether they are connected; absent in events.
        pub online: Option<bool>,
        /// When they were last connected, if that is known.
        pub last_seen: Option<Time>,
        /// Until when they may not write.
        pub muted_until: Option<Time>,
    }

    /// A page of participants.
    pub struct ParticipantPage {
        /// The participants.
        pub results: Vec<Participant>,
        /// What to ask for next; nothing at the end.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub next: Option<String>,
    }

    /// One's own place in a room.
    pub struct My {
        /// As what.
        pub role: Role,
        /// What others see as read.
        pub read_seq: i64,
        /// What was delivered.
        pub delivered_seq: i64,
        /// What unread counts from.
        pub marker_seq: i64,
        /// Keeps the room on top of one's list.
        pub pinned: bool,
        /// Keeps it out of one's list.
        pub hidden: bool,
        /// What to be notified of.
        pub level: Level,
        /// Reads without telling the others.
        pub private_reading: bool,
    }

    /// How far one has read, and what is left.
    pub struct Markers {
        /// What others see as read.
        pub read_seq: i64,
        /// What was delivered.
        pub delivered_seq: i64,
        /// What unread counts from.
        pub marker_seq: i64,
        /// Messages not read; exact.
        pub unread_count: i64,
    }

    /// How far somebody has read and received.
    pub struct Marker {
        /// Who.
        pub user_id: String,
        /// What they have read.
        pub read_seq: i64,
        /// What was delivered to them.
        pub delivered_seq: i64,
    }
}
