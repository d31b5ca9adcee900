//! The application's own file: people, their sessions, jobs, and what has happened to them.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;

use crate::problem::Problem;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS people (
        id       TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        email    TEXT NOT NULL UNIQUE,
        role     TEXT NOT NULL,
        password TEXT NOT NULL               -- argon2id, in PHC form
    ) STRICT;
    CREATE TABLE IF NOT EXISTS sessions (
        secret TEXT PRIMARY KEY,
        person TEXT NOT NULL REFERENCES people,
        ends   INTEGER NOT NULL              -- milliseconds of the epoch
    ) STRICT;
    CREATE TABLE IF NOT EXISTS jobs (
        id      INTEGER PRIMARY KEY,
        title   TEXT NOT NULL,
        address TEXT NOT NULL,
        at      INTEGER NOT NULL,            -- milliseconds of the epoch
        status  TEXT NOT NULL,
        client  TEXT NOT NULL REFERENCES people,
        cleaner TEXT NOT NULL REFERENCES people
    ) STRICT;
    -- What the chat is told about a job: written with the change that it tells of, posted after it.
    CREATE TABLE IF NOT EXISTS notes (
        id   INTEGER PRIMARY KEY,
        job  INTEGER NOT NULL REFERENCES jobs,
        text TEXT NOT NULL
    ) STRICT;
";

/// The file. Clones share one connection.
#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Opens the file, and makes what is not there yet.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does something with the connection, where waiting for the disk holds nobody else up.
    pub(crate) async fn call<T, W>(&self, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        let connection = Arc::clone(&self.0);
        // spawns: the work, which ends by itself and is waited for here.
        let done =
            tokio::task::spawn_blocking(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(|_| Problem::Interrupted)?
    }
}
