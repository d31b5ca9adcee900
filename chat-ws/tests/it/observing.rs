//! Metrics, logs, readiness, the OpenAPI document, and the router as a guest in somebody else's app.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::extract::ConnectInfo;
use chat_core::{Actor, CreateRoom, Engine, MemoryStore, Options, SendMessage, UserId};
use chat_ws::{AuthError, Authenticator, ChatServer, Credentials, Identity, MetricsAccess, Settings};
use serde_json::json;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::{
    events::Events,
    stage::{Stage, limits, service, token, user},
    wire::{connect, counted, request},
};

#[tokio::test]
async fn metrics_count_and_tell_nothing_of_anybody() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    ann.does(json!({"action": "send_message", "content": "very secret", "client_id": "c-1"})).await;
    ann.fails(json!({"action": "edit_message", "message_id": "0190a1b2-0000-7000-8000-000000000000", "content": "x"}))
        .await;
    ann.fails(json!({"action": "made up secret"})).await;
    s.opens("/ws/", "bad token").await.unwrap_err();
    s.opens("/ws/job_chat/secret/", &token("ann")).await.unwrap_err();
    s.says("ben", "very secret too").await;
    ann.until("chat_message").await;
    let metrics = request(s.address, "GET", "/metrics", &[], b"").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "chat_sockets_open 1",
        "chat_sockets_opened_total 1",
        "chat_sockets_refused_total{reason=\"unauthorized\"} 1",
        "chat_sockets_refused_total{reason=\"not_found\"} 1",
        "chat_auth_failures_total 1",
        "chat_frames_in_total 3",
        "chat_commands_total{action=\"send_message\",outcome=\"ok\"} 2",
        "chat_commands_total{action=\"edit_message\",outcome=\"not_found\"} 1",
        "chat_commands_total{action=\"unknown\",outcome=\"invalid_argument\"} 1",
        "chat_command_duration_seconds_count{action=\"send_message\"} 2",
    ] {
        assert!(metrics.body.lines().any(|other| other == line), "{line}\nis not in\n{}", metrics.body);
    }
    for secret in ["secret", "ann", "ben", "job:42", "c-1", &s.room.to_string()] {
        assert!(!metrics.body.contains(secret), "{secret}");
    }
    s.stop().await;
}

/// Writes down every field of every event and span, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?}\n"));
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn logs_tell_neither_what_is_said_nor_a_token() {
    let log = Log::default();
    // The whole server runs on this thread.
    let logging = tracing::subscriber::set_default(log.clone());
    let s = Stage::new().await;
    let good = token("ann");
    let mut ann = s.enters("ann").await;
    ann.does(json!({"action": "send_message", "content": "very secret"})).await;
    ann.fails(json!({"action": "very secret", "content": "very secret"})).await;
    connect(s.address, &format!("/ws/job_chat/42/?token={good}"), &[]).await.unwrap().until("ready").await;
    s.opens("/ws/?token=very-secret-token", "very-secret-token").await.unwrap_err();
    s.post("ann", "/api/chatrooms/", json!({"name": "very secret", "kind": "very secret"})).await;
    drop(ann);
    s.stop().await;
    drop(logging);
    let log = log.0.lock().unwrap();
    assert!(log.contains("socket ended"), "{log}");
    for secret in ["secret", &*good, "Bearer", good.rsplit('.').next().unwrap()] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
}

#[tokio::test]
async fn metrics_are_for_whom_the_setting_says() {
    let read = |access: MetricsAccess, headers: Vec<(&'static str, String)>| async move {
        let s = Stage::with(Settings { metrics: access, ..limits(|_| ()) }).await;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let status = request(s.address, "GET", "/metrics", &headers, b"").await.status;
        s.stop().await;
        status
    };
    let bearer = |token: String| vec![("authorization", format!("Bearer {token}"))];
    let forwarded = || vec![("x-forwarded-for", "203.0.113.9".to_owned())];
    assert_eq!(read(MetricsAccess::Open, forwarded()).await, 200);
    assert_eq!(read(MetricsAccess::Loopback, Vec::new()).await, 200);
    assert_eq!(read(MetricsAccess::Loopback, forwarded()).await, 403);
    assert_eq!(read(MetricsAccess::Service, Vec::new()).await, 401);
    assert_eq!(read(MetricsAccess::Service, bearer(token("ann"))).await, 403);
    assert_eq!(read(MetricsAccess::Service, bearer(service())).await, 200);
}

#[tokio::test]
async fn it_is_ready_as_long_as_its_storage_answers() {
    let s = Stage::new().await;
    let ask = |path: &'static str| {
        let address = s.address;
        async move { request(address, "GET", path, &[], b"").await }
    };
    assert_eq!((ask("/healthz").await.status, ask("/readyz/").await.status), (200, 200));
    s.engine.close().await.unwrap();
    assert_eq!(ask("/healthz").await.status, 200);
    assert_eq!(ask("/readyz").await.status, 503);
    assert_eq!(s.get("ann", "/api/chatrooms/").await.status, 503);
    s.stop().await;
}

/// What the protocol page promises.
const PATHS: [&str; 28] = [
    "DELETE /api/chatrooms/{id}/",
    "DELETE /api/chatrooms/{id}/participants/{user_id}/",
    "DELETE /api/messages/{id}/",
    "GET /api/chatrooms/",
    "GET /api/chatrooms/{id}/",
    "GET /api/chatrooms/{id}/messages/",
    "GET /api/chatrooms/{id}/participants/",
    "GET /api/messages/",
    "GET /api/messages/{id}/",
    "GET /api/messages/{id}/readers/",
    "GET /api/unread/",
    "GET /events/",
    "GET /events/job_chat/{job_id}/",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "PATCH /api/chatrooms/{id}/",
    "PATCH /api/chatrooms/{id}/me/",
    "PATCH /api/chatrooms/{id}/participants/{user_id}/",
    "PATCH /api/messages/{id}/",
    "POST /api/chatrooms/",
    "POST /api/chatrooms/{id}/mark_delivered/",
    "POST /api/chatrooms/{id}/mark_read/",
    "POST /api/chatrooms/{id}/mark_unread/",
    "POST /api/chatrooms/{id}/participants/",
    "POST /api/chatrooms/{id}/send_message/",
    "POST /api/messages/{id}/mark_read/",
    "POST /events/frames/{connection_id}/",
];

#[tokio::test]
async fn the_document_describes_what_is_served() {
    let s = Stage::new().await;
    let document = request(s.address, "GET", "/api/openapi.json", &[], b"").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            described.push(format!("{} {path}", method.to_uppercase()));
            if path.starts_with("/events/") && method == "get" {
                let opened = Events::open(&s, &path.replace("{job_id}", "42"), &token("ann")).await;
                assert!(opened.is_ok(), "{path}");
                continue;
            }
            let path = path.replace("{id}", "job:none").replace("{user_id}", "nobody");
            let answer = s.asks(&token("ann"), &method.to_uppercase(), &path, Some(json!({}))).await;
            assert!(![405, 426].contains(&answer.status), "{method} {path} -> {}", answer.status);
            assert!(!answer.body.contains("path not found"), "{method} {path}");
        }
    }
    described.sort_unstable();
    assert_eq!(described, PATHS);
    s.stop().await;
}

/// Somebody's own login: a cookie.
#[derive(Debug)]
struct Cookies;

#[async_trait]
impl Authenticator for Cookies {
    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
        let cookie = credentials.headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.or(credentials.token).ok_or(AuthError::Missing)?;
        if cookie == "session=later" {
            return Err(AuthError::Unavailable);
        }
        let name = cookie.strip_prefix("session=");
        let user = name.and_then(|name| UserId::new(name).ok()).ok_or(AuthError::Refused("no such session"))?;
        Ok(Identity { actor: Actor::User(user), name: None, avatar: None, expires_at: None })
    }
}

#[tokio::test]
async fn the_router_is_a_guest_in_an_app_with_a_login_of_its_own() {
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
    let chat = ChatServer::new(engine.clone(), Arc::new(Cookies), Settings::default()).unwrap();
    let home = axum::routing::get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() });
    let app = axum::Router::new()
        .route("/", home)
        .nest("/chat", chat.router())
        .nest("/tenants/{id}/{name}/chat", chat.router())
        .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "not mine") });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    // spawns: the test, which aborts it at its end.
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    assert_eq!(request(address, "GET", "/", &[], b"").await.body, "127.0.0.1");
    assert_eq!(request(address, "GET", "/nowhere", &[], b"").await.body, "not mine");
    let cookie = [("cookie", "session=ann")];
    assert_eq!(request(address, "POST", "/chat/api/chatrooms/", &cookie, b"{}").await.status, 201);
    assert_eq!(request(address, "GET", "/chat/api/chatrooms/", &[], b"").await.code().0, 401);
    assert_eq!(request(address, "GET", "/chat/metrics", &[], b"").await.status, 200);
    let mut ann = connect(address, "/chat/ws/", &cookie).await.unwrap();
    assert_eq!(ann.until("ready").await["user_id"], "ann");
    let mut stream = Events::at(address, "/chat/events/", "session=ann").await.unwrap_or_else(|e| panic!("{e:?}"));
    stream.until("ready").await;
    assert_eq!(connect(address, "/chat/ws/", &[("cookie", "other=ann")]).await.unwrap_err().status, 401);
    assert_eq!(
        connect(address, "/chat/ws/", &[("cookie", "session=ann"), ("origin", "https://evil.example")])
            .await
            .unwrap_err()
            .status,
        403
    );
    // The host's own path may have parts of any name.
    let room = chat.engine().host().create_room(CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann"))).await;
    assert!(room.is_ok());
    let nested = "/tenants/acme/x/chat/ws/job_chat/42/";
    assert_eq!(connect(address, nested, &cookie).await.unwrap().until("ready").await["room"]["key"], "job:42");
    // Who cannot be recognised now may come again.
    let later = [("cookie", "session=later")];
    assert_eq!(connect(address, "/chat/ws/", &later).await.unwrap_err().code(), (503, "busy".into()));
    let refused = request(address, "GET", "/chat/api/chatrooms/", &later, b"").await;
    assert_eq!((refused.code(), refused.header("retry-after")), ((503, "busy".into()), Some("1")));
    let mut unknown = connect(address, "/chat/ws/", &[]).await.unwrap();
    unknown.send(json!({"action": "authenticate", "token": "session=later"}).to_string()).await;
    let (said, closed) = unknown.rest().await;
    assert_eq!((&said[0]["code"], &said[0]["retry"], closed.code), (&json!("busy"), &json!("later"), 3002));

    let (end, (_, streamed), ()) = tokio::join!(ann.closed(), stream.rest(), chat.close());
    assert_eq!((end.code, streamed.code), (3000, 3000));
    // The app goes on, and the chat in it says that it does not.
    let refused = connect(address, "/chat/ws/", &cookie).await.unwrap_err();
    assert_eq!(refused.code(), (503, "draining".into()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(request(address, "GET", "/chat/readyz", &[], b"").await.code(), (503, "draining".into()));
    assert_eq!(request(address, "GET", "/chat/healthz", &[], b"").await.status, 200);
    serving.abort();
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_guests_stream_that_nobody_reads_is_cut_too() {
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
    let settings =
        Settings { metrics: MetricsAccess::Open, ..limits(|l| l.write_timeout = Duration::from_millis(300)) };
    let chat = ChatServer::new(engine.clone(), Arc::new(Cookies), settings).unwrap();
    let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"));
    let room = engine.host().create_room(create).await.unwrap().info.id;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = chat.router();
    // spawns: the test, which aborts it at its end.
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let stuck = Events::narrow(address, "/events/job_chat/42/", "session=ben").await;
    let ann = engine.session(&user("ann"));
    // More than the system takes for a peer that does not read.
    for _ in 0..600 {
        ann.send(room, SendMessage::text("x".repeat(16 * 1024))).await.unwrap();
    }
    counted(address, "chat_sockets_closed_total{how=\"stuck\"} 1").await;
    drop(stuck);
    chat.close().await;
    serving.abort();
    engine.close().await.unwrap();
}
