//! Files that appear whole, or not at all: written under another name first.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use crate::lock::beside;

/// The name to write under what is to appear at `path`. Whatever was left there is removed.
pub(crate) fn begin(path: &Path) -> io::Result<PathBuf> {
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(new),
    }
}

/// Lets it appear. When this returns it is on the disk, and so is its name.
pub(crate) fn appear(new: &Path, path: &Path) -> io::Result<()> {
    // Opened for writing: elsewhere than on Unix nothing else can be synced.
    OpenOptions::new().write(true).open(new)?.sync_all()?;
    fs::rename(new, path)?;
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
