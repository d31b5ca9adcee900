//! What to read: which page of what.

use chat_core::{Error, MAX_INTEGER, Window};

use crate::carry::Carried;
use crate::error::ChatError;

data! {
    /// Where a list goes on, and how much of it to read.
    #[derive(Default)]
    pub struct Paging {
        /// What `next` of the page before said.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub cursor: Option<String>,
        /// How many; clamped to 1 to 200, by default 50.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub limit: Option<i64>,
    }

    /// Which messages of a room: the latest, or those before, after or around one. At most one of the three.
    #[derive(Default)]
    pub struct History {
        /// Those just below this place, newest first.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub before: Option<i64>,
        /// Those just above this place, oldest first.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub after: Option<i64>,
        /// Those on both sides of this place.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub around: Option<i64>,
        /// How many; clamped to 1 to 200, by default 50.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub limit: Option<i64>,
    }
}

impl Paging {
    /// The cursor and the limit as the core takes them.
    pub(crate) fn split(paging: Option<Self>) -> (Option<String>, Option<usize>) {
        let Self { cursor, limit } = paging.unwrap_or_default();
        (cursor, limit.map(clamped))
    }
}

impl History {
    pub(crate) fn window(&self) -> chat_core::Result<Window> {
        let places = [self.before, self.after, self.around];
        if places.iter().flatten().any(|place| u64::try_from(*place).map_or(true, |place| place > MAX_INTEGER)) {
            return Err(Error::invalid("before", ", `after` and `around` must be from 0 to 2^53 - 1"));
        }
        match places.map(|place| place.map(i64::unsigned_abs)) {
            [None, None, None] => Ok(Window::Latest),
            [Some(seq), None, None] => Ok(Window::Before(seq)),
            [None, Some(seq), None] => Ok(Window::After(seq)),
            [None, None, Some(seq)] => Ok(Window::Around(seq)),
            _ => Err(Error::invalid("before", ", `after` and `around` exclude each other")),
        }
    }

    pub(crate) fn limit(&self) -> Option<usize> {
        self.limit.map(clamped)
    }
}

/// A page size; what is out of range is clamped, as everywhere.
fn clamped(limit: i64) -> usize {
    usize::try_from(limit.max(0)).unwrap_or(usize::MAX)
}

/// The core takes these apart; they are its arguments as they are.
macro_rules! as_it_is {
    ($($name:ident),*) => { $(
        impl Carried for $name {
            type Core = Self;
            fn into_core(self, _: &'static str) -> Result<Self, ChatError> {
                Ok(self)
            }
        }
    )* };
}
as_it_is!(Paging, History);
