//! The write-ahead log: how long it has become, and writing it back into the file.
//!
//! SQLite would do that within the commit that fills it, which takes a hundred times as long as others. So it is left to
//! the thread, after that commit is answered, or the next one. Whoever comes meanwhile waits for it, and the longer the
//! log the longer; but pages that many commits change are written back once. So it is done often where little is written
//! at a time, and seldom where much is.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rusqlite::{Connection, hooks};

use crate::{failure::Outcome, schema::CHECKPOINT_PAGES};

/// How many pages are written back where little is written at a time: a few milliseconds.
const SOON: u32 = 2_000;

/// How much is written at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Each waits for its own.
    Light,
    /// Batches gather: many wait, however it is done.
    Heavy,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Wal {
    /// How many pages it had after the last commit.
    pages: Arc<AtomicU32>,
}

impl Wal {
    /// Learns from now on how long it is after each commit. SQLite no longer writes it back by itself; `wal_autocheckpoint`
    /// must not be set after this, which would take its place.
    pub(super) fn watch(&self, connection: &mut Connection) -> Outcome<()> {
        let pages = Arc::clone(&self.pages);
        let hook = move |_: &mut hooks::Wal, length| {
            pages.store(u32::try_from(length).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        Ok(connection.wal_hook(Some(hook))?)
    }

    /// Whether it is time to write it back.
    pub(super) fn is_due(&self, load: Load) -> bool {
        let pages = match load {
            Load::Light => SOON,
            Load::Heavy => CHECKPOINT_PAGES,
        };
        self.pages.load(Ordering::Relaxed) >= pages
    }

    /// Writes back of it what no reader needs, if it is time for that.
    pub(super) fn write_back(&self, connection: &Connection, load: Load) {
        if self.is_due(load) {
            // What fails leaves the log as it is, and the next commit comes here again.
            let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_back_when_it_is_time_and_not_by_the_commit_that_fills_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("chat.db")).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (x)").unwrap();
        let wal = Wal::default();
        wal.watch(&mut connection).unwrap();
        let pages: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
        let write = |bytes| connection.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes]).unwrap();
        for (load, due) in [(Load::Light, SOON), (Load::Heavy, CHECKPOINT_PAGES)] {
            write(1);
            wal.write_back(&connection, load);
            assert!(!wal.is_due(load));
            write(due * pages);
            write(1);
            assert!(wal.is_due(load));
            wal.write_back(&connection, load);
            // From its beginning again.
            write(1);
            assert!(!wal.is_due(Load::Light));
        }
    }
}
