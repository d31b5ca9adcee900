//! A client as an application would write it.

use std::collections::{BTreeMap, VecDeque};

use chat_core::{Event, MessageId, MyRoom, Page, RoomId, Sent, Subscribed, UserId};
use serde_json::{Value, json};

use super::{
    dice::Dice,
    faults::Fault,
    frame::Frame,
    log::Log,
    outbox::{Acknowledged, Outbox},
    room::Followed,
    trace::Trace,
};

/// How many sends may be without an answer.
const UNDER_WAY: usize = 4;

/// One person's client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) user: UserId,
    pub(super) rooms: BTreeMap<RoomId, Followed>,
    pub(super) outbox: Outbox,
    /// What it was told is deleted.
    pub(super) deleted: Vec<MessageId>,
    pub(super) dice: Dice,
    fault: Option<Fault>,
    trace: Trace,
    /// `ready` has come.
    pub(super) online: bool,
    /// Frames that have come and are not processed.
    inbox: VecDeque<Frame>,
    /// Frames to be sent.
    out: Vec<String>,
    asked: BTreeMap<u64, Asked>,
    questions: u64,
    /// It wants to end this connection and make a new one.
    pub(super) hang_up: bool,
    /// How many connections there were.
    connections: u64,
}

/// What an answer is awaited to.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Rooms,
    Subscribe(RoomId),
    Count(RoomId),
    Send(u64),
    Delete(MessageId),
    Other,
}

impl Client {
    pub(super) fn new(user: UserId, dice: Dice, fault: Option<Fault>, trace: Trace) -> Self {
        Self {
            user,
            rooms: BTreeMap::new(),
            outbox: Outbox::default(),
            deleted: Vec::new(),
            dice,
            fault,
            trace,
            online: false,
            inbox: VecDeque::new(),
            out: Vec::new(),
            asked: BTreeMap::new(),
            questions: 0,
            hang_up: false,
            connections: 0,
        }
    }

    // ---- the connection ----------------------------------------------------------------------------------------

    /// The connection is gone. What came over it and was not processed is lost if the application went with it.
    pub(super) fn disconnected(&mut self, crashed: bool) -> Result<(), String> {
        if !crashed {
            self.work(usize::MAX)?;
        }
        self.trace.note(self.user.as_str(), || format!("disconnected{}", if crashed { ", crashed" } else { "" }));
        self.inbox.clear();
        self.out.clear();
        self.asked.clear();
        (self.online, self.hang_up) = (false, false);
        self.outbox.again();
        self.rooms.values_mut().for_each(Followed::restart);
        Ok(())
    }

    /// A frame has come.
    pub(super) fn receive(&mut self, frame: Frame) {
        if let Frame::Event(event) = &frame
            && let Some(followed) = event.room().and_then(|room| self.rooms.get_mut(&room))
        {
            followed.arrived(event, self.fault);
        }
        self.inbox.push_back(frame);
    }

    /// Processes up to `most` frames, and asks for what is wanted then.
    pub(super) fn work(&mut self, most: usize) -> Result<(), String> {
        for _ in 0..most.min(self.inbox.len()) {
            match self.inbox.pop_front() {
                Some(Frame::Ready) => self.ready(),
                Some(Frame::Event(event)) => self.told(*event)?,
                Some(Frame::Reply { of, ok }) => self.answered(of, ok)?,
                Some(Frame::Error { of, code, retry }) => self.refused(of, &code, retry)?,
                None => {}
            }
        }
        if self.online {
            self.ask_on();
        }
        Ok(())
    }

    /// What is to be sent.
    pub(super) fn take_out(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.online
            && self.inbox.is_empty()
            && self.asked.is_empty()
            && self.outbox.is_empty()
            && self.rooms.values().all(Followed::is_quiet)
    }

    /// Catches up everywhere, whatever it believes.
    pub(super) fn catch_up(&mut self) {
        for followed in self.rooms.values_mut().filter(|followed| !followed.gone) {
            followed.wants_subscribe = true;
        }
    }

    // ---- asking ------------------------------------------------------------------------------------------------

    pub(super) fn act(&mut self, frame: Value) {
        self.ask(Asked::Other, frame);
    }

    pub(super) fn delete(&mut self, message: MessageId) {
        self.ask(Asked::Delete(message), json!({"action": "delete_message", "message_id": message}));
    }

    /// An older backup is in place: what was acknowledged since is gone, and nobody may wonder.
    pub(super) fn forgive(&mut self, log: &Log) {
        let is_there = |own: &Acknowledged| {
            log.posts.iter().any(|post| (post.room, post.seq, &post.text) == (own.room, own.seq, &own.text))
        };
        self.outbox.acknowledged.retain(is_there);
        self.deleted.retain(|message| log.is_deleted(*message));
    }

    fn ask(&mut self, what: Asked, mut frame: Value) {
        self.questions += 1;
        frame["ref"] = self.questions.into();
        let frame = frame.to_string();
        self.trace.note(self.user.as_str(), || format!("-> {frame}"));
        self.asked.insert(self.questions, what);
        self.out.push(frame);
    }

    /// Asks for what the rooms want, and sends what waits.
    fn ask_on(&mut self) {
        let ids: Vec<_> = self.rooms.keys().copied().collect();
        for id in ids {
            let Some(followed) = self.rooms.get_mut(&id) else { continue };
            let subscribe = followed.wants_subscribe && !followed.subscribing;
            let count = followed.wants_count && !followed.counting;
            let cursor = followed.cursor();
            if subscribe {
                (followed.subscribing, followed.wants_subscribe) = (true, false);
            }
            if count {
                (followed.counting, followed.wants_count) = (true, false);
            }
            if subscribe {
                let room = json!({"room": id, "cursor": cursor});
                self.ask(Asked::Subscribe(id), json!({"action": "subscribe", "rooms": [room]}));
            }
            if count {
                self.ask(Asked::Count(id), json!({"action": "get_room", "room": id}));
            }
        }
        while let Some(entry) = self.outbox.next(UNDER_WAY, self.fault == Some(Fault::SendsTheLastFirst)) {
            let mut frame = json!({"action": "send_message", "room": entry.room, "content": entry.text});
            if self.fault != Some(Fault::NoClientId) {
                frame["client_id"] = format!("op-{}", entry.number).into();
            }
            if let Some(read) = entry.explicit_read {
                frame["read_seq"] = read.into();
            }
            let number = entry.number;
            self.ask(Asked::Send(number), frame);
        }
    }

    // ---- being told --------------------------------------------------------------------------------------------

    /// The connection is open: what changed while it was not, and which rooms are new?
    fn ready(&mut self) {
        self.online = true;
        self.connections += 1;
        self.catch_up();
        self.ask(Asked::Rooms, json!({"action": "list_rooms", "limit": 200}));
    }

    fn told(&mut self, event: Event) -> Result<(), String> {
        if let Event::Closing { .. } = event {
            return Ok(());
        }
        let Some(room) = event.room() else { return Ok(()) };
        let new = matches!(event, Event::RoomAdded { .. });
        let followed = if new { Some(self.rooms.entry(room).or_default()) } else { self.rooms.get_mut(&room) };
        match followed {
            Some(followed) => followed.take(event, &self.user, self.fault),
            None => Ok(()),
        }
    }

    fn answered(&mut self, of: u64, ok: Value) -> Result<(), String> {
        match self.asked.remove(&of) {
            None => Err(format!("a second answer to question {of}")),
            Some(Asked::Other) => Ok(()),
            Some(Asked::Delete(message)) => {
                self.deleted.push(message);
                Ok(())
            }
            Some(Asked::Rooms) => {
                let page: Page<MyRoom> = serde_json::from_value(ok).map_err(unreadable)?;
                for room in page.results {
                    let followed = self.rooms.entry(room.info.id).or_default();
                    followed.wants_subscribe |= followed.kept.is_none() && !followed.subscribing;
                }
                Ok(())
            }
            Some(Asked::Subscribe(id)) => {
                let [opened]: [Subscribed; 1] = serde_json::from_value(ok["rooms"].clone()).map_err(unreadable)?;
                let followed = self.rooms.entry(id).or_default();
                followed.subscribing = false;
                match opened {
                    Subscribed::Open(opened) => followed.opened(*opened, &self.user, self.fault)?,
                    Subscribed::Gone { .. } if self.fault == Some(Fault::KeepsTheRoom) => {}
                    Subscribed::Gone { .. } => {
                        let again = followed.wants_subscribe;
                        followed.forget();
                        followed.wants_subscribe = again;
                    }
                }
                Ok(())
            }
            Some(Asked::Count(id)) => {
                let room: MyRoom = serde_json::from_value(ok).map_err(unreadable)?;
                if let Some(followed) = self.rooms.get_mut(&id) {
                    followed.counting = false;
                    followed.counted(&room);
                }
                Ok(())
            }
            Some(Asked::Send(number)) => {
                let sent: Sent = serde_json::from_value(ok).map_err(unreadable)?;
                let first_on = (!sent.duplicate).then_some(self.connections);
                self.outbox.acknowledge(number, sent.message.seq, first_on);
                Ok(())
            }
        }
    }

    fn refused(&mut self, of: Option<u64>, code: &str, retry: bool) -> Result<(), String> {
        let asked = of.and_then(|of| self.asked.remove(&of));
        if matches!(code, "invalid_argument" | "operation_conflict" | "unauthorized") {
            return Err(format!("{asked:?} was refused with {code}"));
        }
        if retry {
            self.hang_up = true;
            return Ok(());
        }
        match asked {
            Some(Asked::Send(number)) => {
                self.outbox.drop(number);
            }
            Some(Asked::Count(id)) => {
                if let Some(followed) = self.rooms.get_mut(&id) {
                    followed.counting = false;
                }
            }
            Some(Asked::Other | Asked::Delete(_)) => {}
            Some(Asked::Rooms | Asked::Subscribe(_)) | None => {
                return Err(format!("{asked:?} was refused with {code}"));
            }
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: serde_json::Error) -> String {
    format!("an answer that cannot be read: {error}")
}
