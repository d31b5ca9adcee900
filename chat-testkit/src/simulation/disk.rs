//! What survives a restart: a store that takes its time, outlives its engines, and remembers every change.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    ClientId, Cursor, Member, MemoryStore, Message, MessageId, Rev, RoomId, Seq, Store, Timestamp, UserId, Window,
    store::{
        Applied, CatchUp, CatchUpLimits, Change, ChangeBody, Commit, CommitError, Digester, History, Operation,
        RoomRow, RoomSelector, StoreError, StoreResult, View, Viewer,
    },
};
use tokio::time::Instant;

use super::dice::Dice;

/// See the module.
#[derive(Debug)]
pub(super) struct Disk {
    inner: MemoryStore,
    dice: Dice,
    /// The longest that one call waits, before and after, in milliseconds.
    slow: u64,
    /// How many calls in a hundred fail.
    failing: AtomicU64,
    log: Mutex<Log>,
}

/// Every change that was committed: the truth that the checks go by.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The last change of each room.
    last: BTreeMap<RoomId, Rev>,
    /// Who came and went.
    comings: BTreeMap<(RoomId, UserId), Vec<Coming>>,
    /// Every post as it was sent.
    pub(super) posts: Vec<Post>,
    /// What is wrong already.
    pub(super) wrong: Option<String>,
}

/// Somebody came into a room, or went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coming {
    pub(super) rev: Rev,
    pub(super) came: bool,
    pub(super) at: Instant,
    pub(super) joined_seq: Seq,
    pub(super) visible_from: Seq,
}

/// A message when it was posted.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) room: RoomId,
    pub(super) seq: Seq,
    pub(super) sender: Option<UserId>,
    pub(super) text: String,
}

impl Disk {
    pub(super) fn new(inner: MemoryStore, dice: Dice, slow: u64) -> Self {
        Self { inner, dice, slow, failing: AtomicU64::new(0), log: Mutex::default() }
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
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

fn unavailable() -> StoreError {
    StoreError::Unavailable("a bad moment".to_owned())
}

impl Log {
    fn record(&mut self, change: &Change, room: RoomId) {
        let rev = change.cursor.rev;
        let last = self.last.insert(room, rev).unwrap_or(0);
        if rev != last + 1 {
            self.wrong.get_or_insert(format!("change {rev} was committed after {last}"));
        }
        match &change.body {
            ChangeBody::Added(member) => self.come(member, rev, true),
            ChangeBody::Removed(member) => self.come(member, rev, false),
            ChangeBody::Posted(message) => self.posts.push(Post {
                room,
                seq: message.seq,
                sender: message.sender.clone(),
                text: message.content.clone().unwrap_or_default(),
            }),
            _ => {}
        }
    }

    fn come(&mut self, member: &Member, rev: Rev, came: bool) {
        let &Member { joined_seq, visible_from, .. } = member;
        let coming = Coming { rev, came, at: Instant::now(), joined_seq, visible_from };
        self.comings.entry((member.room, member.user.clone())).or_default().push(coming);
    }

    /// How somebody stood with a room after change `rev`.
    pub(super) fn standing(&self, room: RoomId, user: &UserId, rev: Rev) -> Option<Coming> {
        let comings = self.comings.get(&(room, user.clone()))?;
        comings.iter().rev().find(|coming| coming.rev <= rev).copied()
    }

    /// Whether somebody was in a room after change `rev`.
    pub(super) fn was_in(&self, room: RoomId, user: &UserId, rev: Rev) -> bool {
        self.standing(room, user, rev).is_some_and(|coming| coming.came)
    }
}

#[async_trait]
impl Store for Disk {
    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn digester(&self) -> Digester {
        self.inner.digester()
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        self.wait().await;
        if self.fails() {
            return batch.iter().map(|_| Err(unavailable().into())).collect();
        }
        let rooms: Vec<_> = batch.iter().map(|commit| commit.room).collect();
        let results = self.inner.commit(batch).await;
        for (room, result) in rooms.into_iter().zip(&results) {
            if let Ok(Applied::Done(done)) = result {
                done.changes.iter().for_each(|change| self.log().record(change, room));
            }
        }
        self.wait().await;
        results
    }

    async fn operation(&self, scope: RoomId, by: Option<&UserId>, name: &ClientId) -> StoreResult<Option<Operation>> {
        self.slowly(self.inner.operation(scope, by, name)).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        self.slowly(self.inner.view(room, users)).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        self.slowly(self.inner.message(viewer, id)).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        self.slowly(self.inner.history(viewer, room, window, limit)).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        self.slowly(self.inner.messages(viewer, before, limit)).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.slowly(self.inner.participants(viewer, room, after, limit)).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.slowly(self.inner.readers(viewer, message, after, limit)).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        self.slowly(self.inner.rooms(viewer, before, limit)).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        self.slowly(self.inner.room(viewer, room)).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        since: Option<Cursor>,
        limits: CatchUpLimits,
    ) -> StoreResult<Option<CatchUp>> {
        self.slowly(self.inner.catch_up(viewer, room, since, limits)).await
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        self.slowly(self.inner.unread(user)).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        self.slowly(self.inner.memberships(users)).await
    }

    /// The engine closes; the disk stays.
    async fn close(&self) -> StoreResult<()> {
        Ok(())
    }
}
