//! The gap gate: lets a room's changes through in order, once each, and notices when one is missing.
//!
//! The live path may drop, double and reorder; storage is the truth. Everybody who follows a room puts a gate in
//! front: a node between its bus and its sessions, a client between its socket and its replica.

use std::collections::BTreeMap;

use crate::model::{Cursor, Position};

/// A gate in front of one room's changes. `T` is whatever carries them.
///
/// ```
/// use chat_core::{Cursor, Gate, Position, RoomId, Step};
/// let room = RoomId::from_bytes([7; 16]);
/// let at = |rev| Position { room, rev, prev: None, cursor: Cursor { epoch: 1, rev, chain: rev } };
/// let mut gate = Gate::new(Cursor { epoch: 1, rev: 3, chain: 3 });
///
/// assert_eq!(gate.offer(&at(5), "five"), Step::Missing); // 4 is not here: fetch what follows gate.cursor()
/// assert_eq!(gate.offer(&at(4), "four"), Step::Deliver(vec!["four", "five"]));
/// assert_eq!(gate.offer(&at(4), "four"), Step::Known);
/// ```
#[derive(Debug)]
pub struct Gate<T> {
    at: Cursor,
    /// What came too early, by the change that it follows. Keyed by start: a long frame must not hide behind a short one.
    parked: BTreeMap<u64, (Cursor, T)>,
}

/// What to do with what was offered to a [`Gate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Apply these, in this order.
    Deliver(Vec<T>),
    /// It was applied before.
    Known,
    /// Something before it is missing: fetch what follows [`Gate::cursor`], then call [`Gate::reached`].
    Missing,
    /// It is of another history: start anew from a snapshot.
    Reset,
}

/// How many changes wait for a missing one; what comes beyond is dropped, and fetched like any other gap.
const PARKED: usize = 256;

impl<T> Gate<T> {
    /// A gate that has let everything up to `at` through.
    pub const fn new(at: Cursor) -> Self {
        Self { at, parked: BTreeMap::new() }
    }

    /// The position up to which everything was let through.
    pub const fn cursor(&self) -> Cursor {
        self.at
    }

    /// Whether something waits for a change that has not come.
    pub fn has_gap(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Offers one change.
    pub fn offer(&mut self, position: &Position, item: T) -> Step<T> {
        let (from, to) = (position.follows(), position.cursor);
        if to.epoch != self.at.epoch {
            return Step::Reset;
        }
        if to.rev <= self.at.rev {
            return Step::Known;
        }
        if from <= self.at.rev && self.parked.is_empty() {
            self.at = to;
            return Step::Deliver(vec![item]);
        }
        let longer = self.parked.get(&from).is_none_or(|(parked, _)| parked.rev < to.rev);
        if longer && (from <= self.at.rev || self.parked.len() < PARKED) {
            self.parked.insert(from, (to, item));
        }
        match self.release() {
            items if items.is_empty() => Step::Missing,
            items => Step::Deliver(items),
        }
    }

    /// Says that everything up to `cursor` was fetched and applied; returns what waited and fits now.
    pub fn reached(&mut self, cursor: Cursor) -> Vec<T> {
        if cursor.epoch != self.at.epoch {
            self.parked.clear();
            self.at = cursor;
        } else if cursor.rev > self.at.rev {
            self.at = cursor;
        }
        self.release()
    }

    fn release(&mut self) -> Vec<T> {
        let mut items = Vec::new();
        while let Some(first) = self.parked.first_entry() {
            if *first.key() > self.at.rev {
                break;
            }
            let (to, item) = first.remove();
            if to.rev > self.at.rev {
                self.at = to;
                items.push(item);
            }
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::RoomId;

    fn cursor(rev: u64) -> Cursor {
        Cursor { epoch: 1, rev, chain: rev * 31 }
    }

    fn span(from: u64, to: u64) -> Position {
        let prev = (from + 1 != to).then_some(from);
        Position { room: RoomId::from_bytes([0; 16]), rev: to, prev, cursor: cursor(to) }
    }

    proptest! {
        /// Random loss, duplication, reordering and overlap: what comes out is in order, once each, without a hole,
        /// and with fetching it ends complete.
        #[test]
        fn everything_comes_out_once_and_in_order(
            spans in proptest::collection::vec((0u64..60, 1u64..5), 0..200),
            fetch_when_missing in any::<bool>(),
        ) {
            let mut gate = Gate::new(cursor(0));
            let mut at = 0;
            for (from, length) in spans {
                let to = from + length;
                match gate.offer(&span(from, to), (from, to)) {
                    Step::Deliver(items) => {
                        for (from, to) in items {
                            prop_assert!(from <= at && to > at, "a hole or a repeat: {from}..{to} at {at}");
                            at = to;
                        }
                    }
                    Step::Known => prop_assert!(to <= at),
                    Step::Missing => {
                        prop_assert!(from > at);
                        if fetch_when_missing {
                            at = to;
                            for (from, to) in gate.reached(cursor(to)) {
                                prop_assert!(from <= at && to > at);
                                at = to;
                            }
                        }
                    }
                    Step::Reset => prop_assert!(false, "same epoch"),
                }
                prop_assert_eq!(gate.cursor().rev, at);
            }
        }
    }

    #[test]
    fn another_epoch_is_a_reset() {
        let mut gate = Gate::new(cursor(3));
        let mut position = span(3, 4);
        position.cursor.epoch = 2;
        assert_eq!(gate.offer(&position, ()), Step::Reset);
        assert_eq!(gate.cursor(), cursor(3));
    }

    #[test]
    fn what_is_parked_is_bounded() {
        let mut gate = Gate::new(cursor(0));
        for rev in 2..10_000 {
            assert_eq!(gate.offer(&span(rev, rev + 1), ()), Step::Missing);
        }
        assert!(gate.parked.len() <= PARKED);
    }
}
