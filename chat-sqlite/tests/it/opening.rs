//! Who may open a file, and what becomes of one that is no use.

use std::fs;

use chat_core::Store as _;
use chat_sqlite::{OpenError, SqliteStore};
use rusqlite::Connection;

use crate::file::{Place, child, file_of_child};

fn refused(place: &Place) -> OpenError {
    let before = place.bytes();
    let error = SqliteStore::open(place.path()).expect_err("it is refused");
    assert_eq!(place.bytes(), before, "the file is as it was");
    error
}

/// Makes a database and closes it.
async fn made(place: &Place) {
    SqliteStore::open(place.path()).expect("it opens").close().await.expect("it closes");
}

/// Changes a few bytes of the file.
fn patch(place: &Place, at: usize, bytes: &[u8]) {
    let mut file = place.bytes();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(place.path(), file).expect("the file can be written");
}

#[tokio::test]
async fn a_second_store_in_the_same_process_is_refused_until_the_first_is_closed() {
    let place = Place::new();
    let first = SqliteStore::open(place.path()).unwrap();
    let error = SqliteStore::open(place.path()).unwrap_err();
    assert!(matches!(error, OpenError::AlreadyInUse { .. }), "{error:?}");
    assert!(error.to_string().contains("already in use"), "{error}");
    first.close().await.unwrap();
    SqliteStore::open(place.path()).unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_second_process_is_refused() {
    if let Some(file) = file_of_child() {
        println!("REFUSED: {}", SqliteStore::open(file).unwrap_err());
        return;
    }
    let place = Place::new();
    let first = SqliteStore::open(place.path()).unwrap();
    let output = child("opening::a_second_process_is_refused", &place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("REFUSED: ") && said.contains("already in use"), "{said}");
    first.close().await.unwrap();
}

/// Closing a file ends all locks that a process has on it, so whoever only looks must not open it beside SQLite. Older
/// versions of SQLite in another process then remove the log of the store that is open.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_looks_or_is_refused_does_not_take_the_locks_of_the_store_away() {
    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    crate::life::say(&store, 0..1).await;
    let before = locks(&place);
    assert!(!before.is_empty(), "SQLite holds a lock while a database is open");
    SqliteStore::open(place.path()).unwrap_err();
    assert_eq!(locks(&place), before);
    chat_sqlite::verify(&place.path(), |_| ()).unwrap();
    assert_eq!(locks(&place), before);
    store.close().await.unwrap();
}

/// The locks that this process holds on the database: kind, mode, and from which byte to which. The kernel shows them with
/// each of its open files; its list of all locks changes, while it is read, with those of others.
#[cfg(target_os = "linux")]
fn locks(place: &Place) -> Vec<String> {
    let path = fs::canonicalize(place.path()).expect("the file is there");
    let files = fs::read_dir("/proc/self/fd").expect("/proc is there").filter_map(Result::ok);
    let ours = files.filter(|file| fs::read_link(file.path()).is_ok_and(|open| open == path));
    let shown = ours
        .filter_map(|file| fs::read_to_string(std::path::Path::new("/proc/self/fdinfo").join(file.file_name())).ok());
    let lock = |line: &str| line.strip_prefix("lock:")?.split_once(": ").map(|(_, lock)| lock.to_owned());
    let mut found: Vec<_> = shown.flat_map(|text| text.lines().filter_map(lock).collect::<Vec<_>>()).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_file_of_another_program_is_refused_and_gets_nothing_beside_it() {
    let place = Place::new();
    for bytes in [&b"a letter"[..], &[0; 5_000], b"SQLite format 3\0"] {
        fs::write(place.path(), bytes).unwrap();
        let error = refused(&place);
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
        assert_eq!(place.names(), ["chat.db"]);
    }
}

#[test]
fn a_database_of_another_program_is_refused_also_where_it_stands_in_a_log() {
    for mode in ["DELETE", "WAL"] {
        let place = Place::new();
        let other = Connection::open(place.path()).unwrap();
        other.pragma_update(None, "journal_mode", mode).unwrap();
        other.execute_batch("CREATE TABLE letter (text); PRAGMA application_id = -5").unwrap();
        let error = refused(&place);
        assert!(matches!(error, OpenError::Foreign { .. }), "{mode}: {error:?}");
        let error = chat_sqlite::verify(&place.path(), |_| ()).unwrap_err();
        assert!(error.to_string().contains("not a chat database"), "{mode}: {error}");
        drop(other);
    }
}

#[tokio::test]
async fn a_newer_file_is_refused_also_where_only_its_log_says_so() {
    let place = Place::new();
    made(&place).await;
    let newer = Connection::open(place.path()).unwrap();
    newer.pragma_update(None, "user_version", 77).unwrap();
    let error = refused(&place);
    assert!(matches!(error, OpenError::Newer { found: 77, .. }), "{error:?}");
    drop(newer);
    let error = refused(&place);
    assert!(matches!(error, OpenError::Newer { found: 77, .. }), "{error:?}");
    assert!(error.to_string().contains("77"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused() {
    let place = Place::new();
    made(&place).await;
    let rights = |readonly| {
        let mut rights = fs::metadata(place.path()).unwrap().permissions();
        rights.set_readonly(readonly);
        fs::set_permissions(place.path(), rights).unwrap();
    };
    rights(true);
    let error = refused(&place);
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    rights(false);
    made(&place).await;
}

#[tokio::test]
async fn a_file_that_was_cut_off_or_overwritten_is_refused() {
    let place = Place::new();
    made(&place).await;
    let whole = place.bytes();
    for length in [whole.len() - 1, whole.len() / 2, 4_096, 100] {
        fs::write(place.path(), &whole[..length]).unwrap();
        let error = refused(&place);
        assert!(matches!(error, OpenError::Corrupt { .. }), "{length}: {error:?}");
    }
    fs::write(place.path(), &whole).unwrap();
    // The first page after its header is the list of tables.
    patch(&place, 100, &[0xa5; 3_000]);
    let error = refused(&place);
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    fs::write(place.path(), &whole).unwrap();
    made(&place).await;
}

#[test]
fn a_log_without_its_database_is_not_played_into_a_new_one() {
    let place = Place::new();
    fs::write(place.beside("-wal"), b"the last messages of somebody").unwrap();
    let error = SqliteStore::open(place.path()).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert!(!place.path().exists() && place.beside("-wal").exists());
}

#[test]
fn a_path_that_leads_nowhere_is_the_operating_systems_to_explain() {
    let place = Place::new();
    let nowhere = place.path().join("further").join("chat.db");
    assert!(matches!(SqliteStore::open(&nowhere), Err(OpenError::Io { .. })));
    assert!(matches!(SqliteStore::open(place.path().parent().unwrap()), Err(OpenError::Io { .. })));
}

#[tokio::test]
async fn an_empty_file_and_what_is_left_of_one_that_was_being_made_become_a_database() {
    let place = Place::new();
    fs::write(place.path(), b"").unwrap();
    fs::write(place.beside(".new"), b"half a database").unwrap();
    made(&place).await;
    assert_eq!(place.names(), ["chat.db", "chat.db.lock"]);
}

#[tokio::test]
async fn a_backup_takes_another_epoch_when_it_is_first_opened_and_keeps_it() {
    let (place, copy) = (Place::new(), Place::new());
    let store = SqliteStore::open(place.path()).unwrap();
    chat_sqlite::backup(&place.path(), &copy.path(), |_| ()).unwrap();
    let restored = SqliteStore::open(copy.path()).unwrap();
    let epoch = restored.epoch();
    assert_ne!(epoch, store.epoch());
    restored.close().await.unwrap();
    assert_eq!(SqliteStore::open(copy.path()).unwrap().epoch(), epoch);
    store.close().await.unwrap();
}
