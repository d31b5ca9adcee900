//! Opening and closing, and many events, leave memory flat. A binary of its own with one test, so that nothing else is
//! measured. CHAT_MEMORY_ROUNDS and CHAT_MEMORY_EVENTS make it longer.

#![cfg(target_os = "linux")]

use std::{env, error::Error, fs, path::Path, sync::Arc};

use chat_core::{CreateRoom, Engine, Event, Limits, Live, MemoryStore, Options, RoomId, Session, Store, UserId};
use chat_sqlite::SqliteStore;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// MiB. Only what is lost each time grows with the counts, and this does not.
const ROOM_TO_GROW: f64 = 16.0;

#[tokio::test]
async fn opening_and_closing_and_many_events_leave_memory_flat() -> Result {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("chat.db");
    rounds(200, &path).await?;
    let before = resident();
    let often = count("CHAT_MEMORY_ROUNDS", 300);
    rounds(often, &path).await?;
    flat("rounds", often, before);

    // Each time is waited for: as often as it is said it must be told.
    let limits = Limits { typing_per_second: usize::MAX, ..Limits::default() };
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options { limits, ..Options::default() });
    let (ann, room) = stage(&engine).await?;
    let mut live = ann.live();
    live.subscribe(vec![(room.into(), None)]).await?;
    typing(2_000, &ann, &mut live, room).await?;
    let before = resident();
    let many = count("CHAT_MEMORY_EVENTS", 20_000);
    typing(many, &ann, &mut live, room).await?;
    flat("events", many, before);
    Ok(engine.close().await?)
}

async fn rounds(count: usize, path: &Path) -> Result {
    for n in 0..count {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path)?);
        let engine = Engine::open(store, Options::default());
        let (ann, room) = stage(&engine).await?;
        let mut live = ann.live();
        live.subscribe(vec![(room.into(), None)]).await?;
        // Let go of before the engine closes, or after it.
        let late = (n % 2 == 0).then_some(live);
        engine.close().await?;
        drop(late);
    }
    Ok(())
}

/// Typing stores nothing that grows. It is told of those who have the room open, and each time is waited for.
async fn typing(count: usize, ann: &Session, live: &mut Live, room: RoomId) -> Result {
    for n in 0..count {
        ann.typing(room, n % 2 == 0).await?;
        while !matches!(live.next().await.ok_or("the stream ended")?.event(), Event::Typing { .. }) {}
    }
    Ok(())
}

async fn stage(engine: &Engine) -> Result<(Session, RoomId)> {
    let ann = UserId::new("ann")?;
    let room = CreateRoom::keyed("job:42".parse()?).with(ann.clone()).with(UserId::new("ben")?);
    Ok((engine.session(&ann), engine.host().create_room(room).await?.info.id))
}

fn count(variable: &str, short: usize) -> usize {
    env::var(variable).map_or(short, |count| count.parse().expect("a count"))
}

/// The memory of this process that is in RAM, in MiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS is there");
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("VmRSS is a number");
    kib / 1024.0
}

fn flat(what: &str, count: usize, before: f64) {
    let after = resident();
    println!("{what}, {count} times: {before:.1} MiB before, {after:.1} after");
    assert!(after - before < ROOM_TO_GROW, "{what}, {count} times: {before:.1} MiB before, {after:.1} after");
}
