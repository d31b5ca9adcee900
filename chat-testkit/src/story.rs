//! What people do in one room, told in one line each.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chat_core::{
    Member, Message, MessageId, Role, Room, RoomId, UserId,
    store::{
        Applied, Change, ChangeBody, Commit, CommitError, Done, MarkerMove, Refusal, Registers, RoomRow, RoomSelector,
        Store, Viewer, Visible, Window, Write,
    },
};

use crate::{
    cast::{alice, message_id, room_id},
    commits::{self, CommitExt, at},
};

/// One room of a store, and what happens in it: each method is one commit, a second after the one before. What is
/// refused panics, except where a method says otherwise.
#[derive(Clone, Debug)]
pub struct Story {
    store: Arc<dyn Store>,
    room: RoomId,
    number: u64,
    steps: Arc<AtomicU64>,
}

impl Story {
    /// Room number 1, made by the host, with alice as its owner and `others` as members.
    pub async fn begin(store: &Arc<dyn Store>, others: &[UserId]) -> Self {
        Self::elsewhere(store, 1, others).await
    }

    /// The same as room number `number`. Its messages have numbers from `number` × 1,000,000.
    pub async fn elsewhere(store: &Arc<dyn Store>, number: u64, others: &[UserId]) -> Self {
        let mut writes = vec![commits::create(), commits::join(&alice(), Role::Owner)];
        writes.extend(others.iter().map(|user| commits::join(user, Role::Member)));
        Self::with(store, number, writes).await
    }

    /// Room number `number` as `writes` make it.
    pub async fn with(store: &Arc<dyn Store>, number: u64, writes: Vec<Write>) -> Self {
        let store = Arc::clone(store);
        let story = Self { store, room: room_id(number), number, steps: Arc::new(AtomicU64::new(1)) };
        story.apply(commits::commit(story.room, writes)).await;
        story
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// A message id that this story has not used.
    pub fn fresh(&self) -> MessageId {
        message_id(self.number * 1_000_000 + self.steps.fetch_add(1, Ordering::Relaxed))
    }

    /// A commit in this room by the host, at the story's time.
    pub fn writes(&self, writes: impl Into<Vec<Write>>) -> Commit {
        commits::commit(self.room, writes).at(at(self.steps.fetch_add(1, Ordering::Relaxed)))
    }

    /// Commits, and says what came of it.
    pub async fn try_apply(&self, commit: Commit) -> Result<Applied, CommitError> {
        let mut results = self.store.commit(vec![commit]).await;
        assert_eq!(results.len(), 1, "one answer to one commit");
        results.remove(0)
    }

    /// Commits, and expects that it is applied now.
    pub async fn apply(&self, commit: Commit) -> Done {
        match self.try_apply(commit).await {
            Ok(Applied::Done(done)) => done,
            other => panic!("the commit was not applied but: {other:?}"),
        }
    }

    /// Commits, and expects that it is refused.
    pub async fn refused(&self, commit: Commit) -> Refusal {
        match self.try_apply(commit).await {
            Err(CommitError::Refused(refusal)) => refusal,
            other => panic!("the commit was not refused but: {other:?}"),
        }
    }

    /// The one change that a commit of one write makes.
    async fn change(&self, commit: Commit) -> Change {
        let mut changes = self.apply(commit).await.changes;
        assert_eq!(changes.len(), 1, "one change of one write");
        changes.remove(0)
    }

    async fn change_message(&self, commit: Commit) -> Message {
        match self.change(commit).await.body {
            ChangeBody::Posted(message) | ChangeBody::Edited(message) | ChangeBody::Deleted(message) => {
                Arc::unwrap_or_clone(message)
            }
            other => panic!("not a message: {other:?}"),
        }
    }

    async fn change_member(&self, commit: Commit) -> Member {
        match self.change(commit).await.body {
            ChangeBody::Added(member) | ChangeBody::Updated(member) | ChangeBody::Removed(member) => *member,
            other => panic!("not a member: {other:?}"),
        }
    }

    /// Somebody says something, and has read up to it.
    pub async fn says(&self, user: &UserId, text: &str) -> Message {
        let commit = self.writes([commits::say(self.fresh(), user, text)]).by(user);
        self.change_message(commit).await
    }

    /// The application notes something.
    pub async fn notes(&self, text: &str) -> Message {
        let commit = self.writes([commits::note(self.fresh(), text)]);
        self.change_message(commit).await
    }

    /// Somebody edits a message.
    pub async fn edits(&self, user: &UserId, id: MessageId, text: &str) -> Message {
        let commit = self.writes([commits::edit(id, text)]).by(user);
        self.change_message(commit).await
    }

    /// Somebody deletes a message.
    pub async fn deletes(&self, user: &UserId, id: MessageId) -> Message {
        let commit = self.writes([Write::Delete(id)]).by(user);
        self.change_message(commit).await
    }

    /// Somebody comes in and sees everything.
    pub async fn joins(&self, user: &UserId) -> Member {
        self.change_member(self.writes([commits::join(user, Role::Member)])).await
    }

    /// Somebody comes in and sees a part.
    pub async fn joins_seeing(&self, user: &UserId, visible: Visible) -> Member {
        self.change_member(self.writes([commits::join_seeing(user, Role::Member, visible)])).await
    }

    /// Somebody gets another role.
    pub async fn gets_role(&self, user: &UserId, role: Role) -> Member {
        self.change_member(self.writes([commits::give_role(user, role)])).await
    }

    /// Somebody leaves, or is no longer banned.
    pub async fn leaves(&self, user: &UserId) -> Member {
        self.change_member(self.writes([commits::end(user)]).by(user)).await
    }

    /// Somebody is banned.
    pub async fn is_banned(&self, user: &UserId) -> Member {
        self.change_member(self.writes([commits::ban(user)])).await
    }

    /// The room gets a name.
    pub async fn is_named(&self, name: &str) -> Room {
        match self.change(self.writes([commits::rename(name)])).await.body {
            ChangeBody::Room(room) => *room,
            other => panic!("not the room: {other:?}"),
        }
    }

    /// Markers move; what they are then, of somebody in the room.
    pub async fn marks(&self, to: MarkerMove) -> Option<Registers> {
        let commit = self.writes([Write::Mark(to.clone())]).by(&to.user);
        let done = self.apply(commit).await;
        assert_eq!(done.changes, [], "markers are no change");
        done.registers.into_iter().next()
    }

    /// Somebody reads up to a place.
    pub async fn reads(&self, user: &UserId, seq: u64) -> Option<Registers> {
        self.marks(commits::read_to(user, seq)).await
    }

    /// The room as it is stored.
    pub async fn head(&self) -> Room {
        let view = self.store.view(&RoomSelector::Id(self.room), &[]).await.expect("the store answers");
        view.expect("the room is there").room
    }

    /// What is stored about somebody.
    pub async fn member(&self, user: &UserId) -> Option<Member> {
        let view = self.store.view(&RoomSelector::Id(self.room), std::slice::from_ref(user)).await;
        view.expect("the store answers").expect("the room is there").members.remove(0)
    }

    /// The room as somebody sees it.
    pub async fn row(&self, viewer: Viewer<'_>) -> Option<RoomRow> {
        self.store.room(viewer, &RoomSelector::Id(self.room)).await.expect("the store answers")
    }

    /// How many messages somebody in the room has not read.
    pub async fn unread(&self, user: &UserId) -> u64 {
        self.row(Viewer::User(user)).await.expect("in the room").unread
    }

    /// All messages that somebody in the room may see, oldest first.
    pub async fn messages(&self, viewer: Viewer<'_>) -> Vec<Message> {
        let page = self
            .store
            .history(viewer, &RoomSelector::Id(self.room), Window::After(0), crate::picture::ALL)
            .await
            .expect("the store answers");
        page.expect("in the room").messages
    }

    /// The room as text.
    pub async fn dump(&self) -> String {
        crate::dump(&*self.store, self.room).await
    }
}
