//! What waits for one subscriber: bounded in bytes, shared by reference, taken in batches.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::model::{Event, ResyncReason, RoomId};

use super::{
    burst::{Burst, Frame},
    sync::{Mutex, MutexGuard},
};

/// The events that wait for one subscriber.
#[derive(Debug)]
pub(crate) struct Queue {
    id: u64,
    inner: Mutex<Inner>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Inner {
    bursts: VecDeque<Arc<Burst>>,
    /// How many frames of the first one were taken one by one.
    taken: usize,
    /// Of what waits.
    bytes: usize,
    waker: Option<Waker>,
    end: Option<End>,
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The engine closed.
    Closed,
    /// Too much waited, even after dropping what can be fetched again.
    TooSlow,
}

impl Queue {
    pub(crate) fn new(id: u64, limit: usize) -> Arc<Self> {
        Arc::new(Self { id, inner: Mutex::default(), limit })
    }

    /// Its number, unique in the engine.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Adds events; `false` if they do not fit, and then none is added.
    pub(crate) fn push(&self, burst: &Arc<Burst>) -> bool {
        let mut inner = self.lock();
        if inner.end.is_some() {
            return true;
        }
        if inner.bytes + burst.bytes() > self.limit {
            return false;
        }
        inner.add(Arc::clone(burst));
        inner.wake();
        true
    }

    /// The same after all changes of rooms that wait were replaced by notices that these rooms have changed, one each, as
    /// this one is. Of rooms that are open none may wait any more.
    pub(super) fn push_beside_notices(&self, burst: &Arc<Burst>) -> bool {
        let mut inner = self.lock();
        inner.cut_first();
        let mut noticed = HashSet::new();
        let waiting = std::mem::take(&mut inner.bursts);
        inner.bytes = 0;
        for burst in waiting.iter().chain([burst]) {
            match burst.frames().first().and_then(|frame| changed(frame.event())) {
                None => inner.add(Arc::clone(burst)),
                Some(room) if noticed.insert(room) => {
                    inner.add(Burst::one(Event::Resync { room, reason: ResyncReason::TooSlow }));
                }
                Some(_) => {}
            }
        }
        inner.wake();
        inner.bytes <= self.limit
    }

    /// How many bytes may wait.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Drops everything that waits about a room.
    pub(super) fn forget(&self, room: RoomId) {
        self.lock().keep(|event| event.room() != Some(room));
    }

    /// Drops what waits of rooms for those who have them open, or would have to.
    pub(super) fn drop_rooms(&self, rooms: &[RoomId]) {
        self.lock().keep(|event| event.room().is_none_or(|room| !rooms.contains(&room)) || is_own(event));
    }

    /// Drops what waits of a room for those only who have it open.
    pub(super) fn leave(&self, room: RoomId) {
        let outside = |event: &Event| is_own(event) || matches!(event, Event::RoomUpdated { .. });
        self.lock().keep(|event| event.room() != Some(room) || outside(event));
    }

    /// Drops what can be fetched again, everything that came of one of `rooms` being open, and says so for each of
    /// them. `rooms` are in order. Who is there now nothing brings again: of each person the last news stays.
    pub(super) fn resync(&self, rooms: &[RoomId], reason: ResyncReason) {
        let mut inner = self.lock();
        inner.keep_last_presence();
        inner.keep(|event| event.room().is_none_or(|room| is_own(event) || rooms.binary_search(&room).is_err()));
        for room in rooms {
            inner.add(Burst::one(Event::Resync { room: *room, reason }));
        }
        // The notices are small, but a subscriber who does not even take those is cut.
        if inner.bytes > self.limit.saturating_mul(2) {
            inner.end.get_or_insert(End::TooSlow);
        }
        inner.wake();
    }

    pub(crate) fn close(&self, end: End) {
        let mut inner = self.lock();
        inner.end.get_or_insert(end);
        inner.wake();
    }

    /// Takes the first frame that waits; an error when nothing more will come.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Arc<Frame>, End>> {
        let mut inner = self.lock();
        match inner.next() {
            Some(frame) => Poll::Ready(Ok(frame)),
            None => inner.poll_end(cx).map(Err),
        }
    }

    /// Waits until a frame waits; an error when nothing more will come.
    pub(super) fn poll_some(&self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let mut inner = self.lock();
        if inner.bursts.is_empty() { inner.poll_end(cx).map(Err) } else { Poll::Ready(Ok(())) }
    }

    /// Takes the first frame, if one waits.
    pub(super) fn try_next(&self) -> Option<Arc<Frame>> {
        self.lock().next()
    }

    /// Moves everything that waits into `out`, which is empty; an error when nothing more will come.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>, out: &mut VecDeque<Arc<Burst>>) -> Poll<Result<(), End>> {
        let mut inner = self.lock();
        if inner.bursts.is_empty() {
            return inner.poll_end(cx).map(Err);
        }
        inner.cut_first();
        inner.bytes = 0;
        std::mem::swap(out, &mut inner.bursts);
        Poll::Ready(Ok(()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Keeps what is `wanted`, as the first event of each burst says: all of one are of one kind.
    fn keep(&mut self, wanted: impl Fn(&Event) -> bool) {
        self.cut_first();
        self.bursts.retain(|burst| burst.frames().first().is_some_and(|frame| wanted(frame.event())));
        self.bytes = self.bursts.iter().map(|burst| burst.bytes()).sum();
    }

    /// Keeps of each person only the last that waits of their coming and going.
    fn keep_last_presence(&mut self) {
        let mut known = HashSet::new();
        let mut is_news = |burst: &Burst| match burst.frames().first().map(|frame| frame.event()) {
            Some(Event::Presence { user_id, .. }) => known.insert(user_id.clone()),
            _ => true,
        };
        let mut last: VecDeque<_> = self.bursts.drain(..).rev().filter(|burst| is_news(burst)).collect();
        last.make_contiguous().reverse();
        self.bursts = last;
    }

    /// The next frame.
    fn next(&mut self) -> Option<Arc<Frame>> {
        let first = self.bursts.front()?;
        let frame = first.frames().get(self.taken).map(Arc::clone);
        self.taken += 1;
        if self.taken >= first.frames().len() {
            self.bursts.pop_front();
            self.taken = 0;
        }
        self.bytes -= frame.as_ref().map_or(0, |frame| frame.bytes());
        frame
    }

    /// Leaves of the first burst what was not taken.
    fn cut_first(&mut self) {
        if self.taken > 0
            && let Some(first) = self.bursts.front_mut()
        {
            *first = Burst::of(first.frames()[self.taken..].to_vec());
            self.taken = 0;
        }
    }

    /// Why nothing more will come, or else to be woken when something does.
    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<End> {
        if let Some(end) = self.end {
            return Poll::Ready(end);
        }
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn add(&mut self, burst: Arc<Burst>) {
        self.bytes += burst.bytes();
        self.bursts.push_back(burst);
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The room whose change it tells, or that it has changed.
fn changed(event: &Event) -> Option<RoomId> {
    event.room().filter(|_| matches!(event, Event::RoomUpdated { .. } | Event::Resync { .. }))
}

/// Whether a user gets it on every connection, also where the room is not open.
const fn is_own(event: &Event) -> bool {
    matches!(event, Event::RoomAdded { .. } | Event::RoomRemoved { .. } | Event::Marker { .. })
}
