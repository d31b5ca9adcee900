//! Reads at ten thousand and at a million stored messages: what a reader waits for must not grow with what is there.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chat_core::{CreateRoom, Cursor, Engine, MarkKind, Options, RoomId, SendMessage, Subscribed, Sync, UserId, Window};

use crate::{
    figures::{Must, Setting, Table},
    message,
    servers::{progress, remove_database},
    spread::Spread,
    store,
};

/// How many messages the small one and the large one hold.
const SIZES: [u64; 2] = [10_000, 1_000_000];

/// In so many rooms, message after message in a room at random.
const ROOMS: usize = 100;

/// How much later than its cursor a reader comes back.
const MISSED: u64 = 20;

/// How many rooms a reader comes back to.
const RESUMED: usize = 10;

/// How many reads of each kind and round.
const READS: usize = 500;

/// How many sends are under way while it is built.
const AT_ONCE: u64 = 1_024;

/// One database, opened.
struct Stored {
    engine: Engine,
    rooms: Vec<RoomId>,
    /// Where a reader was before the last [`MISSED`] messages of a room.
    behind: Vec<(RoomId, Cursor)>,
    last_seq: u64,
}

/// What is measured of each.
#[derive(Clone, Copy)]
enum Read {
    LatestPage,
    OldPage,
    UnreadOfRoom,
    UnreadInAll,
    RoomList,
    Resume,
}

const READS_OF: [(Read, &str, usize); 6] = [
    (Read::LatestPage, "the latest page of 50", READS),
    (Read::OldPage, "a page of 50 somewhere", READS),
    (Read::UnreadOfRoom, "a room with its unread count", READS),
    (Read::UnreadInAll, "unread in 100 rooms", READS / 5),
    (Read::RoomList, "a list of 50 rooms", READS / 5),
    (Read::Resume, "a resume, 20 messages behind", READS),
];

/// Measures it.
///
/// # Errors
/// What the store says.
pub fn run(setting: &Setting) -> Result<Table> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let small = Stored::open(setting, SIZES[0]).await?;
        let large = Stored::open(setting, SIZES[1]).await?;
        let mut table = Table::default();
        for (read, name, count) in READS_OF {
            let (mut at_small, mut at_large) = (Vec::new(), Vec::new());
            for round in 0..=setting.rounds {
                progress(&format!("  {name}: round {round} of {}", setting.rounds));
                let (few, many) = (small.time(read, count).await?, large.time(read, count).await?);
                // The first one warms both.
                if round > 0 {
                    at_small.push(few);
                    at_large.push(many);
                }
            }
            progress("");
            let (many, few) = (format!("{name}, 1 M, p50 µs"), format!("{name}, 10 k, p50 µs"));
            table.compare((&at_large, &many), (&at_small, &few), Must::AtMost(1.5));
        }
        small.engine.close().await?;
        large.engine.close().await?;
        Ok(table)
    })
}

fn reader() -> UserId {
    UserId::new("reader").expect("a valid name")
}

fn writer() -> UserId {
    UserId::new("writer").expect("a valid name")
}

impl Stored {
    /// Opens what was built before, or builds it.
    async fn open(setting: &Setting, messages: u64) -> Result<Self> {
        let data = setting.data.join(format!("stored-{messages}.db"));
        if !is_built(&data).await {
            build(&data, messages).await.with_context(|| format!("building {}", data.display()))?;
        }
        let engine = open(&data)?;
        let (mine, mut rooms) = (engine.session(&reader()), Vec::new());
        let mut next = None;
        loop {
            let page = mine.rooms(next.as_deref(), Some(100)).await?;
            rooms.extend(page.results);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let rooms: Vec<RoomId> = rooms.iter().map(|room| room.info.id).collect();
        let mut behind = Vec::new();
        for room in rooms.iter().take(RESUMED) {
            behind.push((*room, mine.room(room).await?.cursor));
            for n in 0..MISSED {
                engine.session(&writer()).send(room, SendMessage::text(message::text(1, n))).await?;
            }
        }
        let last_seq = mine.room(&rooms[ROOMS - 1]).await?.last_seq;
        Ok(Self { engine, rooms, behind, last_seq })
    }

    /// Half of so many reads of this kind take less than this many microseconds.
    async fn time(&self, read: Read, count: usize) -> Result<f64> {
        let (mine, mut times) = (self.engine.session(&reader()), Vec::with_capacity(count));
        for n in 0..count {
            let room = self.rooms[n * 37 % ROOMS];
            let begun = Instant::now();
            match read {
                Read::LatestPage => {
                    ensure!(mine.history(room, Window::Latest, Some(50)).await?.results.len() == 50, "a short page");
                }
                Read::OldPage => {
                    let place = 51 + (n as u64).wrapping_mul(7_919) % self.last_seq.saturating_sub(60).max(1);
                    let page = mine.history(room, Window::Before(place.min(self.last_seq / 2 + 51)), Some(50)).await?;
                    ensure!(page.results.len() >= 49, "a short page");
                }
                Read::UnreadOfRoom => ensure!(mine.room(room).await?.unread_count > 0, "nothing is unread"),
                Read::UnreadInAll => ensure!(mine.unread().await? > 0, "nothing is unread"),
                Read::RoomList => ensure!(mine.rooms(None, Some(50)).await?.results.len() == 50, "a short list"),
                Read::Resume => {
                    let (room, cursor) = self.behind[n % RESUMED];
                    let mut live = mine.live();
                    let back = live.subscribe(vec![(room.into(), Some(cursor))]).await?;
                    let [Subscribed::Open(opened)] = &back[..] else { anyhow::bail!("the room is gone") };
                    let Sync::Changes { changes, .. } = &opened.sync else { anyhow::bail!("no changes") };
                    ensure!(changes.len() as u64 == MISSED, "{} changes", changes.len());
                }
            }
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Spread::of(times).median)
    }
}

fn open(data: &Path) -> Result<Engine> {
    if let Some(folder) = data.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(Engine::open(store::open(data)?, Options::default()))
}

/// A room that is made last says that the rest is there.
async fn is_built(data: &Path) -> bool {
    let Ok(engine) = open(data) else { return false };
    let built = engine.host().room(built_key()).await.is_ok();
    // What cannot be closed is not there.
    engine.close().await.is_ok() && built
}

fn built_key() -> chat_core::RoomKey {
    "built".parse().expect("a valid key")
}

async fn build(data: &Path, messages: u64) -> Result<()> {
    remove_database(data)?;
    let engine = open(data)?;
    let mut rooms = Vec::with_capacity(ROOMS);
    for _ in 0..ROOMS {
        rooms.push(engine.host().create_room(CreateRoom::group().with(reader()).with(writer())).await?.info.id);
    }
    let (rooms, next) = (Arc::new(rooms), Arc::new(AtomicU64::new(0)));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (rooms, next, session) = (Arc::clone(&rooms), Arc::clone(&next), engine.session(&writer()));
        writers.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= messages {
                    return Ok::<_, chat_core::Error>(());
                }
                // Spread without a pattern: the multiplier is odd and large.
                let room = rooms[(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % ROOMS];
                session.send(room, SendMessage::text(message::text(0, n))).await?;
            }
        });
    }
    let mut shown = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = shown.tick() => {
                let done = next.load(Ordering::Relaxed).min(messages);
                progress(&format!("  building {}: {done} of {messages} messages", data.display()));
            }
            ended = writers.join_next() => match ended {
                Some(ended) => ended??,
                None => break,
            }
        }
    }
    progress("");
    let mine = engine.session(&reader());
    for room in rooms.iter() {
        let last = mine.room(room).await?.last_seq;
        mine.mark(room, MarkKind::Read, last / 2).await?;
    }
    engine.host().create_room(CreateRoom::keyed(built_key()).with(writer())).await?;
    Ok(engine.close().await?)
}
