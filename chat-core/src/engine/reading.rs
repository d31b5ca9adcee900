//! How much of one user is read at once.
//!
//! Where somebody is in many rooms, what is read of all of them takes long, and the storage reads a few things at a time.
//! So a user's long reads have a few turns, and the others wait for these; no other user does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::UserId;

/// How many long reads of one user are under way at most.
const AT_ONCE: usize = 4;

/// Who reads at the moment.
#[derive(Debug, Default)]
pub(super) struct Reading(Mutex<HashMap<UserId, Arc<Semaphore>>>);

/// Somebody's turn, for as long as this is here.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    reading: &'a Reading,
    user: &'a UserId,
    place: Option<OwnedSemaphorePermit>,
}

impl Reading {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, in order of asking. The host needs none.
    pub(super) async fn turn<'a>(&'a self, user: Option<&'a UserId>) -> Option<Turn<'a>> {
        let user = user?;
        let mut turn = Turn { reading: self, user, place: None };
        let places = Arc::clone(self.lock().entry(user.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))));
        turn.place = places.acquire_owned().await.ok();
        Some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.place = None;
        let mut reading = self.reading.lock();
        // Only those hold it who read or wait, beside the map.
        if reading.get(self.user).is_some_and(|places| Arc::strong_count(places) == 1) {
            reading.remove(self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn so_many_have_their_turn_and_nothing_is_kept_of_who_does_not_read() {
        let (reading, ann) = (Reading::default(), UserId::new("ann").unwrap());
        let turn = || reading.turn(Some(&ann));
        let mut turns: Vec<_> = (0..AT_ONCE).map(|_| turn().now_or_never().unwrap()).collect();
        assert!(turn().now_or_never().is_none(), "and given up");
        let ben = UserId::new("ben").unwrap();
        assert!(reading.turn(Some(&ben)).now_or_never().is_some(), "others have their own");
        assert!(reading.turn(None).now_or_never().unwrap().is_none(), "the host needs none");
        let mut waits = Box::pin(turn());
        assert!((&mut waits).now_or_never().is_none());
        turns.pop();
        let last = waits.now_or_never().expect("its turn has come");
        drop((turns, last));
        assert!(reading.lock().is_empty());
    }
}
