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
    file: File,
}

impl Lock {
    /// Locks `path` for this store alone.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let beside = beside(path, ".lock");
        let options = OpenOptions::new().create(true).truncate(false).write(true).open(&beside);
        let file = options.map_err(|error| io_error(&beside, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::AlreadyInUse { path: path.into() }),
            Err(TryLockError::Error(error)) => Err(io_error(&beside, error)),
        }
    }

    /// Removes the file beside one that is none of ours: nobody else will want to lock that.
    pub(crate) fn remove(self, path: &Path) {
        // It does no harm where it stays.
        let _ = std::fs::remove_file(beside(path, ".lock"));
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a process that is just being started shares it until its own program begins.
    fn drop(&mut self) {
        // Where this fails, closing the file is what is left.
        let _ = self.file.unlock();
    }
}

/// The path with `suffix` at its end.
pub(crate) fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_store_also_while_a_process_that_was_just_started_shares_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let lock = Lock::take(&path).unwrap();
        // What a process has of its parent's files between its start and its own program.
        let shared = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::take(&path), Err(OpenError::AlreadyInUse { .. })));
        drop(lock);
        Lock::take(&path).unwrap();
        drop(shared);
    }
}
