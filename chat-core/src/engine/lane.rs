//! The committer lane: the one place where commands become commits, in order.
//!
//! While one batch is being committed the next one gathers. For each command the lane looks at what is stored, asks
//! the rules, and collects the commits; the store applies the batch in one durable step; then the lane tells the hub,
//! in order of `rev`, and answers whoever asked. Nothing is told or answered before it is durable.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    model::{
        AddParticipant, Command, DeleteMessage, EditMessage, Error, Member, Message, MessageId, RemoveParticipant,
        Result, Room, RoomId, RoomKey, RoomRef, UserId,
    },
    rules::{self, Actor, Decision, NewRoomPlan, Scene, plan_room},
    store::{
        Applied, ChangeBody, Commit, CommitError, Done, Guard, NO_ROOM, Operation, OperationName, Refusal, Registers,
        RoomSelector, Target, Viewer, Write,
    },
};

use super::{Inner, cache::Cache, markers::Markers, publish};

/// How many commands one batch holds.
const BATCH: usize = 1024;

/// How often a command whose guard failed is decided anew.
const ATTEMPTS: u8 = 5;

/// What a lane is asked to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// To carry out a command.
    Command(Box<Request>),
    /// To store what markers wait, and say when that is done.
    Settle(oneshot::Sender<()>),
    /// To finish what was accepted, and stop.
    Close,
}

/// A command and who waits for its answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) actor: Actor,
    pub(crate) place: Place,
    pub(crate) command: Command,
    /// How the acting user is shown where they make a room.
    pub(crate) own: Option<AddParticipant>,
    pub(crate) attempts: u8,
    pub(crate) reply: oneshot::Sender<Result<Reply>>,
}

/// Where a command is to be carried out.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In this room.
    Room(RoomRef),
    /// In the room of this message.
    OfMessage(MessageId),
    /// In a room that it makes.
    New,
}

/// What a command did.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It posted, edited or deleted this message; or had done so before.
    Message { message: Arc<Message>, before: bool },
    /// It made this room, or found it.
    Room { room: RoomId, made: bool },
    /// It changed this member.
    Member(Box<Member>),
    /// It moved markers or settings.
    Registers(Box<Registers>),
    /// It is done, and there is nothing to say of it.
    Done,
}

/// See the module.
pub(super) struct Lane {
    inner: Arc<Inner>,
    work: mpsc::Receiver<Work>,
    cache: Cache,
    markers: Markers,
    /// What must wait for the batch under way.
    deferred: VecDeque<Box<Request>>,
    settling: Vec<oneshot::Sender<()>>,
    closing: bool,
}

/// What one batch has come to so far.
#[derive(Default)]
struct Batch {
    commits: Vec<Commit>,
    /// For each commit, what to do when it is applied.
    plans: Vec<Plan>,
    /// Rooms whose rules change in this batch: later commands for them wait for the next.
    sealed: HashSet<RoomId>,
    /// Names that rooms get in this batch.
    making: HashSet<RoomSelector>,
}

/// What a commit of a batch is for.
enum Plan {
    /// Somebody's command.
    Command {
        request: Box<Request>,
        room: RoomId,
        /// Whether a message in it says that its sender has read up to it.
        reads: bool,
        /// Who was in a room that it deletes.
        people: Vec<UserId>,
    },
    /// Markers that were gathered.
    Markers(super::markers::Gathered),
}

impl Lane {
    pub(super) fn new(inner: Arc<Inner>, work: mpsc::Receiver<Work>) -> Self {
        let cache = Cache::new(Arc::clone(&inner.store), inner.options.limits.cached_rooms);
        let markers = Markers::new(inner.options.marker_delay);
        Self { inner, work, cache, markers, deferred: VecDeque::new(), settling: Vec::new(), closing: false }
    }

    /// Works until it is told to close, or everybody who could ask is gone.
    pub(super) async fn run(mut self) {
        while let Some(requests) = self.gather().await {
            let mut batch = Batch::default();
            for request in requests {
                self.plan(request, &mut batch).await;
            }
            if self.closing || !self.settling.is_empty() || self.markers.due(Instant::now()) {
                for gathered in self.markers.take_all() {
                    batch.add_markers(gathered, self.inner.now());
                }
            }
            self.commit(batch).await;
            for settled in self.settling.drain(..) {
                let _ = settled.send(());
            }
        }
    }

    /// The next commands; `None` when it is time to stop.
    async fn gather(&mut self) -> Option<Vec<Box<Request>>> {
        let mut requests: Vec<_> = std::mem::take(&mut self.deferred).into();
        let idle = requests.is_empty();
        if idle && self.closing && self.markers.is_empty() && self.work.is_empty() {
            return None;
        }
        if idle && !self.closing {
            let work = match self.markers.due_at() {
                None => self.work.recv().await,
                Some(due) => match tokio::time::timeout_at(due, self.work.recv()).await {
                    Ok(work) => work,
                    Err(_due) => return Some(requests),
                },
            };
            match work {
                Some(work) => self.take(work, &mut requests),
                None => self.closing = true,
            }
        }
        while requests.len() < BATCH
            && let Ok(work) = self.work.try_recv()
        {
            self.take(work, &mut requests);
        }
        Some(requests)
    }

    fn take(&mut self, work: Work, requests: &mut Vec<Box<Request>>) {
        match work {
            Work::Command(request) => requests.push(request),
            Work::Settle(settled) => self.settling.push(settled),
            Work::Close => {
                self.closing = true;
                self.work.close();
            }
        }
    }

    /// Decides one command and adds it to the batch, answers it, or puts it off.
    async fn plan(&mut self, request: Box<Request>, batch: &mut Batch) {
        let planned = if matches!(request.command, Command::CreateRoom(_)) {
            self.plan_new_room(&request, batch)
        } else {
            self.plan_in_room(&request, batch).await
        };
        match planned {
            Ok(Planned::Commit { commit, reads, people }) => {
                if let Some(user) = request.actor.user()
                    && let Some(gathered) = self.markers.take(commit.room, user)
                {
                    batch.add_markers(gathered, commit.at);
                }
                let room = commit.room;
                batch.commits.push(commit);
                batch.plans.push(Plan::Command { request, room, reads, people });
            }
            Ok(Planned::Marker { room, marker, message_id }) => {
                self.markers.gather(room, marker, message_id, request.reply, Instant::now());
            }
            Ok(Planned::Later) => self.deferred.push_back(request),
            Ok(Planned::Already(reply)) => request.answer(Ok(reply)),
            // A message of a room that is hidden must look like a message that is not there.
            Err(Error::NotFound { .. }) if matches!(request.place, Place::OfMessage(_)) => {
                request.answer(Err(Error::not_found("message")));
            }
            Err(error) => self.deny(*request, error).await,
        }
    }

    fn plan_new_room(&self, request: &Request, batch: &mut Batch) -> Result<Planned> {
        let Command::CreateRoom(create) = &request.command else {
            return Err(Error::invalid("action", "must make a room"));
        };
        let limits = &self.inner.options.limits;
        let NewRoomPlan { unique, writes } = plan_room(&request.actor, request.own.clone(), create.clone(), limits)?;
        if let Some(unique) = unique
            && !batch.making.insert(unique)
        {
            return Ok(Planned::Later);
        }
        let room = self.inner.ids.room(self.inner.now(), &*self.inner.options.random);
        let commit = self.inner.commit(request, room, NO_ROOM, Decision { guard: Guard::default(), writes });
        Ok(Planned::Commit { commit, reads: false, people: Vec::new() })
    }

    async fn plan_in_room(&mut self, request: &Request, batch: &mut Batch) -> Result<Planned> {
        let (place, message) = self.find(request).await?;
        if let RoomRef::Key(key) = &place
            && batch.makes(key)
        {
            return Ok(Planned::Later);
        }
        let target = request.target(message.as_deref());
        let people: Vec<&UserId> = request.actor.user().into_iter().chain(&target).collect();
        let room = self.cache.load(&place, &people).await?.ok_or(Error::not_found("room"))?;
        if batch.sealed.contains(&room) {
            return Ok(Planned::Later);
        }
        let known = self.cache.get(room).ok_or(Error::not_found("room"))?;
        let member = |user: Option<&UserId>| user.and_then(|user| known.members.get(user)).and_then(Option::as_ref);
        let now = self.inner.now();
        let scene = Scene {
            room: &known.room,
            actor: &request.actor,
            member: member(request.actor.user()),
            target: member(target.as_ref()),
            message: message.as_deref(),
            fresh: self.inner.ids.message(now, &*self.inner.options.random),
            now,
            limits: &self.inner.options.limits,
        };
        let decision = rules::decide(&scene, request.command.clone())?;
        if decision.writes.is_empty() {
            return Ok(Planned::Already(nothing_to_do(request, message.clone(), scene.target)));
        }
        if let (Command::Mark(mark), [Write::Mark(marker)]) = (&request.command, &decision.writes[..]) {
            return Ok(Planned::Marker { room, marker: marker.clone(), message_id: mark.message_id() });
        }
        let people = self.people_to_tell(&known.room, &decision).await?;
        if decision
            .writes
            .iter()
            .any(|w| matches!(w, Write::UpdateRoom(_) | Write::DeleteRoom | Write::Member(_) | Write::Settings(..)))
        {
            batch.sealed.insert(room);
        }
        let reads = decision.writes.iter().any(|write| matches!(write, Write::Post(post) if post.reads));
        Ok(Planned::Commit { commit: self.inner.commit(request, room, room, decision), reads, people })
    }

    /// The room that a command is about, and the message, where it is about one.
    async fn find(&self, request: &Request) -> Result<(RoomRef, Option<Arc<Message>>)> {
        let wanted = match &request.command {
            Command::EditMessage(EditMessage { message_id, .. })
            | Command::DeleteMessage(DeleteMessage { message_id, .. }) => Some(*message_id),
            Command::SendMessage(send) => send.reply_to,
            Command::Mark(mark) => mark.message_id(),
            _ => None,
        };
        let message = match wanted {
            Some(id) => self.inner.store.message(Viewer::Host, id).await?.map(Arc::new),
            None => None,
        };
        let place = match &request.place {
            Place::Room(room) => room.clone(),
            Place::OfMessage(id) => match &message {
                Some(message) if message.id == *id => RoomRef::Id(message.room),
                _ => return Err(Error::not_found("message")),
            },
            Place::New => return Err(Error::not_found("room")),
        };
        Ok((place, message))
    }

    /// Who is connected and should hear of a change of the room itself, beside those who have it open.
    async fn people_to_tell(&self, room: &Room, decision: &Decision) -> Result<Vec<UserId>> {
        if !decision.writes.iter().any(|write| matches!(write, Write::UpdateRoom(_) | Write::DeleteRoom)) {
            return Ok(Vec::new());
        }
        let limit = self.inner.options.limits.members;
        let members = self.inner.store.participants(Viewer::Host, room.id, None, limit).await?.unwrap_or_default();
        Ok(members.into_iter().map(|member| member.user).filter(|user| self.inner.hub.seen(user).0).collect())
    }

    /// Answers a command that may not be, unless it was done before under its name.
    async fn deny(&mut self, request: Request, error: Error) {
        let answer = match self.done_before(&request, &error).await {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(error),
            Err(failed) => Err(failed),
        };
        request.answer(answer);
    }

    /// A repeated operation returns its first result, also where it would be refused by now; but nothing is told to
    /// somebody who is no longer in the room.
    async fn done_before(&mut self, request: &Request, denial: &Error) -> Result<Option<Reply>> {
        let (Some(name), Error::Forbidden { .. } | Error::Conflict { .. }) = (request.command.client_id(), denial)
        else {
            return Ok(None);
        };
        let Ok((place, _)) = self.find(request).await else { return Ok(None) };
        let Some(scope) = self.cache.load(&place, &[]).await? else { return Ok(None) };
        let digest = self.inner.store.digester().request(&request.command);
        match self.inner.store.operation(scope, request.actor.user(), name).await? {
            Some(operation) if operation.digest == digest => self.before(operation).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Commits a batch, tells and answers.
    async fn commit(&mut self, batch: Batch) {
        if batch.commits.is_empty() {
            return;
        }
        let results = self.inner.store.commit(batch.commits).await;
        debug_assert_eq!(results.len(), batch.plans.len(), "a store answers every commit");
        let mut again = Vec::new();
        for (plan, result) in batch.plans.into_iter().zip(results) {
            match plan {
                Plan::Markers(gathered) => self.markers_done(gathered, result),
                Plan::Command { request, room, reads, people } => match result {
                    Ok(Applied::Done(done)) => {
                        let reply = self.applied(&request, room, reads, &people, done);
                        request.answer(Ok(reply));
                    }
                    Ok(Applied::Before(operation)) => {
                        let reply = self.before(operation).await;
                        request.answer(reply);
                    }
                    Err(CommitError::Refused(Refusal::Stale | Refusal::NoRoom)) if request.attempts < ATTEMPTS => {
                        self.cache.forget(room);
                        again.push(request.again());
                    }
                    Err(error) => {
                        self.cache.forget(room);
                        let answer = self.refused(&request, error).await;
                        request.answer(answer);
                    }
                },
            }
        }
        for request in again.into_iter().rev() {
            self.deferred.push_front(request);
        }
    }

    /// Tells what a command changed, and says what to answer.
    fn applied(&mut self, request: &Request, room: RoomId, reads: bool, people: &[UserId], done: Done) -> Reply {
        let mut reply = match &request.command {
            Command::CreateRoom(_) => Reply::Room { room, made: true },
            _ => Reply::Done,
        };
        let mut made = None;
        for change in &done.changes {
            if let (Reply::Done, Some(said)) = (&reply, publish::reply(change)) {
                reply = said;
            }
            let info = match &change.body {
                ChangeBody::Room(now) => {
                    made = Some(now.info());
                    None
                }
                ChangeBody::Added(_) => made.clone().or_else(|| self.cache.get(room).map(|known| known.room.info())),
                _ => None,
            };
            self.cache.apply(room, change);
            publish::change(&self.inner.hub, room, change, info, reads, people);
        }
        let small = self.is_small(room);
        for registers in done.registers {
            self.cache.apply_member(&registers.member);
            publish::registers(&self.inner.hub, &registers, None, small);
            if matches!(reply, Reply::Done) {
                reply = Reply::Registers(Box::new(registers));
            }
        }
        if matches!(request.command, Command::DeleteRoom) {
            self.cache.forget(room);
            publish::room_deleted(&self.inner.hub, room, people);
        }
        reply
    }

    fn markers_done(&mut self, gathered: super::markers::Gathered, result: Result<Applied, CommitError>) {
        let answer = match result {
            Ok(Applied::Done(done)) => done.registers.into_iter().next().ok_or(Error::not_found("room")),
            Ok(Applied::Before(_)) | Err(CommitError::Refused(_)) => Err(Error::not_found("room")),
            Err(CommitError::Failed(error)) => Err(error.into()),
        };
        if let Ok(registers) = &answer {
            self.cache.apply_member(&registers.member);
            publish::registers(&self.inner.hub, registers, gathered.message_id, self.is_small(gathered.room));
        }
        for waiting in gathered.waiting {
            let _ = waiting.send(answer.clone().map(|registers| Reply::Registers(Box::new(registers))));
        }
    }

    /// Whether everybody's receipts are shown in a room.
    fn is_small(&self, room: RoomId) -> bool {
        let limit = self.inner.options.limits.small_room as u64;
        self.cache.get(room).is_none_or(|known| known.room.members <= limit)
    }

    /// What an operation that was done before has come to by now.
    async fn before(&self, operation: Operation) -> Result<Reply> {
        match operation.target {
            Target::Message { id, .. } => {
                let message = self.inner.store.message(Viewer::Host, id).await?.ok_or(Error::not_found("message"))?;
                Ok(Reply::Message { message: Arc::new(message), before: true })
            }
            Target::Member(user) => {
                let room = RoomSelector::Id(operation.room);
                let view = self.inner.store.view(&room, &[user]).await?.ok_or(Error::not_found("room"))?;
                let member = view.members.into_iter().flatten().next().ok_or(Error::not_found("participant"))?;
                Ok(Reply::Member(Box::new(member)))
            }
            Target::Room => Ok(Reply::Room { room: operation.room, made: false }),
        }
    }

    async fn refused(&self, request: &Request, error: CommitError) -> Result<Reply> {
        match error {
            CommitError::Refused(Refusal::Exists(room)) => Ok(Reply::Room { room, made: false }),
            CommitError::Refused(Refusal::OperationConflict) => Err(Error::OperationConflict),
            CommitError::Refused(Refusal::NoRoom) => Err(Error::not_found("room")),
            CommitError::Refused(Refusal::Stale) => Err(Error::Busy { retry_after_ms: 100 }),
            CommitError::Refused(Refusal::MessageGone) => match &request.command {
                // It was deleted by somebody else in the same moment: that is what was asked for.
                Command::DeleteMessage(DeleteMessage { message_id, .. }) => {
                    let message = self.inner.store.message(Viewer::Host, *message_id).await?;
                    let message = Arc::new(message.ok_or(Error::not_found("message"))?);
                    Ok(Reply::Message { message, before: false })
                }
                _ => Err(Error::Conflict { reason: "the message is deleted" }),
            },
            CommitError::Failed(error) => Err(error.into()),
        }
    }
}

/// What a command has come to before anything is written.
enum Planned {
    Commit {
        commit: Commit,
        reads: bool,
        people: Vec<UserId>,
    },
    Marker {
        room: RoomId,
        marker: crate::store::MarkerMove,
        message_id: Option<MessageId>,
    },
    /// It depends on something else in this batch.
    Later,
    /// There is nothing to change.
    Already(Reply),
}

impl Batch {
    fn makes(&self, key: &RoomKey) -> bool {
        !self.making.is_empty() && self.making.contains(&RoomSelector::Key(key.clone()))
    }

    fn add_markers(&mut self, gathered: super::markers::Gathered, at: crate::model::Timestamp) {
        self.commits.push(Commit {
            room: gathered.room,
            actor: Some(gathered.marker.user.clone()),
            at,
            guard: Guard::default(),
            operation: None,
            writes: vec![Write::Mark(gathered.marker.clone())],
        });
        self.plans.push(Plan::Markers(gathered));
    }
}

impl Inner {
    fn commit(&self, request: &Request, room: RoomId, scope: RoomId, decision: Decision) -> Commit {
        let operation = request.command.client_id().map(|name| OperationName {
            scope,
            name: name.clone(),
            digest: self.store.digester().request(&request.command),
        });
        Commit {
            room,
            actor: request.actor.user().cloned(),
            at: self.now(),
            guard: decision.guard,
            operation,
            writes: decision.writes,
        }
    }
}

impl Request {
    fn answer(self, answer: Result<Reply>) {
        // Whoever asked may be gone; what was done stays done.
        let _ = self.reply.send(answer);
    }

    fn again(mut self: Box<Self>) -> Box<Self> {
        self.attempts += 1;
        self
    }

    /// The user whom a command is about, beside the one who acts.
    fn target(&self, message: Option<&Message>) -> Option<UserId> {
        match &self.command {
            Command::SendMessage(send) => send.sender.clone(),
            Command::DeleteMessage(_) => message.and_then(|message| message.sender.clone()),
            Command::AddParticipant(add) => Some(add.user_id.clone()),
            Command::UpdateParticipant(update) => Some(update.user_id.clone()),
            Command::RemoveParticipant(RemoveParticipant { user_id, .. }) => Some(user_id.clone()),
            _ => None,
        }
    }
}

/// The answer to a command that changes nothing.
fn nothing_to_do(request: &Request, message: Option<Arc<Message>>, target: Option<&Member>) -> Reply {
    match (&request.command, message, target) {
        (Command::DeleteMessage(_), Some(message), _) => Reply::Message { message, before: false },
        (_, _, Some(member)) => Reply::Member(Box::new(member.clone())),
        _ => Reply::Done,
    }
}
