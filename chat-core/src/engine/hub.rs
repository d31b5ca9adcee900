//! The live hub: who has which room open, and what they are told.
//!
//! The hub may drop; storage is the truth. It never waits for anybody: a subscriber who falls behind loses what
//! waited, is told so with `resync`, and reads from storage.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use crate::model::{Event, ResyncReason, Rev, RoomId, Seq, Timestamp, UserId};

use super::{
    presence::Presence,
    queue::{End, Frame, Queue},
    typing::Typing,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    small_room: usize,
    pending_bytes: usize,
    /// Wakes the ticker when something may fall due earlier than it thought.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<RoomId, OpenRoom>,
    presence: Presence,
    typing: Typing,
    /// Which rooms each connection has open.
    opened: HashMap<u64, BTreeSet<RoomId>>,
    connections: u64,
    closed: bool,
}

/// A room that somebody has open.
#[derive(Debug, Default)]
struct OpenRoom {
    subscribers: BTreeMap<u64, Subscriber>,
    /// How many connections each user has it open on.
    present: BTreeMap<UserId, usize>,
}

#[derive(Debug)]
struct Subscriber {
    queue: Arc<Queue>,
    user: Option<UserId>,
    visible_from: Seq,
    stage: Stage,
    /// Whether it is counted among those present.
    present: bool,
}

/// How far a subscriber is.
#[derive(Debug)]
enum Stage {
    /// It reads from storage; what happens meanwhile waits here.
    Joining(Vec<Telling>),
    /// It gets every change after this one.
    Live(Rev),
    /// It missed something and must catch up first.
    Lost,
}

/// A frame and what it is about.
#[derive(Clone, Debug)]
struct Telling {
    frame: Arc<Frame>,
    /// The message that it shows, which not everybody may see.
    seq: Option<Seq>,
}

/// What a subscriber who opened a room is told of the others there.
#[derive(Debug, Default)]
pub(crate) struct Company {
    pub(crate) present: Vec<UserId>,
    pub(crate) typing: Vec<UserId>,
}

/// How many events a joining subscriber may have waiting; with more it starts as lost.
const JOINING: usize = 1024;

impl Hub {
    pub(crate) fn new(small_room: usize, pending_bytes: usize) -> Self {
        Self { state: Mutex::default(), small_room, pending_bytes, changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- connections -------------------------------------------------------------------------------------------

    /// A new connection of a user, or of the host.
    pub(crate) fn connect(&self, user: Option<&UserId>) -> Arc<Queue> {
        let mut state = self.lock();
        state.connections += 1;
        let queue = Queue::new(state.connections, self.pending_bytes);
        if state.closed {
            queue.close(End::Closed);
        } else if let Some(user) = user {
            state.presence.connect(user, Arc::clone(&queue), Instant::now());
            self.changed.notify_one();
        }
        queue
    }

    /// The end of a connection.
    pub(crate) fn disconnect(&self, user: Option<&UserId>, queue: &Queue) {
        let mut state = self.lock();
        for room in state.opened.remove(&queue.id()).unwrap_or_default() {
            state.leave(room, queue, self.small_room);
        }
        if let Some(user) = user {
            state.presence.disconnect(user, queue, Instant::now());
            self.changed.notify_one();
        }
    }

    /// Tells every connection that nothing more will come.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for queue in state.presence.queues() {
            queue.close(End::Closed);
        }
        for subscriber in state.rooms.values().flat_map(|room| room.subscribers.values()) {
            subscriber.queue.close(End::Closed);
        }
    }

    // ---- rooms -------------------------------------------------------------------------------------------------

    /// Begins to open a room: from now on nothing is missed. What happens waits until [`Hub::activate`].
    pub(crate) fn join(&self, room: RoomId, user: Option<&UserId>, queue: &Arc<Queue>) {
        let mut state = self.lock();
        let subscribers = &mut state.rooms.entry(room).or_default().subscribers;
        let subscriber = subscribers.entry(queue.id()).or_insert_with(|| Subscriber {
            queue: Arc::clone(queue),
            user: user.cloned(),
            visible_from: 1,
            stage: Stage::Lost,
            present: false,
        });
        subscriber.stage = Stage::Joining(Vec::new());
        state.opened.entry(queue.id()).or_default().insert(room);
    }

    /// Opens a room for a subscriber who has read everything up to `read`. Returns `None` if they were put out of the
    /// room meanwhile.
    pub(crate) fn activate(&self, room: RoomId, queue: &Queue, read: Rev, visible_from: Seq) -> Option<Company> {
        let mut state = self.lock();
        let state = &mut *state;
        let open = state.rooms.get_mut(&room)?;
        let subscriber = open.subscribers.get_mut(&queue.id())?;
        let mut behind = Vec::new();
        subscriber.open(room, read, visible_from, &mut behind);
        let arrived = !std::mem::replace(&mut subscriber.present, true);
        if let Some(user) = subscriber.user.clone().filter(|_| arrived) {
            let connections = open.present.entry(user.clone()).or_default();
            *connections += 1;
            if *connections == 1 {
                let present = open.company(self.small_room);
                open.tell(Frame::new(Event::UserJoined { room, user_id: user, present }), self.small_room, &mut behind);
            }
        }
        let company = Company { present: open.company(self.small_room), typing: state.typing.of(room) };
        state.fell_behind(&behind);
        Some(company)
    }

    /// Closes a room for a connection.
    pub(crate) fn leave(&self, room: RoomId, queue: &Queue) {
        let mut state = self.lock();
        if let Some(opened) = state.opened.get_mut(&queue.id()) {
            opened.remove(&room);
        }
        state.leave(room, queue, self.small_room);
    }

    /// Puts a user out of a room on every connection, and tells each.
    pub(crate) fn put_out(&self, room: RoomId, user: &UserId) {
        let mut state = self.lock();
        let queues: Vec<_> = state
            .rooms
            .get(&room)
            .into_iter()
            .flat_map(|open| open.subscribers.values())
            .filter(|subscriber| subscriber.user.as_ref() == Some(user))
            .map(|subscriber| Arc::clone(&subscriber.queue))
            .collect();
        for queue in queues {
            if let Some(opened) = state.opened.get_mut(&queue.id()) {
                opened.remove(&room);
            }
            state.leave(room, &queue, self.small_room);
        }
        state.tell_user(user, &Frame::new(Event::RoomRemoved { room }));
    }

    /// Closes a room that is gone; whoever had it open is told.
    pub(crate) fn remove_room(&self, room: RoomId) {
        let mut state = self.lock();
        let Some(open) = state.rooms.remove(&room) else { return };
        state.typing.forget(room);
        let frame = Frame::new(Event::RoomRemoved { room });
        for (id, subscriber) in open.subscribers {
            if let Some(opened) = state.opened.get_mut(&id) {
                opened.remove(&room);
            }
            state.tell(&subscriber.queue, &frame);
        }
    }

    // ---- telling -----------------------------------------------------------------------------------------------

    /// Tells everybody in a room. `seq` is the message it is about: who may not see that gets `advance`.
    pub(crate) fn publish(&self, room: RoomId, seq: Option<Seq>, event: impl FnOnce() -> Event) {
        let mut state = self.lock();
        let Some(open) = state.rooms.get_mut(&room) else { return };
        let telling = Telling { frame: Frame::new(event()), seq };
        let mut behind = Vec::new();
        let mut hidden = None;
        for subscriber in open.subscribers.values_mut() {
            subscriber.offer(&telling, &mut hidden, &mut behind);
        }
        state.fell_behind(&behind);
    }

    /// Tells a user on every connection.
    pub(crate) fn publish_to(&self, user: &UserId, event: impl FnOnce() -> Event) {
        let mut state = self.lock();
        if state.presence.is_online(user) {
            state.tell_user(user, &Frame::new(event()));
        }
    }

    /// Tells users on those connections that do not have the room open.
    pub(crate) fn publish_outside(&self, room: RoomId, users: &[UserId], event: &Event) {
        let mut state = self.lock();
        let frame = Frame::new(event.clone());
        for queue in users.iter().flat_map(|user| state.presence.queues_of(user)).collect::<Vec<_>>() {
            if !state.opened.get(&queue.id()).is_some_and(|opened| opened.contains(&room)) {
                state.tell(&queue, &frame);
            }
        }
    }

    // ---- typing and presence -----------------------------------------------------------------------------------

    /// Keeps somebody typing who already is; `false` if they are not.
    pub(crate) fn keep_typing(&self, room: RoomId, user: &UserId) -> bool {
        self.lock().typing.refresh(room, user, Instant::now())
    }

    /// Begins or ends somebody's typing, and tells the room if that is news.
    pub(crate) fn set_typing(&self, room: RoomId, user: &UserId, is_typing: bool) {
        let mut state = self.lock();
        let open = state.rooms.get(&room).is_some_and(|open| open.present.contains_key(user));
        let news = if is_typing && open {
            state.typing.start(room, user, Instant::now())
        } else {
            state.typing.stop(room, user)
        };
        if news {
            state.tell_typing(room, user, is_typing);
            self.changed.notify_one();
        }
    }

    /// Ends what is due, and returns who came online or went since; the earliest next time something is due.
    pub(super) fn tick(&self, now: Instant, wall: Timestamp) -> (Vec<(UserId, bool)>, Option<Instant>) {
        let mut state = self.lock();
        for (room, user) in state.typing.expired(now) {
            state.tell_typing(room, &user, false);
        }
        let news = state.presence.due(now, wall);
        let next = [state.typing.next_due(), state.presence.next_due()].into_iter().flatten().min();
        (news, next)
    }

    /// Tells everybody who has one of `rooms` open, once each.
    pub(super) fn publish_presence(&self, rooms: &[RoomId], event: Event) {
        let mut state = self.lock();
        let frame = Frame::new(event);
        let subscribers =
            rooms.iter().filter_map(|room| state.rooms.get(room)).flat_map(|open| open.subscribers.values());
        let queues: BTreeMap<_, _> = subscribers.map(|s| (s.queue.id(), Arc::clone(&s.queue))).collect();
        for queue in queues.values() {
            state.tell(queue, &frame);
        }
    }

    /// Whether a user is connected, and when they last were.
    pub(crate) fn seen(&self, user: &UserId) -> (bool, Option<Timestamp>) {
        let state = self.lock();
        (state.presence.is_online(user), state.presence.last_seen(user))
    }
}

impl State {
    /// A connection no longer has the room open.
    fn leave(&mut self, room: RoomId, queue: &Queue, small_room: usize) {
        let Some(open) = self.rooms.get_mut(&room) else { return };
        let Some(subscriber) = open.subscribers.remove(&queue.id()) else { return };
        let mut behind = Vec::new();
        let gone = subscriber.user.filter(|_| subscriber.present).filter(|user| open.departed(user));
        if let Some(user) = &gone {
            let left = Event::UserLeft { room, user_id: user.clone(), present: open.company(small_room) };
            open.tell(Frame::new(left), small_room, &mut behind);
        }
        let empty = open.subscribers.is_empty();
        if let Some(user) = gone
            && self.typing.stop(room, &user)
        {
            self.tell_typing(room, &user, false);
        }
        if empty {
            self.rooms.remove(&room);
            self.typing.forget(room);
        }
        self.fell_behind(&behind);
    }

    fn tell_typing(&mut self, room: RoomId, user: &UserId, is_typing: bool) {
        let Some(open) = self.rooms.get_mut(&room) else { return };
        let typing = self.typing.of(room);
        let mut behind = Vec::new();
        open.tell(
            Frame::new(Event::Typing { room, user_id: user.clone(), is_typing, typing }),
            usize::MAX,
            &mut behind,
        );
        self.fell_behind(&behind);
    }

    fn tell_user(&mut self, user: &UserId, frame: &Arc<Frame>) {
        for queue in self.presence.queues_of(user) {
            self.tell(&queue, frame);
        }
    }

    fn tell(&mut self, queue: &Arc<Queue>, frame: &Arc<Frame>) {
        if !queue.push(frame) {
            self.fell_behind(&[Arc::clone(queue)]);
            queue.push(frame);
        }
    }

    /// Makes room for a slow subscriber: its rooms are lost to it until it catches up.
    fn fell_behind(&mut self, queues: &[Arc<Queue>]) {
        for queue in queues {
            let mut lost = Vec::new();
            for room in self.opened.get(&queue.id()).into_iter().flatten() {
                let subscriber = self.rooms.get_mut(room).and_then(|open| open.subscribers.get_mut(&queue.id()));
                if let Some(subscriber) = subscriber.filter(|subscriber| !matches!(subscriber.stage, Stage::Lost)) {
                    subscriber.stage = Stage::Lost;
                    lost.push(*room);
                }
            }
            queue.resync(&lost, |room| resync(room, ResyncReason::TooSlow));
        }
    }
}

impl OpenRoom {
    /// One connection of a user is gone; whether it was their last one.
    fn departed(&mut self, user: &UserId) -> bool {
        match self.present.get_mut(user) {
            Some(connections) if *connections > 1 => {
                *connections -= 1;
                false
            }
            _ => self.present.remove(user).is_some(),
        }
    }

    /// The first `most` of those who have it open.
    fn company(&self, most: usize) -> Vec<UserId> {
        self.present.keys().take(most).cloned().collect()
    }

    /// Tells everybody who has it open, if they are at most `most`.
    fn tell(&mut self, frame: Arc<Frame>, most: usize, behind: &mut Vec<Arc<Queue>>) {
        if self.present.len() <= most {
            let telling = Telling { frame, seq: None };
            for subscriber in self.subscribers.values_mut() {
                subscriber.offer(&telling, &mut None, behind);
            }
        }
    }
}

impl Subscriber {
    /// Goes live after `read`, and takes what happened since.
    fn open(&mut self, room: RoomId, read: Rev, visible_from: Seq, behind: &mut Vec<Arc<Queue>>) {
        self.visible_from = visible_from;
        match std::mem::replace(&mut self.stage, Stage::Live(read)) {
            Stage::Joining(waited) => {
                for telling in waited {
                    self.offer(&telling, &mut None, behind);
                }
            }
            Stage::Live(_) => {}
            Stage::Lost => {
                self.stage = Stage::Lost;
                self.queue.resync(&[room], |room| resync(room, ResyncReason::TooSlow));
            }
        }
    }

    /// Gives it a frame, as far as it may see it and can take it now. `hidden` is the frame for those who may not, made
    /// when the first of them comes.
    fn offer(&mut self, telling: &Telling, hidden: &mut Option<Arc<Frame>>, behind: &mut Vec<Arc<Queue>>) {
        match &mut self.stage {
            Stage::Joining(waiting) if waiting.len() < JOINING => waiting.push(telling.clone()),
            Stage::Joining(_) => self.stage = Stage::Lost,
            Stage::Live(after) => {
                let frame = &telling.frame;
                if frame.event().position().is_some_and(|at| at.rev <= *after) {
                    return;
                }
                let shown = match telling.seq {
                    Some(seq) if seq < self.visible_from => hidden.get_or_insert_with(|| advance(frame)),
                    _ => frame,
                };
                if !self.queue.push(shown) {
                    behind.push(Arc::clone(&self.queue));
                }
            }
            Stage::Lost => {}
        }
    }
}

/// The same place in the log, without what happened.
fn advance(frame: &Arc<Frame>) -> Arc<Frame> {
    match frame.event().position() {
        Some(at) => Frame::new(Event::Advance { at: *at }),
        None => Arc::clone(frame),
    }
}

fn resync(room: RoomId, reason: ResyncReason) -> Arc<Frame> {
    Frame::new(Event::Resync { room, reason })
}
