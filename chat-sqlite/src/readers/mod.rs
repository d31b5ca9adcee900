//! The threads that read.
//!
//! Each has a connection that cannot write, and does what waits, one read after the other. A read is one snapshot.
//! `seen` is the one way to a room's content; the other modules say what is read.

mod catch_up;
mod history;
mod newest;
mod seen;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use chat_core::store::{StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    database::Database,
    failure::{Failure, Outcome},
    lock::Lock,
    names::Names,
    schema::{Meta, Purpose},
    sql::Sql,
};

/// How many reads wait at most.
pub(crate) const WAITING: usize = 1_024;

/// One read on its way; it answers by itself.
pub(crate) type Job = Box<dyn FnOnce(&Snapshot<'_>) + Send>;

/// Where the readers take their work from.
pub(crate) type Jobs = Arc<Mutex<mpsc::Receiver<Job>>>;

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

/// One of the threads.
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

    /// Reads until nobody is left who could ask.
    pub(crate) fn run(self, jobs: &Jobs) {
        let snapshot = Snapshot { connection: &self.connection, names: &self.names, meta: self.meta };
        loop {
            // Whoever waits holds the lock; the others wait for it.
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            let Some(job) = job else { return };
            // Whoever asked learns of a panic by not being answered; this thread goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&snapshot)));
        }
    }
}

/// Hands a read to the readers and waits for what it finds.
pub(crate) async fn read<T: Send + 'static>(
    readers: mpsc::Sender<Job>,
    read: impl FnOnce(&Snapshot<'_>) -> Outcome<T> + Send + 'static,
) -> StoreResult<T> {
    let (reply, answer) = oneshot::channel();
    let job = Box::new(move |snapshot: &Snapshot<'_>| {
        // Whoever asked may have gone.
        let _ = reply.send(snapshot.consistently(read));
    });
    readers.send(job).await.map_err(|_| StoreError::Closed)?;
    drop(readers);
    answer.await.unwrap_or(Err(Failure::Panicked)).map_err(StoreError::from)
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
