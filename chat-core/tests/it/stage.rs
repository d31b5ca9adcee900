//! A small cast on an engine of its own.

use std::sync::Arc;

use chat_core::{CreateRoom, Engine, Event, Live, MemoryStore, Message, Options, RoomId, SendMessage, Session, UserId};

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
        Self::with(CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"))).await
    }

    pub(crate) async fn with(create: CreateRoom) -> Self {
        let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
        let room = engine.host().create_room(create).await.unwrap().info.id;
        Self { engine, room }
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

    pub(crate) async fn unread(&self, name: &str) -> u64 {
        self.of(name).room(self.room).await.unwrap().unread_count
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
