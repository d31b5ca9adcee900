//! Every size and count that has a bound.

use serde::{Deserialize, Serialize};

/// The engine's limits. Each has a default that suits a job chat. Errors name what was too much, not the setting.
///
/// Counts of members and of rooms per user may be passed by a few when many are added at once; sizes never are.
///
/// An engine takes them as they are: what [`Limits::check`] refuses it cannot work with. Check limits that come from
/// outside, such as a file, before you open it.
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
    /// Participants that a user, not the host, names when they make a room. Others are added one by one. Default 100.
    pub people_at_once: usize,
    /// Rooms of one user, as far as users put them in; the host may put them into more. About, since who comes into several
    /// at the same moment may end up in a few more. Default 10,000.
    pub rooms_per_user: usize,
    /// The largest page; larger requests are clamped. Default 200.
    pub page: usize,
    /// The page where none is asked for. Default 50.
    pub default_page: usize,
    /// Rooms of up to so many people show live who types, who is there, and everybody's receipts. Default 100.
    pub small_room: usize,
    /// How often each second a user may begin to type, in all rooms together; beyond it the others are not told. Default 5.
    pub typing_per_second: usize,
    /// Rooms named in one `subscribe` or `unsubscribe`. Default 100.
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
            people_at_once: 100,
            rooms_per_user: 10_000,
            page: 200,
            default_page: 50,
            small_room: 100,
            typing_per_second: 5,
            subscribe_rooms: 100,
            snapshot_messages: 50,
            catch_up_changes: 500,
            pending_bytes: 1024 * 1024,
            pending_commands: 16 * 1024,
            cached_rooms: 10_000,
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` {problem}")]
pub struct SettingError {
    /// Which.
    pub setting: &'static str,
    /// What it must be.
    pub problem: &'static str,
}

/// More of anything that is counted, or held at once, than a machine has place for.
const MANY: usize = 10_000_000;

impl Limits {
    /// Checks that an engine can work with them.
    ///
    /// # Errors
    /// Names the first one that cannot be.
    pub fn check(&self) -> Result<(), SettingError> {
        let sizes = [("message_bytes", self.message_bytes), ("pending_bytes", self.pending_bytes)];
        let counts = [
            ("members", self.members),
            ("people_at_once", self.people_at_once),
            ("rooms_per_user", self.rooms_per_user),
            ("page", self.page),
            ("default_page", self.default_page),
            ("subscribe_rooms", self.subscribe_rooms),
            ("catch_up_changes", self.catch_up_changes),
            ("pending_commands", self.pending_commands),
            ("cached_rooms", self.cached_rooms),
        ];
        // These may be 0: then there is none of it.
        let others = [
            ("small_room", self.small_room),
            ("typing_per_second", self.typing_per_second),
            ("snapshot_messages", self.snapshot_messages),
        ];
        if let Some((setting, _)) = sizes.iter().chain(&counts).find(|(_, limit)| *limit == 0) {
            return Err(SettingError { setting, problem: "must not be 0" });
        }
        if let Some((setting, _)) = counts.iter().chain(&others).find(|(_, count)| *count > MANY) {
            return Err(SettingError { setting, problem: "must be at most 10,000,000" });
        }
        Ok(())
    }

    /// The page that is read when `asked` is asked for: never 0, never past the limit.
    pub fn page_size(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or(self.default_page).clamp(1, self.page.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_fine_and_what_cannot_be_is_named() {
        assert_eq!(Limits::default().check(), Ok(()));
        let refused = |limits: Limits| limits.check().unwrap_err().to_string();
        let none = Limits { catch_up_changes: 0, ..Limits::default() };
        assert_eq!(refused(none), "`catch_up_changes` must not be 0");
        let many = Limits { snapshot_messages: usize::MAX, ..Limits::default() };
        assert_eq!(refused(many), "`snapshot_messages` must be at most 10,000,000");
        let off =
            Limits { attachments: 0, metadata_bytes: 0, small_room: 0, snapshot_messages: 0, ..Limits::default() };
        assert_eq!(off.check(), Ok(()));
    }
}
