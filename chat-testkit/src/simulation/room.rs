//! A room as a client follows it: what it has stored, the gate in front, and what it wants to ask.

use chat_core::{Cursor, Event, Gate, MessageType, MyRoom, Opened, Replica, Rev, Seq, Snapshot, Step, Sync, UserId};

use super::faults::Fault;

/// What a client that starts again still has: the picture of a room and the position that it shows.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) replica: Replica,
    pub(super) cursor: Cursor,
    /// The first message that a snapshot brought: from here on nothing may be missing.
    pub(super) from: Seq,
    /// The last change that was really applied: only the checks look at it.
    applied: Rev,
}

/// How many messages are shown as not read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    pub(super) count: u64,
    /// Changes up to here are in the count.
    as_of: Rev,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) kept: Option<Kept>,
    gate: Option<Gate<Event>>,
    pub(super) unread: Unread,
    pub(super) typing: Vec<UserId>,
    pub(super) present: Vec<UserId>,
    /// An answer to `subscribe` is on its way.
    pub(super) subscribing: bool,
    pub(super) wants_subscribe: bool,
    /// An answer to `get_room` is on its way.
    pub(super) counting: bool,
    pub(super) wants_count: bool,
    /// What is applied came as it happened, not from storage.
    live: bool,
    /// The server said that it is no longer theirs.
    pub(super) gone: bool,
}

impl Followed {
    /// Starts again from what is kept.
    pub(super) fn restart(&mut self) {
        self.gate = self.kept.as_ref().map(|kept| Gate::new(kept.cursor));
        (self.subscribing, self.wants_subscribe) = (false, false);
        (self.counting, self.wants_count) = (false, false);
        self.typing.clear();
        self.present.clear();
    }

    /// The position to go on from.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.gate.as_ref().map(Gate::cursor)
    }

    /// It is no longer theirs: nothing of it stays.
    pub(super) fn forget(&mut self) {
        *self = Self { gone: true, subscribing: self.subscribing, counting: self.counting, ..Self::default() };
    }

    /// Whether nothing is to be asked or awaited.
    pub(super) fn is_quiet(&self) -> bool {
        !(self.subscribing || self.wants_subscribe || self.counting || self.wants_count)
    }

    /// An event has come in and will be applied a little later.
    pub(super) fn arrived(&mut self, event: &Event, fault: Option<Fault>) {
        if let (Some(Fault::CursorBeforeApplying), Some(at), Some(kept)) = (fault, event.position(), &mut self.kept)
            && at.rev > kept.cursor.rev
        {
            kept.cursor = at.cursor;
        }
    }

    /// Takes an event of the room.
    pub(super) fn take(&mut self, event: Event, me: &UserId, fault: Option<Fault>) -> Result<(), String> {
        match event {
            Event::RoomAdded { .. } => (self.gone, self.wants_subscribe) = (false, true),
            Event::RoomRemoved { .. } if fault == Some(Fault::KeepsTheRoom) => {}
            Event::RoomRemoved { .. } => self.forget(),
            Event::Resync { .. } if fault == Some(Fault::IgnoresResync) => {}
            Event::Resync { .. } => self.wants_subscribe = self.kept.is_some(),
            Event::Typing { typing, .. } if typing.is_empty() && fault == Some(Fault::KeepsThemTyping) => {}
            Event::Typing { typing, .. } => self.typing = typing,
            Event::UserJoined { present, .. } | Event::UserLeft { present, .. } => self.present = present,
            Event::Marker { unread_count, .. } => {
                // It does not say which changes it knows of: show it, and ask.
                self.unread.count = unread_count;
                self.wants_count = self.kept.is_some();
            }
            Event::MessageRead { .. } | Event::MessageDelivered { .. } => {
                if let Some(kept) = &mut self.kept {
                    kept.replica.reduce(&event);
                }
            }
            event if event.position().is_some() => return self.offer(event, me, fault),
            _ => {}
        }
        Ok(())
    }

    fn offer(&mut self, event: Event, me: &UserId, fault: Option<Fault>) -> Result<(), String> {
        let (Some(gate), Some(at)) = (&mut self.gate, event.position().copied()) else { return Ok(()) };
        if fault == Some(Fault::NoGate) {
            gate.reached(at.cursor);
            return self.apply(&event, me, fault);
        }
        match gate.offer(&at, event) {
            Step::Deliver(events) => return events.iter().try_for_each(|event| self.apply(event, me, fault)),
            Step::Known => {}
            Step::Missing => self.wants_subscribe |= !self.subscribing,
            Step::Reset => {
                self.gate = None;
                self.wants_subscribe = true;
            }
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event, me: &UserId, fault: Option<Fault>) -> Result<(), String> {
        let (Some(kept), Some(at)) = (&mut self.kept, event.position()) else { return Ok(()) };
        if at.rev <= kept.applied {
            return Err(format!("change {} was applied at {}: a second time, or back", at.rev, kept.applied));
        }
        let before = receipts_of(&kept.replica, event);
        kept.replica.reduce(event);
        if fault == Some(Fault::BelievesOldReceipts)
            && let Event::ParticipantUpdated { participant, .. } = event
        {
            kept.replica.participants.insert(participant.user_id.clone(), participant.clone());
        }
        let after = receipts_of(&kept.replica, event);
        // While catching up they may: the markers that come in the same answer put them right.
        if self.live
            && let (Some(before), Some(after)) = (before, after)
            && (after.0 < before.0 || after.1 < before.1)
        {
            return Err(format!("receipts went back from {before:?} to {after:?} with {event:?}"));
        }
        kept.applied = at.rev;
        if at.rev > kept.cursor.rev {
            kept.cursor = at.cursor;
        }
        self.count(event, me, fault);
        Ok(())
    }

    /// What a live event does to the number that is shown as not read.
    fn count(&mut self, event: &Event, me: &UserId, fault: Option<Fault>) {
        if event.position().is_none_or(|at| at.rev <= self.unread.as_of) {
            return;
        }
        match event {
            Event::ChatMessage { .. } if fault == Some(Fault::CountsItsOwn) => self.unread.count += 1,
            Event::ChatMessage { message, read_seq: None, .. } if message.sender.as_ref() == Some(me) => {
                self.unread.count = 0;
            }
            Event::ChatMessage { message, .. } if message.sender.as_ref() == Some(me) => {}
            Event::ChatMessage { message, .. } if message.message_type != MessageType::System => self.unread.count += 1,
            Event::MessageDeleted { .. } => self.wants_count = true,
            _ => {}
        }
    }

    /// Takes the answer to `subscribe`.
    pub(super) fn opened(&mut self, opened: Opened, me: &UserId, fault: Option<Fault>) -> Result<(), String> {
        let Opened { sync, markers, present, typing, cursor, .. } = opened;
        (self.present, self.typing, self.gone, self.live) = (present, typing, false, false);
        match sync {
            Sync::Snapshot { snapshot } => self.begin(*snapshot, cursor, fault),
            Sync::Same { .. } => self.wants_count = true,
            Sync::Changes { changes, more } => {
                self.wants_count = true;
                self.wants_subscribe |= more && fault != Some(Fault::IgnoresMore);
                for event in changes {
                    let missing = self.wants_subscribe;
                    self.offer(event, me, fault)?;
                    if self.wants_subscribe != missing {
                        return Err("catching up left a hole before one of its changes".to_owned());
                    }
                }
            }
        }
        if let Some(kept) = &mut self.kept {
            kept.replica.set_markers(&markers);
        }
        self.live = true;
        let Some(gate) = &mut self.gate else { return Ok(()) };
        let waited = gate.reached(cursor);
        self.wants_subscribe |= gate.has_gap();
        if let Some(kept) = &mut self.kept {
            kept.applied = kept.applied.max(cursor.rev);
            if cursor.rev > kept.cursor.rev {
                kept.cursor = cursor;
            }
        }
        waited.iter().try_for_each(|event| self.apply(event, me, fault))
    }

    /// Begins anew from a snapshot.
    fn begin(&mut self, snapshot: Snapshot, cursor: Cursor, fault: Option<Fault>) {
        self.counted(&snapshot.room);
        let from = snapshot.messages.first().map_or(snapshot.room.last_seq + 1, |first| first.seq);
        self.gate = Some(Gate::new(cursor));
        let mut replica = Replica::new(snapshot);
        if let (Some(Fault::KeepsWhatItHad), Some(kept)) = (fault, self.kept.take()) {
            for (seq, message) in kept.replica.messages {
                replica.messages.entry(seq).or_insert(message);
            }
        }
        self.kept = Some(Kept { replica, cursor, from, applied: cursor.rev });
    }

    /// Takes the answer to `get_room`.
    pub(super) fn counted(&mut self, room: &MyRoom) {
        self.unread = Unread { count: room.unread_count, as_of: room.cursor.rev };
        // What was applied meanwhile is counted twice or not at all: ask again.
        self.wants_count |= self.kept.as_ref().is_some_and(|kept| kept.applied > room.cursor.rev);
    }
}

/// How far somebody whose membership an event is about has read and received.
fn receipts_of(replica: &Replica, event: &Event) -> Option<(Seq, Seq)> {
    let (Event::ParticipantAdded { participant, .. } | Event::ParticipantUpdated { participant, .. }) = event else {
        return None;
    };
    replica.participants.get(&participant.user_id).map(|shown| (shown.read_seq, shown.delivered_seq))
}
