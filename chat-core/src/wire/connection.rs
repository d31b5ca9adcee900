//! One client's connection, without its socket.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::time::{Sleep, sleep};

use crate::{
    engine::{Engine, Live, Session},
    model::{Code, Error, Event, Result, RoomId, RoomRef, Timestamp, UserId},
    rules::Actor,
};

use super::{
    answer::{self, Answer, Asked, Said},
    close::CloseCode,
    frame::{Action, Frame},
    job::{self, Alone, Done, Job, Running, Written},
    meter::Meter,
    output::Output,
    peer::{Identity, Peer, TokenVerifier},
    ready,
};

/// How a connection is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The room that the connection is for; its commands need not name one.
    pub room: Option<RoomRef>,
    /// How often the server pings, for the client to know.
    pub heartbeat: Duration,
    /// The largest frame, for the client to know; beyond it no more than one frame waits.
    pub frame_bytes: usize,
    /// How long an unknown peer has to authenticate.
    pub auth_timeout: Duration,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// With which code; its name is the reason.
    pub code: CloseCode,
}

/// One client's connection: give it the text frames that come with [`Connection::receive`], send what
/// [`Connection::output`] returns, and pass the time with [`Connection::tick`].
///
/// Commands take effect in the order in which they come. Writes are pipelined: the next one is begun before the last
/// one is durable. Everything else waits for what came before it. While [`Connection::has_room`] is false, do not read
/// from the socket: that is the back-pressure.
pub struct Connection {
    id: String,
    engine: Engine,
    verifier: Arc<dyn TokenVerifier>,
    meter: Option<Arc<dyn Meter>>,
    setup: Setup,
    peer: Peer,
    /// Frames that wait, and their bytes.
    inbox: VecDeque<Frame>,
    waiting: usize,
    /// The write whose turn at the committer has not come yet.
    turn: Option<Running<(Asked, Result<Written>)>>,
    /// Writes that were begun and are not durable yet.
    writes: FuturesUnordered<Running<Answer>>,
    /// What runs alone.
    job: Option<Running<Done>>,
    out: Vec<Output>,
    /// How many bytes of `out` are answers.
    unsent: usize,
    stage: Stage,
    /// When an unknown peer must have authenticated, or the token ends.
    deadline: Option<Timestamp>,
    refusal: Option<Error>,
}

/// How far a connection is.
enum Stage {
    Open,
    /// Nothing more is begun. What was begun is answered, and then the peer is told; it does not take for ever.
    Finishing {
        code: CloseCode,
        retry_after_ms: Option<u64>,
        patience: Option<Pin<Box<Sleep>>>,
    },
    Over(Closing),
}

/// How many frames may wait, and how many writes may be under way.
const PIPELINE: usize = 64;

/// While so many bytes of answers wait to be sent, nothing further is begun: a peer that asks for much and reads nothing
/// costs no more than this and one answer.
const UNSENT: usize = 256 * 1024;

/// How long a connection that ends waits for its writes.
const PATIENCE: Duration = Duration::from_secs(2);

impl Connection {
    /// A connection of a peer whose token was checked, or not yet (`None`: its first frame must be `authenticate`).
    pub fn open(
        engine: Engine,
        verifier: Arc<dyn TokenVerifier>,
        setup: Setup,
        identity: Option<Identity>,
        now: Timestamp,
    ) -> Self {
        let timeout = i64::try_from(setup.auth_timeout.as_millis()).unwrap_or(i64::MAX);
        let mut connection = Self {
            id: engine.new_name(),
            engine,
            verifier,
            meter: None,
            setup,
            peer: Peer::Unknown,
            inbox: VecDeque::new(),
            waiting: 0,
            turn: None,
            writes: FuturesUnordered::new(),
            job: None,
            out: Vec::new(),
            unsent: 0,
            stage: Stage::Open,
            deadline: Some(Timestamp::from_millis(now.as_millis().saturating_add(timeout))),
            refusal: None,
        };
        if let Some(identity) = identity {
            connection.welcome(None, identity);
        }
        connection
    }

    /// The same, paced and counted.
    #[must_use]
    pub fn metered(mut self, meter: Arc<dyn Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// The connection's own name, which `ready` tells the peer as `connection_id`. A name, not a secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The user at the other end, once known; nobody for the host.
    pub fn user(&self) -> Option<&UserId> {
        match &self.peer {
            Peer::Known { session, .. } => session.actor().user(),
            Peer::Unknown => None,
        }
    }

    /// Why the peer was turned away before it was let in, if it was.
    pub const fn refusal(&self) -> Option<&Error> {
        self.refusal.as_ref()
    }

    /// Whether another frame may be given to [`Connection::receive`].
    pub fn has_room(&self) -> bool {
        let frames = if matches!(self.peer, Peer::Unknown) { 1 } else { PIPELINE };
        matches!(self.stage, Stage::Open) && self.inbox.len() < frames && self.waiting < self.setup.frame_bytes
    }

    /// Takes a text frame from the peer.
    pub fn receive(&mut self, text: &str) {
        self.take(Frame::parse(text));
    }

    /// Takes note of a binary frame, which the protocol does not have.
    pub fn receive_binary(&mut self) {
        self.take(Frame::binary());
    }

    fn take(&mut self, frame: Frame) {
        if matches!(self.stage, Stage::Open) {
            self.waiting += frame.bytes;
            self.inbox.push_back(frame);
        }
    }

    /// When [`Connection::tick`] is due next.
    pub const fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Tells the time: a token may have ended, or the time to authenticate.
    pub fn tick(&mut self, now: Timestamp) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            match self.peer {
                Peer::Unknown => self.refuse(None, Error::Unauthorized { reason: "no token came in time" }),
                Peer::Known { .. } => self.close(CloseCode::TokenExpired, None),
            }
        }
    }

    /// Ends the connection from the server's side: what was begun is answered, then the peer is told why, and when to
    /// come back.
    pub fn close(&mut self, code: CloseCode, retry_after: Option<Duration>) {
        if matches!(self.stage, Stage::Open) {
            let retry_after_ms = retry_after.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            self.end(Stage::Finishing { code, retry_after_ms, patience: None });
        }
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.deadline = None;
        self.inbox = VecDeque::new();
        (self.turn, self.job) = (None, None);
    }

    /// Waits until there is something to send, and moves all of it into `out`. Returns how the connection ends, once
    /// it does: then send what is in `out`, and close.
    ///
    /// Dropping the future loses nothing.
    pub async fn output(&mut self, out: &mut Vec<Output>) -> Option<Closing> {
        poll_fn(|cx| self.poll_output(cx, out)).await
    }

    /// See [`Connection::output`].
    pub fn poll_output(&mut self, cx: &mut Context<'_>, out: &mut Vec<Output>) -> Poll<Option<Closing>> {
        self.work(cx);
        self.finish(cx);
        let closing = if let Stage::Over(closing) = self.stage { Some(closing) } else { None };
        if self.out.is_empty() && closing.is_none() {
            return Poll::Pending;
        }
        out.append(&mut self.out);
        self.unsent = 0;
        Poll::Ready(closing)
    }

    /// Goes as far as it can.
    fn work(&mut self, cx: &mut Context<'_>) {
        while matches!(self.stage, Stage::Open) {
            self.take_answers(cx);
            self.take_live(cx);
            let went_on = if let Some(turn) = &mut self.turn {
                let Poll::Ready((asked, begun)) = turn.poll_unpin(cx) else { return };
                self.turn = None;
                match begun {
                    Ok(write) => self.writes.push(Box::pin(async move { asked.answer(&write.await) })),
                    Err(error) => self.say(asked.fail(&error)),
                }
                true
            } else if let Some(job) = &mut self.job {
                let Poll::Ready(done) = job.poll_unpin(cx) else { return };
                self.job = None;
                self.take_over(done);
                true
            } else {
                self.begin_next()
            };
            if !went_on {
                return;
            }
        }
    }

    /// Once the connection ends: waits for what was begun, and says the last word.
    fn finish(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.stage, Stage::Finishing { .. }) {
            return;
        }
        self.take_answers(cx);
        let Stage::Finishing { code, retry_after_ms, patience } = &mut self.stage else { return };
        let (code, retry_after_ms) = (*code, *retry_after_ms);
        let mut wait = || patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE))).poll_unpin(cx).is_pending();
        if !self.writes.is_empty() && wait() {
            return;
        }
        let closing = answer::encode(&Event::Closing { code: code.number(), retry_after_ms });
        self.out.push(Output::Own(closing));
        self.stage = Stage::Over(Closing { code });
    }

    /// Begins what the next frame asks for; `false` if there is none, or it must wait.
    fn begin_next(&mut self) -> bool {
        let busy = self.writes.len();
        let waits = |frame: &Frame| busy >= PIPELINE || busy > 0 && frame.waits();
        if self.unsent >= UNSENT || self.inbox.front().is_none_or(waits) {
            return false;
        }
        let Some(frame) = self.inbox.pop_front() else { return false };
        self.waiting -= frame.bytes;
        match &self.peer {
            Peer::Unknown => self.first_frame(frame),
            Peer::Known { session, room, .. } => {
                let (session, room) = (session.clone(), *room);
                self.begin(session, room, frame);
            }
        }
        true
    }

    fn begin(&mut self, session: Session, here: Option<RoomId>, frame: Frame) {
        let Frame { asked, room, action, .. } = frame;
        let place = room.or(here.map(RoomRef::Id));
        let job = action.and_then(|action| Job::of(&session, place, action));
        match job.and_then(|job| self.paced(&session, job)) {
            Ok(Job::Write { place, command }) => {
                self.turn = Some(Box::pin(async move { (asked, job::begin(session, place, command).await) }));
            }
            Ok(Job::Alone(job)) => self.begin_alone(session, asked, job),
            Err(error) => self.say(asked.fail(&error)),
        }
    }

    /// Passes a job on, unless its user writes too much.
    fn paced(&self, session: &Session, job: Job) -> Result<Job> {
        let cost = job.cost();
        if cost > 0
            && let (Some(meter), Some(user)) = (&self.meter, session.actor().user())
        {
            meter.pace(user, cost)?;
        }
        Ok(job)
    }

    fn begin_alone(&mut self, session: Session, asked: Asked, job: Alone) {
        let Peer::Known { live, .. } = &mut self.peer else { return };
        let live = if job.needs_live() { live.take() } else { None };
        self.job = Some(Box::pin(job::run(session, live, Arc::clone(&self.verifier), asked, job)));
    }

    /// The first frame of an unknown peer: a token, or the end.
    fn first_frame(&mut self, Frame { asked, action, .. }: Frame) {
        let token = match action {
            Ok(Action::Authenticate(token)) => token,
            Ok(_) => {
                let reason = "the first frame must be `authenticate`";
                return self.refuse(Some(asked), Error::Unauthorized { reason });
            }
            Err(error) => return self.refuse(Some(asked), error),
        };
        let verifier = Arc::clone(&self.verifier);
        self.job = Some(Box::pin(async move { Done::Identified(asked, verifier.verify(&token).await) }));
    }

    /// Begins to make the first frame for a peer that is known now.
    fn welcome(&mut self, asked: Option<Asked>, identity: Identity) {
        let session = match &identity.actor {
            Actor::Host => self.engine.host(),
            Actor::User(user) => self.engine.session(user).with_profile(identity.name, identity.avatar),
        };
        self.deadline = identity.expires_at;
        let mut live = Box::new(session.live());
        let (id, engine, setup) = (self.id.clone(), self.engine.clone(), self.setup.clone());
        let user_id = session.actor().user().cloned();
        self.job = Some(Box::pin(async move {
            let room = match setup.room.clone() {
                Some(room) => match live.enter(room).await {
                    Ok(entered) => Some(entered),
                    Err(error) => return Done::Refused(asked, error),
                },
                None => None,
            };
            let ready = ready::frame(&engine, &setup, id, user_id, room.as_ref());
            Done::Welcome { ready, asked, live, room: room.map(|(room, _)| room.info.id) }
        }));
        self.peer = Peer::Known { session, live: None, room: None };
    }

    /// Tells a peer that may not be here what was wrong, and ends. Nothing else was or will be said to it.
    fn refuse(&mut self, asked: Option<Asked>, error: Error) {
        let code = match error.code() {
            Code::Draining => CloseCode::Draining,
            Code::Busy | Code::StorageUnavailable | Code::Suspended => CloseCode::Overloaded,
            _ => CloseCode::Unauthorized,
        };
        match asked {
            Some(asked) => self.say(asked.fail(&error)),
            None => self.out.push(Output::Own(answer::failure(None, &error))),
        }
        self.refusal = Some(error);
        self.end(Stage::Over(Closing { code }));
    }

    /// Takes over what a job that ran alone has come to.
    fn take_over(&mut self, done: Done) {
        match done {
            Done::Identified(asked, Ok(identity)) => self.welcome(Some(asked), identity),
            Done::Identified(asked, Err(error)) => self.refuse(Some(asked), error),
            Done::Refused(asked, error) => self.refuse(asked, error),
            Done::Welcome { ready, asked, live, room } => {
                self.out.push(Output::Own(ready));
                self.return_live(Some(live));
                if let Peer::Known { room: place, .. } = &mut self.peer {
                    *place = room;
                }
                if let Some(asked) = asked {
                    self.say(asked.answer(&Ok(Said::Nothing {})));
                }
            }
            Done::Answered(answer, live) => {
                self.say(answer);
                self.return_live(live);
            }
            Done::Refreshed(answer, expires_at) => {
                self.say(answer);
                self.deadline = expires_at;
            }
        }
    }

    fn return_live(&mut self, back: Option<Box<Live>>) {
        if let (Peer::Known { live, .. }, Some(back)) = (&mut self.peer, back) {
            *live = Some(back);
        }
    }

    /// Takes the answers to writes that are durable.
    fn take_answers(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(answer)) = self.writes.poll_next_unpin(cx) {
            self.say(answer);
        }
    }

    fn say(&mut self, Answer { frame, failed, asked }: Answer) {
        if let Some(meter) = &self.meter {
            meter.answered(asked.action, failed, asked.at.elapsed());
        }
        self.unsent += frame.as_ref().map_or(0, Bytes::len);
        self.out.extend(frame.map(Output::Own));
    }

    /// Takes what is live. While a job has the live side, its answer comes first.
    fn take_live(&mut self, cx: &mut Context<'_>) {
        let Peer::Known { live: Some(live), room, .. } = &mut self.peer else { return };
        let mut removed = false;
        let end = loop {
            match live.poll_ready(cx) {
                Poll::Pending => break None,
                Poll::Ready(Err(why)) => break Some(why),
                Poll::Ready(Ok(())) => {
                    for burst in live.take_ready() {
                        // It is told alone.
                        let first = burst.frames().first().map(|frame| frame.event());
                        removed |= matches!(first, Some(Event::RoomRemoved { room: gone }) if Some(*gone) == *room);
                        self.out.push(Output::Events(burst));
                    }
                }
            }
        };
        if removed {
            self.close(CloseCode::Removed, None);
        } else if let Some(end) = end {
            self.close(end.into(), None);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("user", &self.user()).finish_non_exhaustive()
    }
}
