//! Stores that fail or wait when a test says so.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use chat_core::{
    ClientId, Cursor, Member, Message, MessageId, RoomId, Store, Timestamp, UserId, Window,
    store::{
        Applied, CatchUp, CatchUpLimits, Commit, CommitError, Digester, History, Operation, RoomRow, RoomSelector,
        StoreError, StoreResult, View, Viewer,
    },
};
use tokio::sync::watch;

/// The calls of a [`Store`] that take their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named like the methods")]
pub enum Call {
    Commit,
    Operation,
    View,
    Message,
    History,
    Messages,
    Participants,
    Readers,
    Rooms,
    Room,
    CatchUp,
    Unread,
    Memberships,
    Close,
}

/// What happens around each call of a [`Hooked`] store.
#[async_trait]
pub trait Around: fmt::Debug + Send + Sync + 'static {
    /// Happens first; if it fails, so does the call, and nothing is done.
    async fn before(&self, call: Call) -> StoreResult<()>;

    /// Happens when the work is done; if it fails, so does the call, and what was done stays done.
    async fn after(&self, call: Call) -> StoreResult<()>;
}

/// A store with something around each of its calls.
#[derive(Clone, Debug)]
pub struct Hooked {
    store: Arc<dyn Store>,
    around: Arc<dyn Around>,
}

impl Hooked {
    /// `store` with `around` around each call.
    pub fn new(store: Arc<dyn Store>, around: Arc<dyn Around>) -> Arc<Self> {
        Arc::new(Self { store, around })
    }

    async fn call<T>(&self, call: Call, work: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        self.around.before(call).await?;
        let done = work.await?;
        self.around.after(call).await?;
        Ok(done)
    }
}

/// Where a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// Before anything is done.
    Before,
    /// When everything is done, which nobody then knows.
    After,
    /// By a panic, before anything is done.
    Panics,
}

/// One call fails: the one after the first so many.
#[derive(Debug)]
pub struct FailAfter {
    calls: usize,
    fails: Fails,
    seen: AtomicUsize,
}

impl FailAfter {
    /// Lets `calls` calls pass and fails the next one.
    pub fn new(calls: usize, fails: Fails) -> Arc<Self> {
        Arc::new(Self { calls, fails, seen: AtomicUsize::new(0) })
    }

    /// Whether the call that fails has been made.
    pub fn has_failed(&self) -> bool {
        self.seen.load(Ordering::SeqCst) > self.calls
    }

    /// Counts a call, and fails it if it is its turn.
    fn count(&self, call: Call) -> StoreResult<()> {
        if self.seen.fetch_add(1, Ordering::SeqCst) != self.calls {
            return Ok(());
        }
        assert!(self.fails != Fails::Panics, "{call:?} panics, as the test wants it");
        Err(StoreError::Unavailable("as the test wants it".into()))
    }
}

#[async_trait]
impl Around for FailAfter {
    async fn before(&self, call: Call) -> StoreResult<()> {
        if self.fails == Fails::After { Ok(()) } else { self.count(call) }
    }

    async fn after(&self, call: Call) -> StoreResult<()> {
        if self.fails == Fails::After { self.count(call) } else { Ok(()) }
    }
}

/// A gate before one kind of call: whoever comes waits while it is shut.
#[derive(Debug)]
pub struct Gate {
    call: Call,
    is_open: watch::Sender<bool>,
    came: watch::Sender<usize>,
}

impl Gate {
    /// A gate that is shut.
    pub fn shut(call: Call) -> Arc<Self> {
        Arc::new(Self { call, is_open: watch::Sender::new(false), came: watch::Sender::new(0) })
    }

    /// Lets everybody pass from now on.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Lets nobody pass from now on.
    pub fn close(&self) {
        self.is_open.send_replace(false);
    }

    /// Waits until so many calls have come, those that passed included.
    pub async fn reached(&self, times: usize) {
        let reached = self.came.subscribe().wait_for(|came| *came >= times).await.is_ok();
        assert!(reached, "the gate outlives its waiting");
    }
}

#[async_trait]
impl Around for Gate {
    async fn before(&self, call: Call) -> StoreResult<()> {
        if call == self.call {
            self.came.send_modify(|came| *came += 1);
            let opened = self.is_open.subscribe().wait_for(|is_open| *is_open).await.is_ok();
            assert!(opened, "the gate outlives its waiting");
        }
        Ok(())
    }

    async fn after(&self, _: Call) -> StoreResult<()> {
        Ok(())
    }
}

#[async_trait]
impl Store for Hooked {
    fn epoch(&self) -> u64 {
        self.store.epoch()
    }

    fn digester(&self) -> Digester {
        self.store.digester()
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        let commits = batch.len();
        let work = async { Ok(self.store.commit(batch).await) };
        match self.call(Call::Commit, work).await {
            Ok(results) => results,
            Err(error) => vec![Err(error.into()); commits],
        }
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        self.call(Call::Operation, self.store.operation(scope, actor, name)).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        self.call(Call::View, self.store.view(room, users)).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        self.call(Call::Message, self.store.message(viewer, id)).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        self.call(Call::History, self.store.history(viewer, room, window, limit)).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        self.call(Call::Messages, self.store.messages(viewer, before, limit)).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.call(Call::Participants, self.store.participants(viewer, room, after, limit)).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.call(Call::Readers, self.store.readers(viewer, message, after, limit)).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        self.call(Call::Rooms, self.store.rooms(viewer, before, limit)).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        self.call(Call::Room, self.store.room(viewer, room)).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        self.call(Call::CatchUp, self.store.catch_up(viewer, rooms, limits)).await
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        self.call(Call::Unread, self.store.unread(user)).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        self.call(Call::Memberships, self.store.memberships(users)).await
    }

    async fn close(&self) -> StoreResult<()> {
        self.call(Call::Close, self.store.close()).await
    }
}
