//! What survives a restart: a store that takes its time, outlives its engines, and remembers every change.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    ClientId, Cursor, Member, MemoryStore, Message, MessageId, Random, RoomId, Store, Timestamp, UserId, Window,
    store::{
        Applied, CatchUp, CatchUpLimits, Commit, CommitError, Digester, History, Operation, RoomRow, RoomSelector,
        StoreError, StoreResult, View, Viewer,
    },
};
use tokio::time::Instant;

use crate::SeededRandom;

use super::{dice::Dice, faults::Fault, log::Log, planted};

/// See the module.
#[derive(Debug)]
pub(super) struct Disk {
    inner: Mutex<Arc<MemoryStore>>,
    /// What was applied, and when: a store as it was is made of the first so many.
    applied: Mutex<Vec<(Instant, Commit)>>,
    fault: Option<Fault>,
    dice: Dice,
    /// The longest that one call waits, before and after, in milliseconds.
    slow: u64,
    /// How many calls in a hundred fail.
    failing: AtomicU64,
    log: Mutex<Log>,
}

impl Disk {
    pub(super) fn new(inner: MemoryStore, dice: Dice, slow: u64, fault: Option<Fault>) -> Self {
        Self {
            inner: Mutex::new(Arc::new(inner)),
            applied: Mutex::default(),
            fault,
            dice,
            slow,
            failing: AtomicU64::new(0),
            log: Mutex::default(),
        }
    }

    fn inner(&self) -> Arc<MemoryStore> {
        Arc::clone(&locked(&self.inner))
    }

    /// How many commits were applied.
    pub(super) fn applied(&self) -> usize {
        locked(&self.applied).len()
    }

    /// A backup is put in its place: the first so many commits, in another epoch.
    pub(super) async fn restore(&self, commits: usize) {
        let epoch = SeededRandom::new(self.dice.below(u64::MAX));
        let store = MemoryStore::new(&Incarnation { epoch, key: *self.inner().digester().key() });
        self.become_again(store, commits).await;
    }

    /// The last commits are gone, as if they had never been synced.
    pub(super) async fn lose_the_last(&self) {
        let commits = self.applied().saturating_sub(2);
        self.become_again(MemoryStore::twin_of(&*self.inner()), commits).await;
    }

    async fn become_again(&self, store: MemoryStore, commits: usize) {
        let again: Vec<_> = locked(&self.applied).iter().take(commits).cloned().collect();
        let mut log = Log::default();
        for (at, commit) in &again {
            for result in store.commit(vec![commit.clone()]).await {
                if let Ok(Applied::Done(done)) = result {
                    log.record(commit, &done.changes, *at);
                }
            }
        }
        *locked(&self.applied) = again;
        *locked(&self.inner) = Arc::new(store);
        *self.log() = log;
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        locked(&self.log)
    }

    /// From now on `percent` of all calls fail.
    pub(super) fn fail(&self, percent: u64) {
        self.failing.store(percent, Ordering::Relaxed);
    }

    fn fails(&self) -> bool {
        let percent = self.failing.load(Ordering::Relaxed);
        percent > 0 && self.dice.chance(percent)
    }

    async fn wait(&self) {
        if self.slow > 0 && self.dice.chance(30) {
            tokio::time::sleep(Duration::from_millis(self.dice.between(1, self.slow))).await;
        }
    }

    /// Waits, reads, and waits again: what is read may be old when it is used.
    async fn slowly<T>(&self, read: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        self.wait().await;
        if self.fails() {
            return Err(unavailable());
        }
        let read = read.await;
        self.wait().await;
        read
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("a bad moment".to_owned())
}

/// What a backup gets when it is opened: an epoch of its own, and the key of what it is a backup of.
#[derive(Debug)]
struct Incarnation {
    epoch: SeededRandom,
    key: [u8; 16],
}

impl Random for Incarnation {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() == self.key.len() { bytes.copy_from_slice(&self.key) } else { self.epoch.fill(bytes) }
    }
}

#[async_trait]
impl Store for Disk {
    fn epoch(&self) -> u64 {
        self.inner().epoch()
    }

    fn digester(&self) -> Digester {
        self.inner().digester()
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        self.wait().await;
        if self.fails() {
            return batch.iter().map(|_| Err(unavailable().into())).collect();
        }
        let now = Instant::now();
        let mut written = batch.clone();
        if let Some(fault) = self.fault {
            written.iter_mut().for_each(|commit| planted::before(fault, &self.log(), commit));
        }
        let mut results = self.inner().commit(written.clone()).await;
        for ((asked, written), result) in batch.iter().zip(written).zip(&mut results) {
            if let Some(fault) = self.fault {
                planted::after(fault, asked, result);
            }
            if let Ok(Applied::Done(done)) = result {
                self.log().record(asked, &done.changes, now);
                locked(&self.applied).push((now, written));
            }
        }
        self.wait().await;
        results
    }

    async fn operation(&self, scope: RoomId, by: Option<&UserId>, name: &ClientId) -> StoreResult<Option<Operation>> {
        self.slowly(self.inner().operation(scope, by, name)).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        self.slowly(self.inner().view(room, users)).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        self.slowly(self.inner().message(viewer, id)).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        self.slowly(self.inner().history(viewer, room, window, limit)).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        self.slowly(self.inner().messages(viewer, before, limit)).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.slowly(self.inner().participants(viewer, room, after, limit)).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.slowly(self.inner().readers(viewer, message, after, limit)).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        self.slowly(self.inner().rooms(viewer, before, limit)).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        self.slowly(self.inner().room(viewer, room)).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        self.slowly(self.inner().catch_up(viewer, rooms, limits)).await
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        self.slowly(self.inner().unread(user)).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        self.slowly(self.inner().memberships(users)).await
    }

    /// The engine closes; the disk stays.
    async fn close(&self) -> StoreResult<()> {
        Ok(())
    }
}
