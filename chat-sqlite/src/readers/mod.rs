//! What reads, each with a connection that cannot write. A read is one snapshot.
//!
//! `pool` says who works with them, their own threads or whoever asks. `seen` is the one way to a room's content; the
//! other modules say what is read.

mod catch_up;
mod history;
mod newest;
mod pool;
mod seen;

use std::{fmt, sync::Arc};

use rusqlite::Connection;

use crate::{
    database::Database,
    failure::Outcome,
    lock::Lock,
    names::Names,
    schema::{Meta, Purpose},
    sql::Sql,
};

#[cfg(test)]
pub(crate) use pool::WAITING;
pub(crate) use pool::{Length, ReaderHandle, ReaderPool};
pub(crate) use seen::OwnedViewer;

/// The data as of one moment.
pub(crate) struct Snapshot<'a> {
    connection: &'a Connection,
    names: &'a Names,
    meta: Meta,
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot(…)")
    }
}

/// One of them.
pub(crate) struct Reader {
    connection: Connection,
    names: Arc<Names>,
    meta: Meta,
    _lock: Arc<Lock>,
}

impl Reader {
    pub(crate) fn open(database: &Database, names: Arc<Names>, lock: Arc<Lock>) -> Outcome<Self> {
        Ok(Self { connection: database.connect(Purpose::Read)?, names, meta: database.meta, _lock: lock })
    }

    fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { connection: &self.connection, names: &self.names, meta: self.meta }
    }
}

impl Snapshot<'_> {
    /// Reads everything from the same state.
    fn consistently<T>(&self, read: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        // What a panic may have left open.
        self.end()?;
        self.connection.run("BEGIN", [])?;
        let found = read(self);
        // What went wrong with the read is what is told, not what follows from it.
        let ended = self.end();
        found.and_then(|found| ended.map(|()| found))
    }

    /// Ends the transaction. Some errors have ended it already.
    pub(crate) fn end(&self) -> Outcome<()> {
        if !self.connection.is_autocommit() {
            self.connection.run("ROLLBACK", [])?;
        }
        Ok(())
    }
}
