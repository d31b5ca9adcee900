//! Every size and count that has a bound.

use serde::{Deserialize, Serialize};

/// The engine's limits. Each has a default that suits a job chat and a name that errors use.
///
/// Counts of members and of rooms per user may be passed by a few when many are added at once; sizes never are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a message's content. Default 16 KiB.
    pub message_bytes: usize,
    /// Bytes of metadata, as compact JSON. Default 8 KiB.
    pub metadata_bytes: usize,
    /// Attachments of one message. Default 10.
    pub attachments: usize,
    /// Bytes of a room's or participant's name, and of an attachment's. Default 256.
    pub name_bytes: usize,
    /// Bytes of a room's topic. Default 1,024.
    pub topic_bytes: usize,
    /// Bytes of an avatar's or attachment's URL. Default 2,048.
    pub url_bytes: usize,
    /// Participants of one room. Default 10,000.
    pub members: usize,
    /// Rooms of one user; about, since who comes into several at the same moment may end up in a few more. Default
    /// 10,000.
    pub rooms_per_user: usize,
    /// The largest page; larger requests are clamped. Default 200.
    pub page: usize,
    /// The page where none is asked for. Default 50.
    pub default_page: usize,
    /// Rooms of up to so many people show live who types, who is there, and everybody's receipts. Default 100.
    pub small_room: usize,
    /// Rooms named in one `subscribe`. Default 100.
    pub subscribe_rooms: usize,
    /// Messages of a snapshot. Default 50.
    pub snapshot_messages: usize,
    /// Changes that one step of catching up looks at. Default 500.
    pub catch_up_changes: usize,
    /// Bytes of events that may wait for one slow subscriber before it gets `resync`. Default 1 MiB.
    pub pending_bytes: usize,
    /// Commands that may wait for the storage before callers get `busy`. Default 16,384.
    pub pending_commands: usize,
    /// Rooms whose state is kept in memory to decide without a read. Default 10,000.
    pub cached_rooms: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 16 * 1024,
            metadata_bytes: 8 * 1024,
            attachments: 10,
            name_bytes: 256,
            topic_bytes: 1024,
            url_bytes: 2048,
            members: 10_000,
            rooms_per_user: 10_000,
            page: 200,
            default_page: 50,
            small_room: 100,
            subscribe_rooms: 100,
            snapshot_messages: 50,
            catch_up_changes: 500,
            pending_bytes: 1024 * 1024,
            pending_commands: 16 * 1024,
            cached_rooms: 10_000,
        }
    }
}

impl Limits {
    /// The page that is read when `asked` is asked for: never 0, never past the limit.
    pub fn page_size(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or(self.default_page).clamp(1, self.page.max(1))
    }
}
