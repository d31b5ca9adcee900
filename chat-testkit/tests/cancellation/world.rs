//! A small world that runs the same way every time, and lets others run at each call.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    Actor, AddParticipant, Attempt, CreateRoom, Denial, Engine, Error, Event, Frame, Limits, Live, MarkKind,
    MemoryStore, MessageId, Options, PermissionHook, Result, Role, RoomId, SendMessage, Session, Store, Subscribed,
    Timestamp, UpdateRoom, UserId, Window,
    store::StoreResult,
    wire::{Connection, Identity, Output, Setup, TokenVerifier},
};
use chat_testkit::{
    Around, Call, Hooked, ManualClock, SeededRandom,
    cast::{alice, bob, carol, client_id, dave, key, room_id},
    picture,
};
use serde_json::{Value, json};
use tokio::{
    task::yield_now,
    time::{advance, timeout},
};

/// A message under its own name.
pub(crate) fn says(text: &str) -> SendMessage {
    SendMessage::text(text).with_client_id(client_id(text))
}

/// An engine whose store and hook let others run at each call, with people in two rooms of it.
pub(crate) struct World {
    /// The store as it is.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) engine: Engine,
    /// She owns a room. That she wants to read again what she has read there is on its way to the store.
    pub(crate) alice: Session,
    /// She has that room open; she gives up whatever she does.
    pub(crate) live: Live,
    pub(crate) connection: Connection,
    /// Bob has both rooms open.
    pub(crate) watcher: Live,
    pub(crate) room: RoomId,
    pub(crate) elsewhere: RoomId,
    pub(crate) alices: MessageId,
    pub(crate) bobs: MessageId,
}

impl World {
    pub(crate) async fn begin() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(&SeededRandom::new(2)));
        let engine = engine(Arc::clone(&store));
        let host = engine.host();
        let create = CreateRoom::keyed(key("job:1")).with(AddParticipant::new(alice()).role(Role::Owner));
        let room = host.create_room(create.with(bob()).with(carol())).await.unwrap().info.id;
        let create = CreateRoom::keyed(key("job:2")).with(alice()).with(bob());
        let elsewhere = host.create_room(create).await.unwrap().info.id;
        let session = engine.session(&alice()).with_profile(Some("Alice".into()), None);
        let alices = session.send(room, says("Hello")).await.unwrap().message.id;
        let other = engine.session(&bob());
        other.send(room, says("Hi")).await.unwrap();
        session.mark(room, MarkKind::Read, 2).await.unwrap();
        let bobs = other.send(room, says("There?")).await.unwrap().message.id;
        let (mut live, mut watcher) = (session.live(), other.live());
        live.subscribe(vec![(room.into(), None)]).await.unwrap();
        watcher.subscribe(vec![(room.into(), None), (elsewhere.into(), None)]).await.unwrap();
        let mut connection = connect(&engine);
        connection.output(&mut Vec::new()).await;
        assert_eq!(give_up_after(10, session.mark(room, MarkKind::Unread, 2)).await, None, "it is on its way");
        waiting(&mut live);
        waiting(&mut watcher);
        Self { store, engine, alice: session, live, connection, watcher, room, elsewhere, alices, bobs }
    }

    /// Says something, and waits until she is told of it.
    pub(crate) async fn hears(&mut self, text: &str) -> Result<()> {
        self.alice.send(self.room, says(text)).await?;
        while let Some(frame) = self.live.next().await {
            if is_said(&frame, text) {
                break;
            }
        }
        Ok(())
    }

    /// The same, by waiting and taking in two.
    pub(crate) async fn waits(&mut self, text: &str) -> Result<()> {
        self.alice.send(self.room, says(text)).await?;
        while self.live.ready().await {
            if self.live.try_next().is_some_and(|frame| is_said(&frame, text)) {
                break;
            }
        }
        Ok(())
    }

    /// Says things over the wire, all at once, and waits for the last answer.
    pub(crate) async fn wires(&mut self, texts: &[&str]) -> Result<()> {
        for (number, text) in texts.iter().enumerate() {
            let (action, room) = ("send_message", self.room);
            let send = json!({"action": action, "room": room, "content": text, "client_id": text, "ref": number});
            self.connection.receive(&send.to_string());
        }
        let last = format!(r#"{{"type":"reply","ref":{},"#, texts.len() - 1);
        let mut out = Vec::new();
        loop {
            self.connection.output(&mut out).await;
            if out.iter().flat_map(Output::texts).any(|text| text.starts_with(last.as_bytes())) {
                return Ok(());
            }
        }
    }

    /// The connection breaks, and another one is made.
    pub(crate) fn reconnects(&mut self) {
        self.connection = connect(&self.engine);
    }

    /// What was said since the beginning.
    pub(crate) async fn said(&self) -> Vec<String> {
        let page = self.engine.host().history(self.room, Window::After(3), None).await.unwrap();
        page.results.into_iter().filter_map(|message| message.content).collect()
    }

    /// What is stored when everything is done that was accepted.
    pub(crate) async fn stored(&self) -> String {
        // What she marked is stored before she reads on.
        self.alice.unread().await.unwrap();
        // The second one is looked at when the batch of the first one is stored.
        for _ in 0..2 {
            let nowhere = self.engine.host().delete_room(room_id(0)).await;
            assert_eq!(nowhere, Err(Error::NotFound { what: "room" }));
        }
        picture(&*self.store, &[alice(), bob(), carol(), dave()]).await
    }

    /// Who has the other room open.
    pub(crate) async fn present_elsewhere(&self) -> Vec<UserId> {
        match self.engine.host().live().enter(self.elsewhere).await {
            Ok((_, Subscribed::Open(opened))) => opened.present,
            other => panic!("the host enters every room: {other:?}"),
        }
    }

    /// Both hear of both rooms as before, once, or know that they must catch up; and then everything ends.
    pub(crate) async fn goes_on_and_ends(mut self, case: &str) {
        let topic = UpdateRoom { topic: Some(Some("on we go".into())), ..UpdateRoom::default() };
        self.engine.host().update_room(self.elsewhere, topic).await.unwrap();
        let said = self.engine.host().send(self.room, SendMessage::system("on we go")).await;
        for live in [&mut self.live, &mut self.watcher] {
            let told = waiting(live);
            let times = |kind: &str, room: RoomId| {
                told.iter().filter(|frame| frame["type"] == kind && frame["room"] == room.to_string()).count()
            };
            assert_eq!(times("room_updated", self.elsewhere), 1, "{case}: {told:?}");
            let heard = told.iter().filter(|frame| frame["message"]["content"] == "on we go").count();
            match &said {
                Ok(_) => assert_eq!(heard + times("resync", self.room), 1, "{case}: {told:?}"),
                Err(error) => assert_eq!(*error, Error::NotFound { what: "room" }, "{case}"),
            }
        }
        assert_eq!(in_time(self.engine.close()).await, Ok(()), "{case}");
        let store = Arc::clone(&self.store);
        drop(self);
        assert_eq!(Arc::strong_count(&store), 1, "{case}: nothing holds the store any more");
    }
}

/// Every call lets others run, and may be given up, before it and after it.
#[derive(Debug)]
struct Yields;

#[async_trait]
impl Around for Yields {
    async fn before(&self, _: Call) -> StoreResult<()> {
        yield_now().await;
        Ok(())
    }

    async fn after(&self, _: Call) -> StoreResult<()> {
        yield_now().await;
        Ok(())
    }
}

#[async_trait]
impl PermissionHook for Yields {
    async fn permit(&self, _: Attempt<'_>) -> Result<(), Denial> {
        yield_now().await;
        Ok(())
    }
}

#[async_trait]
impl TokenVerifier for Yields {
    async fn verify(&self, _: &str) -> Result<Identity> {
        Err(Error::Unauthorized { reason: "nobody comes with a token" })
    }
}

pub(crate) fn slow(store: Arc<dyn Store>) -> Arc<dyn Store> {
    Hooked::new(store, Arc::new(Yields))
}

/// An engine that runs the same way every time.
pub(crate) fn engine(store: Arc<dyn Store>) -> Engine {
    // A place that stayed taken would be missed at once.
    let limits = Limits { pending_commands: 1, ..Limits::default() };
    let options = Options {
        limits,
        clock: Arc::new(ManualClock::default()),
        random: Arc::new(SeededRandom::new(1)),
        permission: Some(Arc::new(Yields)),
        ..Options::default()
    };
    Engine::open(slow(store), options)
}

fn connect(engine: &Engine) -> Connection {
    let (heartbeat, auth_timeout) = (Duration::from_secs(25), Duration::from_secs(10));
    let setup = Setup { room: None, heartbeat, frame_bytes: 1 << 17, auth_timeout };
    let identity = Identity { actor: Actor::User(alice()), name: None, avatar: None, expires_at: None };
    Connection::open(engine.clone(), Arc::new(Yields), setup, Some(identity), Timestamp::from_millis(0))
}

fn is_said(frame: &Frame, text: &str) -> bool {
    matches!(frame.event(), Event::ChatMessage { message, .. } if message.content.as_deref() == Some(text))
}

/// What is there to take now; without presence, which comes when it comes.
pub(crate) fn waiting(live: &mut Live) -> Vec<Value> {
    let mut told = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = pin!(live.next()).poll(&mut cx) {
        if !matches!(frame.event(), Event::Presence { .. }) {
            told.push(serde_json::from_slice(frame.json()).unwrap());
        }
    }
    told
}

/// What a future comes to, which must not take for ever.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(5), future).await.expect("it comes to its end")
}

/// Polls a future so many times, each a millisecond after the last one, and drops it; what it came to, if it came to its
/// end.
pub(crate) async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(done);
        }
        // What else is ready runs, too.
        advance(Duration::from_millis(1)).await;
    }
    None
}
