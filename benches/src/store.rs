//! The store that the library is measured with: the one place that knows which.

use std::{path::Path, sync::Arc};

use anyhow::{Result, bail};
use chat_core::Store;

/// Opens it, or makes it.
///
/// # Errors
/// What the store says.
pub fn open(data: &Path) -> Result<Arc<dyn Store>> {
    bail!("there is no SQLite store yet to open {} with", data.display())
}
