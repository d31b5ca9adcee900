//! The store that the library is measured with: the one place that knows which.

use std::{path::Path, sync::Arc};

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
