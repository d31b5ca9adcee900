//! What a client wants to say: in order, until it is acknowledged.

use std::collections::VecDeque;

use chat_core::{RoomId, Seq};

/// A message on its way.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its number among this client's; with the client's name it names the operation.
    pub(super) number: u64,
    pub(super) room: RoomId,
    pub(super) text: String,
    pub(super) explicit_read: Option<Seq>,
    sent: bool,
}

/// A message that was acknowledged.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) number: u64,
    pub(super) room: RoomId,
    pub(super) text: String,
    pub(super) seq: Seq,
    /// The connection that it was posted over; nothing if that was an earlier one.
    pub(super) first_on: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Entry>,
    written: u64,
    pub(super) acknowledged: Vec<Acknowledged>,
}

impl Outbox {
    /// Puts a new message in; every text is said once.
    pub(super) fn write(&mut self, who: &str, room: RoomId, explicit_read: Option<Seq>) {
        self.written += 1;
        let number = self.written;
        let text = format!("{who} {number}");
        self.waiting.push_back(Entry { number, room, text, explicit_read, sent: false });
    }

    /// The next that may be sent now; at most `under_way` go without an answer. `last_first` is a mistake.
    pub(super) fn next(&mut self, under_way: usize, last_first: bool) -> Option<&Entry> {
        let mut waiting = self.waiting.iter_mut().take(under_way).filter(|entry| !entry.sent);
        let next = if last_first { waiting.next_back() } else { waiting.next() }?;
        next.sent = true;
        Some(next)
    }

    /// The connection is new: what has no answer goes again.
    pub(super) fn again(&mut self) {
        self.waiting.iter_mut().for_each(|entry| entry.sent = false);
    }

    /// It is stored as message `seq`.
    pub(super) fn acknowledge(&mut self, number: u64, seq: Seq, first_on: Option<u64>) {
        if let Some(Entry { number, room, text, .. }) = self.drop(number) {
            self.acknowledged.push(Acknowledged { number, room, text, seq, first_on });
        }
    }

    /// It will never be.
    pub(super) fn drop(&mut self, number: u64) -> Option<Entry> {
        let place = self.waiting.iter().position(|entry| entry.number == number)?;
        self.waiting.remove(place)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
