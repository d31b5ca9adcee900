//! What the keeper of a file does with it beside the engine: look for damage, and make a backup.

mod backup;
mod verify;

use std::{
    io,
    path::{Path, PathBuf},
};

use chat_core::store::StoreError;
use rusqlite::Connection;

pub use backup::backup;
pub use verify::{Damage, Verified, verify};

use crate::{
    failure::Failure,
    open::{self, OpenError},
    schema::Meta,
};

/// How far something that takes long has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Of how much, in the same unit; 0 where that is not known.
    pub total: u64,
}

/// Why a file could not be looked after.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintenanceError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read or written.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A file that is to be made is there already; it was left as it is.
    #[error("{} is there already; choose another name", path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// What an import reads cannot be. The rooms above that line are in; of the line's own room there is nothing.
    #[error("line {line}: {problem}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// Another file, or a pipe, cannot be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was done to which file.
        what: String,
        /// What the operating system says.
        source: io::Error,
    },
}

impl From<Failure> for MaintenanceError {
    fn from(failure: Failure) -> Self {
        Self::Store(failure.into())
    }
}

impl From<rusqlite::Error> for MaintenanceError {
    fn from(error: rusqlite::Error) -> Self {
        Failure::from(error).into()
    }
}

impl MaintenanceError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// A connection that only reads, beside whoever has the file open.
pub(crate) fn read_only(path: &Path) -> Result<(Connection, Meta), MaintenanceError> {
    Ok(open::read_only(path)?)
}
