//! What is told: made once, shared by everybody who gets it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::model::{Event, Rev, Seq};

/// An event as it goes out: made once, shared by everybody who gets it.
#[derive(Debug)]
pub struct Frame {
    event: Event,
    json: Bytes,
    /// Those of the JSON, and about what else it takes in memory.
    bytes: usize,
    /// The message that it shows, which not everybody may see.
    about: Option<Seq>,
}

/// Events that are told together, in order: one of any kind, or several changes of one room. So the first says of which
/// room all of them are, and whether they come of its being open.
///
/// Everybody who gets all of them shares this, so that a delivery costs the same whether it is one event or hundreds.
#[derive(Debug)]
pub struct Burst {
    frames: Vec<Arc<Frame>>,
    bytes: usize,
    /// Which changes it tells; `None` where not each of them follows the one before.
    changes: Option<Changes>,
    /// The first message that it shows.
    about: Option<Seq>,
    encoded: OnceLock<Bytes>,
}

/// Changes that follow each other.
#[derive(Clone, Copy, Debug)]
enum Changes {
    Nothing,
    /// From the first to the last; `after` is the change before them.
    Row {
        after: Rev,
        first: Rev,
        last: Rev,
    },
}

impl Frame {
    pub(super) fn new(event: Event, about: Option<Seq>) -> Arc<Self> {
        let mut json = Vec::with_capacity(512);
        let written = serde_json::to_writer(&mut json, &event);
        debug_assert!(written.is_ok(), "an event is plain data");
        let bytes = json.len() + event.held();
        Arc::new(Self { event, json: json.into(), bytes, about })
    }

    /// About how many bytes it takes while it waits.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The event.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// The event as the wire shows it: JSON, encoded once for all receivers.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }

    /// Whether it is about a message before `visible_from`.
    pub(super) fn is_hidden(&self, visible_from: Seq) -> bool {
        self.about.is_some_and(|seq| seq < visible_from)
    }

    /// The same news for somebody who may not see the message that it is about.
    pub(super) fn without_what(self: &Arc<Self>) -> Arc<Self> {
        let mut event = self.event.clone();
        match &mut event {
            Event::MessageRead { message_id, .. } | Event::MessageDelivered { message_id, .. } => *message_id = None,
            _ => match event.position() {
                Some(at) => event = Event::Advance { at: *at },
                None => return Arc::clone(self),
            },
        }
        Self::new(event, None)
    }
}

impl Burst {
    /// One event that everybody may know who is told.
    pub fn one(event: Event) -> Arc<Self> {
        Self::of(vec![Frame::new(event, None)])
    }

    /// Several: changes of one room, in order.
    pub(super) fn of(frames: Vec<Arc<Frame>>) -> Arc<Self> {
        debug_assert!(
            frames.len() == 1
                || !frames.is_empty()
                    && frames.iter().all(|frame| frame.event.position().map(|at| at.room) == frames[0].event.room()),
            "several are changes of one room"
        );
        let mut changes = Some(Changes::Nothing);
        for position in frames.iter().filter_map(|frame| frame.event.position()) {
            changes = changes.and_then(|changes| changes.then(position.follows(), position.rev));
        }
        Arc::new(Self {
            bytes: frames.iter().map(|frame| frame.bytes).sum(),
            about: frames.iter().filter_map(|frame| frame.about).min(),
            changes,
            frames,
            encoded: OnceLock::new(),
        })
    }

    /// Its events.
    pub fn frames(&self) -> &[Arc<Frame>] {
        &self.frames
    }

    /// All of it in the form in which chat-ws sends it, which `encode` makes for the first who asks. Whoever carries
    /// connections otherwise makes their own of [`Burst::frames`]: there is one place here, and the bytes are trusted.
    #[doc(hidden)]
    pub fn encoded(&self, encode: impl FnOnce(&[Arc<Frame>]) -> Bytes) -> &Bytes {
        self.encoded.get_or_init(|| encode(&self.frames))
    }

    /// About how many bytes it takes while it waits. Encoded it is there once more, for all who have it.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where somebody is after it who stood at change `at`, and may see messages from `visible_from` on; `None` unless
    /// all of it is for them.
    pub(super) fn leads(&self, at: Rev, visible_from: Seq) -> Option<Rev> {
        if self.about.is_some_and(|seq| seq < visible_from) {
            return None;
        }
        match self.changes? {
            Changes::Nothing => Some(at),
            Changes::Row { after, first, last } => (after <= at && at < first).then_some(last),
        }
    }
}

impl Changes {
    /// With one more; `None` if that does not follow.
    fn then(self, follows: Rev, rev: Rev) -> Option<Self> {
        match self {
            Self::Nothing => Some(Self::Row { after: follows, first: rev, last: rev }),
            Self::Row { after, first, last } => {
                (follows <= last && last < rev).then_some(Self::Row { after, first, last: rev })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cursor, Position, RoomId};

    fn change(prev: Option<Rev>, rev: Rev, about: Option<Seq>) -> Arc<Frame> {
        let at =
            Position { room: RoomId::from_bytes([1; 16]), rev, prev, cursor: Cursor { epoch: 1, rev, chain: rev } };
        Frame::new(Event::Advance { at }, about)
    }

    #[test]
    fn a_burst_is_for_whom_it_goes_on_for_and_who_may_see_all_of_it() {
        let burst = Burst::of(vec![change(None, 5, Some(3)), change(None, 6, None), change(None, 7, Some(4))]);
        assert_eq!(burst.leads(4, 1), Some(7));
        assert_eq!(burst.leads(4, 3), Some(7));
        assert_eq!(burst.leads(4, 4), None, "the first is about a message that they may not see");
        assert_eq!(burst.leads(3, 1), None, "something is missing");
        assert_eq!(burst.leads(5, 1), None, "they have the first");
    }

    #[test]
    fn changes_that_do_not_follow_each_other_are_looked_at_one_by_one() {
        assert_eq!(Burst::of(vec![change(None, 5, None), change(None, 7, None)]).leads(4, 1), None);
        assert_eq!(Burst::of(vec![change(None, 5, None), change(Some(5), 7, None)]).leads(4, 1), Some(7));
        assert_eq!(Burst::of(vec![change(None, 5, None), change(None, 5, None)]).leads(4, 1), None);
    }

    #[test]
    fn what_is_no_change_is_for_everybody() {
        let burst = Burst::one(Event::RoomRemoved { room: RoomId::from_bytes([1; 16]) });
        assert_eq!(burst.leads(9, 100), Some(9));
    }

    #[test]
    fn it_is_encoded_once() {
        let burst = Burst::of(vec![change(None, 5, None)]);
        assert_eq!(burst.encoded(|frames| frames[0].json().clone()), burst.frames()[0].json());
        assert_eq!(burst.encoded(|_| unreachable!("it was done")), burst.frames()[0].json());
    }
}
