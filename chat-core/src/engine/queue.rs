//! What waits for one subscriber: bounded in bytes, shared by reference, taken in batches.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::model::{Event, ResyncReason, RoomId};

/// An event as it goes out: made once, shared by everybody who gets it.
#[derive(Debug)]
pub struct Frame {
    event: Event,
    json: Bytes,
}

impl Frame {
    pub(crate) fn new(event: Event) -> Arc<Self> {
        let mut json = Vec::with_capacity(512);
        let written = serde_json::to_writer(&mut json, &event);
        debug_assert!(written.is_ok(), "an event is plain data");
        Arc::new(Self { event, json: json.into() })
    }

    /// The event.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// The event as the wire shows it: JSON, encoded once for all receivers.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }
}

/// The events that wait for one subscriber.
#[derive(Debug)]
pub(crate) struct Queue {
    id: u64,
    inner: Mutex<Inner>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Arc<Frame>>,
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

    /// Adds a frame; `false` if it does not fit, and then it is not added.
    pub(crate) fn push(&self, frame: &Arc<Frame>) -> bool {
        self.push_all([frame])
    }

    /// Adds frames, for the price of one; `false` if one does not fit, and then it is not added, nor what follows it.
    pub(super) fn push_all<'a>(&self, frames: impl IntoIterator<Item = &'a Arc<Frame>>) -> bool {
        let mut inner = self.lock();
        if inner.end.is_some() {
            return true;
        }
        for frame in frames {
            if inner.bytes + frame.json.len() > self.limit {
                return false;
            }
            inner.add(Arc::clone(frame));
        }
        if !inner.frames.is_empty() {
            inner.wake();
        }
        true
    }

    /// How many bytes may wait.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Drops everything that waits about a room.
    pub(super) fn forget(&self, room: RoomId) {
        self.lock().keep(|event| event.room() != Some(room));
    }

    /// Drops what waits because the room is open.
    pub(super) fn drop_room(&self, room: RoomId) {
        self.lock().keep(|event| event.room() != Some(room) || is_own(event));
    }

    /// Drops what can be fetched again, everything that came of one of `rooms` being open, and says so for each of
    /// them. `rooms` are in order.
    pub(super) fn resync(&self, rooms: &[RoomId], reason: ResyncReason) {
        let mut inner = self.lock();
        inner.keep(|event| match event.room() {
            Some(room) => is_own(event) || rooms.binary_search(&room).is_err(),
            None => matches!(event, Event::Closing { .. }),
        });
        for room in rooms {
            inner.add(Frame::new(Event::Resync { room: *room, reason }));
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
        match inner.frames.pop_front() {
            Some(frame) => {
                inner.bytes -= frame.json.len();
                Poll::Ready(Ok(frame))
            }
            None => inner.poll_end(cx).map(Err),
        }
    }

    /// Moves everything that waits into `out`, which is empty; an error when nothing more will come.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>, out: &mut VecDeque<Arc<Frame>>) -> Poll<Result<(), End>> {
        let mut inner = self.lock();
        if inner.frames.is_empty() {
            return inner.poll_end(cx).map(Err);
        }
        inner.bytes = 0;
        std::mem::swap(out, &mut inner.frames);
        Poll::Ready(Ok(()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn keep(&mut self, wanted: impl Fn(&Event) -> bool) {
        self.frames.retain(|frame| wanted(&frame.event));
        self.bytes = self.frames.iter().map(|frame| frame.json.len()).sum();
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

    fn add(&mut self, frame: Arc<Frame>) {
        self.bytes += frame.json.len();
        self.frames.push_back(frame);
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Whether a user gets it on every connection, also where the room is not open.
const fn is_own(event: &Event) -> bool {
    matches!(event, Event::RoomAdded { .. } | Event::RoomRemoved { .. } | Event::Marker { .. })
}
