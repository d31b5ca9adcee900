//! Reads at ten thousand to ten million stored messages: what a reader waits for must not grow with what is there.

mod fill;
mod plot;
mod read;
mod sql;

use anyhow::{Context, Result};

use crate::{
    figures::{Must, Setting, Table},
    servers::progress,
    spread::Spread,
};

use plot::{Line, Plot};
use read::{Read, Stored, Whose};

/// How many messages each file holds.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

/// What the rooms of one reader are asked for, and how often a round.
const READS: [(Read, &str, usize); 6] = [
    (Read::LatestPage, "the latest page of 50", 500),
    (Read::OldPage, "the page of 50 in the middle", 500),
    (Read::Room, "a room with its unread count", 500),
    (Read::UnreadInAll, "unread in 100 rooms", 100),
    (Read::RoomList, "a list of 50 rooms", 100),
    (Read::Resume, "a resume, 20 messages behind", 200),
];

/// What any room is asked for in the largest file, and the most that half of it may take, in microseconds.
const ANYWHERE: [(Read, &str, usize, f64); 2] = [
    (Read::Room, "a room anywhere with its unread count, 10 M, p50 µs", 500, 50.0),
    (Read::RoomList, "anybody's list of 50 rooms, 10 M, p50 µs", 100, 2_000.0),
];

const KNOWN: Must = Must::Known("");

/// Measures it.
///
/// # Errors
/// What the store says.
pub fn run(setting: &Setting) -> Result<Table> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut stored = Vec::with_capacity(SIZES.len());
        for messages in SIZES {
            stored.push(Stored::open(setting, messages).await?);
        }
        let mut table = Table::default();
        table.picture = Some(("reads.svg", sizes(setting, &mut stored, &mut table).await?.svg()));
        let largest = stored.last_mut().context("there is no largest file")?;
        anywhere(setting, largest, &mut table).await?;
        many_rooms(setting, largest, &mut table).await?;
        for one in stored {
            one.close().await?;
        }
        Ok(table)
    })
}

/// The rooms of one reader in every file, in turns.
async fn sizes(setting: &Setting, stored: &mut [Stored], table: &mut Table) -> Result<Plot> {
    let mut lines = Vec::with_capacity(READS.len());
    for (read, name, count) in READS {
        let mut times = vec![Vec::new(); stored.len()];
        for round in rounds(setting, name) {
            for (one, times) in stored.iter_mut().zip(&mut times) {
                let time = one.time(read, Whose::One, count).await?;
                if round > 0 {
                    times.push(time);
                }
            }
        }
        let (few, many) = (&times[0], &times[times.len() - 1]);
        let names = (format!("{name}, 10 M, p50 µs"), format!("{name}, 10 k, p50 µs"));
        table.compare((many, &names.0), (few, &names.1), Must::AtMost(1.5));
        let points = SIZES.iter().zip(&times).map(|(size, times)| (*size as f64, Spread::of(times.iter().copied())));
        lines.push(Line { name, points: points.collect() });
    }
    Ok(Plot { lines })
}

/// Rooms that no cache of the library holds. A page is held against the one statement that reads its rows.
async fn anywhere(setting: &Setting, stored: &mut Stored, table: &mut Table) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in rounds(setting, "pages anywhere") {
        let (engine, sql) = (stored.time(Read::LatestPage, Whose::All, 500).await?, stored.time_sql(500)?);
        if round > 0 {
            ours.push(engine);
            theirs.push(sql);
        }
    }
    let names = ("the latest page of 50 anywhere, 10 M, p50 µs", "the same rows by raw SQL, 10 M, p50 µs");
    table.compare((&ours, names.0), (&theirs, names.1), Must::AtMost(2.0));
    for (read, name, count, most) in ANYWHERE {
        let mut times = Vec::new();
        for round in rounds(setting, name) {
            let time = stored.time(read, Whose::All, count).await?;
            if round > 0 {
                times.push(time);
            }
        }
        table.row(name, times, Must::AtMost(most));
    }
    Ok(())
}

/// Somebody in a thousand rooms comes back, of which ten have changed; held against somebody who has only those ten.
async fn many_rooms(setting: &Setting, stored: &mut Stored, table: &mut Table) -> Result<()> {
    let (mut all, mut ten, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for round in rounds(setting, "a resume of 1,000 rooms") {
        let (of_all, of_ten) = stored.time_resumes(10).await?;
        if round > 0 {
            unchanged.push((of_all - of_ten) / 990.0 * 1e3);
            all.push(of_all);
            ten.push(of_ten);
        }
    }
    table.row("a resume of 1,000 rooms, 10 changed, ms", all, KNOWN);
    table.row("a resume of those 10 rooms, ms", ten, KNOWN);
    table.row("what one unchanged room adds, µs", unchanged, KNOWN);
    Ok(())
}

/// The rounds, shown as they go. Round 0 warms up and does not count.
fn rounds(setting: &Setting, name: &str) -> impl Iterator<Item = usize> + use<> {
    let name = name.to_owned();
    let last = setting.rounds;
    (0..=last + 1).take_while(move |round| {
        progress(&if *round > last { String::new() } else { format!("  {name}: round {round} of {last}") });
        *round <= last
    })
}
