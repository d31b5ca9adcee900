//! How a store is opened: what may be chosen, what can be wrong, and the order in which it is looked at.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;

use crate::{
    database::Database,
    failure::Failure,
    lock::{Lock, beside},
    schema::{self, Header, Meta},
    whole,
};

/// What may be chosen about a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// When a commit counts as durable.
    pub synchronous: Synchronous,
    /// How many threads read, each with a connection of its own; at least 1. Of two or more, one is kept for what is
    /// short.
    pub readers: usize,
    /// How much of the file is kept in memory, in bytes, over all connections together. The writer has half of it.
    pub cache_bytes: usize,
    /// How long at least changes that are no messages are kept, and the names of operations that posted none. Who
    /// resumes from before then gets a snapshot instead of changes; nothing else is lost.
    pub retention: Duration,
}

impl Default for Options {
    /// Full durability, 64 MiB, 30 days, and a reader per processor, but 2 to 4.
    fn default() -> Self {
        let readers = std::thread::available_parallelism().map_or(2, |processors| processors.get().clamp(2, 4));
        let retention = Duration::from_secs(30 * 24 * 60 * 60);
        Self { synchronous: Synchronous::Full, readers, cache_bytes: 64 << 20, retention }
    }
}

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on the disk.
    #[default]
    Full,
    /// When the operating system has it. The last commits are lost when the power goes, also acknowledged ones, and
    /// nothing else is. Their numbers are then given again.
    Normal,
}

/// Why a store cannot be opened. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another store has it open, in this process or another.
    #[error("{} is already in use; stop the program that has it open, or choose another file", path.display())]
    AlreadyInUse {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a chat database; choose another file, or move this one away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program wrote it.
    #[error(
        "{} was written by a newer version (format {found}; this one knows {known}); use that version",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// It cannot be written.
    #[error("{} cannot be written; give this program the right to write it and its folder", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged.
    #[error("{} is damaged ({reason}); put a backup in its place", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The operating system says no.
    #[error("{} cannot be opened: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// SQLite says no.
    #[error("{} cannot be opened: {reason}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
}

/// Looks at the file, locks it, makes it if there is none, and brings it up to date.
pub(crate) fn open(path: &Path, options: Options) -> Result<(Database, Lock), OpenError> {
    // An absolute path means the same all the time, and SQLite finds no meaning of its own in it.
    let path = std::path::absolute(path).map_err(|error| io_error(path, error))?;
    let lock = Lock::take(&path)?;
    match look(&path) {
        Ok(Some(header)) => whole(&path, &header)?,
        Ok(None) => make(&path)?,
        Err(error @ OpenError::Foreign { .. }) => {
            lock.remove(&path);
            return Err(error);
        }
        Err(error) => return Err(error),
    }
    let meta = schema::bring_up_to_date(&path, &options).map_err(|failure| failed(&path, failure))?;
    Ok((Database { path, options, meta }, lock))
}

/// What the file says it is; nothing if there is none, or an empty one.
///
/// Only for whoever has the lock: closing a file ends every lock that this process has on it, SQLite's own included.
fn look(path: &Path) -> Result<Option<Header>, OpenError> {
    let Some(bytes) = schema::first_bytes(path).map_err(|error| io_error(path, error))? else { return Ok(None) };
    let header = Header::parse(&bytes).ok_or_else(|| OpenError::Foreign { path: path.into() })?;
    if header.version > schema::VERSION {
        return Err(OpenError::Newer { path: path.into(), found: header.version, known: schema::VERSION });
    }
    let file = fs::metadata(path).map_err(|error| io_error(path, error))?;
    if file.permissions().readonly() {
        return Err(OpenError::ReadOnly { path: path.into() });
    }
    Ok(Some(header))
}

/// Opens a database only to read, beside whoever has it open, perhaps in this process. So SQLite looks itself.
pub(crate) fn read_only(path: &Path) -> Result<(Connection, Meta), OpenError> {
    let path = std::path::absolute(path).map_err(|error| io_error(path, error))?;
    fs::metadata(&path).map_err(|error| io_error(&path, error))?;
    schema::read_only(&path).map_err(|failure| failed(&path, failure))
}

/// Refuses a file that ends too early. While there is a write-ahead log, the rest may be in it.
fn whole(path: &Path, header: &Header) -> Result<(), OpenError> {
    let logged = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let length = fs::metadata(path).map_err(|error| io_error(path, error))?.len();
    if logged || length >= header.bytes {
        return Ok(());
    }
    let reason = format!("it has {length} bytes where it should have {}", header.bytes);
    Err(OpenError::Corrupt { path: path.into(), reason })
}

/// Makes the database under another name first: it appears whole, or not at all.
fn make(path: &Path) -> Result<(), OpenError> {
    if beside(path, "-wal").exists() {
        // SQLite would play another database's log into the new one.
        let reason = "there is a -wal file beside it, but no database that it belongs to".into();
        return Err(OpenError::Corrupt { path: path.into(), reason });
    }
    let new = whole::begin(path).map_err(|error| io_error(path, error))?;
    schema::make(&new).map_err(|failure| failed(&new, failure))?;
    whole::appear(&new, path).map_err(|error| io_error(path, error))
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> OpenError {
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::ReadOnly { path: path.into() }
        }
        _ => OpenError::Io { path: path.into(), source },
    }
}

pub(crate) fn failed(path: &Path, failure: Failure) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, PermissionDenied, ReadOnly};
    let path = path.to_path_buf();
    match failure {
        Failure::Foreign => OpenError::Foreign { path },
        Failure::Newer { found } => OpenError::Newer { path, found, known: schema::VERSION },
        Failure::Damaged(reason) => OpenError::Corrupt { path, reason: reason.into() },
        Failure::Sqlite(error) => match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) | None => OpenError::Corrupt { path, reason: error.to_string() },
            Some(ReadOnly | PermissionDenied) => OpenError::ReadOnly { path },
            Some(_) => OpenError::Failed { path, reason: error.to_string() },
        },
        Failure::Exhausted(reason) => OpenError::Failed { path, reason: reason.into() },
        Failure::Panicked => OpenError::Failed { path, reason: "this program panicked".into() },
    }
}
