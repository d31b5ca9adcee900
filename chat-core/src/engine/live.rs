//! A connection's live side: the rooms it has open and the events that come.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    model::{Cursor, Error, Event, MyRoom, Opened, Result, Rev, RoomId, RoomRef, Snapshot, Subscribed, Sync},
    rules::Actor,
    store::{CatchUp, CatchUpLimits, Missed, RoomSelector},
};

use super::{
    publish,
    queue::{End, Frame, Queue},
    session::Session,
};

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
    ready: VecDeque<Arc<Frame>>,
}

impl Live {
    pub(super) fn new(session: Session) -> Self {
        let queue = session.inner().hub.connect(session.actor().user());
        Self { session, queue, ready: VecDeque::new() }
    }

    /// Opens rooms, each from a cursor or anew. What is returned comes before any event of those rooms.
    ///
    /// While a room's answer says `more`, its events have not begun: subscribe again with the new cursor.
    ///
    /// # Errors
    /// `invalid_argument` for too many rooms at once; what the storage says. A room that is not there, or not theirs,
    /// is [`Subscribed::Gone`], not an error.
    pub async fn subscribe(&mut self, rooms: Vec<(RoomRef, Option<Cursor>)>) -> Result<Vec<Subscribed>> {
        let opening = self.read(rooms).await?;
        Ok(self.open(opening))
    }

    /// The first half of [`Live::subscribe`]: from here on nothing of the rooms is missed.
    async fn read(&self, rooms: Vec<(RoomRef, Option<Cursor>)>) -> Result<Vec<Opening>> {
        let limit = self.session.inner().options.limits.subscribe_rooms;
        if rooms.len() > limit {
            return Err(Error::LimitReached { what: "rooms", limit });
        }
        self.session.settle().await;
        let mut opening = Vec::with_capacity(rooms.len());
        for (place, cursor) in rooms {
            let found = self.read_one(&place, cursor, self.session.inner().options.limits.snapshot_messages).await?;
            opening.push(Opening { place, since: cursor.map_or(0, |cursor| cursor.rev), found });
        }
        Ok(opening)
    }

    async fn read_one(
        &self,
        place: &RoomRef,
        cursor: Option<Cursor>,
        messages: usize,
    ) -> Result<Option<(RoomId, CatchUp)>> {
        let inner = self.session.inner();
        let selector = match place {
            RoomRef::Id(id) => RoomSelector::Id(*id),
            RoomRef::Key(key) => RoomSelector::Key(key.clone()),
        };
        let users: Vec<_> = self.session.actor().user().into_iter().cloned().collect();
        let Some(view) = inner.store.view(&selector, &users).await? else { return Ok(None) };
        let member = view.members.into_iter().flatten().next();
        if !users.is_empty() && !member.as_ref().is_some_and(crate::model::Member::is_active) {
            return Ok(None);
        }
        let room = view.room.id;
        if let Some(member) = member {
            self.session.refresh_profile(room, &member).await?;
        }
        let limits = &inner.options.limits;
        let limits = CatchUpLimits { changes: limits.catch_up_changes, messages, members: limits.small_room };
        inner.hub.join(room, self.session.actor().user(), &self.queue);
        match inner.store.catch_up(self.session.actor().into(), room, cursor, limits).await {
            Ok(Some(missed)) => Ok(Some((room, missed))),
            Ok(None) => {
                inner.hub.leave(room, &self.queue);
                Ok(None)
            }
            Err(error) => {
                inner.hub.leave(room, &self.queue);
                Err(error.into())
            }
        }
    }

    /// The second half of [`Live::subscribe`]: the rooms go live, all at once.
    fn open(&self, opening: Vec<Opening>) -> Vec<Subscribed> {
        opening.into_iter().map(|opening| self.open_one(opening)).collect()
    }

    fn open_one(&self, Opening { place, since, found }: Opening) -> Subscribed {
        let gone = || Subscribed::Gone { room: place.to_string(), gone: true };
        let Some((room, caught_up)) = found else { return gone() };
        let hub = &self.session.inner().hub;
        let visible_from = caught_up.member.as_ref().map_or(1, |member| member.visible_from);
        let company = if matches!(caught_up.missed, Missed::Changes { more: true, .. }) {
            hub.leave(room, &self.queue);
            Default::default()
        } else {
            // Put out of the room since it was read: what was read is no longer theirs.
            let Some(company) = hub.activate(room, &self.queue, caught_up.cursor.rev, visible_from) else {
                return gone();
            };
            company
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
        Subscribed::Open(Box::new(Opened {
            room,
            sync,
            markers: caught_up.markers,
            present: company.present,
            typing: company.typing,
            cursor: caught_up.cursor,
        }))
    }

    /// Opens one room from now on: what came before is not told.
    ///
    /// # Errors
    /// `not_found` if it is not there, or not theirs.
    pub async fn enter(&mut self, room: impl Into<RoomRef>) -> Result<(MyRoom, Subscribed)> {
        let room = room.into();
        let found = self.read_one(&room, None, 0).await?;
        let entered = self.open_one(Opening { place: room, since: 0, found });
        match &entered {
            Subscribed::Open(opened) => match &opened.sync {
                Sync::Snapshot { snapshot } => Ok((snapshot.room.clone(), entered)),
                _ => Err(Error::not_found("room")),
            },
            Subscribed::Gone { .. } => Err(Error::not_found("room")),
        }
    }

    /// Closes a room.
    pub fn unsubscribe(&mut self, room: RoomId) {
        self.session.inner().hub.leave(room, &self.queue);
    }

    /// The next event; `None` when the engine closed, or this connection was too slow even to be told so.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Arc<Frame>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            poll_fn(|cx| self.poll_ready(cx)).await.ok()?;
        }
    }

    /// Waits until events are there, and makes them available to [`Live::take_ready`].
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.queue.poll_take(cx, &mut self.ready).map(|end| end.map_or(Ok(()), Err))
    }

    /// Everything that is ready now.
    pub(crate) fn take_ready(&mut self) -> std::collections::vec_deque::Drain<'_, Arc<Frame>> {
        self.ready.drain(..)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.session.inner().hub.disconnect(self.session.actor().user(), &self.queue);
    }
}

/// A room that is being opened.
#[derive(Debug)]
struct Opening {
    place: RoomRef,
    since: Rev,
    found: Option<(RoomId, CatchUp)>,
}

/// Changes as events; each names the one before it, since what changed twice comes once.
fn events(room: RoomId, since: Rev, changes: &[crate::store::Change]) -> Vec<Event> {
    let mut before = since;
    changes
        .iter()
        .map(|change| {
            let rev = change.cursor.rev;
            let prev = Some(std::mem::replace(&mut before, rev)).filter(|before| before + 1 != rev);
            publish::event(room, change, prev, None)
        })
        .collect()
}

impl From<End> for crate::wire::CloseCode {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Draining,
            End::TooSlow => Self::TooSlow,
        }
    }
}

impl<'a> From<&'a Actor> for crate::store::Viewer<'a> {
    fn from(actor: &'a Actor) -> Self {
        match actor {
            Actor::Host => Self::Host,
            Actor::User(user) => Self::User(user),
        }
    }
}
