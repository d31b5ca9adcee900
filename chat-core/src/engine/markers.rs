//! Receipts on their way to storage: gathered for a moment, merged per person and room, written together.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    model::{MessageId, RoomId, UserId},
    store::{MarkerMove, MarkerTo},
};

use super::lane::{BATCH, Request};

/// How long markers are gathered at most; with a commit they are still told within 50 ms.
pub(super) const DELAY: Duration = Duration::from_millis(25);

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Markers {
    waiting: BTreeMap<(RoomId, UserId), Gathered>,
    /// How many requests that are.
    requests: usize,
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
    /// Whether everybody's receipts are shown in the room.
    pub(super) receipts: bool,
    /// Who waits for it to be written.
    pub(super) waiting: Vec<Request>,
}

impl Gathered {
    pub(super) const fn new(room: RoomId, marker: MarkerMove, message_id: Option<MessageId>, receipts: bool) -> Self {
        Self { room, marker, message_id, receipts, waiting: Vec::new() }
    }

    fn merge(&mut self, later: &Self) {
        if furthest(&later.marker) >= furthest(&self.marker) {
            self.message_id = later.message_id;
        }
        merge(&mut self.marker, &later.marker);
        self.receipts = later.receipts;
    }
}

impl Markers {
    pub(super) fn new(delay: Duration) -> Self {
        Self { waiting: BTreeMap::new(), requests: 0, delay: delay.min(DELAY), due: None }
    }

    pub(super) fn gather(&mut self, marked: Gathered, request: Request) {
        self.due.get_or_insert_with(|| Instant::now() + self.delay);
        self.requests += 1;
        let gathered = match self.waiting.entry((marked.room, marked.marker.user.clone())) {
            Entry::Vacant(entry) => entry.insert(marked),
            Entry::Occupied(entry) => {
                let gathered = entry.into_mut();
                gathered.merge(&marked);
                gathered
            }
        };
        gathered.waiting.push(request);
    }

    /// Somebody's markers, where what they do next must come after them.
    pub(super) fn take(&mut self, room: RoomId, user: &UserId) -> Option<Gathered> {
        if self.waiting.is_empty() {
            return None;
        }
        let gathered = self.waiting.remove(&(room, user.clone()))?;
        self.requests -= gathered.waiting.len();
        Some(gathered)
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Gathered> + use<> {
        (self.due, self.requests) = (None, 0);
        std::mem::take(&mut self.waiting).into_values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When what waits is to be written.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_empty())
    }

    /// Whether it is time to write, or enough to write.
    pub(super) fn due(&self, now: Instant) -> bool {
        self.requests >= BATCH || self.due_at().is_some_and(|due| due <= now)
    }
}

/// Whose markers were handed in and are not stored yet: what those people read next waits for them.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    users: Mutex<HashMap<UserId, usize>>,
}

/// That a marker of somebody is handed in and not stored yet.
#[derive(Debug)]
pub(super) struct OnItsWay {
    user: UserId,
    among: Arc<Unsettled>,
}

impl Unsettled {
    pub(super) fn enter(self: &Arc<Self>, user: &UserId) -> OnItsWay {
        *self.users().entry(user.clone()).or_default() += 1;
        OnItsWay { user: user.clone(), among: Arc::clone(self) }
    }

    pub(super) fn has(&self, user: &UserId) -> bool {
        self.users().contains_key(user)
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut users = self.among.users();
        match users.get_mut(&self.user) {
            Some(markers) if *markers > 1 => *markers -= 1,
            _ => drop(users.remove(&self.user)),
        }
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
