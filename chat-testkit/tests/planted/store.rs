//! A store in memory that makes one mistake.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    ClientId, Cursor, Member, MemoryStore, Message, MessageId, RoomId, Store, Timestamp, UserId, Window,
    store::{
        Applied, CatchUp, CatchUpLimits, ChangeBody, Commit, CommitError, Digester, Done, Guard, History, Missed,
        Operation, RoomRow, RoomSelector, StoreResult, View, Viewer, Write,
    },
};
use chat_testkit::cast::everybody;

/// More than any story has.
const ALL: usize = 1 << 20;

/// A mistake that somebody who writes a store may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Nobody looks whether what was relied on still holds.
    ForgetsTheGuard,
    /// The counter is not wound back.
    RefusalTakesANumber,
    /// The counter is wound back too far.
    ReusesAPlace,
    /// The clock is believed.
    TurnsTimeBack,
    /// Each write is a transaction.
    WritesOneByOne,
    /// One that is refused ends the batch.
    SpoilsNeighbours,
    /// The work stops where its future is dropped.
    PausesInTheMiddle,
    /// The name of an operation is not kept.
    ForgetsNames,
    /// The same name is enough.
    IgnoresTheDigest,
    /// The name of an operation is looked up without its sender.
    SharesNames,
    /// History does not look from where one may see.
    ShowsWhatIsHidden,
    /// Who was in the room once is as good as in it.
    ShowsToOutsiders,
    /// `<=` for `<`.
    ShowsOneMore,
    /// Rooms that changed at the same time are in the wrong order.
    ListsTiesByAge,
    /// A delete is not taken off what is unread.
    CountsTheDeleted,
    /// The room and its last message are read one after the other.
    ReadsInTwoSteps,
    /// The epoch and the chain of a position are not looked at.
    BelievesAnyPosition,
    /// Catching up brings what is new, and not what changed.
    MissesEdits,
    /// The first step of catching up says that there is no more.
    SaysThatWasAll,
    /// What somebody missed comes at once, however much that is.
    IgnoresTheWeight,
    /// What somebody missed of many rooms weighs as much as each of them may.
    WeighsEachRoomAlone,
    /// What somebody missed of many rooms is read one room after the other.
    CatchesUpOneByOne,
    /// Rooms that are not there, or not theirs, get no answer at all.
    LeavesOutWhatIsHidden,
    /// Readers are all whose marker is far enough.
    SenderIsAReader,
    /// Text is handed over as C has it.
    EndsAtNul,
    /// 63 bits of 64.
    LosesABit,
    /// Closing does nothing.
    StaysOpen,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Planted {
    store: MemoryStore,
    bug: Option<Bug>,
}

impl Planted {
    pub(crate) fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    async fn one(&self, commit: Commit) -> Result<Applied, CommitError> {
        self.store.commit(vec![commit]).await.remove(0)
    }

    /// Applies one commit, with the mistake.
    async fn apply(&self, mut commit: Commit) -> Result<Applied, CommitError> {
        let Some(bug) = self.bug else { return self.one(commit).await };
        match bug {
            Bug::ForgetsTheGuard => commit.guard = Guard::default(),
            Bug::ForgetsNames => commit.operation = None,
            Bug::IgnoresTheDigest => commit.operation.iter_mut().for_each(|operation| operation.digest = 0),
            Bug::LosesABit => commit.operation.iter_mut().for_each(|operation| operation.digest &= u64::MAX >> 1),
            Bug::EndsAtNul => commit.writes.iter_mut().for_each(end_at_nul),
            Bug::WritesOneByOne | Bug::PausesInTheMiddle => return self.piece_by_piece(commit).await,
            Bug::SharesNames => {
                if let Some(before) = self.under_that_name(&commit).await {
                    return Ok(Applied::Before(before));
                }
            }
            _ => {}
        }
        let (room, at) = (commit.room, commit.at);
        let mut result = self.one(commit).await;
        match (bug, &mut result) {
            (Bug::RefusalTakesANumber, Err(_)) => {
                let same = Write::UpdateRoom(Box::default());
                let _ = self.one(chat_testkit::commits::commit(room, [same])).await;
            }
            (Bug::ReusesAPlace, Ok(Applied::Done(done))) => done.changes.iter_mut().for_each(|change| {
                if let ChangeBody::Posted(message) = &mut change.body {
                    Arc::make_mut(message).seq = message.seq.saturating_sub(1).max(1);
                }
            }),
            (Bug::TurnsTimeBack, Ok(Applied::Done(done))) => {
                done.changes.iter_mut().for_each(|change| change.at = at);
            }
            _ => {}
        }
        result
    }

    /// What was missed of each room by a call of its own.
    async fn one_by_one(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        mut limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        let mut missed = Vec::new();
        for room in rooms {
            tokio::task::yield_now().await;
            missed.extend(self.store.catch_up(viewer, &[*room], limits).await?);
            if let Some(one) = missed.last().and_then(Option::as_ref).filter(|_| self.has(Bug::CatchesUpOneByOne)) {
                limits = limits.after(one);
            }
        }
        Ok(missed)
    }

    /// What was missed since `since`, with the mistake.
    fn tell_wrong(&self, CatchUp { cursor, missed, .. }: &mut CatchUp, since: Option<Cursor>) {
        match (self.bug, &mut *missed) {
            (Some(Bug::BelievesAnyPosition), Missed::Snapshot { .. })
                if since.is_some_and(|since| since.rev >= cursor.rev) =>
            {
                *missed = Missed::Nothing;
            }
            (Some(Bug::MissesEdits), Missed::Changes { changes, .. }) => {
                changes.retain(|change| !matches!(change.body, ChangeBody::Edited(_)));
            }
            (Some(Bug::SaysThatWasAll), Missed::Changes { more, .. }) => *more = false,
            _ => {}
        }
    }

    /// The writes in two transactions, or as many as there are.
    async fn piece_by_piece(&self, mut commit: Commit) -> Result<Applied, CommitError> {
        let mut all = Done::default();
        let pieces = if self.has(Bug::WritesOneByOne) { commit.writes.len() } else { 2 };
        for piece in 0..pieces {
            let number = if piece + 1 == pieces { commit.writes.len() } else { 1.min(commit.writes.len()) };
            let writes = commit.writes.drain(..number).collect();
            let part = Commit { writes, ..commit.clone() };
            commit.guard = Guard::default();
            if piece > 0 {
                tokio::task::yield_now().await;
            }
            let part = if piece > 0 { Commit { operation: None, ..part } } else { part };
            match self.one(part).await? {
                Applied::Done(done) => {
                    all.changes.extend(done.changes);
                    all.registers.extend(done.registers);
                }
                before @ Applied::Before(_) => return Ok(before),
            }
        }
        Ok(Applied::Done(all))
    }

    async fn under_that_name(&self, commit: &Commit) -> Option<Operation> {
        let named = commit.operation.as_ref()?;
        for actor in everybody().iter().map(Some).chain([None]) {
            if let Ok(Some(operation)) = self.store.operation(named.scope, actor, &named.name).await {
                return Some(operation);
            }
        }
        None
    }

    /// Who reads, in a room: somebody who may see all of it where the mistake is that nobody looks.
    async fn viewer<'a>(&self, viewer: Viewer<'a>, room: &RoomSelector) -> Viewer<'a> {
        let Viewer::User(user) = viewer else { return viewer };
        let view = self.store.view(room, std::slice::from_ref(user)).await;
        let member = view.ok().flatten().and_then(|mut view| view.members.remove(0));
        let shown = match self.bug {
            Some(Bug::ShowsWhatIsHidden) => member.is_some_and(|member| member.is_active()),
            Some(Bug::ShowsToOutsiders) => member.is_some_and(|member| !member.is_active()),
            _ => false,
        };
        if shown { Viewer::Host } else { viewer }
    }

    /// Messages that are gone and would be unread if they were not.
    async fn deleted(&self, row: &RoomRow) -> StoreResult<u64> {
        let (Some(member), true) = (&row.member, self.has(Bug::CountsTheDeleted)) else { return Ok(0) };
        let all = self
            .store
            .history(Viewer::Host, &RoomSelector::Id(row.room.id), Window::After(member.unread_floor()), ALL)
            .await?;
        let gone = |message: &&Message| message.is_deleted() && message.sender.as_ref() != Some(&member.user);
        Ok(all.iter().flat_map(|history| &history.messages).filter(gone).count() as u64)
    }
}

fn end_at_nul(write: &mut Write) {
    if let Write::Post(post) = write
        && let Some(end) = post.content.find('\0')
    {
        post.content.truncate(end);
    }
}

#[async_trait]
impl Store for Planted {
    fn epoch(&self) -> u64 {
        self.store.epoch()
    }

    fn digester(&self) -> Digester {
        self.store.digester()
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        if self.bug.is_none() {
            return self.store.commit(batch).await;
        }
        let mut results: Vec<Result<Applied, CommitError>> = Vec::new();
        for commit in batch {
            let spoilt = self.has(Bug::SpoilsNeighbours) && results.last().is_some_and(Result::is_err);
            let result = match results.last() {
                Some(refused) if spoilt => refused.clone(),
                _ => self.apply(commit).await,
            };
            results.push(result);
        }
        results
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        self.store.operation(scope, actor, name).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        self.store.view(room, users).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        self.store.message(viewer, id).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        let window = match window {
            Window::Before(place) if self.has(Bug::ShowsOneMore) => Window::Before(place.saturating_add(1)),
            window => window,
        };
        self.store.history(self.viewer(viewer, room).await, room, window, limit).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        self.store.messages(viewer, before, limit).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        self.store.participants(viewer, room, after, limit).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        id: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        let message = self.store.message(viewer, id).await?;
        match message.filter(|_| self.has(Bug::SenderIsAReader)) {
            None => self.store.readers(viewer, id, after, limit).await,
            Some(message) => {
                let mut people = self.store.participants(viewer, message.room, after, ALL).await?;
                people.iter_mut().for_each(|people| {
                    people.retain(|member| member.read_seq >= message.seq && member.sees(message.seq));
                    people.truncate(limit);
                });
                Ok(people)
            }
        }
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        if !self.has(Bug::ListsTiesByAge) {
            let mut rooms = self.store.rooms(viewer, before, limit).await?;
            for row in &mut rooms {
                row.unread += self.deleted(row).await?;
            }
            return Ok(rooms);
        }
        let mut rooms = self.store.rooms(viewer, None, ALL).await?;
        rooms.sort_by_key(|row| (std::cmp::Reverse(row.room.last_at), row.room.id));
        let from = rooms.iter().position(|row| before.is_none_or(|before| (row.room.last_at, row.room.id) < before));
        Ok(rooms.into_iter().skip(from.unwrap_or(ALL)).take(limit).collect())
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        let mut row = self.store.room(viewer, room).await?;
        if let Some(row) = &mut row {
            row.unread += self.deleted(row).await?;
            if self.has(Bug::ReadsInTwoSteps) {
                tokio::task::yield_now().await;
                let last = self.store.history(viewer, &RoomSelector::Id(row.room.id), Window::Latest, 1).await?;
                row.last_message = last.and_then(|mut last| last.messages.pop());
            }
        }
        Ok(row)
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        let bytes = if self.has(Bug::IgnoresTheWeight) { usize::MAX } else { limits.bytes };
        let limits = CatchUpLimits { bytes, ..limits };
        let mut missed = match self.bug {
            Some(Bug::CatchesUpOneByOne | Bug::WeighsEachRoomAlone) => self.one_by_one(viewer, rooms, limits).await?,
            _ => self.store.catch_up(viewer, rooms, limits).await?,
        };
        for (one, (_, since)) in missed.iter_mut().zip(rooms) {
            one.iter_mut().for_each(|one| self.tell_wrong(one, *since));
        }
        if self.has(Bug::LeavesOutWhatIsHidden) {
            missed.retain(Option::is_some);
        }
        Ok(missed)
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        let mut unread = self.store.unread(user).await?;
        for row in self.store.rooms(Viewer::User(user), None, ALL).await? {
            unread += self.deleted(&row).await?;
        }
        Ok(unread)
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        self.store.memberships(users).await
    }

    async fn close(&self) -> StoreResult<()> {
        if self.has(Bug::StaysOpen) { Ok(()) } else { self.store.close().await }
    }
}
