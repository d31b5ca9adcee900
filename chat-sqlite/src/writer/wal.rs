//! The write-ahead log: how long it has become, and writing it back into the file.
//!
//! SQLite would do that within the commit that fills it, which takes a hundred times as long as others. So it is left to
//! the thread, after that commit is answered, or the next one.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rusqlite::{Connection, hooks};

use crate::{failure::Outcome, schema::CHECKPOINT_PAGES};

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
    pub(super) fn is_full(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= CHECKPOINT_PAGES
    }

    /// Writes back of it what no reader needs, if it is time for that.
    pub(super) fn write_back(&self, connection: &Connection) {
        if self.is_full() {
            // What fails leaves the log as it is, and the next commit comes here again.
            let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_back_when_it_is_full_and_not_by_the_commit_that_fills_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("chat.db")).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (x)").unwrap();
        let wal = Wal::default();
        wal.watch(&mut connection).unwrap();
        let pages: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
        let write = |bytes| connection.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes]).unwrap();
        write(1);
        wal.write_back(&connection);
        assert!(!wal.is_full());
        write(CHECKPOINT_PAGES * pages);
        write(1);
        assert!(wal.is_full());
        wal.write_back(&connection);
        // From its beginning again.
        write(1);
        assert!(!wal.is_full());
    }
}
