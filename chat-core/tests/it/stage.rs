//! A small cast on an engine of its own.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
};

use chat_core::{
    Clock, CreateRoom, Engine, Event, Frame, Limits, Live, MemoryStore, Message, Options, RoomId, SendMessage, Session,
    Store, Timestamp, UserId, Window,
};
use futures_util::FutureExt as _;

pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) room: RoomId,
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

impl Stage {
    /// A group `job:42` with ann and ben in it.
    pub(crate) async fn new() -> Self {
        Self::limited(Limits::default()).await
    }

    /// The same where nobody falls behind who reads late.
    pub(crate) async fn patient(store: Arc<dyn Store>) -> Self {
        let limits = Limits { pending_bytes: usize::MAX, ..Limits::default() };
        let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"));
        Self::over(store, Options { limits, ..Options::default() }, create).await
    }

    pub(crate) async fn with(create: CreateRoom) -> Self {
        Self::over(Arc::new(MemoryStore::default()), Options::default(), create).await
    }

    /// The same room over another store.
    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"));
        Self::over(store, Options::default(), create).await
    }

    pub(crate) async fn over(store: Arc<dyn Store>, options: Options, create: CreateRoom) -> Self {
        let engine = Engine::open(store, options);
        let room = engine.host().create_room(create).await.unwrap().info.id;
        Self { engine, room }
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"));
        Self::over(Arc::new(MemoryStore::default()), Options { limits, ..Options::default() }, create).await
    }

    pub(crate) fn host(&self) -> Session {
        self.engine.host()
    }

    pub(crate) fn of(&self, name: &str) -> Session {
        self.engine.session(&user(name))
    }

    pub(crate) async fn says(&self, name: &str, text: &str) -> Arc<Message> {
        self.of(name).send(self.room, SendMessage::text(text)).await.unwrap().message
    }

    /// A connection that has the room open.
    pub(crate) async fn opens(&self, name: &str) -> Live {
        let mut live = self.of(name).live();
        live.subscribe(vec![(self.room.into(), None)]).await.unwrap();
        live
    }

    /// What has been said, in order.
    pub(crate) async fn texts(&self) -> Vec<String> {
        let page = self.host().history(self.room, Window::After(0), Some(200)).await.unwrap();
        page.results.into_iter().filter_map(|message| message.content).collect()
    }

    pub(crate) async fn unread(&self, name: &str) -> u64 {
        self.of(name).room(self.room).await.unwrap().unread_count
    }
}

/// A clock that shows what a test sets, in milliseconds.
#[derive(Debug)]
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn at(millis: i64) -> Self {
        Self(AtomicI64::new(millis))
    }

    pub(crate) fn turn(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The next event that `wanted` takes; others are passed over.
pub(crate) async fn next<T>(live: &mut Live, wanted: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        let frame = live.next().await.expect("the stream goes on");
        if let Some(found) = wanted(frame.event()) {
            return found;
        }
    }
}

/// The text of the next message.
pub(crate) async fn next_text(live: &mut Live) -> String {
    next(live, |event| match event {
        Event::ChatMessage { message, .. } => message.content.clone(),
        _ => None,
    })
    .await
}

/// What is there to take now, without waiting for more; without presence, which comes when it comes.
pub(crate) fn waiting(live: &mut Live) -> Vec<Arc<Frame>> {
    let frames = std::iter::from_fn(|| live.next().now_or_never().flatten());
    frames.filter(|frame| !matches!(frame.event(), Event::Presence { .. })).collect()
}

/// The type of an event, as the wire names it.
pub(crate) fn kind(frame: &Frame) -> String {
    serde_json::to_value(frame.event()).unwrap()["type"].as_str().unwrap().to_owned()
}

/// Polls a future so many times and drops it, as a caller does who gives up; what it came to, if it came to its end.
pub(crate) async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}
