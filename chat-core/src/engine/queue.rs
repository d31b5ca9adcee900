//! What waits for one subscriber: bounded in bytes, shared by reference, taken in batches.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::model::{Event, RoomId};

/// An event as it goes out: made once, shared by everybody who gets it.
#[derive(Debug)]
pub struct Frame {
    event: Event,
    json: Bytes,
}

impl Frame {
    pub(crate) fn new(event: Event) -> Arc<Self> {
        let json = serde_json::to_vec(&event).map(Bytes::from);
        debug_assert!(json.is_ok(), "an event is plain data");
        Arc::new(Self { event, json: json.unwrap_or_default() })
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
        let mut inner = self.lock();
        if inner.end.is_some() {
            return true;
        }
        if inner.bytes + frame.json.len() > self.limit {
            return false;
        }
        inner.add(Arc::clone(frame));
        inner.wake();
        true
    }

    /// Drops what can be fetched again, everything that is about one of `rooms`, and says so for each of them.
    pub(crate) fn resync(&self, rooms: &[RoomId], notice: impl Fn(RoomId) -> Arc<Frame>) {
        let mut inner = self.lock();
        inner.frames.retain(|frame| match frame.event.room() {
            Some(room) => {
                let own =
                    matches!(frame.event, Event::RoomAdded { .. } | Event::RoomRemoved { .. } | Event::Resync { .. });
                own || !rooms.contains(&room)
            }
            None => matches!(frame.event, Event::Closing { .. }),
        });
        inner.bytes = inner.frames.iter().map(|frame| frame.json.len()).sum();
        for room in rooms {
            inner.add(notice(*room));
        }
        // The notices are small, but a subscriber who does not even take those is cut.
        if inner.bytes > self.limit.saturating_mul(2) {
            inner.end = Some(End::TooSlow);
        }
        inner.wake();
    }

    pub(crate) fn close(&self, end: End) {
        let mut inner = self.lock();
        inner.end.get_or_insert(end);
        inner.wake();
    }

    /// Moves everything that waits into `out`; ready when that is something, or when nothing more will come.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, out: &mut VecDeque<Arc<Frame>>) -> Poll<Option<End>> {
        let mut inner = self.lock();
        if inner.frames.is_empty() {
            return match inner.end {
                Some(end) => Poll::Ready(Some(end)),
                None => {
                    inner.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        inner.bytes = 0;
        if out.is_empty() {
            std::mem::swap(out, &mut inner.frames);
        } else {
            out.append(&mut inner.frames);
        }
        Poll::Ready(None)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
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
