//! The names of what can be asked for, as labels.

use chat_core::wire::ACTIONS;

/// What was asked for, over a socket or HTTP: its place among [`names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Action(usize);

/// What is no action, and what only HTTP has.
const OTHERS: [&str; 3] = ["unknown", "get_message", "list_messages"];

fn names() -> impl Iterator<Item = &'static str> {
    OTHERS.into_iter().chain(ACTIONS)
}

impl Action {
    pub(crate) const COUNT: usize = OTHERS.len() + ACTIONS.len();

    /// The action of that name; `unknown` for all that is none.
    pub(crate) fn named(name: &str) -> Self {
        Self::known(name).unwrap_or(Self(0))
    }

    /// The action of that name, if it is one.
    pub(crate) fn known(name: &str) -> Option<Self> {
        names().position(|known| known == name).map(Self)
    }

    /// Every action, with its name.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        names().enumerate().map(|(place, name)| (Self(place), name))
    }

    pub(crate) const fn index(self) -> usize {
        self.0
    }
}
