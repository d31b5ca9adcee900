//! A running server with a small cast, and tokens for everybody.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use chat_core::{Clock, CreateRoom, Engine, MemoryStore, Options, RoomId, SystemClock, Timestamp, UserId};
use chat_testkit::ManualClock;
use chat_ws::{
    ChatServer, Grant, JwtAuthenticator, JwtSettings, ServerLimits, Settings, SigningKey, VerifyingKey, listen, serve,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::wire::{PATIENCE, Peer, Reply, connect, request};

const SECRET: &str = "a secret for tests, thirty-two bytes and more";

/// A server on a port of its own, with the room `job:42` of ann and ben.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    pub(crate) room: RoomId,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// How long tokens are good: longer than any test takes.
const VALID: Duration = Duration::from_hours(1);

/// A token for a user.
pub(crate) fn token(name: &str) -> String {
    token_for(name, VALID)
}

pub(crate) fn token_for(name: &str, valid: Duration) -> String {
    token_at(SystemClock.now(), name, valid)
}

/// The same from a clock of the test's own.
pub(crate) fn token_at(now: Timestamp, name: &str, valid: Duration) -> String {
    signed(&Grant::user(&user(name), now, valid))
}

/// A token for the application itself.
pub(crate) fn service() -> String {
    signed(&Grant::service(SystemClock.now(), VALID))
}

pub(crate) fn signed(grant: &Grant) -> String {
    grant.sign(&SigningKey::hs256(SECRET).unwrap())
}

pub(crate) fn limits(change: impl FnOnce(&mut ServerLimits)) -> Settings {
    let mut settings = Settings::default();
    // Tests let go of their sockets last.
    settings.limits.drain_timeout = Duration::from_millis(200);
    change(&mut settings.limits);
    settings
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(limits(|_| ())).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::of(settings, Options::default()).await
    }

    pub(crate) async fn of(settings: Settings, options: Options) -> Self {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), &settings.limits).unwrap();
        Self::behind(listener, settings, options).await
    }

    pub(crate) async fn behind(listener: TcpListener, settings: Settings, options: Options) -> Self {
        let clock = Arc::clone(&options.clock);
        let engine = Engine::open(Arc::new(MemoryStore::default()), options);
        let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"));
        let room = engine.host().create_room(create).await.unwrap().info.id;
        let keys = vec![VerifyingKey::hs256(SECRET).unwrap()];
        let jwt = JwtSettings { leeway: Duration::ZERO, ..JwtSettings::default() };
        let login = JwtAuthenticator::new(keys, jwt, clock).unwrap();
        let chat = ChatServer::new(engine.clone(), Arc::new(login), settings).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        // spawns: the stage; `Stage::stop` waits for it.
        let serving = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, chat.router(), &chat, stopped).await;
        });
        Self { engine, address, room, stop: Some(stop), serving }
    }

    /// One whose clock stands still until the test turns it. Sockets look at it every few milliseconds.
    pub(crate) async fn timeless(change: impl FnOnce(&mut ServerLimits)) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let options = Options { clock: Arc::clone(&clock) as _, ..Options::default() };
        let settings = limits(|l| {
            l.ping_every = Duration::from_millis(20);
            change(l);
        });
        (Self::of(settings, options).await, clock)
    }

    /// A user's socket in `job:42`, past its `ready`.
    pub(crate) async fn enters(&self, name: &str) -> Peer {
        let mut peer = self.opens("/ws/job_chat/42/", &token(name)).await.unwrap();
        peer.until("ready").await;
        peer
    }

    /// A socket for many rooms, past its `ready`.
    pub(crate) async fn joins(&self, token: &str) -> Peer {
        let mut peer = self.opens("/ws/", token).await.unwrap();
        peer.until("ready").await;
        peer
    }

    /// A socket with a token in its headers; otherwise the answer that refused it.
    pub(crate) async fn opens(&self, path: &str, token: &str) -> Result<Peer, Reply> {
        connect(self.address, path, &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// A request with a token.
    pub(crate) async fn asks(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let authorization = format!("Bearer {token}");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        request(self.address, method, path, &[("authorization", &authorization)], body.as_bytes()).await
    }

    pub(crate) async fn get(&self, name: &str, path: &str) -> Reply {
        self.asks(&token(name), "GET", path, None).await
    }

    pub(crate) async fn post(&self, name: &str, path: &str, body: Value) -> Reply {
        self.asks(&token(name), "POST", path, Some(body)).await
    }

    /// Sends a message and gives back what it became.
    pub(crate) async fn says(&self, name: &str, text: &str) -> Value {
        let body = serde_json::json!({ "content": text });
        let sent = self.post(name, "/api/chatrooms/job:42/send_message/", body).await;
        assert_eq!(sent.status, 201, "{}", sent.body);
        sent.json()
    }

    /// Stops it, and waits until nothing runs any more.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(PATIENCE, &mut self.serving).await.expect("it stops").unwrap();
        self.engine.close().await.unwrap();
    }
}
