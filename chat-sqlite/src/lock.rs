//! One engine per file.
//!
//! SQLite's own exclusive locking would lock out this store's readers. So a file beside the database is locked. It
//! stays when the store is closed: whoever removed it could remove the lock of somebody who is just opening.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use crate::open::{OpenError, io_error};

/// The lock; it ends when this is dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks `path` for this store alone.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let beside = beside(path, ".lock");
        let options = OpenOptions::new().create(true).truncate(false).write(true).open(&beside);
        let file = options.map_err(|error| io_error(&beside, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::AlreadyInUse { path: path.into() }),
            Err(TryLockError::Error(error)) => Err(io_error(&beside, error)),
        }
    }
}

/// The path with `suffix` at its end.
pub(crate) fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
