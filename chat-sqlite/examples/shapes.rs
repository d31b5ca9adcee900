//! Which shape of the message table costs what: the figures behind the decision in `DECISIONS.md`.
//!
//! `cargo run --release -p chat-sqlite --example shapes [seconds per figure] [rows for the reads]`
//!
//! Each figure is raw rusqlite on a new file: write-ahead log, `synchronous=FULL`, rooms drawn at random, 200 bytes of
//! text. The first table is rows a second; the second is the time of a page of the last 50 messages of a random room.

use std::{
    env, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Result, params};

/// One way to lay out what a send writes.
struct Shape {
    name: &'static str,
    /// The tables and indices.
    tables: &'static str,
    /// How the key of a message is made.
    key: Key,
    /// Whether each send also writes a row of these.
    change: bool,
    operation: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Key {
    /// The next number, with `(room, seq)` as an index.
    Number,
    /// `(room, seq)` as the primary key of a table without row ids.
    Pair,
    /// `room << 32 | seq` as the row id.
    Place,
}

/// The table of `Key::Place`, and more.
macro_rules! concat_place {
    ($more:literal) => {
        concat!(
            "CREATE TABLE message (place INTEGER PRIMARY KEY, id BLOB UNIQUE, ord INTEGER, sender TEXT, content TEXT, \
             at INTEGER, client_id TEXT, chain INTEGER, digest INTEGER) STRICT;",
            $more
        )
    };
}

const SHAPES: [Shape; 9] = [
    Shape {
        name: "number",
        tables: "CREATE TABLE message (number INTEGER PRIMARY KEY, id BLOB UNIQUE, room INTEGER, seq INTEGER, ord INTEGER, \
                 sender TEXT, content TEXT, at INTEGER, client_id TEXT, chain INTEGER, digest INTEGER, UNIQUE (room, seq)) STRICT",
        key: Key::Number,
        change: false,
        operation: false,
    },
    Shape {
        name: "pair",
        tables: "CREATE TABLE message (room INTEGER, seq INTEGER, id BLOB UNIQUE, ord INTEGER, sender TEXT, content TEXT, \
                 at INTEGER, client_id TEXT, chain INTEGER, digest INTEGER, PRIMARY KEY (room, seq)) STRICT, WITHOUT ROWID",
        key: Key::Pair,
        change: false,
        operation: false,
    },
    Shape { name: "place", tables: PLACE, key: Key::Place, change: false, operation: false },
    Shape {
        name: "number, operation",
        tables: "CREATE TABLE message (number INTEGER PRIMARY KEY, id BLOB UNIQUE, room INTEGER, seq INTEGER, ord INTEGER, \
                 sender TEXT, content TEXT, at INTEGER, client_id TEXT, chain INTEGER, digest INTEGER, UNIQUE (room, seq)) STRICT;
                 CREATE TABLE operation (scope BLOB, actor TEXT, name TEXT, digest INTEGER, room INTEGER, target INTEGER, \
                 PRIMARY KEY (scope, actor, name)) STRICT, WITHOUT ROWID;",
        key: Key::Number,
        change: false,
        operation: true,
    },
    Shape {
        name: "place, operation",
        tables: concat_place!("CREATE TABLE operation (scope BLOB, actor TEXT, name TEXT, digest INTEGER, room INTEGER, target INTEGER, \
                 PRIMARY KEY (scope, actor, name)) STRICT, WITHOUT ROWID;"),
        key: Key::Place,
        change: false,
        operation: true,
    },
    Shape {
        name: "place, operation, change",
        tables: concat_place!("CREATE TABLE operation (scope BLOB, actor TEXT, name TEXT, digest INTEGER, room INTEGER, target INTEGER, \
                 PRIMARY KEY (scope, actor, name)) STRICT, WITHOUT ROWID;
                 CREATE TABLE change (place INTEGER PRIMARY KEY, kind INTEGER, target INTEGER, actor TEXT, at INTEGER, chain INTEGER) STRICT;"),
        key: Key::Place,
        change: true,
        operation: true,
    },
    Shape {
        name: "place, operation, (room, sender, seq)",
        tables: concat_place!("CREATE TABLE operation (scope BLOB, actor TEXT, name TEXT, digest INTEGER, room INTEGER, target INTEGER, \
                 PRIMARY KEY (scope, actor, name)) STRICT, WITHOUT ROWID;
                 CREATE INDEX own ON message (place >> 32, sender);"),
        key: Key::Place,
        change: false,
        operation: true,
    },
    Shape {
        name: "place, operation, (room, id)",
        tables: concat_place!("CREATE TABLE operation (scope BLOB, actor TEXT, name TEXT, digest INTEGER, room INTEGER, target INTEGER, \
                 PRIMARY KEY (scope, actor, name)) STRICT, WITHOUT ROWID;
                 CREATE INDEX by_id ON message (place >> 32, id);"),
        key: Key::Place,
        change: false,
        operation: true,
    },
    Shape {
        name: "place, operation as an index",
        tables: concat_place!("CREATE UNIQUE INDEX operation ON message (place >> 32, sender, client_id);"),
        key: Key::Place,
        change: false,
        operation: false,
    },
];

const PLACE: &str = concat_place!("");

const BATCHES: [usize; 3] = [10, 100, 1_000];
const ROOMS: [u64; 2] = [100, 1_000];

struct Bench {
    connection: Connection,
    shape: &'static Shape,
    rooms: Vec<i64>,
    written: i64,
    chance: u64,
    text: String,
}

impl Bench {
    fn new(shape: &'static Shape, rooms: u64) -> Result<Self> {
        let path = file();
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            let _ = fs::remove_file(name);
        }
        let connection = Connection::open(path)?;
        let page: u32 = env::var("PAGE").ok().and_then(|page| page.parse().ok()).unwrap_or(4096);
        let checkpoint: u32 = env::var("CHECKPOINT").ok().and_then(|pages| pages.parse().ok()).unwrap_or(16_000);
        connection.execute_batch(&format!(
            "PRAGMA page_size = {page}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
             PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = {checkpoint};"
        ))?;
        connection.execute_batch(shape.tables)?;
        let rooms = vec![0; usize::try_from(rooms).unwrap_or(0)];
        Ok(Self { connection, shape, rooms, written: 0, chance: 7, text: "x".repeat(200) })
    }

    fn room(&mut self) -> usize {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) as usize % self.rooms.len()
    }

    fn write(&mut self, batch: usize) -> Result<()> {
        let picked: Vec<usize> = (0..batch).map(|_| self.room()).collect();
        let transaction = self.connection.unchecked_transaction()?;
        {
            let mut message = transaction.prepare_cached(match self.shape.key {
                Key::Number => "INSERT INTO message VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                Key::Pair => "INSERT INTO message VALUES (?2, ?3, ?1, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                Key::Place => "INSERT INTO message VALUES (?2 << 32 | ?3, ?1, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            })?;
            for room in picked {
                self.rooms[room] += 1;
                self.written += 1;
                let (seq, digest) = (self.rooms[room], self.written.wrapping_mul(0x5851_f42d_4c95_7f2d));
                let mut id = [0; 16];
                id[..8].copy_from_slice(&self.written.to_be_bytes());
                id[8..].copy_from_slice(&digest.to_be_bytes());
                let sender = format!("user-{}", seq % 2);
                let name = format!("{digest:016x}-{digest:016x}");
                let room = room as i64 + 1;
                message.execute(params![id, room, seq, seq, sender, self.text, self.written, name, digest])?;
                if self.shape.operation {
                    let mut scope = [7; 16];
                    scope[..8].copy_from_slice(&room.to_be_bytes());
                    transaction
                        .prepare_cached("INSERT INTO operation VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                        .execute(params![scope, sender, name, digest, room, seq])?;
                }
                if self.shape.change {
                    transaction
                        .prepare_cached("INSERT INTO change VALUES (?1 << 32 | ?2, 2, ?2, ?3, ?4, ?5)")?
                        .execute(params![room, seq, sender, self.written, digest])?;
                }
            }
        }
        transaction.commit()
    }

    /// The text of the last 50 messages of a room.
    fn page(&mut self) -> Result<usize> {
        let room = self.room() as i64 + 1;
        let mut statement = self.connection.prepare_cached(match self.shape.key {
            Key::Place => "SELECT * FROM message WHERE place BETWEEN ?1 << 32 AND ?1 << 32 | 4294967295 ORDER BY place DESC LIMIT 50",
            _ => "SELECT * FROM message WHERE room = ?1 ORDER BY seq DESC LIMIT 50",
        })?;
        let mut rows = statement.query([room])?;
        let (mut bytes, column) = (0, if self.shape.key == Key::Place { 4 } else { 5 });
        while let Some(row) = rows.next()? {
            bytes += row.get_ref(column)?.as_str().map_or(0, str::len);
        }
        Ok(bytes)
    }
}

fn file() -> PathBuf {
    env::temp_dir().join(format!("chat-sqlite-shapes-{}.db", std::process::id()))
}

/// How much processor time this process has had; only Linux says.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// Writes `rows` rows on top of `before`, and prints what each cost: processor time and pages of the log.
fn cost(shape: &'static Shape, rooms: u64, batch: usize, before: i64, rows: i64) -> Result<()> {
    let mut bench = Bench::new(shape, rooms)?;
    while bench.written < before {
        bench.write(1_000)?;
    }
    bench.connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
    bench.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let (begun, last) = (processor(), bench.written + rows);
    while bench.written < last {
        bench.write(batch)?;
    }
    let spent = (processor() - begun).as_secs_f64() * 1e6 / rows as f64;
    let mut log = file().into_os_string();
    log.push("-wal");
    let pages = fs::metadata(log).map_or(0, |log| log.len()) as f64 / 4_120.0 / rows as f64;
    print!("{spent:>10.1}{pages:>7.2}");
    Ok(())
}

fn main() -> Result<()> {
    let argument = |n| env::args().nth(n).and_then(|text| text.parse().ok());
    let (rows, stored): (i64, i64) = (argument(1).unwrap_or(20_000), argument(2).unwrap_or(500_000));
    for rooms in ROOMS {
        for before in [0, stored / 2] {
            println!(
                "\n{rooms} rooms, {rows} rows on top of {before}: µs of processor and pages of the log a row, at {BATCHES:?} a transaction"
            );
            for shape in &SHAPES {
                print!("  {:40}", shape.name);
                for batch in BATCHES {
                    cost(shape, rooms, batch, before, rows)?;
                }
                println!();
            }
        }
    }
    println!("\n{stored} rows in 1000 rooms: last 50 messages of a room, p50 and p99 in µs; MiB");
    for shape in &SHAPES[..3] {
        let mut bench = Bench::new(shape, 1_000)?;
        while bench.written < stored {
            bench.write(1_000)?;
        }
        let mut times = Vec::new();
        for _ in 0..5_000 {
            let begun = Instant::now();
            assert!(bench.page()? > 0, "a page has text");
            times.push(begun.elapsed());
        }
        times.sort();
        let size = fs::metadata(file()).map_or(0, |file| file.len()) >> 20;
        let (half, most) = (times[times.len() / 2].as_micros(), times[times.len() * 99 / 100].as_micros());
        println!("  {:40}{half:>10}{most:>10}{size:>10}", shape.name);
    }
    let _ = fs::remove_file(file());
    Ok(())
}
