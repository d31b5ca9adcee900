//! Looking for damage, and making backups, beside whoever writes.

use std::{fs, path::Path, sync::Arc};

use chat_core::{
    Store,
    store::{CatchUpLimits, Missed, RoomSelector, Viewer},
};
use chat_sqlite::{MaintenanceError, OpenError, SqliteStore, backup, verify};
use chat_testkit::{
    Story,
    cast::{alice, bob, carol, dave},
    commits, run,
};
use rusqlite::Connection;

/// Two rooms in which everything has happened; the store is closed afterwards.
pub(crate) async fn lived_in(path: &Path) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path).expect("a new database"));
    let story = Story::begin(&store, &[bob(), carol()]).await;
    let first = story.says(&bob(), "the first").await;
    let second = story.says(&carol(), "the second").await;
    for n in 0..150 {
        let sender = if n % 3 == 0 { bob() } else { carol() };
        story.says(&sender, "more").await;
    }
    story.notes("a note").await;
    story.edits(&bob(), first.id, "the first, edited").await;
    story.deletes(&carol(), second.id).await;
    story.reads(&alice(), 10).await;
    story.marks(commits::set_marker(&alice(), 3)).await;
    story.joins(&dave()).await;
    story.is_banned(&dave()).await;
    story.leaves(&bob()).await;
    story.is_named("Two rooms, Friday").await;
    let direct = vec![commits::create_direct(alice(), bob()), commits::join(&alice(), chat_core::Role::Member)];
    Story::with(&store, 2, direct).await.says(&alice(), "only us").await;
    store.close().await.expect("the store closes");
}

#[test]
fn what_was_written_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    run(lived_in(&path));
    let mut told = Vec::new();
    let verified = verify(&path, |progress| told.push(progress)).unwrap();
    assert_eq!(verified.damage, []);
    assert!(verified.is_sound());
    assert_eq!((verified.rooms, verified.members, verified.messages), (2, 5, 154));
    assert_eq!(told.last().map(|progress| (progress.done, progress.total)), Some((154, 154)));
}

#[test]
fn each_kind_of_damage_is_found_and_told_without_what_the_row_says() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.db");
    run(lived_in(&good));
    let damages = [
        ("UPDATE message SET content = 'secret' WHERE place & 4294967295 = 1", "message 1 of room"),
        ("UPDATE message SET sender = 'mallory' WHERE place & 4294967295 = 4", "message 4 of room"),
        ("UPDATE message SET created_at = created_at + 1 WHERE place & 4294967295 = 5", "message 5 of room"),
        ("UPDATE message SET ord = ord + 1 WHERE place & 4294967295 = 6", "message 6 of room"),
        ("UPDATE message SET chain = chain + 1 WHERE place & 4294967295 = 7", "change"),
        ("UPDATE message SET metadata = '{' WHERE place & 4294967295 = 8", "message 8 of room"),
        ("DELETE FROM message WHERE place & 4294967295 = 9", "message 9 of room"),
        (
            "UPDATE member SET read_seq = read_seq + 1, delivered_seq = delivered_seq + 1 WHERE user = 'alice'",
            "a member",
        ),
        ("UPDATE member SET role = 9 WHERE user = 'carol'", "a member of room"),
        ("DELETE FROM member WHERE user = 'carol'", "room"),
        ("UPDATE room SET name = 'secret' WHERE number = 1", "room"),
        ("UPDATE room SET last_rev = last_rev + 1", "room"),
        ("UPDATE change SET actor = 'secret' WHERE kind = 3", "change"),
        ("DELETE FROM change WHERE kind = 4", "change"),
        ("UPDATE own SET ord = ord + 1 WHERE user = 'bob' AND block = 0", "room"),
        ("DELETE FROM tally WHERE level = 1", "room"),
        ("DELETE FROM room WHERE number = 2", "messages"),
    ];
    for (damage, row) in damages {
        let path = folder.path().join("bad.db");
        fs::copy(&good, &path).unwrap();
        let connection = Connection::open(&path).unwrap();
        assert!(connection.execute(damage, []).unwrap() > 0, "{damage}");
        connection.close().unwrap();
        let verified = verify(&path, |_| {}).unwrap();
        assert!(!verified.is_sound(), "{damage}");
        let told: Vec<_> = verified.damage.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|line| line.starts_with(row)), "{damage}: {told:?}");
        assert!(!told.iter().any(|line| line.contains("secret")), "{damage}: {told:?}");
    }
}

#[test]
fn a_flipped_bit_in_the_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    run(lived_in(&path));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|window| window == b"only us").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let told = verify(&path, |_| {}).unwrap().damage;
    assert!(told.iter().any(|damage| damage.row.starts_with("message 1 of room")), "{told:?}");
}

#[test]
fn a_backup_is_made_beside_a_writer_and_begins_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("chat.db"), folder.path().join("copy.db"));
    run(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
        let story = Story::begin(&store, &[bob()]).await;
        for _ in 0..100 {
            story.says(&bob(), &"before".repeat(200)).await;
        }
        let cursor = story.head().await.cursor(store.epoch());
        let copying = tokio::task::spawn_blocking({
            let (path, copy) = (path.clone(), copy.clone());
            move || backup(&path, &copy, |_| {})
        });
        let mut meanwhile = 0;
        while !copying.is_finished() {
            story.says(&bob(), "meanwhile").await;
            meanwhile += 1;
        }
        copying.await.unwrap().unwrap();
        assert!(verify(&copy, |_| {}).unwrap().is_sound());
        assert!(!folder.path().join("copy.db-wal").exists(), "one file, and nothing beside it");

        let restored = SqliteStore::open(&copy).unwrap();
        assert_ne!(restored.epoch(), store.epoch());
        let row = restored.room(Viewer::User(&bob()), &RoomSelector::Id(story.room())).await.unwrap().unwrap();
        assert!((100..=100 + meanwhile).contains(&row.room.last_seq), "{} messages", row.room.last_seq);
        let limits = CatchUpLimits { changes: 10, messages: 10, members: 10, bytes: usize::MAX };
        let bob = bob();
        let missed = restored.catch_up(Viewer::User(&bob), &[(story.room(), Some(cursor))], limits).await.unwrap();
        let missed = missed.into_iter().flatten().next().unwrap().missed;
        assert!(matches!(missed, Missed::Snapshot { .. }), "a cursor of the original is of no use");
        let epoch = restored.epoch();
        restored.close().await.unwrap();
        assert_eq!(SqliteStore::open(&copy).unwrap().epoch(), epoch, "once");
        store.close().await.unwrap();
    });
}

#[test]
fn of_two_backups_to_one_name_the_second_is_refused_and_the_first_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("chat.db"), folder.path().join("copy.db"));
    run(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
        let story = Story::begin(&store, &[bob()]).await;
        story.says(&bob(), "hi").await;
        store.close().await.unwrap();
    });
    let mut second = None;
    backup(&path, &copy, |_| {
        second.get_or_insert_with(|| backup(&path, &copy, |_| {}));
    })
    .unwrap();
    let refused = second.unwrap().unwrap_err();
    assert!(matches!(refused, MaintenanceError::Open(OpenError::AlreadyInUse { .. })), "{refused}");
    assert!(verify(&copy, |_| {}).unwrap().is_sound());
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["chat.db", "chat.db.lock", "copy.db", "copy.db.lock"], "and nothing half made is left");
    assert!(matches!(backup(&path, &copy, |_| {}), Err(MaintenanceError::AlreadyThere { .. })));
}

#[test]
fn nothing_is_overwritten_and_what_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, there) = (folder.path().join("chat.db"), folder.path().join("there"));
    run(lived_in(&path));
    fs::write(&there, "mine").unwrap();
    assert!(matches!(backup(&path, &there, |_| {}), Err(MaintenanceError::AlreadyThere { .. })));
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    let foreign = verify(&there, |_| {});
    assert!(matches!(foreign, Err(MaintenanceError::Open(OpenError::Foreign { .. }))), "{foreign:?}");
    let missing = verify(&folder.path().join("missing"), |_| {});
    assert!(matches!(missing, Err(MaintenanceError::Open(OpenError::Io { .. }))), "{missing:?}");
    assert!(!folder.path().join("missing").exists());
}
