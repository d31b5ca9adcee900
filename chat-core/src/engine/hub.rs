//! The live hub: who has which room open, and what they are told.
//!
//! The hub may drop; storage is the truth. It never waits for anybody: a subscriber who falls behind loses what
//! waited, is told so with `resync`, and reads from storage.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    model::{Event, Limits, ResyncReason, RoomId, Seq, Timestamp, UserId},
    store::CatchUp,
};

use super::{
    burst::{Burst, Frame},
    presence::Presence,
    queue::{End, Queue},
    subscriber::{OpenRoom, Stage, Subscriber, Waiting},
    sync::{Mutex, MutexGuard},
    typing::Typing,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    small_room: usize,
    pending_bytes: usize,
    typing_per_second: usize,
    /// Wakes the ticker when something may fall due earlier than it thought.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<RoomId, OpenRoom>,
    connections: HashMap<u64, Connection>,
    presence: Presence,
    typing: Typing,
    /// Whose coming to a room, or going, may have to be told, in order of time.
    comings: BTreeSet<(Instant, RoomId, UserId)>,
    /// How many connections there ever were.
    numbered: u64,
    /// How often changes were told to a subscriber since the lane asked.
    told: usize,
    closed: bool,
}

/// One subscriber's end, and the rooms that it has open.
#[derive(Debug)]
struct Connection {
    queue: Arc<Queue>,
    rooms: BTreeSet<RoomId>,
}

/// What a subscriber who opened a room is told of the others there.
#[derive(Debug, Default)]
pub(crate) struct Company {
    pub(crate) present: Vec<UserId>,
    pub(crate) typing: Vec<UserId>,
}

impl Hub {
    pub(crate) fn new(&Limits { small_room, pending_bytes, typing_per_second, .. }: &Limits) -> Self {
        Self { state: Mutex::default(), small_room, pending_bytes, typing_per_second, changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- connections -------------------------------------------------------------------------------------------

    /// A new connection of a user, or of the host.
    pub(crate) fn connect(&self, user: Option<&UserId>) -> Arc<Queue> {
        let mut state = self.lock();
        state.numbered += 1;
        let queue = Queue::new(state.numbered, self.pending_bytes);
        if state.closed {
            queue.close(End::Closed);
        }
        state.connections.insert(queue.id(), Connection { queue: Arc::clone(&queue), rooms: BTreeSet::new() });
        if let Some(user) = user {
            state.presence.connect(user, Arc::clone(&queue), Instant::now());
            self.changed.notify_one();
        }
        queue
    }

    /// The end of a connection.
    pub(crate) fn disconnect(&self, user: Option<&UserId>, queue: &Queue) {
        let mut state = self.lock();
        let Some(gone) = state.connections.remove(&queue.id()) else { return };
        for room in gone.rooms {
            state.leave(room, queue, self.small_room);
        }
        self.changed.notify_one();
        if let Some(user) = user {
            state.presence.disconnect(user, queue, Instant::now());
        }
    }

    /// Tells every connection that nothing more will come.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for connection in state.connections.values() {
            connection.queue.close(End::Closed);
        }
    }

    // ---- rooms -------------------------------------------------------------------------------------------------

    /// Begins to open rooms: from now on nothing is missed. What happens waits until [`Hub::activate`].
    pub(crate) fn join(&self, rooms: &[RoomId], user: Option<&UserId>, queue: &Arc<Queue>) {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(connection) = state.connections.get_mut(&queue.id()) else { return };
        for room in rooms {
            connection.rooms.insert(*room);
            let subscribers = &mut state.rooms.entry(*room).or_default().subscribers;
            let subscriber = subscribers.entry(queue.id()).or_insert_with(|| Subscriber::joining(queue, user));
            subscriber.stage = Stage::Joining(Waiting::default());
        }
        // What waits of them is in what is read now, whether they were open or not.
        queue.drop_rooms(rooms);
    }

    /// Opens a room for a subscriber who has read what `read` says. Returns `None` if they were put out of the room
    /// meanwhile.
    pub(crate) fn activate(&self, room: RoomId, queue: &Queue, read: &CatchUp) -> Option<Company> {
        let mut state = self.lock();
        let state = &mut *state;
        let open = state.rooms.get_mut(&room)?;
        let subscriber = open.subscribers.get_mut(&queue.id())?;
        let mut behind = Vec::new();
        let visible_from = read.member.as_ref().map_or(1, |member| member.visible_from);
        subscriber.open(room, read.cursor.rev, visible_from, &mut behind);
        open.small = read.members <= self.small_room as u64;
        let arrived = !std::mem::replace(&mut subscriber.present, true);
        if let Some(user) = subscriber.user.clone().filter(|_| arrived) {
            open.arrived(&user);
            if let Some(due) = open.show(room, &user, Instant::now(), self.small_room, &mut behind) {
                state.comings.insert((due, room, user));
                self.changed.notify_one();
            }
        }
        let company = Company { present: open.company(self.small_room), typing: state.typing.of(room) };
        state.fell_behind(&behind);
        Some(company)
    }

    /// Ends the opening of a room that was not activated; `false` if there is none, since they were put out of the room
    /// meanwhile. Whoever had the room open before is still there, and must catch up; `notice` tells them so.
    pub(crate) fn give_up(&self, room: RoomId, queue: &Queue, notice: bool) -> bool {
        let mut state = self.lock();
        let subscriber = state.rooms.get_mut(&room).and_then(|open| open.subscribers.get_mut(&queue.id()));
        let Some(subscriber) = subscriber.filter(|subscriber| matches!(subscriber.stage, Stage::Joining(_))) else {
            return false;
        };
        if subscriber.present {
            subscriber.stage = Stage::Lost;
            if notice {
                queue.resync(&[room], ResyncReason::Gap);
            }
        } else {
            state.close_room(room, queue, self.small_room);
        }
        true
    }

    /// Closes a room for a connection.
    pub(crate) fn leave(&self, room: RoomId, queue: &Queue) {
        self.lock().close_room(room, queue, self.small_room);
        self.changed.notify_one();
    }

    /// Puts a user out of a room on every connection, and tells each. Nothing of the room that waits is handed out any
    /// more.
    pub(crate) fn put_out(&self, room: RoomId, user: &UserId) {
        let mut state = self.lock();
        for queue in state.presence.queues_of(user) {
            state.close_room(room, &queue, self.small_room);
            queue.forget(room);
        }
        state.tell_user(user, &Burst::one(Event::RoomRemoved { room }));
        self.changed.notify_one();
    }

    /// Closes a room that is gone; whoever had it open is told.
    pub(crate) fn remove_room(&self, room: RoomId) {
        let mut state = self.lock();
        let Some(open) = state.rooms.remove(&room) else { return };
        state.typing.forget(room);
        let burst = Burst::one(Event::RoomRemoved { room });
        for (id, subscriber) in open.subscribers {
            if let Some(connection) = state.connections.get_mut(&id) {
                connection.rooms.remove(&room);
            }
            subscriber.queue.forget(room);
            // Who is about to open it may be a stranger; they read that it is not there.
            if subscriber.present {
                state.tell(&subscriber.queue, &burst);
            }
        }
    }

    /// Whether a user has a room open.
    pub(crate) fn has_open(&self, room: RoomId, user: &UserId) -> bool {
        self.lock().rooms.get(&room).is_some_and(|open| open.has(user))
    }

    /// Something may have happened in a room that nobody is told of: whoever has it open must catch up.
    pub(crate) fn resync(&self, room: RoomId) {
        let mut state = self.lock();
        for subscriber in state.rooms.get_mut(&room).into_iter().flat_map(|open| open.subscribers.values_mut()) {
            subscriber.miss(room);
        }
    }

    /// What is stored may have changed without us: whoever has a room open must catch up.
    pub(super) fn resync_all(&self) {
        let mut state = self.lock();
        let queues: Vec<_> = state.connections.values().map(|connection| Arc::clone(&connection.queue)).collect();
        state.lose(&queues, ResyncReason::Gap);
        for (room, open) in &mut state.rooms {
            for subscriber in open.subscribers.values_mut() {
                subscriber.miss(*room);
            }
        }
    }

    // ---- telling -----------------------------------------------------------------------------------------------

    /// Tells everybody in a room. `seq` is the message it is about: who may not see that is not told what it was.
    pub(crate) fn publish(&self, room: RoomId, seq: Option<Seq>, event: impl FnOnce() -> Event) {
        self.publish_all(room, std::iter::once_with(|| (seq, event())));
    }

    /// The same with events that belong together: going from one subscriber to the next costs more than telling one of
    /// them a few things.
    pub(crate) fn publish_all(&self, room: RoomId, events: impl Iterator<Item = (Option<Seq>, Event)>) {
        if !self.lock().rooms.contains_key(&room) {
            // Who opens it from now on reads what this is about from storage.
            return;
        }
        // Encoded once, and while others may use the hub.
        let burst = Burst::of(events.map(|(seq, event)| Frame::new(event, seq)).collect());
        let mut state = self.lock();
        state.tell_room(room, &burst);
        state.told += state.rooms.get(&room).map_or(0, |open| open.subscribers.len());
        for frame in burst.frames() {
            if let Event::ChatMessage { message, .. } = frame.event()
                && let Some(sender) = &message.sender
            {
                state.stop_typing(room, sender);
            }
        }
    }

    /// How many subscribers were told of changes since this was last asked; each counts as often as they were.
    pub(super) fn take_told(&self) -> usize {
        std::mem::take(&mut self.lock().told)
    }

    /// Tells a user on every connection.
    pub(crate) fn publish_to(&self, user: &UserId, event: impl FnOnce() -> Event) {
        let mut state = self.lock();
        if state.presence.is_online(user) {
            state.tell_user(user, &Burst::one(event()));
        }
    }

    /// Tells users on those connections that do not have the room open.
    pub(crate) fn publish_outside(&self, room: RoomId, users: &[UserId], event: &Event) {
        let mut state = self.lock();
        let burst = Burst::one(event.clone());
        for user in users {
            for queue in state.outside(room, user) {
                state.tell(&queue, &burst);
            }
        }
    }

    /// Tells the senders of a room's last messages, the latest first, that they have read up to them: on those
    /// connections that do not have the room open, since elsewhere the message says it.
    pub(crate) fn publish_own_reads<'a>(&self, room: RoomId, messages: impl Iterator<Item = (&'a UserId, Seq)>) {
        let mut state = self.lock();
        let mut told = Vec::new();
        for (user, seq) in messages {
            let outside = state.outside(room, user);
            if outside.is_empty() || told.contains(&user) {
                continue;
            }
            told.push(user);
            let marker = Event::Marker { room, read_seq: seq, delivered_seq: seq, marker_seq: seq, unread_count: 0 };
            let burst = Burst::one(marker);
            for queue in outside {
                state.tell(&queue, &burst);
            }
        }
    }

    // ---- typing and presence -----------------------------------------------------------------------------------

    /// Keeps somebody typing who already is; `false` if they are not.
    pub(crate) fn keep_typing(&self, room: RoomId, user: &UserId) -> bool {
        self.lock().typing.refresh(room, user, Instant::now())
    }

    /// Begins somebody's typing, if they have the room open and do not begin all the time, and tells the room if that is
    /// news.
    pub(crate) fn start_typing(&self, room: RoomId, user: &UserId) {
        let mut state = self.lock();
        let open = state.rooms.get(&room).is_some_and(|open| open.has(user));
        let now = Instant::now();
        let may = open && state.presence.may_begin_typing(user, now, self.typing_per_second);
        if may && state.typing.start(room, user, now) {
            state.tell_typing(room, user, true);
            self.changed.notify_one();
        }
    }

    /// Ends somebody's typing, and tells the room if that is news.
    pub(crate) fn stop_typing(&self, room: RoomId, user: &UserId) {
        self.lock().stop_typing(room, user);
    }

    /// Ends all typing in a room, where nobody may write any more.
    pub(crate) fn stop_all_typing(&self, room: RoomId) {
        let mut state = self.lock();
        for user in state.typing.of(room) {
            state.stop_typing(room, &user);
        }
    }

    /// Ends what is due, and returns who came online or went since; the earliest next time something is due.
    pub(super) fn tick(&self, now: Instant, wall: Timestamp) -> (Vec<(UserId, bool)>, Option<Instant>) {
        let mut state = self.lock();
        for (room, user) in state.typing.expired(now) {
            state.tell_typing(room, &user, false);
        }
        while state.comings.first().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, room, user)) = state.comings.pop_first() else { break };
            state.show(room, user, now, self.small_room);
        }
        let news = state.presence.due(now, wall);
        let coming = state.comings.first().map(|(due, ..)| *due);
        let next = [state.typing.next_due(), state.presence.next_due(), coming].into_iter().flatten().min();
        (news, next)
    }

    /// Tells everybody else who has one of `rooms` open that a user came online or went, once each. Large rooms are not
    /// told: there it would be nothing but coming and going.
    pub(super) fn publish_presence(&self, user: UserId, online: bool, last_seen: Option<Timestamp>, rooms: &[RoomId]) {
        let mut state = self.lock();
        let small = rooms.iter().filter_map(|room| state.rooms.get(room)).filter(|open| open.small);
        let subscribers = small.flat_map(|open| open.subscribers.values());
        // Who is about to open a room may not even be in it.
        let others = subscribers.filter(|subscriber| subscriber.present && subscriber.user.as_ref() != Some(&user));
        let queues: BTreeMap<_, _> = others.map(|s| (s.queue.id(), Arc::clone(&s.queue))).collect();
        let burst = Burst::one(Event::Presence { user_id: user, online, last_seen });
        for queue in queues.values() {
            state.tell(queue, &burst);
        }
    }

    /// Whether anybody could hear of somebody's coming and going.
    pub(super) fn has_audience(&self) -> bool {
        self.lock().rooms.values().any(|open| open.small)
    }

    /// Whether a user is connected, and when they last were.
    pub(crate) fn seen(&self, user: &UserId) -> (bool, Option<Timestamp>) {
        let state = self.lock();
        (state.presence.is_online(user), state.presence.last_seen(user))
    }
}

impl State {
    /// A connection closes a room; of what waits of it only that is handed out which also comes where it is not open.
    fn close_room(&mut self, room: RoomId, queue: &Queue, small_room: usize) {
        if self.connections.get_mut(&queue.id()).is_some_and(|connection| connection.rooms.remove(&room)) {
            queue.leave(room);
            self.leave(room, queue, small_room);
        }
    }

    /// A connection no longer has the room open.
    fn leave(&mut self, room: RoomId, queue: &Queue, small_room: usize) {
        let Some(open) = self.rooms.get_mut(&room) else { return };
        let Some(subscriber) = open.subscribers.remove(&queue.id()) else { return };
        let gone = subscriber.user.filter(|_| subscriber.present).filter(|user| open.departed(user));
        if open.subscribers.is_empty() {
            self.rooms.remove(&room);
            self.typing.forget(room);
        } else if let Some(user) = gone {
            self.stop_typing(room, &user);
            self.show(room, user, Instant::now(), small_room);
        }
    }

    /// Shows those who have a room open whether somebody is there.
    fn show(&mut self, room: RoomId, user: UserId, now: Instant, small_room: usize) {
        let Some(open) = self.rooms.get_mut(&room) else { return };
        let mut behind = Vec::new();
        if let Some(due) = open.show(room, &user, now, small_room, &mut behind) {
            self.comings.insert((due, room, user));
        }
        self.fell_behind(&behind);
    }

    fn stop_typing(&mut self, room: RoomId, user: &UserId) {
        if self.typing.stop(room, user) {
            self.tell_typing(room, user, false);
        }
    }

    fn tell_typing(&mut self, room: RoomId, user: &UserId, is_typing: bool) {
        let typing = self.typing.of(room);
        let event = Event::Typing { room, user_id: user.clone(), is_typing, typing };
        self.tell_room(room, &Burst::one(event));
    }

    fn tell_room(&mut self, room: RoomId, burst: &Arc<Burst>) {
        let Some(open) = self.rooms.get_mut(&room) else { return };
        let mut behind = Vec::new();
        open.tell(burst, &mut behind);
        self.fell_behind(&behind);
    }

    /// A user's connections that do not have the room open.
    fn outside(&self, room: RoomId, user: &UserId) -> Vec<Arc<Queue>> {
        let has_open = |queue: &Queue| self.connections.get(&queue.id()).is_some_and(|c| c.rooms.contains(&room));
        self.presence.connections(user).filter(|queue| !has_open(queue)).cloned().collect()
    }

    fn tell_user(&mut self, user: &UserId, burst: &Arc<Burst>) {
        for queue in self.presence.queues_of(user) {
            self.tell(&queue, burst);
        }
    }

    /// Tells one connection something that is its own. Where it does not fit even after its rooms were dropped, changes of
    /// other rooms are replaced by notices, since whoever makes many must not be able to cut it; where it does not fit
    /// beside those, the connection is cut, since nothing would bring that again.
    fn tell(&mut self, queue: &Arc<Queue>, burst: &Arc<Burst>) {
        if !queue.push(burst) {
            self.fell_behind(&[Arc::clone(queue)]);
            if !queue.push(burst) && !queue.push_beside_notices(burst) {
                queue.close(End::TooSlow);
            }
        }
    }

    /// Makes room for slow subscribers.
    fn fell_behind(&mut self, queues: &[Arc<Queue>]) {
        self.lose(queues, ResyncReason::TooSlow);
    }

    /// Subscribers lose the rooms that they have open until they catch up, and are told so.
    fn lose(&mut self, queues: &[Arc<Queue>], reason: ResyncReason) {
        for queue in queues {
            let mut lost = Vec::new();
            for room in self.connections.get(&queue.id()).into_iter().flat_map(|connection| &connection.rooms) {
                let subscriber = self.rooms.get_mut(room).and_then(|open| open.subscribers.get_mut(&queue.id()));
                if let Some(subscriber) = subscriber.filter(|subscriber| matches!(subscriber.stage, Stage::Live(_))) {
                    subscriber.stage = Stage::Lost;
                    lost.push(*room);
                }
            }
            queue.resync(&lost, reason);
        }
    }
}
