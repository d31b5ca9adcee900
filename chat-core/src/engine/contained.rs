//! A store whose panics are failures of the one call.
//!
//! The committer is one task that asks the store for everything. If a panic of a store went through it, the engine would
//! answer nobody any more; and a read that panics would take down the connection of whoever asked.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::{
    model::{ClientId, Cursor, Member, Message, MessageId, RoomId, Timestamp, UserId},
    store::{
        Applied, CatchUp, CatchUpLimits, Commit, CommitError, Digester, History, Operation, RoomRow, RoomSelector,
        Store, StoreError, StoreResult, View, Viewer, Window,
    },
};

/// See the module.
#[derive(Debug)]
pub(super) struct Contained(Arc<dyn Store>);

impl Contained {
    /// The store, contained.
    pub(super) fn of(store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Self(store))
    }
}

/// Makes a call and waits for it. Nothing of the engine is changed by it, so nothing is left half done here; what the
/// store makes of it is the store's.
async fn call<T, F: Future<Output = StoreResult<T>>>(make: impl FnOnce() -> F) -> StoreResult<T> {
    let panicked = |_| Err(StoreError::Unavailable("it panicked".into()));
    AssertUnwindSafe(async { make().await }).catch_unwind().await.unwrap_or_else(panicked)
}

#[async_trait]
impl Store for Contained {
    fn epoch(&self) -> u64 {
        self.0.epoch()
    }

    fn digester(&self) -> Digester {
        self.0.digester()
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        let commits = batch.len();
        let answers = call(|| async { Ok(self.0.commit(batch).await) }).await;
        answers.unwrap_or_else(|panicked| vec![Err(panicked.into()); commits])
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        call(|| self.0.operation(scope, actor, name)).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        call(|| self.0.view(room, users)).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        call(|| self.0.message(viewer, id)).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        call(|| self.0.history(viewer, room, window, limit)).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        call(|| self.0.messages(viewer, before, limit)).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        call(|| self.0.participants(viewer, room, after, limit)).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        call(|| self.0.readers(viewer, message, after, limit)).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        call(|| self.0.rooms(viewer, before, limit)).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        call(|| self.0.room(viewer, room)).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        call(|| self.0.catch_up(viewer, rooms, limits)).await
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        call(|| self.0.unread(user)).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        call(|| self.0.memberships(users)).await
    }

    async fn close(&self) -> StoreResult<()> {
        call(|| self.0.close()).await
    }
}
