//! One client: its link below, the protocol without sockets above, and the clock beside them.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use chat_core::{
    Timestamp,
    wire::{CloseCode, Closing, Connection, Output},
};
use futures_util::future::poll_fn;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    lifecycle::Stop,
    link::{Broken, Incoming, Link},
    metrics::End,
    server::Shared,
    slots::Slot,
};

/// Frames that are taken from one peer before others have their turn.
const READS: usize = 64;

/// Who is told to come back, comes back within so long; spread, so that not all come at once.
const COME_BACK: Duration = Duration::from_secs(3);

/// A client's connection, with everything that it has claimed.
pub(crate) struct Driver<L> {
    link: L,
    connection: Connection,
    shared: Arc<Shared>,
    slot: Slot,
    stop: Stop,
    out: Vec<Output>,
    /// When the peer last gave a sign of life, when it was first asked for one since, and when it was last asked.
    heard: Instant,
    asked: Option<Instant>,
    pinged: Instant,
    /// The connection's own deadline, as the timer has it.
    deadline: Option<Timestamp>,
    draining: bool,
    turned_away: bool,
    /// How it ends once what was ready is sent.
    ending: Option<Ending>,
}

/// What is to be done next.
enum Next {
    /// Send what is in `out`, and then end if it says so.
    Send(Option<Closing>),
    Ping,
    End(Ending),
}

/// How it ends.
enum Ending {
    /// Say so with this code.
    Say(CloseCode),
    /// The peer was silent.
    Idle,
    /// The peer broke the rules of its link; the code says how.
    Violation(u16),
    /// There is nobody to say anything to.
    Gone(End),
}

/// How far reading went.
enum Read {
    /// There is nothing more at the moment.
    Pending,
    /// The connection takes no more at the moment.
    Full,
    /// Others have their turn.
    Enough,
    End(Ending),
}

impl<L: Link> Driver<L> {
    /// A connection whose link is open; `first` is what it has to say already.
    pub(crate) fn new(
        link: L,
        connection: Connection,
        first: Vec<Output>,
        shared: Arc<Shared>,
        slot: Slot,
        stop: Stop,
    ) -> Self {
        let now = Instant::now();
        let deadline = connection.deadline();
        Self {
            link,
            connection,
            shared,
            slot,
            stop,
            out: first,
            heard: now,
            asked: None,
            pinged: now,
            deadline,
            draining: false,
            turned_away: false,
            ending: None,
        }
    }

    /// Serves it to its end.
    pub(crate) async fn run(mut self) {
        self.shared.metrics.sockets_opened.add(1);
        let ending = self.talk().await;
        // Others need not see it any longer; what is left is good manners.
        drop(self.connection);
        let (link, shared, mut stop) = (self.link, self.shared, self.stop);
        let (how, goodbye): (_, Pin<Box<dyn Future<Output = ()> + Send>>) = match ending {
            Ending::Say(code) => (End::Ours(code), Box::pin(link.close(code.number(), code.reason()))),
            Ending::Idle => (End::Idle, Box::pin(link.close(1001, "idle"))),
            Ending::Violation(code) => (End::Violation, Box::pin(link.fail(code))),
            Ending::Gone(how) => {
                if how != End::Peer {
                    link.cut();
                }
                (how, Box::pin(std::future::ready(())))
            }
        };
        shared.metrics.ended(how);
        tracing::debug!(?how, "socket ended");
        tokio::select! {
            () = goodbye => {}
            () = stop.over() => {}
        }
        drop(self.slot);
    }

    async fn talk(&mut self) -> Ending {
        let mut stop = self.stop.clone();
        let mut draining = pin!(stop.draining());
        let mut timer = pin!(sleep_until(self.due()));
        loop {
            let sent = match poll_fn(|cx| self.poll_next(cx, draining.as_mut(), timer.as_mut())).await {
                Next::Send(closing) => match (self.send().await, closing) {
                    (Ok(()), Some(closing)) => return Ending::Say(closing.code),
                    (sent, _) => sent,
                },
                Next::Ping => self.ping().await,
                Next::End(ending) => return ending,
            };
            if let Err(ending) = sent {
                return ending;
            }
        }
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        draining: Pin<&mut impl Future<Output = ()>>,
        mut timer: Pin<&mut Sleep>,
    ) -> Poll<Next> {
        if let Some(ending) = self.ending.take() {
            return Poll::Ready(Next::End(ending));
        }
        if !self.draining && draining.poll(cx).is_ready() {
            self.draining = true;
            self.connection.close(CloseCode::Draining, Some(self.come_back()));
        }
        // Before all else: a busy connection must not outlive its token either.
        if self.deadline != self.connection.deadline() {
            self.deadline = self.connection.deadline();
            timer.as_mut().reset(self.due());
        }
        while timer.as_mut().poll(cx).is_ready() {
            let next = self.on_time(cx);
            self.deadline = self.connection.deadline();
            timer.as_mut().reset(self.due());
            if let Some(next) = next {
                return Poll::Ready(next);
            }
        }
        loop {
            let read = self.poll_reads(cx);
            let closing = self.connection.poll_output(cx, &mut self.out);
            if self.is_one_too_many() {
                self.connection.close(CloseCode::TooManyConnections, None);
                continue;
            }
            match (read, closing) {
                (Read::End(ending), Poll::Ready(closing)) => {
                    // What the link says of its end it says once.
                    self.ending = Some(ending);
                    return Poll::Ready(Next::Send(closing));
                }
                (_, Poll::Ready(closing)) => return Poll::Ready(Next::Send(closing)),
                (Read::End(ending), _) => return Poll::Ready(Next::End(ending)),
                _ if !self.out.is_empty() => return Poll::Ready(Next::Send(None)),
                (Read::Full, _) if self.connection.has_room() => {}
                (Read::Enough, _) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                _ => return Poll::Pending,
            }
        }
    }

    /// Takes what the peer sent.
    fn poll_reads(&mut self, cx: &mut Context<'_>) -> Read {
        let (mut frames, mut bytes) = (0, 0);
        let mut read = Read::Enough;
        for _ in 0..READS {
            if !self.connection.has_room() {
                read = Read::Full;
                break;
            }
            match self.link.poll_read(cx) {
                Poll::Pending => {
                    read = Read::Pending;
                    break;
                }
                Poll::Ready(Incoming::Text(text)) => {
                    frames += 1;
                    bytes += text.len() as u64;
                    self.connection.receive(&text);
                }
                Poll::Ready(Incoming::Binary(data)) => {
                    frames += 1;
                    bytes += data.len() as u64;
                    self.connection.receive_binary();
                }
                Poll::Ready(Incoming::Alive) => {}
                Poll::Ready(Incoming::Gone) => return Read::End(Ending::Gone(End::Peer)),
                Poll::Ready(Incoming::Violation(code)) => return Read::End(Ending::Violation(code)),
            }
            (self.heard, self.asked) = (Instant::now(), None);
        }
        if frames > 0 {
            self.shared.metrics.frames_in.add(frames);
            self.shared.metrics.bytes_in.add(bytes);
        }
        read
    }

    /// Counts the socket as its user's, once that is known; says once if they have too many already.
    fn is_one_too_many(&mut self) -> bool {
        if self.slot.has_user() || self.turned_away {
            return false;
        }
        self.turned_away = self.connection.user().is_some_and(|user| !self.slot.claim_user(user));
        self.turned_away
    }

    /// The time has come for something.
    fn on_time(&mut self, cx: &mut Context<'_>) -> Option<Next> {
        self.connection.tick(self.shared.now());
        if self.is_silent() {
            // Signs of life may wait here: this may not have run for a while.
            if let Read::End(ending) = self.poll_reads(cx) {
                return Some(Next::End(ending));
            }
        }
        if self.is_silent() {
            return Some(Next::End(Ending::Idle));
        }
        let now = Instant::now();
        if now >= self.pinged + self.shared.settings.limits.ping_every {
            self.pinged = now;
            self.asked.get_or_insert(now);
            return Some(Next::Ping);
        }
        None
    }

    fn is_silent(&self) -> bool {
        self.silent_at().is_some_and(|at| at <= Instant::now())
    }

    /// When the peer has been silent for too long; not before it is asked. Who is asked late, because nothing ran here
    /// for a while, has as long to answer as who is asked in time.
    fn silent_at(&self) -> Option<Instant> {
        let limits = &self.shared.settings.limits;
        let answer = limits.idle_timeout - limits.ping_every;
        self.asked.map(|asked| (asked + answer).max(self.heard + limits.idle_timeout))
    }

    /// When the time comes for something.
    fn due(&self) -> Instant {
        let limits = &self.shared.settings.limits;
        let ping = self.pinged + limits.ping_every;
        let alive = self.silent_at().map_or(ping, |silent| ping.min(silent));
        match self.deadline {
            Some(deadline) => {
                let left = deadline.as_millis().saturating_sub(self.shared.now().as_millis());
                // A little late rather than too early, which would only have to wait again.
                let left = Duration::from_millis(u64::try_from(left).unwrap_or(0).saturating_add(1));
                Instant::now().checked_add(left).map_or(alive, |deadline| alive.min(deadline))
            }
            None => alive,
        }
    }

    async fn send(&mut self) -> Result<(), Ending> {
        self.shared.metrics.sent(&self.out);
        let patience = self.shared.settings.limits.write_timeout;
        let sent = tokio::select! {
            biased;
            sent = self.link.send(&self.out, patience) => sent.map_err(broken),
            () = self.stop.over() => Err(Ending::Gone(End::Cut)),
        };
        // A burst must not make the connection large for good.
        if self.out.capacity() > 8 {
            self.out = Vec::new();
        }
        self.out.clear();
        self.shared.metrics.bytes_out.add(sent?);
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Ending> {
        let patience = self.shared.settings.limits.write_timeout;
        tokio::select! {
            biased;
            sent = self.link.ping(patience) => sent.map(drop).map_err(broken),
            () = self.stop.over() => Err(Ending::Gone(End::Cut)),
        }
    }

    /// When the peer is to come back.
    fn come_back(&self) -> Duration {
        let mut chance = [0; 2];
        self.shared.engine.options().random.fill(&mut chance);
        COME_BACK.mul_f64(f64::from(u16::from_le_bytes(chance)) / f64::from(u16::MAX))
    }
}

const fn broken(broken: Broken) -> Ending {
    Ending::Gone(match broken {
        Broken::Gone => End::Peer,
        Broken::Stuck => End::Stuck,
    })
}
