//! Which shape of the message table costs what: the figures behind decision 26 in `docs/src/decisions.md`.
//!
//! `cargo run --release -p chat-sqlite --example shapes [rows per figure] [rows that are there before]`
//!
//! Each figure is raw rusqlite on a new file: write-ahead log, `synchronous=FULL`, rooms drawn at random, 200 bytes of
//! text. The first tables are what a row costs to write; the last is the time of a page of the last 50 messages of a
//! random room.

use std::{
    env, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Result, params};

/// One way to lay out what a send writes.
struct Shape {
    name: &'static str,
    /// How the key of a message is made.
    key: Key,
    /// How it is found how many messages somebody had posted up to a place.
    own: Own,
    /// How it is found that an operation was done before.
    named: Named,
    /// What each send writes beside.
    beside: Beside,
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

#[derive(Clone, Copy, PartialEq)]
enum Own {
    Nothing,
    /// By an index on room, sender and place.
    Index,
    /// By a table with a row for each sender and 64 places.
    Blocks,
}

#[derive(Clone, Copy, PartialEq)]
enum Named {
    Nothing,
    /// By a table of its own.
    Table,
    /// By an index on room, sender and name.
    Text,
    /// By an index on room and 32 bits of a hash.
    Hash,
}

#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    /// A row in a table of changes.
    Change,
    /// An entry in an index on room and id.
    IdOfRoom,
}

const fn shape(name: &'static str, key: Key, own: Own, named: Named, beside: Beside) -> Shape {
    Shape { name, key, own, named, beside }
}

/// The one that was chosen is the fifth.
const SHAPES: [Shape; 11] = [
    shape("place alone", Key::Place, Own::Nothing, Named::Nothing, Beside::Nothing),
    shape("place, own by index", Key::Place, Own::Index, Named::Nothing, Beside::Nothing),
    shape("place, own by blocks", Key::Place, Own::Blocks, Named::Nothing, Beside::Nothing),
    shape("place, own by index, name by hash", Key::Place, Own::Index, Named::Hash, Beside::Nothing),
    shape("place, own by blocks, name by hash", Key::Place, Own::Blocks, Named::Hash, Beside::Nothing),
    shape("the same, name by text", Key::Place, Own::Blocks, Named::Text, Beside::Nothing),
    shape("the same, name by table", Key::Place, Own::Blocks, Named::Table, Beside::Nothing),
    shape("chosen, with a change row", Key::Place, Own::Blocks, Named::Hash, Beside::Change),
    shape("chosen, with (room, id)", Key::Place, Own::Blocks, Named::Hash, Beside::IdOfRoom),
    shape("number, own by blocks, name by hash", Key::Number, Own::Blocks, Named::Hash, Beside::Nothing),
    shape("pair, own by blocks, name by hash", Key::Pair, Own::Blocks, Named::Hash, Beside::Nothing),
];

impl Shape {
    /// The tables and indices.
    fn tables(&self) -> String {
        const COLUMNS: &str = "id BLOB UNIQUE, ord INTEGER, sender TEXT, content TEXT, at INTEGER, client_id TEXT, \
             chain INTEGER, digest INTEGER, named INTEGER";
        let (table, room) = match self.key {
            Key::Number => (
                format!(
                    "(number INTEGER PRIMARY KEY, room INTEGER, seq INTEGER, {COLUMNS}, UNIQUE (room, seq)) STRICT"
                ),
                "room",
            ),
            Key::Pair => (
                format!("(room INTEGER, seq INTEGER, {COLUMNS}, PRIMARY KEY (room, seq)) STRICT, WITHOUT ROWID"),
                "room",
            ),
            Key::Place => (format!("(place INTEGER PRIMARY KEY, {COLUMNS}) STRICT"), "place >> 32"),
        };
        let own = match self.own {
            Own::Nothing => String::new(),
            Own::Index => format!("CREATE INDEX own ON message ({room}, sender);"),
            Own::Blocks => "CREATE TABLE own (room INTEGER, user TEXT, block INTEGER, ord INTEGER, \
                 PRIMARY KEY (room, user, block)) STRICT, WITHOUT ROWID;"
                .into(),
        };
        let named = match self.named {
            Named::Nothing => String::new(),
            Named::Table => "CREATE TABLE operation (scope BLOB, actor TEXT, name TEXT, digest INTEGER, room INTEGER, \
                 target INTEGER, PRIMARY KEY (scope, actor, name)) STRICT, WITHOUT ROWID;"
                .into(),
            Named::Text => format!("CREATE INDEX message_named ON message ({room}, sender, client_id);"),
            Named::Hash => "CREATE INDEX message_named ON message (named);".into(),
        };
        let beside = match self.beside {
            Beside::Nothing => String::new(),
            Beside::Change => "CREATE TABLE change (place INTEGER PRIMARY KEY, kind INTEGER, target INTEGER, \
                 actor TEXT, at INTEGER, chain INTEGER) STRICT;"
                .into(),
            Beside::IdOfRoom => format!("CREATE INDEX by_id ON message ({room}, id);"),
        };
        format!("CREATE TABLE message {table}; {own} {named} {beside}")
    }
}

const BATCHES: [usize; 2] = [100, 1_000];
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
        connection.execute_batch(&shape.tables())?;
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
            const VALUES: &str = "(id, ord, sender, content, at, client_id, chain, digest, named, ";
            let mut message = transaction.prepare_cached(&match self.shape.key {
                Key::Number | Key::Pair => format!(
                    "INSERT INTO message {VALUES} room, seq) VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?2, ?3)"
                ),
                Key::Place => format!(
                    "INSERT INTO message {VALUES} place) VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?2 << 32 | ?3)"
                ),
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
                let named = (self.shape.named == Named::Hash).then_some(room << 32 | (digest >> 32 & 0xffff_ffff));
                message.execute(params![id, room, seq, sender, self.text, self.written, name, digest, named])?;
                if self.shape.own == Own::Blocks {
                    transaction
                        .prepare_cached(
                            "INSERT INTO own VALUES (?1, ?2, ?3 >> 6, ?3) \
                             ON CONFLICT (room, user, block) DO UPDATE SET ord = excluded.ord",
                        )?
                        .execute(params![room, sender, seq])?;
                }
                if self.shape.named == Named::Table {
                    let mut scope = [7; 16];
                    scope[..8].copy_from_slice(&room.to_be_bytes());
                    transaction
                        .prepare_cached("INSERT INTO operation VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                        .execute(params![scope, sender, name, digest, room, seq])?;
                }
                if self.shape.beside == Beside::Change {
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
            Key::Place => {
                "SELECT content, * FROM message WHERE place BETWEEN ?1 << 32 AND ?1 << 32 | 4294967295 \
                 ORDER BY place DESC LIMIT 50"
            }
            _ => "SELECT content, * FROM message WHERE room = ?1 ORDER BY seq DESC LIMIT 50",
        })?;
        let mut rows = statement.query([room])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            bytes += row.get_ref(0)?.as_str().map_or(0, str::len);
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
        println!(
            "\n{rooms} rooms, {rows} rows on top of {}: µs of processor and pages of the log a row, at {BATCHES:?} a \
             transaction",
            stored / 2
        );
        for shape in &SHAPES {
            print!("  {:40}", shape.name);
            for batch in BATCHES {
                cost(shape, rooms, batch, stored / 2, rows)?;
            }
            println!();
        }
    }
    println!("\n{stored} rows in 1000 rooms: last 50 messages of a room, p50 and p99 in µs; MiB");
    for shape in SHAPES.iter().filter(|shape| shape.own == Own::Blocks && shape.beside == Beside::Nothing) {
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
