//! The way between a client and the server: in order and late, until it is cut.
//!
//! A WebSocket keeps order, so a link does. Over an unreliable bus the live events of a room may also be lost, doubled
//! or late: that stands for what lies between a node that publishes and a node that holds the socket.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::dice::Dice;

/// Frames under way.
#[derive(Debug)]
pub(super) struct Link {
    dice: Dice,
    /// The longest that a frame is under way, in milliseconds.
    latency: u64,
    bus: bool,
    up: VecDeque<(Instant, String)>,
    down: BTreeMap<(Instant, u64), Down>,
    last_up: Instant,
    last_down: Instant,
    count: u64,
}

/// What comes to the client.
#[derive(Debug)]
pub(super) enum Down {
    /// A frame, and since when the server may have had it.
    Frame { bytes: Vec<u8>, since: Instant },
    /// The end of the connection.
    Close(u16),
}

impl Link {
    pub(super) fn new(dice: Dice, latency: u64, bus: bool) -> Self {
        let now = Instant::now();
        Self { dice, latency, bus, up: VecDeque::new(), down: BTreeMap::new(), last_up: now, last_down: now, count: 0 }
    }

    /// From now on it only delays.
    pub(super) fn heal(&mut self) {
        self.bus = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.dice.between(0, self.latency))
    }

    pub(super) fn send_up(&mut self, frame: String) {
        self.last_up = self.last_up.max(Instant::now() + self.delay());
        self.up.push_back((self.last_up, frame));
    }

    pub(super) fn send_down(&mut self, bytes: &[u8], since: Instant) {
        let due = self.last_down.max(Instant::now() + self.delay());
        if self.bus && of_the_bus(bytes) {
            match self.dice.below(20) {
                0 => return,
                1 => self.put(due + Duration::from_millis(self.dice.between(1, 200)), bytes, since),
                2 | 3 => {
                    let late = due + Duration::from_millis(self.dice.between(1, 200));
                    return self.put(late, bytes, since);
                }
                _ => {}
            }
        }
        self.last_down = due;
        self.put(due, bytes, since);
    }

    fn put(&mut self, due: Instant, bytes: &[u8], since: Instant) {
        self.count += 1;
        self.down.insert((due, self.count), Down::Frame { bytes: bytes.to_vec(), since });
    }

    /// The server closes.
    pub(super) fn close(&mut self, code: u16) {
        self.count += 1;
        self.down.insert((self.last_down, self.count), Down::Close(code));
    }

    /// The next frame that has come to the server.
    pub(super) fn arrived_up(&mut self, now: Instant) -> Option<String> {
        self.up.front().is_some_and(|(due, _)| *due <= now).then(|| self.up.pop_front()).flatten().map(|(_, f)| f)
    }

    /// The next that has come to the client.
    pub(super) fn arrived_down(&mut self, now: Instant) -> Option<Down> {
        let first = self.down.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }

    /// The wire breaks: what is on its way to the client is lost, and of what is on its way to the server a random
    /// rest.
    pub(super) fn cut(&mut self) {
        self.down.clear();
        let arrives = self.dice.below(self.up.len() as u64 + 1);
        self.up.truncate(usize::try_from(arrives).unwrap_or(0));
    }
}

/// Whether a frame comes over the bus: what everybody in a room is told, and what heals when it is lost.
fn of_the_bus(frame: &[u8]) -> bool {
    const OF_THE_BUS: [&str; 11] = [
        "chat_message",
        "message_edited",
        "message_deleted",
        "participant_added",
        "participant_updated",
        "participant_removed",
        "room_updated",
        "advance",
        "message_read",
        "message_delivered",
        "typing",
    ];
    let name = frame.strip_prefix(br#"{"type":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    name.is_some_and(|name| OF_THE_BUS.iter().any(|of| of.as_bytes() == name))
}
