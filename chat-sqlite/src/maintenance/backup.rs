//! A copy of the whole file while others write it.

use std::{fs, path::Path};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use crate::{lock::Lock, sql::Sql, whole};

use super::{MaintenanceError, Progress, read_only};

/// How many pages are copied between two reports of progress: 4 MiB.
const PAGES: i32 = 1_024;

/// Copies the database at `path` into the new file `to`, as it is at one moment, while others write it. `progress` is
/// told in pages. The copy appears whole, or not at all, and is on the disk when this returns.
///
/// When the copy is first opened for writing it takes an epoch of its own: clients that were ahead of it begin anew,
/// instead of believing that they are up to date.
///
/// # Errors
/// [`MaintenanceError::AlreadyThere`] if `to` is there; [`OpenError::AlreadyInUse`](crate::OpenError::AlreadyInUse) while
/// another copy of that name is made; what the database or the file system says.
pub fn backup(path: &Path, to: &Path, mut progress: impl FnMut(Progress)) -> Result<(), MaintenanceError> {
    let (source, _) = read_only(path)?;
    let io = |doing: &str| MaintenanceError::io(format!("{doing} {}", to.display()));
    is_free(to)?;
    // Two at once would write the same new file. And again: the other one may be done meanwhile.
    let _lock = Lock::take(to)?;
    is_free(to)?;
    let new = whole::begin(to).map_err(io("making"))?;
    let copied = copy(&source, &new, &mut progress);
    if let Err(error) = copied {
        // Whatever stands there is of no use.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    whole::appear(&new, to).map_err(io("making"))
}

fn is_free(to: &Path) -> Result<(), MaintenanceError> {
    let looking = MaintenanceError::io(format!("looking for {}", to.display()));
    if to.try_exists().map_err(looking)? { Err(MaintenanceError::AlreadyThere { path: to.into() }) } else { Ok(()) }
}

fn copy(source: &Connection, new: &Path, progress: &mut impl FnMut(Progress)) -> Result<(), MaintenanceError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(new, flags)?;
    // One snapshot for the whole copy: with writers about, it would begin anew after each of their commits.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    {
        let backup = Backup::new(source, &mut copy)?;
        loop {
            let step = backup.step(PAGES)?;
            let state = backup.progress();
            let total = u64::try_from(state.pagecount).unwrap_or(0);
            progress(Progress { done: total - u64::try_from(state.remaining).unwrap_or(0).min(total), total });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => {
                    return Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                        None,
                    )
                    .into());
                }
            }
        }
    }
    source.execute_batch("COMMIT")?;
    // Alone in one file, without a log beside it.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    copy.run("UPDATE meta SET backup = 1", [])?;
    copy.close().map_err(|(_, error)| error.into())
}
