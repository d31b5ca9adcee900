//! Rooms.

use super::{HistoryMode, Message, My, RoomKind, RoomState};
use crate::value::{Json, Time};

data! {
    /// A room as one reader sees it.
    pub struct Room {
        /// Its id.
        pub id: String,
        /// The application's name for it, such as `job:42`.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub key: Option<String>,
        /// What it is for.
        pub kind: RoomKind,
        /// Its name.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub name: Option<String>,
        /// Its topic.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub topic: Option<String>,
        /// Its picture.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub avatar: Option<String>,
        /// Free JSON.
        #[cfg_attr(test, ts(type = "{ [key: string]: unknown } | null", optional = false))]
        pub metadata: Option<Json>,
        /// Open, frozen or archived.
        pub state: RoomState,
        /// When it was made.
        pub created_at: Time,
        /// What newcomers see.
        pub history: HistoryMode,
        /// How many messages the reader has not read; exact. 0 for the host.
        pub unread_count: i64,
        /// The last message the reader may see, a tombstone included.
        #[cfg_attr(test, ts(type = "Message | null", optional = false))]
        pub last_message: Option<Message>,
        /// The number of the last message.
        pub last_seq: i64,
        /// How many are in it.
        pub participants_count: i64,
        /// The reader's own place in it; absent for the host.
        pub my: Option<My>,
        /// The position that this view shows.
        pub cursor: String,
    }

    /// A room's settings, the same for every reader.
    pub struct RoomInfo {
        /// Its id.
        pub id: String,
        /// The application's name for it, such as `job:42`.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub key: Option<String>,
        /// What it is for.
        pub kind: RoomKind,
        /// Its name.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub name: Option<String>,
        /// Its topic.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub topic: Option<String>,
        /// Its picture.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub avatar: Option<String>,
        /// Free JSON.
        #[cfg_attr(test, ts(type = "{ [key: string]: unknown } | null", optional = false))]
        pub metadata: Option<Json>,
        /// Open, frozen or archived.
        pub state: RoomState,
        /// When it was made.
        pub created_at: Time,
        /// What newcomers see.
        pub history: HistoryMode,
    }

    /// A page of rooms.
    pub struct RoomPage {
        /// The rooms.
        pub results: Vec<Room>,
        /// What to ask for next; nothing at the end.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub next: Option<String>,
    }
}
