//! What the library is held against: rusqlite alone, writing the same rows as well as one can.
//!
//! One thread owns the connection. It takes what waits, writes it in one transaction, syncs once, and answers
//! everybody: the group commit that a good engineer would write. It keeps the heads of rooms in memory and writes
//! each that a batch moved once. It decides, checks and tells nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result};
use chat_core::{RoomId, UserId};
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

/// How many rows one transaction holds.
const BATCH: usize = 1_024;

/// After how many pages the log is written back. SQLite's own 1,000 would do that after every batch, and costs half.
const CHECKPOINT_PAGES: u32 = 16_000;

/// A message to write.
#[derive(Clone, Debug)]
pub struct Row {
    /// The room, as a place in the list that the writer was opened with.
    pub room: usize,
    /// Who sends it.
    pub sender: UserId,
    /// The text.
    pub content: String,
    /// The name of the operation.
    pub client_id: Option<String>,
}

/// The writer's front. Clones are cheap; the last one to go ends the thread.
#[derive(Clone, Debug)]
pub struct Writer {
    rows: mpsc::Sender<(Row, oneshot::Sender<u64>)>,
}

/// The tables: the same rows and indices as the library's for what a send writes.
const TABLES: &str = "
CREATE TABLE room (
    id BLOB PRIMARY KEY, last_seq INTEGER NOT NULL, last_rev INTEGER NOT NULL, last_ord INTEGER NOT NULL,
    chain INTEGER NOT NULL, last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE member (
    room BLOB NOT NULL, user TEXT NOT NULL, read_seq INTEGER NOT NULL, delivered_seq INTEGER NOT NULL,
    marker_seq INTEGER NOT NULL, PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE message (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, room BLOB NOT NULL, seq INTEGER NOT NULL,
    rev INTEGER NOT NULL, post_rev INTEGER NOT NULL, ord INTEGER NOT NULL, own_ord INTEGER NOT NULL, sender TEXT,
    content TEXT, message_type INTEGER NOT NULL, created_at INTEGER NOT NULL, client_id TEXT,
    content_digest INTEGER NOT NULL, digest INTEGER NOT NULL, UNIQUE (room, seq)
) STRICT;
CREATE INDEX message_of_sender ON message (room, sender, seq);
CREATE TABLE change (
    room BLOB NOT NULL, rev INTEGER NOT NULL, kind INTEGER NOT NULL, target INTEGER NOT NULL, actor TEXT,
    at INTEGER NOT NULL, chain INTEGER NOT NULL, PRIMARY KEY (room, rev)
) STRICT, WITHOUT ROWID;
CREATE TABLE operation (
    scope BLOB NOT NULL, actor TEXT NOT NULL, name TEXT NOT NULL, digest INTEGER NOT NULL, target INTEGER NOT NULL,
    PRIMARY KEY (scope, actor, name)
) STRICT, WITHOUT ROWID;
";

const INSERT_MESSAGE: &str = "INSERT INTO message (id, room, seq, rev, post_rev, ord, own_ord, sender, content, \
     message_type, created_at, client_id, content_digest, digest) \
     VALUES (?1, ?2, ?3, ?3, ?3, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?9)";
const INSERT_CHANGE: &str =
    "INSERT INTO change (room, rev, kind, target, actor, at, chain) VALUES (?1, ?2, 2, ?2, ?3, ?4, ?5)";
const INSERT_OPERATION: &str = "INSERT INTO operation (scope, actor, name, digest, target) VALUES (?1, ?2, ?3, ?4, ?5)";
const UPDATE_ROOM: &str =
    "UPDATE room SET last_seq = ?2, last_rev = ?2, last_ord = ?2, chain = ?3, last_at = ?4 WHERE id = ?1";
const UPDATE_MEMBER: &str =
    "UPDATE member SET read_seq = ?3, delivered_seq = ?3, marker_seq = ?3 WHERE room = ?1 AND user = ?2";

/// A room's head.
struct Head {
    id: RoomId,
    seq: u64,
    own: BTreeMap<UserId, u64>,
}

impl Writer {
    /// Opens a new database with `rooms`, two people in each, and starts the thread.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(data: &Path, rooms: &[RoomId], people: impl Fn(usize) -> [UserId; 2]) -> Result<Self> {
        let mut connection = Connection::open(data).context("opening a database")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.execute_batch(TABLES)?;
        connection.set_prepared_statement_cache_capacity(16);
        let transaction = connection.transaction()?;
        for (n, id) in rooms.iter().enumerate() {
            transaction.execute("INSERT INTO room VALUES (?1, 0, 0, 0, 0, 0)", [id.as_bytes()])?;
            for user in people(n) {
                transaction
                    .execute("INSERT INTO member VALUES (?1, ?2, 0, 0, 0)", params![id.as_bytes(), user.as_str()])?;
            }
        }
        transaction.commit()?;
        let heads = rooms.iter().map(|id| Head { id: *id, seq: 0, own: BTreeMap::new() }).collect();
        let (rows, waiting) = mpsc::channel(16 * BATCH);
        // spawns: the writer; it ends when the last front goes.
        std::thread::Builder::new().name("raw writer".into()).spawn(move || write_all(connection, heads, waiting))?;
        Ok(Self { rows })
    }

    /// Writes a row; durable when this returns. Returns its place in the room.
    ///
    /// # Errors
    /// If the thread has ended.
    pub async fn write(&self, row: Row) -> Result<u64> {
        let (done, written) = oneshot::channel();
        self.rows.send((row, done)).await.context("the writer has ended")?;
        written.await.context("the writer failed")
    }
}

/// Writes until nobody is left who could ask, or until SQLite fails: then everybody who waits learns of it by being
/// dropped.
fn write_all(
    mut connection: Connection,
    mut heads: Vec<Head>,
    mut waiting: mpsc::Receiver<(Row, oneshot::Sender<u64>)>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = waiting.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        match write_batch(&mut connection, &mut heads, &batch) {
            Ok(places) => {
                for ((_, done), place) in batch.drain(..).zip(places) {
                    // Whoever asked may have gone.
                    let _ = done.send(place);
                }
            }
            Err(error) => {
                eprintln!("the raw writer failed: {error:#}");
                return;
            }
        }
    }
}

fn write_batch(
    connection: &mut Connection,
    heads: &mut [Head],
    batch: &[(Row, oneshot::Sender<u64>)],
) -> Result<Vec<u64>> {
    let transaction = connection.transaction()?;
    let mut places = Vec::with_capacity(batch.len());
    let mut moved = BTreeSet::new();
    {
        let mut message = transaction.prepare_cached(INSERT_MESSAGE)?;
        let mut change = transaction.prepare_cached(INSERT_CHANGE)?;
        let mut operation = transaction.prepare_cached(INSERT_OPERATION)?;
        let at = 1_764_000_000_000i64;
        for (Row { room, sender, content, client_id }, _) in batch {
            let head = &mut heads[*room];
            head.seq += 1;
            let own = head.own.entry(sender.clone()).or_default();
            *own += 1;
            let (seq, room_id, digest) = (head.seq as i64, head.id.as_bytes(), (head.seq as i64) << 20);
            let id = id_of(*room, head.seq);
            message.execute(params![id, room_id, seq, *own as i64, sender.as_str(), content, at, client_id, digest])?;
            change.execute(params![room_id, seq, sender.as_str(), at, digest])?;
            if let Some(name) = client_id {
                operation.execute(params![room_id, sender.as_str(), name, digest, seq])?;
            }
            moved.insert((*room, sender));
            places.push(head.seq);
        }
        let mut room = transaction.prepare_cached(UPDATE_ROOM)?;
        let mut member = transaction.prepare_cached(UPDATE_MEMBER)?;
        for (n, sender) in moved {
            let head = &heads[n];
            room.execute(params![head.id.as_bytes(), head.seq as i64, (head.seq as i64) << 20, at])?;
            member.execute(params![head.id.as_bytes(), sender.as_str(), head.seq as i64])?;
        }
    }
    transaction.commit()?;
    Ok(places)
}

/// An id that ascends with time, as the library's do.
fn id_of(room: usize, seq: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seq.to_be_bytes());
    id[8..].copy_from_slice(&(room as u64).to_be_bytes());
    id
}
