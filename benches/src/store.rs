//! The store that the library is measured with: the one place that knows which.

use std::{io::BufRead, path::Path, sync::Arc};

use anyhow::Result;
use chat_core::Store;
use chat_sqlite::SqliteStore;

/// Opens it, or makes it.
///
/// # Errors
/// What the store says.
pub fn open(data: &Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(SqliteStore::open(data)?))
}

/// Makes a new one from the lines of an export; `progress` is told how many were read.
///
/// # Errors
/// What the store says, or `lines`.
pub fn fill(data: &Path, lines: &mut dyn BufRead, mut progress: impl FnMut(u64)) -> Result<()> {
    chat_sqlite::import(data, lines, |so_far| progress(so_far.done))?;
    Ok(())
}
