//! The committer lane: the one place where commands become commits, in order.
//!
//! While one batch is being committed the next one gathers. For each command the lane looks at what is stored, asks
//! the rules, and collects the commits ([`plan`](super::plan)); the store applies the batch in one durable step; then
//! the lane tells the hub, in order of `rev`, and answers whoever asked ([`outcome`](super::outcome)). Nothing is told
//! or answered before it is durable.

use std::{collections::VecDeque, sync::Arc};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    model::{self, AddParticipant, Command, Error, Member, Message, MessageId, My, Result, RoomId, RoomRef, Sent},
    rules::Actor,
    store::{Registers, Store},
};

use super::{
    Inner,
    cache::Cache,
    markers::{Markers, OnItsWay},
    plan::Batch,
};

/// How many commands one batch takes in, beside those that were put off; one that makes a large room counts for many.
pub(super) const BATCH: usize = 1024;

/// How many tasks run, roughly, while the lane yields once: so often tokio looks for other work.
const TURN: usize = 64;

/// What a lane is asked to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// To carry out a command.
    Command(Box<Request>),
    /// To store what markers wait, and say when that is done.
    Settle(oneshot::Sender<()>),
    /// To finish what was accepted, and close the store.
    Suspend(oneshot::Sender<Result<()>>),
    /// To go on over this store.
    Resume(Arc<dyn Store>, oneshot::Sender<Result<()>>),
    /// To finish what was accepted, and stop.
    Close,
}

/// A command and who waits for its answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) actor: Actor,
    pub(super) place: Place,
    pub(super) command: Command,
    /// Whether the application lets it be done.
    pub(super) verdict: Result<()>,
    /// How the acting user is shown where they make a room.
    pub(super) own: Option<AddParticipant>,
    /// That a marker is not stored yet, for as long as this is here.
    #[expect(dead_code, reason = "held, not read")]
    pub(super) on_its_way: Option<OnItsWay>,
    pub(super) attempts: u8,
    pub(super) reply: oneshot::Sender<Result<Reply>>,
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

impl Reply {
    pub(crate) fn sent(self) -> Result<Sent> {
        match self {
            Self::Message { message, before } => Ok(Sent { message, duplicate: before }),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn message(self) -> Result<Arc<Message>> {
        self.sent().map(|sent| sent.message)
    }

    /// The room, and whether it was made now.
    pub(crate) fn room(self) -> Result<(RoomId, bool)> {
        match self {
            Self::Room { room, made } => Ok((room, made)),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn member(self) -> Result<Box<Member>> {
        match self {
            Self::Member(member) => Ok(member),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn markers(self) -> Result<model::Markers> {
        self.registers().map(|registers| model::Markers::of(&registers.member, registers.unread))
    }

    pub(crate) fn my(self) -> Result<My> {
        self.registers().map(|registers| My::from(&registers.member))
    }

    fn registers(self) -> Result<Box<Registers>> {
        match self {
            Self::Registers(registers) => Ok(registers),
            _ => Err(unexpected()),
        }
    }
}

/// Each command is answered in its own way; anything else is a bug here.
fn unexpected() -> Error {
    Error::StorageUnavailable { reason: "the engine answered something else".into() }
}

/// See the module.
pub(super) struct Lane {
    pub(super) inner: Arc<Inner>,
    /// The store; closed while the engine is suspended.
    pub(super) store: Arc<dyn Store>,
    pub(super) cache: Cache,
    pub(super) markers: Markers,
    /// What must wait for the batch under way, in order.
    pub(super) deferred: VecDeque<Box<Request>>,
    /// Whether ids go on after the last one that is stored.
    pub(super) ids_known: bool,
    work: mpsc::Receiver<Work>,
    settling: Vec<oneshot::Sender<()>>,
    /// Who waits for the engine to be suspended. Nothing more is taken before it is.
    suspending: Option<oneshot::Sender<Result<()>>>,
    closing: bool,
}

impl Lane {
    pub(super) fn new(inner: Arc<Inner>, store: Arc<dyn Store>, work: mpsc::Receiver<Work>) -> Self {
        Self {
            cache: Cache::new(Arc::clone(&store), inner.options.limits.cached_rooms),
            markers: Markers::new(inner.options.marker_delay),
            inner,
            store,
            deferred: VecDeque::new(),
            ids_known: false,
            work,
            settling: Vec::new(),
            suspending: None,
            closing: false,
        }
    }

    /// Works until it is told to close, or everybody who could ask is gone.
    pub(super) async fn run(mut self) {
        while let Some(requests) = self.gather().await {
            let mut batch = Batch::default();
            for request in requests {
                self.plan(request, &mut batch).await;
            }
            let flush = self.closing || self.suspending.is_some() || !self.settling.is_empty();
            if flush || self.markers.due(Instant::now()) {
                for gathered in self.markers.take_all() {
                    batch.add_markers(gathered, self.inner.now());
                }
            }
            self.commit(batch).await;
            for settled in self.settling.drain(..) {
                let _ = settled.send(());
            }
            if self.deferred.is_empty()
                && let Some(suspended) = self.suspending.take()
            {
                let _ = suspended.send(self.suspend().await);
            }
            self.give_way().await;
        }
    }

    /// Lets those take it who were just told of changes or answered, before more is committed: what others send meanwhile
    /// joins the next batch, and goes out in the same writes. Where nobody waits for the processor each turn takes a
    /// microsecond. A store may commit without ever waiting, so where more is to be done there is one turn at least.
    async fn give_way(&self) {
        let is_more = !self.work.is_empty() || !self.deferred.is_empty();
        let turns = (self.inner.hub.take_told() / TURN).max(usize::from(is_more));
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    /// Lets go of the store.
    async fn suspend(&self) -> Result<()> {
        match self.inner.storage.suspend() {
            Ok(store) => Ok(store.close().await?),
            Err(_suspended) => Ok(()),
        }
    }

    /// Goes on over a store of which nothing is known: others may have changed it.
    fn resume(&mut self, store: Arc<dyn Store>) -> Result<()> {
        if self.inner.store().is_ok() {
            return Err(Error::Conflict { reason: "the engine is not suspended" });
        }
        self.cache = Cache::new(Arc::clone(&store), self.inner.options.limits.cached_rooms);
        self.ids_known = false;
        self.store = Arc::clone(&store);
        self.inner.storage.resume(store);
        self.inner.hub.resync_all();
        Ok(())
    }

    /// The next commands; `None` when it is time to stop.
    async fn gather(&mut self) -> Option<VecDeque<Box<Request>>> {
        let mut requests = std::mem::take(&mut self.deferred);
        let mut taken = 0;
        let idle = requests.is_empty();
        if idle && self.closing && self.markers.is_empty() && self.work.is_empty() {
            return None;
        }
        if idle && !self.closing && self.suspending.is_none() {
            let work = match self.markers.due_at() {
                None => self.work.recv().await,
                Some(due) => match tokio::time::timeout_at(due, self.work.recv()).await {
                    Ok(work) => work,
                    Err(_due) => return Some(requests),
                },
            };
            match work {
                Some(work) => taken += self.take(work, &mut requests),
                None => self.closing = true,
            }
        }
        // What must wait for others holds up nobody else, as long as no more waits here than may wait outside.
        while taken < BATCH
            && requests.len() < self.inner.options.limits.pending_commands.max(BATCH)
            && self.suspending.is_none()
            && let Ok(work) = self.work.try_recv()
        {
            taken += self.take(work, &mut requests);
        }
        Some(requests)
    }

    /// Takes one more; for how many commands it counts.
    fn take(&mut self, work: Work, requests: &mut VecDeque<Box<Request>>) -> usize {
        match work {
            Work::Command(request) => {
                let weight = request.weight();
                requests.push_back(request);
                return weight;
            }
            Work::Settle(settled) => self.settling.push(settled),
            Work::Suspend(suspended) => self.suspending = Some(suspended),
            Work::Resume(store, resumed) => {
                let _ = resumed.send(self.resume(store));
            }
            Work::Close => {
                self.closing = true;
                self.work.close();
            }
        }
        0
    }
}

impl Request {
    pub(super) fn answer(self, answer: Result<Reply>) {
        // Whoever asked may be gone; what was done stays done.
        let _ = self.reply.send(answer);
    }

    /// For how many commands it counts. Of those by which users make rooms a batch carries out a few anyway.
    fn weight(&self) -> usize {
        match &self.command {
            Command::CreateRoom(create) if self.actor.user().is_none() => 1 + create.participants.len(),
            _ => 1,
        }
    }

    pub(super) fn again(mut self: Box<Self>) -> Box<Self> {
        self.attempts += 1;
        self
    }
}
