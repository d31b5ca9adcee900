//! Import files: what is taken makes a sound database that says the same again, and the rest is named by its line.

use std::path::Path;

use chat_sqlite::{MaintenanceError, export, import, verify};

/// Imports the input into a database that is not there yet.
///
/// Then: it is taken, or the line that cannot be is named; what came in is sound either way; it is exported, the export
/// is taken whole, and exported again it is the same bytes.
///
/// # Panics
/// If that does not hold.
pub fn imports(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let (first, second) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let lines = input.split(|byte| *byte == b'\n').count() as u64;
    let taken = import(&first, &mut &*input, |_| {});
    match &taken {
        Ok(_) => {}
        Err(MaintenanceError::Line { line, problem }) => {
            assert!((1..=lines).contains(line) && !problem.is_empty(), "no line that there is: {line}, {problem}");
        }
        Err(other) => panic!("not the input's fault: {other}"),
    }
    sound(&first);
    let written = exported(&first);
    let again = import(&second, &mut &*written, |_| {}).expect("what was exported is taken");
    if let Ok(taken) = taken {
        assert_eq!(
            (taken.rooms, taken.participants, taken.messages),
            (again.rooms, again.participants, again.messages)
        );
    }
    assert_eq!(again.skipped, 0, "a room came twice");
    sound(&second);
    let (one, other) = (String::from_utf8_lossy(&written), exported(&second));
    assert_eq!(one, String::from_utf8_lossy(&other), "it says something else the second time");
}

fn sound(path: &Path) {
    assert_eq!(verify(path, |_| {}).expect("the database is read").damage, []);
}

fn exported(path: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    export(path, &mut out, |_| {}).expect("the database is read");
    out
}
