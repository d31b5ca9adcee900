//! The server: one engine over the disk, and a connection for everybody who came.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    Actor, Clock as _, Engine, Error, Options, Result, Timestamp, UserId,
    wire::{CloseCode, Connection, Identity, Output, Setup, TokenVerifier},
};
use tokio::{task::JoinHandle, time::Instant};

use super::{clock::JumpingClock, disk::Disk, faults::Fault, link::Link};

/// How long a connection that is read again takes to say what waited.
const SETTLES: Duration = Duration::from_millis(500);

/// How long a connection that ends may take to answer what was begun.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) disk: Arc<Disk>,
    options: Options,
    clock: Arc<JumpingClock>,
    fault: Option<Fault>,
    /// Nothing while it is down.
    pub(super) engine: Option<Engine>,
    /// The connection of each client, by its number.
    pub(super) lines: Vec<Option<Line>>,
    /// Connections whose wire is cut, which the server has not noticed.
    half_open: Vec<(Instant, Line)>,
    /// What the host does meanwhile.
    errands: Vec<JoinHandle<()>>,
}

/// A connection and its wire.
#[derive(Debug)]
pub(super) struct Line {
    connection: Connection,
    pub(super) link: Link,
    /// Until then the peer does not read.
    stalled: Instant,
    /// Everything that had waited until then was taken.
    drained: Instant,
    /// When its token ends, and since when it is known to have ended.
    ends: Timestamp,
    overdue: Option<Instant>,
    closed: bool,
}

impl Server {
    /// A server with a clock of its own, for so many clients.
    pub(super) fn new(disk: Arc<Disk>, options: Options, clients: usize, fault: Option<Fault>) -> Self {
        let lines = (0..clients).map(|_| None).collect();
        let clock = Arc::new(JumpingClock::default());
        let options = Options { clock: Arc::clone(&clock) as _, ..options };
        let (half_open, errands) = (Vec::new(), Vec::new());
        let mut server = Self { disk, options, clock, fault, engine: None, lines, half_open, errands };
        server.start();
        server
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Somebody sets the machine's clock.
    pub(super) fn set_clock(&self, by: i64) {
        self.clock.jump(by);
    }

    /// Starts the engine over what the disk has.
    pub(super) fn start(&mut self) {
        let disk: Arc<Disk> = Arc::clone(&self.disk);
        self.engine = Some(Engine::open(disk, self.options.clone()));
    }

    /// The process dies.
    pub(super) fn crash(&mut self) {
        self.errands.drain(..).for_each(|errand| errand.abort());
        self.cut_all();
        self.engine = None;
    }

    /// Every wire is cut at once.
    pub(super) fn cut_all(&mut self) {
        self.half_open.clear();
        self.lines.iter_mut().for_each(|line| *line = None);
    }

    /// The process is asked to stop: it tells everybody, and finishes what it took.
    pub(super) async fn stop(&mut self) -> Result<()> {
        for line in self.lines.iter_mut().flatten() {
            line.connection.close(CloseCode::Draining, Some(Duration::from_millis(50)));
        }
        self.pump();
        self.half_open.clear();
        if let Some(engine) = self.engine.take() {
            engine.close().await?;
        }
        for errand in self.errands.drain(..) {
            let _ = errand.await;
        }
        Ok(())
    }

    /// Somebody connects.
    pub(super) fn accept(&mut self, client: usize, user: &UserId, link: Link, token: Duration) {
        let Some(engine) = self.engine.clone() else { return };
        let setup = Setup {
            room: None,
            heartbeat: Duration::from_secs(25),
            frame_bytes: 131_072,
            auth_timeout: Duration::from_secs(10),
        };
        let valid = i64::try_from(token.as_millis()).unwrap_or(i64::MAX);
        let ends = Timestamp::from_millis(self.now().as_millis() + valid);
        let identity = Identity { actor: Actor::User(user.clone()), name: None, avatar: None, expires_at: Some(ends) };
        let connection = Connection::open(engine, Arc::new(NoTokens), setup, Some(identity), self.now());
        let now = Instant::now();
        let (overdue, closed) = (None, false);
        self.lines[client] = Some(Line { connection, link, stalled: now, drained: now, ends, overdue, closed });
    }

    /// The wire of a client breaks; the server notices after a while.
    pub(super) fn cut(&mut self, client: usize, noticed: Duration) {
        if let Some(mut line) = self.lines[client].take() {
            line.link.cut();
            self.half_open.push((Instant::now() + noticed, line));
        }
    }

    /// A client does not read for a while.
    pub(super) fn stall(&mut self, client: usize, pause: Duration) {
        if let Some(line) = &mut self.lines[client] {
            line.stalled = Instant::now() + pause;
        }
    }

    /// Lets the host do something beside everything else.
    pub(super) fn errand(&mut self, errand: impl Future<Output = ()> + Send + 'static) {
        self.errands.retain(|errand| !errand.is_finished());
        self.errands.push(tokio::spawn(errand));
    }

    /// Carries what has come to the connections, and what they say to the links.
    pub(super) fn pump(&mut self) {
        let (now, wall, fault) = (Instant::now(), self.now(), self.fault);
        for line in self.lines.iter_mut().flatten() {
            line.pump(now, wall, fault);
        }
        self.half_open.retain_mut(|(noticed, line)| {
            line.pump(now, wall, fault);
            now < *noticed
        });
    }

    /// A socket does not outlive its token.
    pub(super) fn check(&self) -> Result<(), String> {
        let late = |line: &&Line| !line.closed && line.overdue.is_some_and(|since| since.elapsed() > LAST_WORDS);
        match self.lines.iter().flatten().find(late) {
            None => Ok(()),
            Some(line) => Err(format!("a socket is open whose token ended at {}", line.ends)),
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.engine.is_some()
            && self.half_open.is_empty()
            && self.errands.iter().all(JoinHandle::is_finished)
            && self.lines.iter().flatten().all(|line| line.link.is_empty())
    }

    /// From now on every wire is reliable, and everybody reads.
    pub(super) fn heal(&mut self) {
        for line in self.lines.iter_mut().flatten() {
            line.link.heal();
            line.stalled = Instant::now();
        }
    }
}

impl Line {
    fn pump(&mut self, now: Instant, wall: Timestamp, fault: Option<Fault>) {
        while self.connection.has_room()
            && let Some(frame) = self.link.arrived_up(now)
        {
            self.connection.receive(&frame);
        }
        if fault != Some(Fault::ForgetsTheToken) {
            self.connection.tick(wall);
        }
        if now < self.stalled {
            return;
        }
        if self.overdue.is_some() || wall >= self.ends {
            self.overdue.get_or_insert(now);
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut out = Vec::new();
        while let Poll::Ready(closing) = self.connection.poll_output(&mut context, &mut out) {
            for text in out.iter().flat_map(Output::texts) {
                self.link.send_down(text, self.drained);
            }
            out.clear();
            if let Some(closing) = closing {
                self.link.close(closing.code.number());
                self.closed = true;
                break;
            }
        }
        // What runs alone holds back what is live, so that after a pause it takes a few turns.
        if self.stalled + SETTLES < now {
            self.drained = now;
        }
    }
}

/// Tokens are checked before the connection is opened here.
struct NoTokens;

#[async_trait]
impl TokenVerifier for NoTokens {
    async fn verify(&self, _token: &str) -> Result<Identity> {
        Err(Error::Unauthorized { reason: "there are no tokens here" })
    }
}
