//! The names of what can be asked for, as labels.

/// What was asked for, over a socket or HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action(u8);

/// The socket's actions, and after them what only HTTP has.
const NAMES: [&str; 28] = [
    "unknown",
    "authenticate",
    "ping",
    "send_message",
    "edit_message",
    "delete_message",
    "read_message",
    "message_delivered",
    "mark_unread",
    "typing_start",
    "typing_stop",
    "create_room",
    "update_room",
    "delete_room",
    "get_room",
    "list_rooms",
    "leave_room",
    "add_participant",
    "update_participant",
    "remove_participant",
    "list_participants",
    "update_me",
    "subscribe",
    "unsubscribe",
    "history",
    "readers",
    "get_message",
    "list_messages",
];

impl Action {
    pub(crate) const COUNT: usize = NAMES.len();

    /// The action of that name; `unknown` for all that is none.
    pub(crate) fn named(name: &str) -> Self {
        Self::known(name).unwrap_or(Self(0))
    }

    /// The action of that name, if it is one.
    pub(crate) fn known(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).and_then(|found| u8::try_from(found).ok()).map(Self)
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(Self::COUNT).map(Self)
    }

    pub(crate) const fn name(self) -> &'static str {
        NAMES[self.index()]
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}
