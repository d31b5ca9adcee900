//! Time and chance are inputs: the engine asks these two for everything that would differ from run to run.

use std::{fmt, sync::Mutex};

use crate::model::{MessageId, RoomId, Timestamp};

/// Tells the time of day. It may jump; the engine never lets a room's time run backwards.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Gives UUIDv7 ids in ascending order, also when the clock stands still or goes back.
///
/// The engine has one; who writes rows past it, such as an import of another chat's history, makes one of their own.
#[derive(Debug)]
pub struct Ids {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The last millisecond that an id bears, and how many bear it.
    last: (u64, u16),
    /// Random bytes, drawn for several ids at once: each draw is a call of the operating system.
    random: [u8; 256],
    used: usize,
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

impl Ids {
    /// Its first id bears whatever time it is made for.
    pub const fn new() -> Self {
        Self { state: Mutex::new(State { last: (0, 0), random: [0; 256], used: 256 }) }
    }

    /// The id of a message of this time, or of a later one if a later one was given before.
    pub fn message(&self, now: Timestamp, random: &dyn Random) -> MessageId {
        MessageId::from_bytes(self.next(now, random))
    }

    /// The same for a room.
    pub fn room(&self, now: Timestamp, random: &dyn Random) -> RoomId {
        RoomId::from_bytes(self.next(now, random))
    }

    /// From now on ids come after `last`, whatever the clock says.
    pub fn go_on_after(&self, last: MessageId) {
        let [a, b, c, d, e, f, high, low, ..] = *last.as_bytes();
        let ms = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.last = state.last.max((ms, u16::from_be_bytes([high, low]) & 0xfff));
    }

    fn next(&self, now: Timestamp, random: &dyn Random) -> [u8; 16] {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (ms, counter) = state.time(now);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | counter).to_be_bytes());
        bytes[8..].copy_from_slice(&state.random(random));
        bytes[8] = bytes[8] & 0x3f | 0x80;
        bytes
    }
}

impl State {
    /// RFC 9562, method 1 of section 6.2: the 12 bits after the time are a counter within the millisecond.
    fn time(&mut self, now: Timestamp) -> (u64, u16) {
        let now = now.as_millis().unsigned_abs();
        self.last = match self.last {
            (ms, _) if now > ms => (now, 0),
            (ms, 0xfff) => (ms + 1, 0),
            (ms, counter) => (ms, counter + 1),
        };
        self.last
    }

    fn random(&mut self, random: &dyn Random) -> [u8; 8] {
        if self.used == self.random.len() {
            random.fill(&mut self.random);
            self.used = 0;
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.random[self.used..self.used + 8]);
        self.used += 8;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemRandom;

    #[test]
    fn ids_ascend_even_when_the_clock_goes_back() {
        let ids = Ids::new();
        let at = |ms| ids.message(Timestamp::from_millis(ms), &SystemRandom);
        let made: Vec<_> = std::iter::repeat_n(5_000, 10_000).chain([4_000, 9_000]).map(at).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        let random: std::collections::BTreeSet<_> = made.iter().map(|id| id.as_bytes()[8..].to_vec()).collect();
        assert_eq!(random.len(), made.len(), "each has random bytes of its own");
        let again = Ids::new();
        again.go_on_after(made[9_999]);
        let next = again.message(Timestamp::from_millis(4_000), &SystemRandom);
        assert!(made[9_999] < next, "another one goes on after the last one");
        let text = made[0].to_string();
        assert_eq!(&text[14..15], "7");
    }
}
