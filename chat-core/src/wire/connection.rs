//! One client's connection, without its socket.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde::Serialize;

use crate::{
    engine::{Engine, Live, Session},
    model::{Error, Event, MyRoom, Result, RoomId, RoomRef, Subscribed, Timestamp, UserId},
    rules::Actor,
};

use super::{
    answer,
    close::CloseCode,
    frame::{Action, Frame, Ref},
    job::{self, Done, Job},
};

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A user, or the host's own back end.
    pub actor: Actor,
    /// The name to show.
    pub name: Option<String>,
    /// The picture to show.
    pub avatar: Option<String>,
    /// When the token ends; a connection does not outlive it.
    pub expires_at: Option<Timestamp>,
}

/// Checks the tokens that come in frames.
#[async_trait]
pub trait TokenVerifier: Send + Sync + 'static {
    /// Whom the token is for.
    ///
    /// # Errors
    /// `unauthorized`.
    async fn verify(&self, token: &str) -> Result<Identity>;
}

/// How a connection is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The room that the connection is for; its commands need not name one.
    pub room: Option<RoomRef>,
    /// How often the server pings, for the client to know.
    pub heartbeat: Duration,
    /// The largest frame, for the client to know.
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
    engine: Engine,
    verifier: Arc<dyn TokenVerifier>,
    setup: Setup,
    peer: Peer,
    inbox: VecDeque<Frame>,
    /// What runs alone.
    job: Option<Pin<Box<dyn Future<Output = Done> + Send>>>,
    /// Writes that were begun and are not durable yet.
    writes: FuturesUnordered<Pin<Box<dyn Future<Output = Option<Bytes>> + Send>>>,
    out: Vec<Bytes>,
    closing: Option<Closing>,
    /// When an unknown peer must have authenticated, or the token ends.
    deadline: Option<Timestamp>,
}

/// Who is at the other end.
enum Peer {
    /// Nobody knows yet.
    Unknown,
    /// Known; its first frame is on its way. The live side is with the job that makes it.
    Known { session: Session, live: Option<Box<Live>>, room: Option<RoomId> },
}

/// How many frames may wait, and how many writes may be under way.
const PIPELINE: usize = 64;

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
            engine,
            verifier,
            setup,
            peer: Peer::Unknown,
            inbox: VecDeque::new(),
            job: None,
            writes: FuturesUnordered::new(),
            out: Vec::new(),
            closing: None,
            deadline: Some(Timestamp::from_millis(now.as_millis().saturating_add(timeout))),
        };
        if let Some(identity) = identity {
            connection.welcome(identity);
        }
        connection
    }

    /// The user at the other end, once known; nobody for the host.
    pub fn user(&self) -> Option<&UserId> {
        match &self.peer {
            Peer::Known { session, .. } => session.actor().user(),
            Peer::Unknown => None,
        }
    }

    /// Whether another frame may be given to [`Connection::receive`].
    pub fn has_room(&self) -> bool {
        self.inbox.len() < PIPELINE && self.closing.is_none()
    }

    /// Takes a text frame from the peer.
    pub fn receive(&mut self, text: &str) {
        if self.closing.is_none() {
            self.inbox.push_back(Frame::parse(text));
        }
    }

    /// Takes note of a binary frame, which the protocol does not have.
    pub fn receive_binary(&mut self) {
        self.out.push(answer::error(None, &Error::invalid("frame", "must be a text frame")));
    }

    /// When [`Connection::tick`] is due next.
    pub const fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Tells the time: a token may have ended, or the time to authenticate.
    pub fn tick(&mut self, now: Timestamp) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            match self.peer {
                Peer::Unknown => self.refuse(&Error::Unauthorized { reason: "no token came in time" }),
                Peer::Known { .. } => self.close(CloseCode::TokenExpired, None),
            }
        }
    }

    /// Ends the connection from the server's side: the peer is told why, and when to come back.
    pub fn close(&mut self, code: CloseCode, retry_after: Option<Duration>) {
        if self.closing.is_none() {
            let retry_after_ms = retry_after.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            self.out.push(answer::encode(&Event::Closing { code: code.number(), retry_after_ms }));
            self.closing = Some(Closing { code });
            self.deadline = None;
        }
    }

    /// Waits until there is something to send, and moves all of it into `frames`. Returns how the connection ends, once
    /// it does: then send `frames`, and close.
    ///
    /// Dropping the future loses nothing.
    pub async fn output(&mut self, frames: &mut Vec<Bytes>) -> Option<Closing> {
        poll_fn(|cx| self.poll_output(cx, frames)).await
    }

    /// See [`Connection::output`].
    pub fn poll_output(&mut self, cx: &mut Context<'_>, frames: &mut Vec<Bytes>) -> Poll<Option<Closing>> {
        if self.closing.is_none() {
            self.work(cx);
        }
        if self.out.is_empty() && self.closing.is_none() {
            return Poll::Pending;
        }
        frames.append(&mut self.out);
        Poll::Ready(self.closing)
    }

    /// Goes as far as it can.
    fn work(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some(job) = &mut self.job {
                match job.as_mut().poll(cx) {
                    Poll::Ready(done) => {
                        self.job = None;
                        self.finish(done);
                    }
                    // Its answer comes before any event of what it opens: what is live waits.
                    Poll::Pending => break,
                }
                if self.closing.is_some() {
                    return;
                }
                continue;
            }
            while let Poll::Ready(Some(answer)) = self.writes.poll_next_unpin(cx) {
                self.out.extend(answer);
            }
            self.take_live(cx);
            if self.closing.is_some() || !self.begin_next() {
                break;
            }
        }
    }

    /// Begins what the next frame asks for; `false` if there is none, or it must wait.
    fn begin_next(&mut self) -> bool {
        if self.writes.len() >= PIPELINE {
            return false;
        }
        let Some(frame) = self.inbox.pop_front() else { return false };
        let Peer::Known { session, room, .. } = &self.peer else {
            self.first_frame(frame);
            return true;
        };
        let Frame { reference, room: named, action } = frame;
        let action = match action {
            Ok(action) => action,
            Err(error) => {
                self.out.push(answer::error(reference.as_ref(), &error));
                return true;
            }
        };
        let place = named.or(room.map(RoomRef::Id));
        let job = match Job::of(session, place, action) {
            Ok(Job::Write { place, command }) => match job::begin(session, place, command) {
                Ok(pending) => {
                    self.writes.push(Box::pin(job::answer(reference, pending)));
                    return true;
                }
                Err(error) => {
                    self.out.push(answer::error(reference.as_ref(), &error));
                    return true;
                }
            },
            Ok(job) => job,
            Err(error) => {
                self.out.push(answer::error(reference.as_ref(), &error));
                return true;
            }
        };
        self.begin_job(reference, job);
        true
    }

    /// Begins what runs alone, after all writes that were begun.
    fn begin_job(&mut self, reference: Option<Ref>, job: Job) {
        let Peer::Known { session, live, .. } = &mut self.peer else { return };
        let session = session.clone();
        let writes = std::mem::take(&mut self.writes);
        let verifier = Arc::clone(&self.verifier);
        let live = if job.needs_live() { live.take() } else { None };
        self.job = Some(Box::pin(async move {
            let mut out: Vec<Bytes> = writes.filter_map(|answer| async { answer }).collect().await;
            let mut done = job::run(session, live, verifier, reference, job).await;
            out.append(&mut done.out);
            Done { out, ..done }
        }));
    }

    /// The first frame of an unknown peer: a token, or the end.
    fn first_frame(&mut self, frame: Frame) {
        let token = match frame.action {
            Ok(Action::Authenticate(token)) => token,
            Ok(_) => return self.refuse(&Error::Unauthorized { reason: "the first frame must be `authenticate`" }),
            Err(error) => return self.refuse(&error),
        };
        let verifier = Arc::clone(&self.verifier);
        let reference = frame.reference;
        self.job = Some(Box::pin(async move {
            let identity = verifier.verify(&token).await;
            Done { welcome: Some((reference, identity)), ..Done::default() }
        }));
    }

    /// Tells an unknown peer what was wrong, and ends. Nothing else was or will be said to it.
    fn refuse(&mut self, error: &Error) {
        self.out.push(answer::error(None, error));
        self.closing = Some(Closing { code: CloseCode::Unauthorized });
        self.deadline = None;
    }

    /// Begins to make the first frame for a peer that is known now.
    fn welcome(&mut self, identity: Identity) {
        let session = match &identity.actor {
            Actor::Host => self.engine.host(),
            Actor::User(user) => self.engine.session(user).with_profile(identity.name, identity.avatar),
        };
        self.deadline = identity.expires_at;
        let mut live = Box::new(session.live());
        let (engine, setup) = (self.engine.clone(), self.setup.clone());
        let user_id = session.actor().user().cloned();
        self.job = Some(Box::pin(async move {
            let room = match setup.room.clone() {
                Some(room) => match live.enter(room).await {
                    Ok((room, entered)) => Some((room, entered)),
                    Err(error) => return Done { refused: Some(error), ..Done::default() },
                },
                None => None,
            };
            let ready = ready(&engine, &setup, user_id, room.as_ref());
            Done { out: vec![ready], live: Some(live), entered: room.map(|(room, _)| room.info.id), ..Done::default() }
        }));
        self.peer = Peer::Known { session, live: None, room: None };
    }

    /// Takes over what a job that ran alone has come to.
    fn finish(&mut self, done: Done) {
        self.out.extend(done.out);
        if let Some(error) = done.refused {
            return self.refuse(&error);
        }
        if let Some((reference, identity)) = done.welcome {
            match identity {
                Ok(identity) => {
                    self.welcome(identity);
                    self.out.extend(answer::reply(reference.as_ref(), &Empty {}));
                }
                Err(error) => self.refuse(&error),
            }
            return;
        }
        if let Some(expires_at) = done.refreshed {
            self.deadline = expires_at;
        }
        if let Peer::Known { live, room, .. } = &mut self.peer {
            if done.live.is_some() {
                *live = done.live;
            }
            if done.entered.is_some() {
                *room = done.entered;
            }
        }
    }

    /// Takes what is live.
    fn take_live(&mut self, cx: &mut Context<'_>) {
        let Peer::Known { live: Some(live), room, .. } = &mut self.peer else { return };
        let mut end = None;
        let mut removed = false;
        loop {
            match live.poll_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(Err(why)) => {
                    end = Some(why);
                    break;
                }
                Poll::Ready(Ok(())) => {
                    for frame in live.take_ready() {
                        removed |= matches!(frame.event(), Event::RoomRemoved { room: gone } if Some(*gone) == *room);
                        self.out.push(frame.json().clone());
                    }
                }
            }
        }
        if removed {
            self.close(CloseCode::Removed, None);
        } else if let Some(end) = end {
            self.close(end.into(), None);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("closing", &self.closing).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
pub(super) struct Empty {}

#[derive(Serialize)]
struct Ready<'a> {
    r#type: &'static str,
    user_id: Option<UserId>,
    connection_id: String,
    heartbeat_s: u64,
    limits: ReadyLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<ReadyRoom<'a>>,
}

#[derive(Serialize)]
struct ReadyLimits {
    frame_bytes: usize,
    message_bytes: usize,
    metadata_bytes: usize,
    attachments: usize,
    page: usize,
    subscribe_rooms: usize,
}

#[derive(Serialize)]
struct ReadyRoom<'a> {
    #[serde(flatten)]
    room: &'a MyRoom,
    present: &'a [UserId],
    typing: &'a [UserId],
}

/// The first frame from the server.
fn ready(engine: &Engine, setup: &Setup, user_id: Option<UserId>, room: Option<&(MyRoom, Subscribed)>) -> Bytes {
    let limits = &engine.options().limits;
    let room = room.map(|(room, entered)| {
        let (present, typing) = match entered {
            Subscribed::Open(opened) => (&*opened.present, &*opened.typing),
            Subscribed::Gone { .. } => (&[][..], &[][..]),
        };
        ReadyRoom { room, present, typing }
    });
    answer::encode(&Ready {
        r#type: "ready",
        user_id,
        connection_id: engine.new_name(),
        heartbeat_s: setup.heartbeat.as_secs(),
        limits: ReadyLimits {
            frame_bytes: setup.frame_bytes,
            message_bytes: limits.message_bytes,
            metadata_bytes: limits.metadata_bytes,
            attachments: limits.attachments,
            page: limits.page,
            subscribe_rooms: limits.subscribe_rooms,
        },
        room,
    })
}
