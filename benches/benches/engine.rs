//! The small hot paths of `chat-core`, each alone: `cargo bench -p chat-benches`.

use std::{hint::black_box, sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{
    Actor, Command, CreateRoom, Cursor, Engine, Event, Gate, Limits, Live, MemoryStore, MessageId, Options, Position,
    RoomId, SendMessage, Session, Timestamp, UserId,
    rules::{Scene, decide},
    store::{RoomSelector, Store as _, View},
    wire::{Connection, Identity, Output, Setup, TokenVerifier},
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const TEXT: &str =
    "The kitchen is done; I start with the windows on the second floor now and will be ready by half past four.";

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

fn user(n: usize) -> UserId {
    UserId::new(format!("user{n:05}")).expect("a valid name")
}

/// An engine over memory.
fn started() -> (Arc<MemoryStore>, Engine) {
    let store = Arc::new(MemoryStore::default());
    let engine = Engine::open(Arc::clone(&store) as Arc<_>, Options::default());
    (store, engine)
}

/// The same with one room of `members`.
async fn opened(members: usize) -> (Arc<MemoryStore>, Engine, RoomId) {
    let (store, engine) = started();
    let create = (0..members).fold(CreateRoom::group(), |create, n| create.with(user(n)));
    let room = engine.host().create_room(create).await.expect("the room is made").info.id;
    (store, engine, room)
}

/// One message on its way through the rules: what stands stored, and the command.
fn decides(c: &mut Criterion) {
    let runtime = runtime();
    let View { room, members } = runtime.block_on(async {
        let (store, _engine, room) = opened(2).await;
        store.view(&RoomSelector::Id(room), &[user(0)]).await.expect("memory answers").expect("the room is there")
    });
    let (actor, limits) = (Actor::User(user(0)), Limits::default());
    let scene = Scene {
        room: &room,
        actor: &actor,
        member: members[0].as_ref(),
        target: None,
        message: None,
        fresh: MessageId::from_bytes([7; 16]),
        now: Timestamp::from_millis(1_700_000_000_000),
        limits: &limits,
    };
    c.bench_function("decide a send", |b| {
        b.iter_batched(
            || Command::SendMessage(SendMessage::text(TEXT)),
            |command| decide(black_box(&scene), command),
            BatchSize::SmallInput,
        );
    });
}

/// The one encoding of an event that all receivers share.
fn encodes(c: &mut Criterion) {
    let event = runtime().block_on(async {
        let (_store, engine, room) = opened(2).await;
        let mut live = engine.session(&user(1)).live();
        live.subscribe(vec![(room.into(), None)]).await.expect("the room opens");
        engine.session(&user(0)).send(room, SendMessage::text(TEXT)).await.expect("sent");
        next_message(&mut live).await
    });
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Bytes(serde_json::to_vec(&event).expect("plain data").len() as u64));
    group.bench_function("a chat_message", |b| b.iter(|| serde_json::to_vec(black_box(&event))));
    group.finish();
}

async fn next_message(live: &mut Live) -> Event {
    loop {
        let frame = live.next().await.expect("the stream goes on");
        if matches!(frame.event(), Event::ChatMessage { .. }) {
            return frame.event().clone();
        }
    }
}

/// Refuses everybody: these connections come with their identity.
#[derive(Debug)]
struct NoTokens;

#[async_trait]
impl TokenVerifier for NoTokens {
    async fn verify(&self, _token: &str) -> chat_core::Result<Identity> {
        Err(chat_core::Error::Unauthorized { reason: "no tokens here" })
    }
}

fn connection(engine: Engine, who: &Session, room: Option<RoomId>) -> Connection {
    let setup = Setup {
        room: room.map(Into::into),
        heartbeat: Duration::from_secs(25),
        frame_bytes: 128 * 1024,
        auth_timeout: Duration::from_secs(10),
    };
    let identity = Identity { actor: who.actor().clone(), name: None, avatar: None, expires_at: None };
    Connection::open(engine, Arc::new(NoTokens), setup, Some(identity), Timestamp::from_millis(0))
}

/// A text frame understood, and a frame sent, stored in memory and answered through `wire::Connection`.
fn parses(c: &mut Criterion) {
    let runtime = runtime();
    let send = format!(r#"{{"action":"send_message","ref":17,"content":"{TEXT}"}}"#);
    let mut group = c.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    {
        let _inside = runtime.enter();
        let (_store, engine) = started();
        let who = engine.session(&user(0));
        group.bench_function("parse send_message", |b| {
            b.iter_batched_ref(
                || connection(engine.clone(), &who, None),
                |connection| connection.receive(black_box(&send)),
                BatchSize::SmallInput,
            );
        });
    }
    let (_store, engine, room) = runtime.block_on(opened(2));
    let mut socket = connection(engine.clone(), &engine.session(&user(0)), Some(room));
    group.bench_function("send_message to reply and event", |b| {
        b.iter(|| {
            runtime.block_on(async {
                socket.receive(&send);
                let (mut out, mut seen) = (Vec::new(), 0);
                while seen < 2 {
                    assert!(socket.output(&mut out).await.is_none(), "the connection stays open");
                    let news = |frame: &[u8]| {
                        frame.starts_with(br#"{"type":"reply""#) || frame.starts_with(br#"{"type":"chat_message""#)
                    };
                    seen += out.iter().flat_map(Output::texts).filter(|text| news(text)).count();
                    out.clear();
                }
            });
        });
    });
    group.finish();
}

/// A change that comes in order, and one that comes swapped with its neighbour.
fn gates(c: &mut Criterion) {
    let room = RoomId::from_bytes([3; 16]);
    let at = |rev| Cursor { epoch: 1, rev, chain: rev };
    let position = |rev| Position { room, rev, prev: None, cursor: at(rev) };
    let (inline, swapped): (Vec<u64>, Vec<u64>) =
        ((1..=1024).collect(), (1..=1024).map(|n| ((n - 1) ^ 1) + 1).collect());
    let mut group = c.benchmark_group("gate");
    group.throughput(Throughput::Elements(1024));
    for (name, order) in [("1,024 in order", inline), ("1,024, each pair swapped", swapped)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut gate = Gate::new(at(0));
                for rev in &order {
                    black_box(gate.offer(&position(*rev), *rev));
                }
                assert_eq!(gate.cursor().rev, 1024);
            });
        });
    }
    group.finish();
}

/// One send to a room that many have open, over memory, and every queue drained.
fn fans_out(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("hub");
    for members in [100, 1_000] {
        let (_store, engine, room) = runtime.block_on(opened(members));
        let mut lives: Vec<Live> = runtime.block_on(async {
            let mut lives = Vec::with_capacity(members);
            for n in 0..members {
                let mut live = engine.session(&user(n)).live();
                live.subscribe(vec![(room.into(), None)]).await.expect("the room opens");
                lives.push(live);
            }
            lives
        });
        let sender = engine.session(&user(0));
        group.throughput(Throughput::Elements(64 * members as u64));
        group.bench_function(format!("64 messages to {members}"), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    let sends = (0..64).map(|_| sender.send(room, SendMessage::text(TEXT)));
                    for sent in futures_util::future::join_all(sends).await {
                        sent.expect("sent");
                    }
                    for live in &mut lives {
                        let mut seen = 0;
                        while seen < 64 {
                            let frame = live.next().await.expect("the stream goes on");
                            seen += usize::from(matches!(frame.event(), Event::ChatMessage { .. }));
                        }
                    }
                });
            });
        });
    }
    group.finish();
}

/// Sends over the memory store: the price of the engine without a disk.
fn sends(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("memory");
    for at_once in [1, 256] {
        let (_store, engine, room) = runtime.block_on(opened(2));
        let sender = engine.session(&user(0));
        group.throughput(Throughput::Elements(at_once as u64));
        group.bench_function(format!("send, {at_once} at once"), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    let sends = (0..at_once).map(|_| sender.send(room, SendMessage::text(TEXT)));
                    for sent in futures_util::future::join_all(sends).await {
                        sent.expect("sent");
                    }
                });
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = engine;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = decides, encodes, parses, gates, fans_out, sends
}
criterion_main!(engine);
