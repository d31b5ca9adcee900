//! A connection's live side: the rooms it has open and the events that come.

use std::{
    collections::{HashSet, VecDeque},
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    model::{Cursor, Error, Event, MyRoom, Opened, Result, Rev, RoomId, RoomRef, Snapshot, Subscribed, Sync},
    store::{CatchUp, CatchUpLimits, Missed},
};

use super::{
    burst::{Burst, Frame},
    hub::Company,
    publish,
    queue::{End, Queue},
    session::Session,
};

/// What one answer to `subscribe` may weigh: enough for many rooms as people fill them, and no more where each message is
/// as large as may be.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// A room, and nothing that grows with it.
const ROOM_ALONE: CatchUpLimits = CatchUpLimits { changes: 0, messages: 0, members: 0, bytes: 0 };

/// One connection's events: a bounded stream, and the rooms that feed it.
///
/// A connection that falls behind gets [`Event::Resync`] for its rooms instead of what it missed: subscribe again with
/// the last cursor. Dropping it closes its rooms.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> chat_core::Result<()> {
/// # use std::sync::Arc;
/// # use chat_core::*;
/// # let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
/// # let ann = UserId::new("ann")?;
/// # let room = engine.host().create_room(CreateRoom::group().with(ann.clone())).await?.info.id;
/// let session = engine.session(&ann);
/// let mut live = session.live();
/// live.subscribe(vec![(room.into(), None)]).await?;
/// session.send(&room, SendMessage::text("hi")).await?;
/// while let Some(frame) = live.next().await {
///     if let Event::ChatMessage { message, .. } = frame.event() {
///         assert_eq!(message.content.as_deref(), Some("hi"));
///         break;
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Live {
    session: Session,
    queue: Arc<Queue>,
    /// What was taken together, and its space for the next time.
    ready: VecDeque<Arc<Burst>>,
}

impl Live {
    pub(super) fn new(session: Session) -> Self {
        let queue = session.inner().hub.connect(session.actor().user());
        Self { session, queue, ready: VecDeque::new() }
    }

    /// Opens rooms, each from a cursor or anew. What is returned comes before any event of those rooms.
    ///
    /// While a room's answer says `more`, its events have not begun: subscribe again with the new cursor. A room that is
    /// named twice, by its id and by its key, is opened from the first cursor, and answered for twice.
    ///
    /// # Cancellation
    /// Dropping the future opens none of the rooms. Those that were open before get [`Event::Resync`], as after an
    /// error.
    ///
    /// # Errors
    /// `limit_reached` for too many rooms at once; `invalid_argument` for an id or a key that is given twice; what the
    /// storage says. A room that is not there, or not theirs, is [`Subscribed::Gone`], not an error.
    pub async fn subscribe(&mut self, rooms: Vec<(RoomRef, Option<Cursor>)>) -> Result<Vec<Subscribed>> {
        self.limited(rooms.len())?;
        named_once(&rooms)?;
        let limits = self.session.limits();
        let limits = CatchUpLimits {
            changes: limits.catch_up_changes,
            messages: limits.snapshot_messages,
            members: limits.small_room,
            bytes: ANSWER_BYTES,
        };
        self.session.settle().await;
        let found = self.read(&rooms, limits).await?;
        // Only now, and all at once: an error above opens none of them.
        let mut answers = Vec::with_capacity(rooms.len());
        for ((place, _), found) in rooms.into_iter().zip(found) {
            let opened = found.and_then(|found| match answer_of(found.door.room, &answers) {
                // By its id and by its key, perhaps.
                Some(again) => Some(again.clone()),
                None => self.open(found),
            });
            answers.push(opened.unwrap_or_else(|| Subscribed::Gone { room: place.to_string(), gone: true }));
        }
        Ok(answers)
    }

    /// The first half of opening rooms: from here on nothing of them is missed. Of one that is not there, or not theirs,
    /// nothing is found.
    async fn read(&self, rooms: &[(RoomRef, Option<Cursor>)], limits: CatchUpLimits) -> Result<Vec<Option<Found<'_>>>> {
        let session = &self.session;
        let _turn = session.inner().reading.turn(session.actor().user()).await;
        let mut places = Vec::with_capacity(rooms.len());
        for (place, since) in rooms {
            places.push(self.find(place).await?.map(|room| (room, *since)));
        }
        let behind: Vec<_> = places.iter().flatten().copied().collect();
        let doors = self.join(&places);
        let store = self.session.inner().store()?;
        let viewer = self.session.actor().into();
        let mut missed = store.catch_up(viewer, &behind, limits).await?;
        let members = missed.iter().flatten().filter_map(|caught_up| caught_up.member.as_ref());
        if self.session.refresh_profile(members).await {
            // They are to see themselves as the others do from now on.
            missed = store.catch_up(viewer, &behind, limits).await?;
        }
        let mut missed = missed.into_iter();
        let found = doors.into_iter().map(|door| {
            let door = door?;
            let caught_up = missed.next().flatten();
            if caught_up.is_none() {
                self.session.inner().hub.leave(door.room, &self.queue);
            }
            Some(Found { door, caught_up: caught_up? })
        });
        Ok(found.collect())
    }

    /// The room's id; whether it is theirs, catching up says.
    async fn find(&self, place: &RoomRef) -> Result<Option<RoomId>> {
        match self.session.resolve(place.clone()).await {
            Ok(room) => Ok(Some(room)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins to open rooms, all at once.
    fn join(&self, places: &[Option<(RoomId, Option<Cursor>)>]) -> Vec<Option<Door<'_>>> {
        let rooms: Vec<_> = places.iter().flatten().map(|(room, _)| *room).collect();
        self.session.inner().hub.join(&rooms, self.session.actor().user(), &self.queue);
        places.iter().map(|place| place.map(|(room, since)| Door { live: self, room, since })).collect()
    }

    /// The second half of opening a room: it goes live. `None` if they were put out of it since it was read: what was
    /// read is no longer theirs.
    fn open(&self, Found { door, caught_up }: Found<'_>) -> Option<Subscribed> {
        let (room, since) = (door.room, door.since.map_or(0, |cursor| cursor.rev));
        let hub = &self.session.inner().hub;
        let company = if matches!(caught_up.missed, Missed::Changes { more: true, .. }) {
            hub.give_up(room, &self.queue, false).then(Company::default)?
        } else {
            hub.activate(room, &self.queue, &caught_up)?
        };
        let sync = match caught_up.missed {
            Missed::Nothing => Sync::Same { same: true },
            Missed::Changes { changes, more } => Sync::Changes { changes: events(room, since, &changes), more },
            Missed::Snapshot { room, members, messages } => {
                let epoch = caught_up.cursor.epoch;
                let participants = members.iter().map(|member| self.session.shown(member)).collect();
                Sync::Snapshot { snapshot: Box::new(Snapshot { room: room.shown(epoch), participants, messages }) }
            }
        };
        Some(Subscribed::Open(Box::new(Opened {
            room,
            sync,
            markers: caught_up.markers,
            present: company.present,
            typing: company.typing,
            rev: caught_up.cursor.rev,
            cursor: caught_up.cursor,
        })))
    }

    /// Opens one room from now on: what came before is not told, nor who is in it.
    ///
    /// # Cancellation
    /// As with [`Live::subscribe`].
    ///
    /// # Errors
    /// `not_found` if it is not there, or not theirs.
    pub async fn enter(&mut self, room: impl Into<RoomRef>) -> Result<(MyRoom, Subscribed)> {
        self.session.settle().await;
        // Ten thousand may enter at once.
        let found = self.read(&[(room.into(), None)], ROOM_ALONE).await?.pop().flatten();
        let entered = found.and_then(|found| self.open(found)).ok_or(Error::not_found("room"))?;
        match &entered {
            Subscribed::Open(opened) => match &opened.sync {
                Sync::Snapshot { snapshot } => Ok((snapshot.room.clone(), entered)),
                _ => Err(Error::not_found("room")),
            },
            Subscribed::Gone { .. } => Err(Error::not_found("room")),
        }
    }

    /// Closes rooms. One that is not there is not open.
    ///
    /// # Cancellation
    /// Dropping the future closes none of them.
    ///
    /// # Errors
    /// `limit_reached` for too many rooms at once; what the storage says. Then all of them are as they were.
    pub async fn unsubscribe(&mut self, rooms: Vec<RoomRef>) -> Result<()> {
        self.limited(rooms.len())?;
        let mut found = Vec::with_capacity(rooms.len());
        for place in &rooms {
            found.extend(self.find(place).await?);
        }
        for room in found {
            self.session.inner().hub.leave(room, &self.queue);
        }
        Ok(())
    }

    /// Each room that is named is a read.
    fn limited(&self, rooms: usize) -> Result<()> {
        let limit = self.session.limits().subscribe_rooms;
        if rooms > limit { Err(Error::LimitReached { what: "rooms", limit }) } else { Ok(()) }
    }

    /// The next event; `None` when the engine closed, or this connection was too slow even to be told so.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Arc<Frame>> {
        poll_fn(|cx| self.queue.poll_next(cx)).await.ok()
    }

    /// Waits until an event is there; `false` when none will come any more. It takes nothing, so that whoever cannot give up
    /// waiting and taking in one, as over a bridge to another language, does the one and then the other.
    pub async fn ready(&self) -> bool {
        poll_fn(|cx| self.queue.poll_some(cx)).await.is_ok()
    }

    /// The next event, if one is there.
    pub fn try_next(&mut self) -> Option<Arc<Frame>> {
        self.queue.try_next()
    }

    /// Waits until events are there, and makes them available to [`Live::take_ready`], which must have taken what was
    /// there before.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.queue.poll_take(cx, &mut self.ready)
    }

    /// Everything that is ready now.
    pub(crate) fn take_ready(&mut self) -> std::collections::vec_deque::Drain<'_, Arc<Burst>> {
        self.ready.drain(..)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.session.inner().hub.disconnect(self.session.actor().user(), &self.queue);
    }
}

/// What somebody missed of a room that is being opened.
struct Found<'a> {
    door: Door<'a>,
    caught_up: CatchUp,
}

/// A room that is being opened: what happens in it waits. Unless it went live, dropping this gives the opening up.
struct Door<'a> {
    live: &'a Live,
    room: RoomId,
    /// What they had of it.
    since: Option<Cursor>,
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        self.live.session.inner().hub.give_up(self.room, &self.live.queue, true);
    }
}

/// Each time, all of what was missed is answered: one that is named often would cost without end. It is asked of names,
/// not of rooms, so that it does not tell whether there is one.
fn named_once(rooms: &[(RoomRef, Option<Cursor>)]) -> Result<()> {
    let mut named = HashSet::new();
    if rooms.iter().all(|(room, _)| named.insert(room)) {
        Ok(())
    } else {
        Err(Error::invalid("rooms", "must give each id and each key once"))
    }
}

/// What was answered for a room that is open now, or was begun.
fn answer_of(room: RoomId, answers: &[Subscribed]) -> Option<&Subscribed> {
    answers.iter().find(|answer| matches!(answer, Subscribed::Open(opened) if opened.room == room))
}

/// Changes as events; each names the one before it, since what changed twice comes once.
fn events(room: RoomId, since: Rev, changes: &[crate::store::Change]) -> Vec<Event> {
    let mut before = since;
    changes
        .iter()
        .map(|change| {
            let rev = change.cursor.rev;
            let prev = Some(std::mem::replace(&mut before, rev)).filter(|before| before + 1 != rev);
            // How far its author has read, the markers say.
            publish::event(room, change, prev, Some(0))
        })
        .collect()
}
