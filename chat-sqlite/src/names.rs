//! Under which names messages were sent, so that a repeated send finds its first result.
//!
//! A name is looked for by a hash, and hashes are random: in an index, each new one would change a page of its own, and
//! that page would be most of what a send writes. So new names are kept in memory, and written one after the other, a row
//! for each transaction (`fresh`). Once thousands have gathered they move to the index (`name`) in its own order, some at
//! a time, so that many go to the same page.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chat_core::{ClientId, Seq, UserId, store::Digester};
use rusqlite::Connection;

use crate::{
    failure::Outcome,
    place::{place, room_at},
    sql::Sql,
};

/// How many names gather before they move. The more, the more of them share a page, and the more are read at opening.
const GATHERED: usize = 16_384;

/// How many move in one transaction, and how many must have come since the last ones did.
const STEP: usize = 256;

/// How many a small transaction brings.
const FEW: usize = 16;

/// The key of a name in the index: its room's number, and 32 bits of a hash of it and whose it is. What is found under
/// a key is then compared.
pub(crate) fn key(digester: Digester, number: i64, by: Option<&UserId>, name: &ClientId) -> i64 {
    place(number, digester.request(&(by, name)) & u64::from(u32::MAX))
}

/// A name: its key, and the `seq` of the message that bears it.
type Entry = (i64, Seq);

/// The names that may not be in the index yet, as the writer knows them and the readers look them up.
#[derive(Debug, Default)]
pub(crate) struct Names {
    fresh: Mutex<Fresh>,
}

#[derive(Debug, Default)]
struct Fresh {
    gathering: BTreeSet<Entry>,
    moving: BTreeSet<Entry>,
    /// The last row of `fresh` whose names are among those that move.
    last_moving: i64,
    /// How many have come since some moved.
    came: usize,
    /// Those that the transaction under way has brought, as the row that it will write.
    brought: Vec<u8>,
}

impl Fresh {
    /// Whether it is time to move some, when so many more have come.
    fn are_due(&self, more: usize) -> bool {
        self.came + more >= STEP && (!self.moving.is_empty() || self.gathering.len() + more >= GATHERED)
    }

    /// Those that move next: all of them, if they come faster than they move in such steps.
    fn next(&mut self) -> Vec<Entry> {
        let next = self.moving.iter().take(self.came).copied().collect();
        self.came = 0;
        next
    }
}

impl Names {
    /// Reads those that may not be in the index, in place of what was known of them.
    pub(crate) fn load(&self, connection: &Connection) -> Outcome<()> {
        let rows = connection.all("SELECT names FROM fresh", [], |row| Ok(row.get::<_, Vec<u8>>(0)?))?;
        *self.lock() = Fresh { gathering: rows.iter().flat_map(|row| unpack(row)).collect(), ..Fresh::default() };
        Ok(())
    }

    /// A new name, of a message that the transaction under way has written.
    pub(crate) fn put(&self, key: i64, seq: Seq) {
        let mut fresh = self.lock();
        fresh.gathering.insert((key, seq));
        fresh.came += 1;
        fresh.brought.extend(pack((key, seq)));
    }

    /// The places of messages that may bear a name. What this tells and what the index says afterwards are all there
    /// are. So ask in this order, and without a snapshot that was begun before.
    pub(crate) fn places(&self, key: i64) -> Vec<i64> {
        let fresh = self.lock();
        let range = || (key, 0)..=(key, Seq::MAX);
        let found = fresh.gathering.range(range()).chain(fresh.moving.range(range()));
        found.map(|(key, seq)| place(room_at(*key), *seq)).collect()
    }

    /// Whether so many have come that the next transaction moves some.
    pub(crate) fn are_due(&self) -> bool {
        // With those that it brings itself.
        self.lock().are_due(FEW)
    }

    /// Ends the transaction under way: writes what it has brought, and moves some to the index when enough have come.
    /// Those must be [forgotten](Self::forget) once all is durable. After a failure, [load](Self::load).
    pub(crate) fn write(&self, connection: &Connection) -> Outcome<Vec<Entry>> {
        // Readers look names up meanwhile: nothing is written while the lock is held. Only the writer changes anything.
        let brought = std::mem::take(&mut self.lock().brought);
        if !brought.is_empty() {
            connection.run("INSERT INTO fresh (names) VALUES (?1)", [brought])?;
        }
        if !self.lock().are_due(0) {
            return Ok(Vec::new());
        }
        let moved_up_to = {
            let fresh = self.lock();
            fresh.moving.is_empty().then_some(fresh.last_moving)
        };
        if let Some(last_moving) = moved_up_to {
            connection.run("DELETE FROM fresh WHERE number <= ?1", [last_moving])?;
            let last = connection.one("SELECT max(number) FROM fresh", [], |row| Ok(row.get(0)?))?;
            let mut fresh = self.lock();
            fresh.last_moving = last.unwrap_or(0);
            fresh.moving = std::mem::take(&mut fresh.gathering);
            // Not all that gathered: the first step is as large as the others.
            fresh.came = STEP;
        }
        let some = self.lock().next();
        for (key, seq) in &some {
            // After a failure, one that is there already may come again.
            connection.run("INSERT OR IGNORE INTO name (key, seq) VALUES (?1, ?2)", [*key, seq.cast_signed()])?;
        }
        Ok(some)
    }

    /// Forgets those that are in the index.
    pub(crate) fn forget(&self, moved: &[Entry]) {
        if moved.is_empty() {
            return;
        }
        let mut fresh = self.lock();
        for entry in moved {
            fresh.moving.remove(entry);
        }
    }

    /// Removes the names of a room. Those that are not in the index yet lead to no message any more, which does no harm.
    pub(crate) fn delete_room(connection: &Connection, number: i64) -> Outcome<()> {
        let keys = [place(number, 0), place(number, u64::MAX)];
        connection.run("DELETE FROM name WHERE key BETWEEN ?1 AND ?2", keys)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a name lies in a row of `fresh`: its key and its `seq`, both big-endian.
fn pack((key, seq): Entry) -> [u8; 16] {
    (u128::from(key.cast_unsigned()) << 64 | u128::from(seq)).to_be_bytes()
}

/// The names of a row of `fresh`.
fn unpack(row: &[u8]) -> impl Iterator<Item = Entry> {
    let (packed, _) = row.as_chunks::<16>();
    packed.iter().map(|packed| {
        let both = u128::from_be_bytes(*packed);
        (((both >> 64) as u64).cast_signed(), both as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gathered_moves_by_a_few_in_each_transaction() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../schema.sql")).unwrap();
        let (names, each) = (Names::default(), 64);
        let mut steps = Vec::new();
        for first in (0..2 * GATHERED as u64).step_by(each) {
            for seq in first..first + each as u64 {
                names.put(place(1, seq.reverse_bits() >> 32), seq);
            }
            let moved = names.write(&connection).unwrap();
            names.forget(&moved);
            steps.extend((!moved.is_empty()).then_some(moved.len()));
        }
        assert!(steps.iter().all(|step| *step <= STEP + each), "{steps:?}");
        assert!(steps.iter().sum::<usize>() + STEP >= GATHERED, "{steps:?}");
    }
}
