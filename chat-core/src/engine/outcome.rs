//! From a commit to an answer: what the lane does when a batch is stored.

use std::sync::Arc;

use crate::{
    model::{Command, CreateRoom, DeleteMessage, Error, Message, MessageId, Result, RoomId, UserId},
    rules::Decision,
    store::{
        Applied, Change, ChangeBody, CommitError, Done, Guard, NO_ROOM, Operation, Refusal, RoomSelector, Target,
        Viewer,
    },
};

use super::{
    Inner,
    hub::Hub,
    lane::{Lane, Reply, Request},
    markers::Gathered,
    plan::{Batch, Plan, Telling},
    publish,
};

/// How often a command whose guard failed is decided anew.
const ATTEMPTS: u8 = 5;

impl Lane {
    /// Commits a batch, tells and answers.
    pub(super) async fn commit(&mut self, batch: Batch) {
        if batch.commits.is_empty() {
            return;
        }
        let results = self.store.commit(batch.commits).await;
        debug_assert_eq!(results.len(), batch.plans.len(), "a store answers every commit");
        let mut again = Vec::new();
        let mut posts = Posts::default();
        for (plan, result) in batch.plans.into_iter().zip(results) {
            let (plan, result) = match (plan, result) {
                (Plan::Command { request, room, telling }, Ok(Applied::Done(Done { mut changes, registers })))
                    if is_post(&changes) && registers.is_empty() =>
                {
                    let change = changes.swap_remove(0);
                    self.cache.apply(room, &change);
                    posts.add(&self.inner.hub, room, Post { change, reads: telling.reads, request });
                    posts.give_turns(&self.inner).await;
                    continue;
                }
                other => other,
            };
            // Everything else is told after what came before it.
            posts.tell(&self.inner.hub);
            match plan {
                Plan::Markers(gathered) => self.markers_done(gathered, result),
                Plan::Command { request, room, telling } => match result {
                    Ok(Applied::Done(done)) => {
                        posts.unread += done.changes.iter().map(Change::weight).sum::<usize>();
                        let reply = match self.applied(&request, room, telling, done) {
                            Some(reply) => Ok(reply),
                            None => self.as_it_is(&request, room).await,
                        };
                        request.answer(reply);
                        posts.give_turns(&self.inner).await;
                    }
                    Ok(Applied::Before(operation)) => {
                        let reply = self.before(&request, operation).await;
                        request.answer(reply);
                    }
                    Err(CommitError::Refused(Refusal::Stale | Refusal::NoRoom)) if request.attempts < ATTEMPTS => {
                        self.cache.forget(room);
                        again.push(request.again());
                    }
                    Err(error) => {
                        self.cache.forget(room);
                        if matches!(error, CommitError::Failed(_)) && request.command.moves_people() {
                            // It may be done: nobody is told anything before they have asked whether they are in.
                            self.inner.hub.resync(room);
                        }
                        let answer = self.refused(&request, error).await;
                        request.answer(answer);
                    }
                },
            }
        }
        posts.tell(&self.inner.hub);
        // Before what was put off after them.
        for request in again.into_iter().rev() {
            self.deferred.push_front(request);
        }
    }

    /// Tells what a command changed, and says what to answer; nothing if it changed nothing.
    fn applied(&mut self, request: &Request, room: RoomId, mut telling: Telling, done: Done) -> Option<Reply> {
        let hub = &self.inner.hub;
        let mut reply = match &request.command {
            Command::CreateRoom(_) => Reply::Room { room, made: true },
            Command::DeleteRoom => Reply::Done,
            _ if done.changes.is_empty() && done.registers.is_empty() => return None,
            _ => Reply::Done,
        };
        for change in &done.changes {
            if let (Reply::Done, Some(said)) = (&reply, publish::reply(change)) {
                reply = said;
            }
            self.cache.apply(room, change);
            publish::change(hub, room, change, &mut telling);
        }
        for registers in done.registers {
            self.cache.apply_member(&registers.member);
            publish::registers(hub, &registers, None, telling.receipts);
            if matches!(reply, Reply::Done) {
                reply = Reply::Registers(Box::new(registers));
            }
        }
        if matches!(request.command, Command::DeleteRoom) {
            self.cache.forget(room);
            publish::room_deleted(hub, room, &telling.people);
        }
        Some(reply)
    }

    fn markers_done(&mut self, gathered: Gathered, result: Result<Applied, CommitError>) {
        let answer = match result {
            Ok(Applied::Done(done)) => done.registers.into_iter().next().ok_or(Error::not_found("room")),
            Ok(Applied::Before(_)) | Err(CommitError::Refused(_)) => Err(Error::not_found("room")),
            Err(CommitError::Failed(error)) => Err(error.into()),
        };
        if let Ok(registers) = &answer {
            self.cache.apply_member(&registers.member);
            publish::registers(&self.inner.hub, registers, gathered.message_id, gathered.receipts);
        }
        for request in gathered.waiting {
            request.answer(answer.clone().map(|registers| Reply::Registers(Box::new(registers))));
        }
    }

    /// What an operation that was done before has come to by now, as far as the actor may see it.
    pub(super) async fn before(&self, request: &Request, operation: Operation) -> Result<Reply> {
        match operation.target {
            Target::Message { id, .. } => {
                let message = self.message_now((&request.actor).into(), id).await?;
                Ok(Reply::Message { message, before: true })
            }
            Target::Member(user) => {
                let reply = self.member_now(operation.room, user).await?;
                if let Reply::Member(out) = &reply
                    && !out.is_active()
                    && self.inner.hub.has_open(out.room, &out.user)
                {
                    // The store did it, and failed to say so.
                    self.inner.hub.put_out(out.room, &out.user);
                }
                Ok(reply)
            }
            // It was about the room, or there was nothing to do.
            Target::Room => self.as_it_is(request, operation.room).await,
        }
    }

    pub(super) async fn member_now(&self, room: RoomId, user: UserId) -> Result<Reply> {
        let view = self.store.view(&RoomSelector::Id(room), &[user]).await?.ok_or(Error::not_found("room"))?;
        let member = view.members.into_iter().flatten().next().ok_or(Error::not_found("participant"))?;
        Ok(Reply::Member(Box::new(member)))
    }

    pub(super) async fn message_now(&self, viewer: Viewer<'_>, id: MessageId) -> Result<Arc<Message>> {
        self.store.message(viewer, id).await?.map(Arc::new).ok_or(Error::not_found("message"))
    }

    /// The answer to a command that would have made a room which is there. Its name is taken all the same.
    async fn found(&self, request: &Request, room: RoomId) -> Result<Reply> {
        if let Command::CreateRoom(CreateRoom { key: Some(key), .. }) = &request.command {
            let view = self.store.view(&RoomSelector::Id(room), &[]).await?.ok_or(Error::not_found("room"))?;
            if view.room.key.as_ref() != Some(key) {
                // It was found by its pair: under the key nobody would find it.
                return Err(Error::Conflict { reason: "the two have a direct room, with another key or none" });
            }
        }
        if request.command.client_id().is_some() {
            let decision = Decision { guard: Guard::default(), writes: Vec::new() };
            let taken = self.store.commit(vec![self.commit_of(request, room, NO_ROOM, decision)]).await;
            taken.into_iter().next().unwrap_or(Err(Refusal::Stale.into())).map_err(|error| match error {
                CommitError::Refused(Refusal::OperationConflict) => Error::OperationConflict,
                CommitError::Refused(_) => Error::Busy { retry_after_ms: 100 },
                CommitError::Failed(error) => error.into(),
            })?;
        }
        Ok(Reply::Room { room, made: false })
    }

    async fn refused(&self, request: &Request, error: CommitError) -> Result<Reply> {
        match error {
            CommitError::Refused(Refusal::Exists(room)) => self.found(request, room).await,
            CommitError::Refused(Refusal::OperationConflict) => Err(Error::OperationConflict),
            CommitError::Refused(Refusal::NoRoom) => Err(Error::not_found("room")),
            CommitError::Refused(Refusal::Stale) => Err(Error::Busy { retry_after_ms: 100 }),
            CommitError::Refused(Refusal::MessageGone) => match &request.command {
                // It was deleted by somebody else in the same moment: that is what was asked for.
                Command::DeleteMessage(DeleteMessage { message_id, .. }) => {
                    let message = self.message_now(Viewer::Host, *message_id).await?;
                    Ok(Reply::Message { message, before: false })
                }
                _ => Err(Error::Conflict { reason: "the message is deleted" }),
            },
            CommitError::Failed(error) => Err(error.into()),
        }
    }
}

/// Whether it is one message, and nothing else.
fn is_post(changes: &[Change]) -> bool {
    matches!(changes, [Change { body: ChangeBody::Posted(_), .. }])
}

/// How many posts are told together: beyond that little is gained, and queues would fill before anybody can read.
const TOGETHER: usize = 64;

/// Which part of a subscriber's queue changes fill before those who keep up have their turn to read: else a batch of large
/// ones would be more than any queue takes.
const PART: usize = 8;

/// Posts of one room that follow each other: told together, and then answered.
#[derive(Default)]
struct Posts {
    room: Option<RoomId>,
    posts: Vec<Post>,
    /// Of changes of any kind and room, since others had their turn to read: about how many bytes.
    unread: usize,
}

struct Post {
    change: Change,
    /// Whether it says that its sender has read up to it.
    reads: bool,
    request: Box<Request>,
}

impl Posts {
    fn add(&mut self, hub: &Hub, room: RoomId, post: Post) {
        if self.room != Some(room) || self.posts.len() == TOGETHER {
            self.tell(hub);
            self.room = Some(room);
        }
        self.unread += post.change.weight();
        self.posts.push(post);
    }

    /// Lets those who keep up read, where enough was told for it.
    async fn give_turns(&mut self, inner: &Inner) {
        if self.unread > inner.options.limits.pending_bytes / PART {
            self.tell(&inner.hub);
            self.unread = 0;
            tokio::task::yield_now().await;
        }
    }

    fn tell(&mut self, hub: &Hub) {
        let Some(room) = self.room.take() else { return };
        publish::posts(hub, room, self.posts.iter().map(|post| (&post.change, post.reads)));
        for Post { change, request, .. } in self.posts.drain(..) {
            request.answer(publish::reply(&change).ok_or(Error::not_found("message")));
        }
    }
}
