//! The marketplace's page, built with the packages that it uses.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{languages, run};

/// Builds it and says where it is; nothing where there is no Node.
pub(super) fn build(root: &Path) -> Result<Option<PathBuf>> {
    if !languages::has_node() {
        return Ok(None);
    }
    println!("building the page …");
    for command in &mut languages::page(root) {
        run(command)?;
    }
    Ok(Some(root.join("examples/job-chat/web/dist")))
}
