//! The store in memory: the model that every other store is compared with, and a start for tests and trials.
//!
//! Written to be read, not to be fast: it keeps plain maps, counts unread by looking at every message, and each read
//! says in a few lines what it means. `state` has what is kept and the reads, `catch_up` the longest of them, `commit`
//! the writes.

mod catch_up;
mod commit;
mod state;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    clock::Random,
    model::{ClientId, Cursor, Member, Message, MessageId, RoomId, Timestamp, UserId},
    system::SystemRandom,
};

use super::{
    Applied, CatchUp, CatchUpLimits, Commit, CommitError, Digester, History, Operation, RoomRow, RoomSelector, Store,
    StoreError, StoreResult, View, Viewer, Window,
};
use state::State;

/// Keeps everything in memory, and nothing beyond its own life.
pub struct MemoryStore {
    epoch: u64,
    digester: Digester,
    /// `None` when the store is closed. Held for the length of one call, never across an `await`.
    state: Mutex<Option<State>>,
}

impl MemoryStore {
    /// An empty store; `random` gives its epoch and the key of its hashes.
    pub fn new(random: &dyn Random) -> Self {
        let (mut epoch, mut key) = ([0; 8], [0; 16]);
        random.fill(&mut epoch);
        random.fill(&mut key);
        Self::with(u64::from_be_bytes(epoch).max(1), Digester::new(key))
    }

    /// An empty store with the epoch and the key of another: after the same commits both say the same, cursors
    /// included.
    pub fn twin_of(other: &dyn Store) -> Self {
        Self::with(other.epoch(), other.digester())
    }

    fn with(epoch: u64, digester: Digester) -> Self {
        Self { epoch, digester, state: Mutex::new(Some(State::default())) }
    }

    fn slot(&self) -> MutexGuard<'_, Option<State>> {
        // A commit is taken over whole at its end, so what a panic left behind is as it was before.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> StoreResult<T> {
        self.slot().as_ref().map(read).ok_or(StoreError::Closed)
    }
}

impl Default for MemoryStore {
    /// An empty store with an epoch and a key by the machine's randomness.
    fn default() -> Self {
        Self::new(&SystemRandom)
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows nothing of what people wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn digester(&self) -> Digester {
        self.digester
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        let mut slot = self.slot();
        let one = |commit| match slot.as_mut() {
            Some(state) => state.commit(self.epoch, self.digester, commit),
            None => Err(StoreError::Closed.into()),
        };
        batch.into_iter().map(one).collect()
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        self.read(|state| state.operation(scope, actor, name).cloned())
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        self.read(|state| state.view(room, users))
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        self.read(|state| state.message(viewer, id))
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        self.read(|state| Some(state.enter(viewer, state.find(room)?)?.history(window, limit)))
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        self.read(|state| state.messages(viewer, before, limit))
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.read(|state| Some(state.enter(viewer, room)?.participants(after, limit)))
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.read(|state| state.readers(viewer, message, after, limit))
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        self.read(|state| state.rooms(viewer, before, limit))
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        self.read(|state| Some(state.enter(viewer, state.find(room)?)?.row()))
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        self.read(|state| state.catch_up(self.epoch, viewer, rooms, limits))
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        self.read(|state| state.seen_by(Viewer::User(user)).map(|seen| seen.unread()).sum())
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        self.read(|state| users.iter().map(|user| state.seen_by(Viewer::User(user)).count() as u64).collect())
    }

    async fn close(&self) -> StoreResult<()> {
        *self.slot() = None;
        Ok(())
    }
}
