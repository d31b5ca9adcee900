//! The library without sockets, held against raw rusqlite that writes the same rows as well as one can.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use chat_core::{ClientId, CreateRoom, Engine, Options, RoomId, SendMessage, Session};
use tokio::task::JoinSet;

use crate::{message, raw, servers::remove_database, store, token};

use super::{Must, Setting, Table, alternate};

/// How many sends wait at once.
const SENDERS: usize = 1_024;

/// In how many rooms of two.
const ROOMS: [usize; 3] = [100, 500, 1_000];

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let mut table = Table::default();
    for rooms in ROOMS {
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let ours = || runtime()?.block_on(engine(setting, rooms));
        let theirs = || runtime()?.block_on(rusqlite(setting, rooms));
        let (ours, theirs) = alternate(setting.rounds, ours, theirs)?;
        let names = (format!("library, {rooms} rooms"), format!("rusqlite, {rooms} rooms"));
        table.compare((&ours, &names.0), (&theirs, &names.1), Must::AtLeast(0.8).aim(0.9));
    }
    Ok(table)
}

/// Rows a second through the engine.
async fn engine(setting: &Setting, rooms: usize) -> Result<f64> {
    let (engine, made) = with_rooms(&setting.database(), rooms).await?;
    let senders = (0..SENDERS).map(|n| {
        let room = made[n % rooms];
        let session = engine.session(&room_user(n % rooms));
        let named = !setting.unnamed;
        move |number: u64| send(session.clone(), room, n, number, named)
    });
    let rate = rate(setting, senders).await?;
    engine.close().await?;
    Ok(rate)
}

/// A new database with its rooms.
pub(super) async fn with_rooms(data: &Path, rooms: usize) -> Result<(Engine, Vec<RoomId>)> {
    remove_database(data)?;
    let engine = Engine::open(store::open(data)?, Options::default());
    let mut made = Vec::with_capacity(rooms);
    for room in 0..rooms {
        let create = CreateRoom::group().with(room_user(room)).with(room_user(rooms + room));
        made.push(engine.host().create_room(create).await?.info.id);
    }
    Ok((engine, made))
}

/// Ids in no order that the rooms are used in.
fn room_bytes(room: usize) -> [u8; 16] {
    (room as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

/// The one of a room who writes.
pub(super) fn room_user(room: usize) -> chat_core::UserId {
    chat_core::UserId::new(token::user(room)).expect("a valid name")
}

async fn send(session: Session, room: RoomId, sender: usize, number: u64, named: bool) -> Result<()> {
    let mut send = SendMessage::text(message::text(sender, number));
    if named {
        send = send.with_client_id(ClientId::new(format!("{sender}-{number}"))?);
    }
    session.send(room, send).await?;
    Ok(())
}

/// Rows a second through one thread that writes what waits in one transaction.
async fn rusqlite(setting: &Setting, rooms: usize) -> Result<f64> {
    remove_database(&setting.database())?;
    let ids: Vec<_> = (0..rooms).map(|n| RoomId::from_bytes(room_bytes(n))).collect();
    let writer = raw::Writer::open(&setting.database(), &ids, |room| [room_user(room), room_user(rooms + room)])?;
    let senders = (0..SENDERS).map(|n| {
        let (writer, room) = (writer.clone(), n % rooms);
        let user = room_user(room);
        let named = !setting.unnamed;
        move |number: u64| {
            let (writer, user) = (writer.clone(), user.clone());
            async move {
                let client_id = named.then(|| format!("{n}-{number}"));
                let row = raw::Row { room, sender: user, content: message::text(n, number), client_id };
                writer.write(row).await.map(drop)
            }
        }
    });
    rate(setting, senders).await
}

/// Runs each sender, one send after the other, and counts.
async fn rate<S, F>(setting: &Setting, senders: impl Iterator<Item = S>) -> Result<f64>
where
    S: Fn(u64) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let (done, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut running = JoinSet::new();
    for send in senders {
        let (done, over) = (Arc::clone(&done), Arc::clone(&over));
        running.spawn(async move {
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                send(number).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (begun, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs_f64(setting.seconds)).await;
    let rate = (done.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(rate)
}
