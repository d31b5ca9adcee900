//! One subscriber's events, as a stream that is pulled.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use chat_core::{Cursor, Frame, Live, RoomRef, Subscribed};
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::{error::ChatError, record::OpenRoom, runtime};

/// One subscriber's events: a bounded stream, and the rooms that feed it.
///
/// Events wait here only up to a limit. Who falls behind gets `resync` for its rooms instead of what it missed:
/// subscribe again with the last cursor. It ends when it is closed, when the engine closes, and when it is too slow
/// even to be told so.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
#[derive(Clone, Debug)]
pub struct Events {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` once closed.
    live: Mutex<Option<Live>>,
    /// Somebody wants what is held by whoever waits for events.
    wanted: Notify,
    closed: AtomicBool,
}

impl Events {
    pub(crate) fn new(session: &chat_core::Session) -> Self {
        let live = Mutex::new(Some(session.live()));
        Self { shared: Arc::new(Shared { live, wanted: Notify::new(), closed: AtomicBool::new(false) }) }
    }

    pub(crate) async fn subscribe_core(
        &self,
        rooms: Vec<(RoomRef, Option<Cursor>)>,
    ) -> chat_core::Result<Vec<Subscribed>> {
        match self.shared.take().await.as_mut() {
            Some(live) => live.subscribe(rooms).await,
            None => Err(chat_core::Error::Draining),
        }
    }

    pub(crate) async fn unsubscribe_core(&self, room: RoomRef) -> chat_core::Result<()> {
        match self.shared.take().await.as_mut() {
            Some(live) => live.unsubscribe(vec![room]).await,
            None => Err(chat_core::Error::Draining),
        }
    }

    /// The next event; `None` at the end. Dropping the future loses nothing.
    pub(crate) async fn next_frame(&self) -> Option<Arc<Frame>> {
        loop {
            let mut live = self.wait().await?;
            if let Some(frame) = live.as_mut()?.try_next() {
                return Some(frame);
            }
        }
    }

    /// Waits until an event is there; nothing at the end.
    async fn wait(&self) -> Option<MutexGuard<'_, Option<Live>>> {
        loop {
            let mut live = self.shared.live.lock().await;
            let ready = live.as_ref()?.ready();
            tokio::select! {
                more = ready => return more.then_some(live),
                // The lock is fair: who wants it comes first.
                () = self.shared.wanted.notified() => {
                    if self.shared.closed.load(Ordering::Acquire) {
                        *live = None;
                    }
                }
            }
        }
    }

    /// The event that is there now. Whoever waits holds them; then none is.
    #[cfg(feature = "uniffi")]
    fn take_frame(&self) -> Option<Arc<Frame>> {
        if self.shared.closed.load(Ordering::Acquire) {
            return None;
        }
        self.shared.live.try_lock().ok()?.as_mut()?.try_next()
    }

    /// Ends it and closes its rooms.
    pub(crate) fn end(&self) {
        self.shared.closed.store(true, Ordering::Release);
        match self.shared.live.try_lock() {
            Ok(mut live) => *live = None,
            // Whoever holds it may be given up before they hear of it, so this waits for it itself.
            Err(_) => {
                let shared = Arc::clone(&self.shared);
                if let Ok(runtime) = runtime::runtime() {
                    // spawns: closing the rooms; it ends once whoever holds them has let go.
                    runtime.spawn(async move { drop(shared.take().await) });
                }
            }
        }
    }
}

impl Shared {
    /// The live side, even while somebody waits for an event.
    async fn take(&self) -> MutexGuard<'_, Option<Live>> {
        let mut lock = pin!(self.live.lock());
        let mut live = poll_fn(|cx| match lock.as_mut().poll(cx) {
            Poll::Ready(live) => Poll::Ready(live),
            Poll::Pending => {
                self.wanted.notify_one();
                Poll::Pending
            }
        })
        .await;
        if self.closed.load(Ordering::Acquire) {
            *live = None;
        }
        live
    }
}

/// The rooms to open, as the core takes them.
pub(crate) fn rooms(rooms: Vec<OpenRoom>) -> Result<Vec<(RoomRef, Option<Cursor>)>, ChatError> {
    let place = |OpenRoom { room, cursor }| Ok((room.parse()?, cursor.map(|cursor| cursor.parse()).transpose()?));
    rooms.into_iter().map(place).collect::<chat_core::Result<_>>().map_err(Into::into)
}

#[cfg(feature = "uniffi")]
mod exported {
    use super::{Arc, ChatError, Events, OpenRoom, rooms};
    use crate::{
        Session,
        carry::{carry, shown},
        record::{Event, Opened},
        runtime,
    };

    #[uniffi::export]
    impl Session {
        /// A new subscriber.
        pub fn events(&self) -> Arc<Events> {
            Arc::new(Events::new(&self.core))
        }
    }

    #[uniffi::export]
    impl Events {
        /// Opens rooms, each from a cursor or from scratch. What is returned comes before any event of those rooms.
        ///
        /// # Errors
        /// `limit_reached` for too many rooms at once. A room that is not there, or not theirs, is `gone`, no error.
        pub async fn subscribe(&self, open: Vec<OpenRoom>) -> Result<Vec<Opened>, ChatError> {
            let (events, open) = (self.clone(), rooms(open)?);
            carry(&runtime::run(async move { events.subscribe_core(open).await }).await?)
        }

        /// Closes a room, by its id or key. One that is not there is not open.
        ///
        /// # Errors
        /// `draining` after the end; what the storage says.
        pub async fn unsubscribe(&self, room: String) -> Result<(), ChatError> {
            let (events, room) = (self.clone(), room.parse()?);
            runtime::run(async move { events.unsubscribe_core(room).await }).await
        }

        /// Waits until there is an event to take; `false` at the end.
        ///
        /// Waiting and taking are two calls, since a call that waits may be given up when it is done and its answer is
        /// still on its way: what it had taken would be lost.
        pub async fn ready(&self) -> bool {
            let events = self.clone();
            // In a task, whose waker then lies in the core's queue: another language's resumes its program right there,
            // on the thread and under the locks of whoever tells of an event.
            runtime::run(async move { Ok(events.wait().await.is_some()) }).await.unwrap_or(false)
        }

        /// The event that is there now, if one is.
        ///
        /// # Errors
        /// None that is known: every event fits its record.
        pub fn take(&self) -> Result<Option<Event>, ChatError> {
            let frame = self.take_frame();
            frame.map(|frame| shown(&String::from_utf8_lossy(frame.json()))).transpose()
        }

        /// Ends it and closes its rooms.
        pub fn stop(&self) {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        task::{Context, Waker},
        time::Duration,
    };

    use chat_core::{Engine, MemoryStore, Options};

    use super::*;

    #[test]
    fn what_ends_closes_its_rooms_also_where_whoever_waited_is_given_up() {
        let runtime = runtime::runtime().unwrap();
        let engine = runtime.block_on(async { Engine::open(Arc::new(MemoryStore::default()), Options::default()) });
        let events = Events::new(&engine.host());
        let mut waiting = Box::pin(events.wait());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        events.end();
        drop(waiting);
        let closed = async {
            while events.shared.live.lock().await.is_some() {
                tokio::task::yield_now().await;
            }
        };
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), closed).await }).unwrap();
    }
}
