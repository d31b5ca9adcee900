//! The commands for a file: verify, backup, export, import.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write as _},
    path::Path,
};

use chat_sqlite::{Imported, MaintenanceError};

use crate::{failure::Failure, progress::Shown};

/// What stands for standard input and output.
const STANDARD: &str = "-";

/// Reads everything, and says which rows are not what was written.
pub(crate) fn verify(database: &Path) -> Result<(), Failure> {
    let mut shown = Shown::of("messages");
    let verified = chat_sqlite::verify(database, |progress| shown.show(progress)).map_err(Failure::failed)?;
    drop(shown);
    for damage in &verified.damage {
        println!("{damage}");
    }
    if !verified.is_sound() {
        return Err(Failure::failed(format!(
            "{}: {} rows are not what was written; put a backup in its place",
            database.display(),
            verified.damaged
        )));
    }
    println!("sound: {} rooms, {} members, {} messages", verified.rooms, verified.members, verified.messages);
    Ok(())
}

/// Copies it while others write it.
pub(crate) fn backup(database: &Path, to: &Path) -> Result<(), Failure> {
    let mut shown = Shown::of("pages");
    chat_sqlite::backup(database, to, |progress| shown.show(progress)).map_err(Failure::failed)?;
    drop(shown);
    println!("{} is a copy of {}", to.display(), database.display());
    Ok(())
}

/// Writes all rooms as JSON Lines.
pub(crate) fn export(database: &Path, to: &Path) -> Result<(), Failure> {
    let mut shown = Shown::of("messages");
    if to == Path::new(STANDARD) {
        let mut out = BufWriter::new(io::stdout().lock());
        chat_sqlite::export(database, &mut out, |progress| shown.show(progress)).map_err(Failure::failed)?;
        return out.flush().map_err(|error| Failure::failed(format!("writing to standard output: {error}")));
    }
    let failed = |error: io::Error| Failure::failed(format!("writing {}: {error}", to.display()));
    // What is there already is left as it is.
    let mut out = BufWriter::new(File::create_new(to).map_err(failed)?);
    let exported = chat_sqlite::export(database, &mut out, |progress| shown.show(progress)).map_err(Failure::failed);
    let written = exported.and_then(|_| out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed));
    if written.is_err() {
        // Half an export is of no use.
        let _ = fs::remove_file(to);
    }
    written
}

/// Makes rooms from JSON Lines.
pub(crate) fn import(database: &Path, from: &Path) -> Result<(), Failure> {
    let mut lines: Box<dyn io::BufRead> = if from == Path::new(STANDARD) {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(from).map_err(|error| Failure::failed(format!("reading {}: {error}", from.display())))?;
        Box::new(BufReader::new(file))
    };
    let mut shown = Shown::of("lines");
    let imported = chat_sqlite::import(database, &mut *lines, |progress| shown.show(progress))
        .map_err(|error| not_imported(from, &error))?;
    drop(shown);
    let Imported { rooms, skipped, participants, messages } = imported;
    println!("{rooms} rooms with {participants} participants and {messages} messages; {skipped} were there already");
    Ok(())
}

fn not_imported(from: &Path, error: &MaintenanceError) -> Failure {
    match error {
        MaintenanceError::Line { .. } => Failure::failed(format!(
            "{}, {error}. The rooms above that line are in; import it again when it is mended",
            if from == Path::new(STANDARD) { "standard input".into() } else { from.display().to_string() }
        )),
        _ => Failure::failed(error),
    }
}
