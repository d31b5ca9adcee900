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
        let poll = Poll::new()?;
        let upgrades: Vec<_> = seats.iter().map(upgrade).collect();
        let begun = Instant::now();
        let mut sockets = Vec::with_capacity(seats.len());
        for (n, (seat, upgrade)) in seats.iter().zip(upgrades).enumerate() {
            sockets.push(Socket::connect(server, seat.source, upgrade, poll.registry(), Token(n))?);
        }
        let mut all = Self { poll, events: Events::with_capacity(4096), sockets, buffer: vec![0; BUFFER_BYTES] };
        while all.count(Stage::Ready) < seats.len() {
            let ended = all.count(Stage::Ended);
            let refusal = all.sockets.iter().find_map(|socket| socket.refusal.as_deref()).unwrap_or("hung up");
            ensure!(ended == 0, "{ended} of {} sockets were refused: {refusal}", seats.len());
            ensure!(begun.elapsed() < patience, "{} of {} sockets are in", all.count(Stage::Ready), seats.len());
            // Counting is dear with many: a few turns between.
            for _ in 0..16 {
                all.turn(Duration::from_millis(1), |_, _| {})?;
            }
        }
        Ok((all, begun.elapsed()))
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

fn upgrade(seat: &Seat) -> String {
    format!(
        "GET {} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        seat.path, seat.token
    )
}
