//! Many sockets in one thread.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mio::{Events, Poll, Token};

use super::socket::{Socket, Stage};

/// Who connects, from where, to what.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The path of the upgrade.
    pub path: String,
    /// The token that it bears.
    pub token: String,
    /// The address that it comes from; the machine's choice by default.
    pub source: Option<IpAddr>,
}

impl Seat {
    /// The request that opens the socket.
    pub fn upgrade(&self) -> String {
        format!(
            "GET {} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
            self.path, self.token
        )
    }
}

/// Many sockets; what comes on them is handed over with their number.
#[derive(Debug)]
pub struct Sockets {
    poll: Poll,
    events: Events,
    sockets: Vec<Socket>,
    buffer: Vec<u8>,
}

/// One read takes up to this.
const BUFFER_BYTES: usize = 512 * 1024;

impl Sockets {
    /// Connects all of them at once and waits until each is in. Returns how long that took.
    ///
    /// # Errors
    /// If one is refused or ends, or they are not all in after `patience`.
    pub fn open(server: SocketAddr, seats: &[Seat], patience: Duration) -> Result<(Self, Duration)> {
        let mut all = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            sockets: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
        };
        let took = all.add(server, seats, patience, |_, _| {})?;
        Ok((all, took))
    }

    /// Connects more of them, and meanwhile hands over what comes. They are numbered on from those that there are.
    ///
    /// # Errors
    /// If one of them is refused or ends, or they are not all in after `patience`.
    pub fn add(
        &mut self,
        server: SocketAddr,
        seats: &[Seat],
        patience: Duration,
        mut on_text: impl FnMut(usize, &[u8]),
    ) -> Result<Duration> {
        let upgrades: Vec<_> = seats.iter().map(Seat::upgrade).collect();
        let first = self.sockets.len();
        let begun = Instant::now();
        for (n, (seat, upgrade)) in seats.iter().zip(upgrades).enumerate() {
            self.sockets.push(Socket::connect(server, seat.source, upgrade, self.poll.registry(), Token(first + n))?);
        }
        let count = |all: &Self, stage| all.sockets[first..].iter().filter(|socket| socket.stage == stage).count();
        while count(self, Stage::Ready) < seats.len() {
            let ended = count(self, Stage::Ended);
            let refusal =
                self.sockets[first..].iter().find_map(|socket| socket.refusal.as_deref()).unwrap_or("hung up");
            ensure!(ended == 0, "{ended} of {} sockets were refused: {refusal}", seats.len());
            ensure!(begun.elapsed() < patience, "{} of {} sockets are in", count(self, Stage::Ready), seats.len());
            // Counting is dear with many: a few turns between.
            for _ in 0..16 {
                self.turn(Duration::from_millis(1), &mut on_text)?;
            }
        }
        Ok(begun.elapsed())
    }

    /// Ends a socket, and connects another in its place; what comes on it is handed over by the next turns.
    ///
    /// # Errors
    /// If the machine cannot connect.
    pub fn replace(&mut self, n: usize, server: SocketAddr, seat: &Seat) -> Result<()> {
        self.sockets[n] = Socket::connect(server, seat.source, seat.upgrade(), self.poll.registry(), Token(n))?;
        Ok(())
    }

    /// Turns for so long.
    ///
    /// # Errors
    /// If the machine cannot wait.
    pub fn turn_for(&mut self, time: Duration, mut on_text: impl FnMut(usize, &[u8])) -> Result<()> {
        let begun = Instant::now();
        while let Some(left) = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            self.turn(left.min(Duration::from_millis(100)), &mut on_text)?;
        }
        Ok(())
    }

    /// Whether a socket is in.
    pub fn is_in(&self, n: usize) -> bool {
        self.sockets[n].stage == Stage::Ready
    }

    /// How many sockets there are, or were.
    pub const fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there never was one.
    pub const fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// How many have ended.
    pub fn ended(&self) -> usize {
        self.count(Stage::Ended)
    }

    fn count(&self, stage: Stage) -> usize {
        self.sockets.iter().filter(|socket| socket.stage == stage).count()
    }

    /// Waits for news, and hands over every text frame that has come. Returns whether there was any news.
    ///
    /// # Errors
    /// If the machine cannot wait.
    pub fn turn(&mut self, patience: Duration, mut on_text: impl FnMut(usize, &[u8])) -> Result<bool> {
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(false),
            other => other.context("waiting for sockets")?,
        }
        for event in &self.events {
            let n = event.token().0;
            let socket = &mut self.sockets[n];
            if socket.stage == Stage::Ended {
                continue;
            }
            if event.is_writable() {
                socket.flush();
            }
            if event.is_readable() {
                socket.read(&mut self.buffer, |text| on_text(n, text));
            }
        }
        Ok(!self.events.is_empty())
    }

    /// Reads until nothing has come for a while: what joining set off is over.
    ///
    /// # Errors
    /// If the machine cannot wait.
    pub fn settle(&mut self, quiet: Duration) -> Result<()> {
        while self.turn(quiet, |_, _| {})? {}
        Ok(())
    }

    /// Sends what `fill` adds.
    pub fn send(&mut self, n: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let socket = &mut self.sockets[n];
        fill(socket.out());
        socket.flush();
    }
}
