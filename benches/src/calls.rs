//! What a call costs: the kinds that every language measures, and what they cost in Rust.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use chat_core::{
    Actor, CreateRoom, Engine, Event, MemoryStore, Options, SendMessage, UserId,
    wire::{Connection, Identity, Setup, TokenVerifier},
};
use futures_util::future::try_join_all;
use serde::Deserialize;

/// Fits what may wait for a subscriber.
const BATCH: usize = 512;

/// Microseconds a call.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Costs {
    /// One that answers a number at once: what a connection says of itself.
    pub scalar: f64,
    /// One that answers an object at once: a user's session.
    pub object: f64,
    /// One that is waited for, each after the other: how much is unread, of a store in memory.
    #[serde(rename = "async")]
    pub awaited: f64,
    /// An event of those that lie ready.
    pub event: f64,
}

/// What they cost in Rust, each measured for so long, after as long to warm up.
///
/// # Errors
/// What the engine says.
pub async fn in_rust(each: Duration) -> Result<Costs> {
    let (ann, ben) = (UserId::new("ann")?, UserId::new("ben")?);
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
    let create = CreateRoom::group().with(ann.clone()).with(ben.clone());
    let room = engine.host().create_room(create).await?.info.id;

    let connection = connection(&engine, ann.clone());
    let scalar = micros(each, async || Ok(calls(100_000, || connection.has_room()))).await?;

    let object =
        micros(each, async || Ok(calls(1_000, || UserId::new(black_box("ann")).map(|user| engine.session(&user)))))
            .await?;

    let session = engine.session(&ann);
    let awaited = micros(each, async || {
        let begun = Instant::now();
        for _ in 0..100 {
            black_box(session.unread().await?);
        }
        Ok((begun.elapsed(), 100))
    })
    .await?;

    let mut live = engine.session(&ben).live();
    live.subscribe(vec![(room.into(), None)]).await?;
    let mut event = async || {
        // What is sent is there when its call returns, and waits; taking it is what is measured.
        try_join_all((0..BATCH).map(|_| session.send(room, SendMessage::text("On my way")))).await?;
        let (begun, mut count, mut messages) = (Instant::now(), 0, 0);
        while messages < BATCH {
            let frame = live.next().await.context("the events ended")?;
            messages += usize::from(matches!(frame.event(), Event::ChatMessage { .. }));
            count += 1;
        }
        Ok((begun.elapsed(), count))
    };
    let event = micros(each, &mut event).await?;
    engine.close().await?;
    Ok(Costs { scalar, object, awaited, event })
}

/// Repeats `work`, which says how long its calls took and how many they were: first to warm up, then to measure.
async fn micros(each: Duration, mut work: impl AsyncFnMut() -> Result<(Duration, u32)>) -> Result<f64> {
    let mut measured = 0.0;
    for _ in 0..2 {
        let (mut took, mut calls, begun) = (Duration::ZERO, 0, Instant::now());
        while begun.elapsed() < each {
            let (time, count) = work().await?;
            took += time;
            calls += count;
        }
        measured = took.as_secs_f64() * 1e6 / f64::from(calls);
    }
    Ok(measured)
}

/// `count` times the same call.
fn calls<T>(count: u32, call: impl Fn() -> T) -> (Duration, u32) {
    let begun = Instant::now();
    for _ in 0..count {
        black_box(call());
    }
    (begun.elapsed(), count)
}

fn connection(engine: &Engine, user: UserId) -> Connection {
    let identity = Identity { actor: Actor::User(user), name: None, avatar: None, expires_at: None };
    let setup = Setup {
        room: None,
        heartbeat: Duration::from_secs(25),
        frame_bytes: 128 * 1024,
        auth_timeout: Duration::from_secs(10),
    };
    let now = engine.options().clock.now();
    Connection::open(engine.clone(), Arc::new(NoTokens), setup, Some(identity), now)
}

/// Who it is has been said.
struct NoTokens;

#[async_trait]
impl TokenVerifier for NoTokens {
    async fn verify(&self, _: &str) -> chat_core::Result<Identity> {
        Err(chat_core::Error::Unauthorized { reason: "this connection takes no tokens" })
    }
}
