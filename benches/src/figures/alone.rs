//! One sender alone, in process: how long a durable send takes, held against one commit of the same rows by rusqlite on
//! the thread that waits for it.

use std::time::{Duration, Instant};

use anyhow::Result;
use chat_core::{ClientId, RoomId, SendMessage};

use crate::{message, raw, servers::remove_database, spread::Times};

use super::{KNOWN, Must, Setting, Table, alternate, library};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (ours, raw) = alternate(setting.rounds, || runtime.block_on(engine(setting)), || rusqlite(setting))?;
    let mut table = Table::default();
    for (name, share, goal) in [("p50", 0.5, Must::AtMost(1.4)), ("p99", 0.99, KNOWN)] {
        let of = |runs: &[Times]| runs.iter().map(|times| times.quantile_ms(share) * 1e3).collect::<Vec<_>>();
        let names = (format!("a send by the library, {name}, µs"), format!("a commit by rusqlite, {name}, µs"));
        table.compare((&of(&ours), &names.0), (&of(&raw), &names.1), goal);
    }
    Ok(table)
}

async fn engine(setting: &Setting) -> Result<Times> {
    let (engine, rooms) = library::with_rooms(&setting.database(), 1).await?;
    let session = engine.session(&library::room_user(0));
    let (begun, mut times) = (Instant::now(), Times::default());
    for number in 0.. {
        let mut send = SendMessage::text(message::text(0, number));
        if !setting.unnamed {
            send = send.with_client_id(ClientId::new(format!("0-{number}"))?);
        }
        let at = Instant::now();
        session.send(rooms[0], send).await?;
        times.add(at.elapsed());
        if begun.elapsed() > Duration::from_secs_f64(setting.seconds) {
            break;
        }
    }
    engine.close().await?;
    Ok(times)
}

fn rusqlite(setting: &Setting) -> Result<Times> {
    remove_database(&setting.database())?;
    let user = library::room_user(0);
    let people = |_| [user.clone(), library::room_user(1)];
    let mut rows = raw::Rows::open(&setting.database(), &[RoomId::from_bytes([7; 16])], people)?;
    let (begun, mut times) = (Instant::now(), Times::default());
    for number in 0.. {
        let client_id = (!setting.unnamed).then(|| format!("0-{number}"));
        let row = raw::Row { room: 0, sender: user.clone(), content: message::text(0, number), client_id };
        let at = Instant::now();
        rows.write([&row])?;
        times.add(at.elapsed());
        if begun.elapsed() > Duration::from_secs_f64(setting.seconds) {
            break;
        }
    }
    Ok(times)
}
