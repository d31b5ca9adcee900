//! The server: one engine over the disk, and a connection for everybody who came.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    Actor, Engine, Error, Options, Result, Timestamp, UserId,
    wire::{CloseCode, Connection, Identity, Setup, TokenVerifier},
};
use tokio::{task::JoinHandle, time::Instant};

use super::{disk::Disk, link::Link};

/// How long a connection that is read again takes to say what waited.
const SETTLES: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) disk: Arc<Disk>,
    options: Options,
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
}

impl Server {
    pub(super) fn new(disk: Arc<Disk>, options: Options, clients: usize) -> Self {
        let lines = (0..clients).map(|_| None).collect();
        let mut server = Self { disk, options, engine: None, lines, half_open: Vec::new(), errands: Vec::new() };
        server.start();
        server
    }

    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Starts the engine over what the disk has.
    pub(super) fn start(&mut self) {
        let disk: Arc<Disk> = Arc::clone(&self.disk);
        self.engine = Some(Engine::open(disk, self.options.clone()));
    }

    /// The process dies.
    pub(super) fn crash(&mut self) {
        self.errands.drain(..).for_each(|errand| errand.abort());
        self.half_open.clear();
        self.lines.iter_mut().for_each(|line| *line = None);
        self.engine = None;
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
        let ends = i64::try_from(token.as_millis()).unwrap_or(i64::MAX);
        let identity = Identity {
            actor: Actor::User(user.clone()),
            name: None,
            avatar: None,
            expires_at: Some(Timestamp::from_millis(self.now().as_millis() + ends)),
        };
        let connection = Connection::open(engine, Arc::new(NoTokens), setup, Some(identity), self.now());
        let now = Instant::now();
        self.lines[client] = Some(Line { connection, link, stalled: now, drained: now });
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
        let (now, wall) = (Instant::now(), self.now());
        for line in self.lines.iter_mut().flatten() {
            line.pump(now, wall);
        }
        self.half_open.retain_mut(|(noticed, line)| {
            line.pump(now, wall);
            now < *noticed
        });
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
    fn pump(&mut self, now: Instant, wall: Timestamp) {
        while self.connection.has_room()
            && let Some(frame) = self.link.arrived_up(now)
        {
            self.connection.receive(&frame);
        }
        self.connection.tick(wall);
        if now < self.stalled {
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut frames = Vec::new();
        while let Poll::Ready(closing) = self.connection.poll_output(&mut context, &mut frames) {
            for frame in frames.drain(..) {
                self.link.send_down(&frame, self.drained);
            }
            if let Some(closing) = closing {
                self.link.close(closing.code.number());
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
