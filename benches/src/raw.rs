//! What the library is held against: rusqlite alone, writing the same rows as well as one can.
//!
//! One thread owns the connection. It takes what waits, writes it in one transaction, syncs once, and answers
//! everybody: the group commit that a good engineer would write. It keeps the heads of rooms in memory and writes
//! each that a batch moved once; names go into their index at once. It decides, checks, hashes and tells nothing.

use std::{collections::BTreeMap, path::Path};

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

/// The library's own tables and indices.
const TABLES: &str = include_str!("../../chat-sqlite/schema.sql");

// What a send writes there: the message, which is also its change and its operation, and its name; and once a
// transaction what moved with it: the head of the room, the markers of the sender, and how many they posted by the end of a block.
const INSERT_ROOM: &str = "INSERT INTO room (number, id, kind, state, history, created_at, last_seq, last_rev, last_ord, \
     chain, last_at, policy_rev, info_rev, members, owners, ids_ascend, digest) \
     VALUES (?1, ?2, 1, 0, 0, ?3, 0, 3, 0, ?4, ?3, 1, 1, 2, 0, 1, ?4)";
const INSERT_MEMBER: &str = "INSERT INTO member (room, user, rev, standing, role, joined_at, joined_seq, joined_rev, \
     visible_from, read_seq, delivered_seq, marker_seq, pinned, hidden, level, private_reading, digest) \
     VALUES (?1, ?2, 3, 0, 1, ?3, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, ?4)";
const INSERT_MESSAGE: &str = "INSERT INTO message (place, id, rev, post_rev, ord, own_ord, chain, sender, message_type, \
     created_at, client_id, request, content, content_digest, digest) \
     VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?6, ?6)";
const INSERT_NAME: &str = "INSERT INTO name (key, seq) VALUES (?1, ?2)";
const UPDATE_ROOM: &str = "UPDATE room SET last_seq = ?2, last_rev = ?3, last_ord = ?2, chain = ?4, last_at = ?5, \
     digest = ?4 WHERE number = ?1";
const UPDATE_MEMBER: &str = "UPDATE member SET read_seq = ?3, delivered_seq = ?3, marker_seq = ?3, digest = ?4 \
     WHERE room = ?1 AND user = ?2";
const PUT_OWN: &str = "INSERT INTO own (room, user, block, ord) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (room, user, block) DO UPDATE SET ord = excluded.ord";

/// When everything was sent.
const AT: i64 = 1_764_000_000_000;

/// Changes of a room before its first message: it was made, and two joined.
const MADE: i64 = 3;

/// A room's head.
#[derive(Debug, Default)]
struct Head {
    seq: i64,
    own: BTreeMap<UserId, i64>,
}

/// The file, as one thread keeps it.
#[derive(Debug)]
pub struct Rows {
    connection: Connection,
    heads: Vec<Head>,
    written: u64,
}

impl Writer {
    /// Opens a new database with `rooms`, two people in each, and starts the thread.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(data: &Path, rooms: &[RoomId], people: impl Fn(usize) -> [UserId; 2]) -> Result<Self> {
        let written = Rows::open(data, rooms, people)?;
        let (rows, waiting) = mpsc::channel(16 * BATCH);
        // spawns: the writer; it ends when the last front goes.
        std::thread::Builder::new().name("raw writer".into()).spawn(move || write_all(written, waiting))?;
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
fn write_all(mut rows: Rows, mut waiting: mpsc::Receiver<(Row, oneshot::Sender<u64>)>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = waiting.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        match rows.write(batch.iter().map(|(row, _)| row)) {
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

impl Rows {
    /// Opens a new database with `rooms`, two people in each.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(data: &Path, rooms: &[RoomId], people: impl Fn(usize) -> [UserId; 2]) -> Result<Self> {
        let mut connection = Connection::open(data).context("opening a database")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.execute_batch(TABLES)?;
        let transaction = connection.transaction()?;
        for (n, id) in rooms.iter().enumerate() {
            let (number, digest) = (number_of(n), hash(n as u64));
            transaction.execute(INSERT_ROOM, params![number, id.as_bytes(), AT, digest])?;
            for user in people(n) {
                transaction.execute(INSERT_MEMBER, params![number, user.as_str(), AT, digest])?;
            }
        }
        transaction.commit()?;
        Ok(Self { connection, heads: rooms.iter().map(|_| Head::default()).collect(), written: 0 })
    }

    /// Writes a batch in one transaction; durable when this returns. Returns the place of each in its room.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn write<'a>(&mut self, batch: impl IntoIterator<Item = &'a Row>) -> Result<Vec<u64>> {
        let transaction = self.connection.transaction()?;
        let mut places = Vec::new();
        // By room, sender and block, so that rows that lie side by side are written side by side.
        let mut moved = BTreeMap::new();
        {
            let mut message = transaction.prepare_cached(INSERT_MESSAGE)?;
            let mut name = transaction.prepare_cached(INSERT_NAME)?;
            for Row { room, sender, content, client_id } in batch {
                let head = &mut self.heads[*room];
                head.seq += 1;
                self.written += 1;
                let own = head.own.entry(sender.clone()).or_default();
                *own += 1;
                let (number, seq, digest) = (number_of(*room), head.seq, hash(self.written));
                let request = client_id.as_ref().map(|_| digest);
                message.execute(params![
                    number << 32 | seq,
                    id_of(self.written),
                    MADE + seq,
                    seq,
                    *own,
                    digest,
                    sender.as_str(),
                    AT,
                    client_id,
                    request,
                    content
                ])?;
                if client_id.is_some() {
                    name.execute([number << 32 | (digest & i64::from(u32::MAX)), seq])?;
                }
                moved.insert((*room, sender, seq >> 6), *own);
                places.push(seq.cast_unsigned());
            }
            let mut room = transaction.prepare_cached(UPDATE_ROOM)?;
            let mut member = transaction.prepare_cached(UPDATE_MEMBER)?;
            let mut count = transaction.prepare_cached(PUT_OWN)?;
            let (mut last_room, mut last_person) = (None, None);
            for ((n, sender, block), own) in moved {
                let (number, seq) = (number_of(n), self.heads[n].seq);
                let digest = hash(seq.cast_unsigned());
                if last_room.replace(n) != Some(n) {
                    room.execute(params![number, seq, MADE + seq, digest, AT])?;
                }
                if last_person.replace((n, sender)) != Some((n, sender)) {
                    member.execute(params![number, sender.as_str(), seq, digest])?;
                }
                count.execute(params![number, sender.as_str(), block, own])?;
            }
        }
        transaction.commit()?;
        Ok(places)
    }
}

/// A room's number in the tables.
fn number_of(room: usize) -> i64 {
    room as i64 + 1
}

/// An id that ascends with time, as the library's do.
fn id_of(written: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&written.to_be_bytes());
    id[8..].copy_from_slice(&hash(written).to_be_bytes());
    id
}

/// Something as long and as odd as the library's hashes.
fn hash(number: u64) -> i64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a table, as text.
    fn count(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn what_is_written_is_what_the_library_would_have_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("raw.db");
        let rooms = [RoomId::from_bytes([1; 16]), RoomId::from_bytes([2; 16])];
        let people = [UserId::new("anna").unwrap(), UserId::new("ben").unwrap()];
        let writer = Writer::open(&data, &rooms, |_| people.clone()).unwrap();
        for number in 1..=130 {
            let row =
                Row { room: 1, sender: people[0].clone(), content: "x".into(), client_id: Some(number.to_string()) };
            assert_eq!(writer.write(row).await.unwrap(), number);
        }
        let read = Connection::open(&data).unwrap();
        assert_eq!(count(&read, "SELECT count(*) FROM name"), 130);
        assert_eq!(count(&read, "SELECT last_rev FROM room WHERE number = 2"), 133);
        assert_eq!(count(&read, "SELECT marker_seq FROM member WHERE room = 2 AND user = 'anna'"), 130);
        assert_eq!(count(&read, "SELECT marker_seq FROM member WHERE room = 2 AND user = 'ben'"), 0);
        assert_eq!(count(&read, "SELECT sum(block * 1000 + ord) FROM own"), 3000 + 63 + 127 + 130);
    }
}
