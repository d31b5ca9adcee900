//! Receipts on their way to storage: gathered for a moment, merged per person and room, written together.

use std::{collections::BTreeMap, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use crate::{
    model::{MessageId, Result, RoomId, UserId},
    store::{MarkerMove, MarkerTo},
};

use super::lane::Reply;

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Markers {
    waiting: BTreeMap<(RoomId, UserId), Gathered>,
    delay: Duration,
    due: Option<Instant>,
}

/// Somebody's markers in a room, merged.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) room: RoomId,
    pub(super) marker: MarkerMove,
    /// The message that the furthest of them named.
    pub(super) message_id: Option<MessageId>,
    /// Who waits for it to be written.
    pub(super) waiting: Vec<oneshot::Sender<Result<Reply>>>,
}

impl Markers {
    pub(super) const fn new(delay: Duration) -> Self {
        Self { waiting: BTreeMap::new(), delay, due: None }
    }

    pub(super) fn gather(
        &mut self,
        room: RoomId,
        marker: MarkerMove,
        message_id: Option<MessageId>,
        reply: oneshot::Sender<Result<Reply>>,
        now: Instant,
    ) {
        self.due.get_or_insert(now + self.delay);
        match self.waiting.entry((room, marker.user.clone())) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Gathered { room, marker, message_id, waiting: vec![reply] });
            }
            std::collections::btree_map::Entry::Occupied(entry) => {
                let gathered = entry.into_mut();
                if furthest(&marker) >= furthest(&gathered.marker) {
                    gathered.message_id = message_id;
                }
                merge(&mut gathered.marker, &marker);
                gathered.waiting.push(reply);
            }
        }
    }

    /// Somebody's markers, where what they do next must come after them.
    pub(super) fn take(&mut self, room: RoomId, user: &UserId) -> Option<Gathered> {
        if self.waiting.is_empty() {
            return None;
        }
        self.waiting.remove(&(room, user.clone()))
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Gathered> + use<> {
        self.due = None;
        std::mem::take(&mut self.waiting).into_values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When what waits is to be written.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_empty())
    }

    pub(super) fn due(&self, now: Instant) -> bool {
        self.due_at().is_some_and(|due| due <= now)
    }
}

fn furthest(marker: &MarkerMove) -> u64 {
    marker.read.max(marker.delivered).unwrap_or(0)
}

/// Adds a later move to an earlier one, so that both together do what one after the other would.
fn merge(earlier: &mut MarkerMove, later: &MarkerMove) {
    earlier.delivered = earlier.delivered.max(later.delivered);
    earlier.read = earlier.read.max(later.read);
    earlier.marker = match (earlier.marker, later.marker) {
        (marker, None) | (None, marker) => marker,
        (_, Some(MarkerTo::Set(to, then))) => Some(MarkerTo::Set(to, then)),
        (Some(MarkerTo::AtLeast(a)), Some(MarkerTo::AtLeast(b))) => Some(MarkerTo::AtLeast(a.max(b))),
        (Some(MarkerTo::Set(to, then)), Some(MarkerTo::AtLeast(b))) => Some(MarkerTo::Set(to, then.max(Some(b)))),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a move does to `(read, delivered, marker)`, as the contract of the store says.
    fn apply(state: (u64, u64, u64), marker: &MarkerMove) -> (u64, u64, u64) {
        let (read, delivered, own) = state;
        let own = match marker.marker {
            None => own,
            Some(MarkerTo::AtLeast(to)) => own.max(to),
            Some(MarkerTo::Set(to, then)) => then.map_or(to, |then| to.max(then)),
        };
        let read = read.max(marker.read.unwrap_or(0));
        (read, delivered.max(marker.delivered.unwrap_or(0)).max(read), own)
    }

    fn any_move() -> impl Strategy<Value = MarkerMove> {
        let place = || proptest::option::of(0u64..20);
        let to = prop_oneof![
            (0u64..20).prop_map(MarkerTo::AtLeast),
            (0u64..20, place()).prop_map(|(to, then)| MarkerTo::Set(to, then)),
        ];
        (place(), place(), proptest::option::of(to)).prop_map(|(delivered, read, marker)| MarkerMove {
            user: UserId::new("ann").unwrap(),
            delivered,
            read,
            marker,
        })
    }

    proptest! {
        #[test]
        fn merged_moves_do_what_one_after_the_other_does(
            moves in proptest::collection::vec(any_move(), 1..6),
            start in (0u64..20, 0u64..20, 0u64..20),
        ) {
            let one_by_one = moves.iter().fold(start, apply);
            let mut merged = moves[0].clone();
            for later in &moves[1..] {
                merge(&mut merged, later);
            }
            prop_assert_eq!(apply(start, &merged), one_by_one);
        }
    }
}
