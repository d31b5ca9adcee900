//! A store in memory whose calls wait, fail or are refused when a test says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use chat_core::{
    ClientId, Cursor, Member, Message, MessageId, RoomId, Store, Timestamp, UserId, Window,
    store::{
        Applied, CatchUp, CatchUpLimits, Commit, CommitError, Digester, History, MemoryStore, Operation, Refusal,
        RoomRow, RoomSelector, StoreError, StoreResult, View, Viewer,
    },
};
use tokio::sync::watch;

/// The calls that can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Commit,
    View,
    CatchUp,
}

/// What happens to the commits of the next batch.
#[derive(Clone, Debug, Default)]
pub(crate) enum Fate {
    #[default]
    Applied,
    /// The store fails, and did nothing.
    Failed,
    /// The store did what it was asked for, and fails to say so.
    Unknown,
    /// Something changed meanwhile.
    Stale,
}

#[derive(Debug, Default)]
struct Plan {
    held: BTreeSet<Call>,
    failing: BTreeSet<Call>,
    reached: BTreeMap<Call, usize>,
    fate: Fate,
    closed: bool,
}

/// See the module. It keeps its data when it is closed.
#[derive(Debug, Default)]
pub(crate) struct Held {
    inner: MemoryStore,
    plan: watch::Sender<Plan>,
}

impl Held {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// From now on such calls do their work and do not return. A commit does not even begin.
    pub(crate) fn hold(&self, call: Call) {
        self.plan.send_modify(|plan| plan.held.extend([call]));
    }

    pub(crate) fn release(&self, call: Call) {
        self.plan.send_modify(|plan| plan.held.retain(|held| *held != call));
    }

    /// From now on such reads fail, or no longer.
    pub(crate) fn fail(&self, call: Call, fails: bool) {
        self.plan.send_modify(|plan| {
            plan.failing.remove(&call);
            plan.failing.extend(fails.then_some(call));
        });
    }

    /// What happens to the next batch.
    pub(crate) fn next_batch(&self, fate: Fate) {
        self.plan.send_modify(|plan| plan.fate = fate);
    }

    /// How many such calls there were.
    pub(crate) fn calls(&self, call: Call) -> usize {
        self.plan.borrow().reached.get(&call).copied().unwrap_or(0)
    }

    /// Waits until there were so many such calls.
    pub(crate) async fn reached(&self, call: Call, times: usize) {
        let enough = |plan: &Plan| plan.reached.get(&call).is_some_and(|reached| *reached >= times);
        self.plan.subscribe().wait_for(enough).await.unwrap();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.plan.borrow().closed
    }

    async fn pass(&self, call: Call) -> StoreResult<()> {
        self.plan.send_modify(|plan| *plan.reached.entry(call).or_default() += 1);
        // Every call is a chance for others to run, and for the caller to give up.
        tokio::task::yield_now().await;
        self.plan.subscribe().wait_for(|plan| !plan.held.contains(&call)).await.unwrap();
        if self.plan.borrow().failing.contains(&call) { Err(failed()) } else { Ok(()) }
    }
}

fn failed() -> StoreError {
    StoreError::Unavailable("as the test wants it".into())
}

#[async_trait]
impl Store for Held {
    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn digester(&self) -> Digester {
        self.inner.digester()
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        if self.pass(Call::Commit).await.is_err() {
            return batch.iter().map(|_| Err(failed().into())).collect();
        }
        let mut fate = Fate::Applied;
        self.plan.send_modify(|plan| fate = std::mem::take(&mut plan.fate));
        match fate {
            Fate::Applied => self.inner.commit(batch).await,
            Fate::Failed => batch.iter().map(|_| Err(failed().into())).collect(),
            Fate::Stale => batch.iter().map(|_| Err(Refusal::Stale.into())).collect(),
            Fate::Unknown => {
                let done = self.inner.commit(batch).await;
                done.into_iter().map(|_| Err(failed().into())).collect()
            }
        }
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        self.inner.operation(scope, actor, name).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        let view = self.inner.view(room, users).await;
        self.pass(Call::View).await?;
        view
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        self.inner.message(viewer, id).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        self.inner.history(viewer, room, window, limit).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        self.inner.messages(viewer, before, limit).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.inner.participants(viewer, room, after, limit).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.inner.readers(viewer, message, after, limit).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        self.inner.rooms(viewer, before, limit).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        self.inner.room(viewer, room).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        let missed = self.inner.catch_up(viewer, rooms, limits).await;
        self.pass(Call::CatchUp).await?;
        missed
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        self.inner.unread(user).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        self.inner.memberships(users).await
    }

    async fn close(&self) -> StoreResult<()> {
        self.plan.send_modify(|plan| plan.closed = true);
        Ok(())
    }
}
