//! Rooms as JSON Lines, out and in.

use std::{path::Path, sync::Arc};

use chat_core::{
    CreateRoom, Engine, Options, SendMessage, Store, Subscribed, Sync,
    store::{RoomSelector, Viewer, Window},
};
use chat_sqlite::{Imported, MaintenanceError, SqliteStore, export, import, verify};
use chat_testkit::{
    Story,
    cast::{alice, bob, key, message_id, user},
    commits::{commit, post},
    run,
};

use crate::maintenance::lived_in;

/// What a team brings along from elsewhere: as little as may be, and everything that may be.
const FROM_ELSEWHERE: &str = r#"{"room":{"key":"job:42","name":"Two rooms","created_at":"2024-05-01T08:00:00.000Z"}}
{"participant":{"user_id":"client1","name":"Clara","read_seq":2}}
{"participant":{"user_id":"cleaner1","read_seq":1}}

{"message":{"sender":"client1","content":"Hello","created_at":"2024-05-01T09:00:00.000Z"}}
{"message":{"sender":"cleaner1","content":"Hi\nthere","created_at":"2024-05-01T09:00:01.000Z"}}
{"message":{"sender":"client1","content":"Friday?","created_at":"2024-05-01T09:00:02.000Z","edited_at":"2024-05-01T09:10:00.000Z","version":2}}
{"message":{"sender":"cleaner1","created_at":"2024-05-01T09:00:03.000Z","deleted_at":"2024-05-01T09:20:00.000Z","deleted_by":"cleaner1"}}
{"message":{"message_type":"system","content":"The job was confirmed","created_at":"2024-05-01T09:00:04.000Z"}}
{"room":{"kind":"direct","pair":["client1","cleaner1"],"created_at":"2024-05-01T08:00:00.000Z"}}
"#;

fn exported(path: &Path) -> String {
    let mut out = Vec::new();
    export(path, &mut out, |_| {}).expect("the database is read");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn imported(path: &Path, lines: &str) -> Result<Imported, MaintenanceError> {
    import(path, &mut lines.as_bytes(), |_| {})
}

#[test]
fn what_was_exported_and_imported_is_exported_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
    run(lived_in(&path));
    let lines = exported(&path);
    let counts = imported(&other, &lines).unwrap();
    assert_eq!((counts.rooms, counts.participants, counts.messages, counts.skipped), (2, 5, 154, 0));
    assert_eq!(exported(&other), lines);
    assert_eq!(verify(&other, |_| {}).unwrap().damage, []);

    let again = imported(&other, &lines).unwrap();
    assert_eq!((again.rooms, again.skipped), (0, 2), "what is there stays as it is");
    assert_eq!(exported(&other), lines);
}

#[test]
fn what_was_imported_is_read_and_goes_on_as_if_it_had_always_been_there() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
    run(lived_in(&path));
    imported(&other, &exported(&path)).unwrap();
    run(async {
        let (before, after) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&other).unwrap());
        for viewer in [Viewer::User(&alice()), Viewer::User(&bob())] {
            let rooms = [before.rooms(viewer, None, 10).await.unwrap(), after.rooms(viewer, None, 10).await.unwrap()];
            let unread = rooms.each_ref().map(|rooms| rooms.iter().map(|row| row.unread).collect::<Vec<_>>());
            assert_eq!(unread[0], unread[1]);
        }
        before.close().await.unwrap();
        let store: Arc<dyn Store> = Arc::new(after);
        let story = Story::elsewhere(&store, 7, &[bob()]).await;
        assert_eq!(story.says(&bob(), "goes on").await.seq, 1);
        store.close().await.unwrap();
    });
    assert_eq!(verify(&other, |_| {}).unwrap().damage, []);
}

#[test]
fn who_had_seen_more_of_a_room_than_was_brought_back_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let open = || Engine::open(Arc::new(SqliteStore::open(&path).unwrap()), Options::default());
    let (room, lines, cursor) = run(async {
        let engine = open();
        let room = engine.host().create_room(CreateRoom::group().with(alice())).await.unwrap().info.id;
        let said = engine.session(&alice()).send(room, SendMessage::text("secret")).await.unwrap();
        let opened = engine.session(&alice()).live().subscribe(vec![(room.into(), None)]).await.unwrap();
        let [Subscribed::Open(opened)] = &opened[..] else { panic!("{opened:?}") };
        let lines = exported(&path);
        assert!(lines.contains("secret"), "{:?}", said.message);
        engine.host().delete_room(room).await.unwrap();
        engine.close().await.unwrap();
        (room, lines, opened.cursor)
    });
    // Somebody took out what must not come back.
    imported(&path, &lines.replace("secret", "public")).unwrap();
    run(async {
        let engine = open();
        let resumed = engine.session(&alice()).live().subscribe(vec![(room.into(), Some(cursor))]).await.unwrap();
        let [Subscribed::Open(opened)] = &resumed[..] else { panic!("{resumed:?}") };
        assert!(matches!(opened.sync, Sync::Snapshot { .. }), "{:?}", opened.sync);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_history_from_elsewhere_keeps_senders_times_and_markers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let counts = imported(&path, FROM_ELSEWHERE).unwrap();
    assert_eq!((counts.rooms, counts.participants, counts.messages), (2, 2, 5));
    assert_eq!(verify(&path, |_| {}).unwrap().damage, []);
    run(async {
        let store = SqliteStore::open(&path).unwrap();
        let (client, cleaner) = (user("client1"), user("cleaner1"));
        let room = RoomSelector::Key(key("job:42"));
        let row = store.room(Viewer::User(&cleaner), &room).await.unwrap().unwrap();
        assert_eq!(row.unread, 1, "\"Friday?\": one's own, a deleted one and a note do not count");
        assert_eq!(store.room(Viewer::User(&client), &room).await.unwrap().unwrap().unread, 0);
        assert_eq!(row.room.last_at.to_string(), "2024-05-01T09:00:04.000Z");
        let page = store
            .history(Viewer::User(&client), &RoomSelector::Id(row.room.id), Window::After(0), 10)
            .await
            .unwrap()
            .unwrap();
        let shown: Vec<_> = page.messages.iter().map(|message| message.content.as_deref()).collect();
        assert_eq!(shown, [Some("Hello"), Some("Hi\nthere"), Some("Friday?"), None, Some("The job was confirmed")]);
        assert_eq!(page.messages[0].created_at.to_string(), "2024-05-01T09:00:00.000Z");
        assert_eq!(page.messages[2].version, Some(2));
        assert!(page.messages.is_sorted_by(|a, b| a.id < b.id), "ids ascend with the messages");
        store.close().await.unwrap();
    });
}

#[test]
fn notes_of_somebody_and_places_past_the_end_count_as_if_they_were_written_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let said = |sender: &str, kind: &str, second: u32| {
        format!(
            r#"{{"message":{{"sender":"{sender}","message_type":"{kind}","content":"x","created_at":"2024-05-01T09:00:0{second}.000Z"}}}}"#
        )
    };
    let mut lines = vec![
        r#"{"room":{"key":"job:42","created_at":"2024-05-01T08:00:00.000Z"}}"#.to_owned(),
        r#"{"participant":{"user_id":"ann","read_seq":3}}"#.to_owned(),
        format!(
            r#"{{"participant":{{"user_id":"ben","joined_seq":{0},"visible_from":{0},"read_seq":{0}}}}}"#,
            u64::MAX
        ),
    ];
    lines.extend(
        [("ann", "text"), ("ann", "text"), ("ann", "system"), ("ben", "text"), ("ben", "text")]
            .iter()
            .zip(1..)
            .map(|((sender, kind), second)| said(sender, kind, second)),
    );
    imported(&path, &lines.join("\n")).unwrap();
    assert_eq!(verify(&path, |_| {}).unwrap().damage, []);
    run(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).unwrap());
        let unread = async |name| {
            let room = RoomSelector::Key(key("job:42"));
            store.room(Viewer::User(&user(name)), &room).await.unwrap().unwrap().unread
        };
        assert_eq!((unread("ann").await, unread("ben").await), (2, 0));
        let room = store.room(Viewer::Host, &RoomSelector::Key(key("job:42"))).await.unwrap().unwrap().room.id;
        let posted = store.commit(vec![commit(room, [post(message_id(1), &user("ann"), "new")])]).await;
        assert!(posted[0].is_ok());
        assert_eq!(unread("ben").await, 1);
        store.close().await.unwrap();
    });
}

#[test]
fn the_file_that_the_book_shows_is_taken() {
    const PAGE: &str = include_str!("../../../docs/src/transfer.md");
    let (_, rest) = PAGE.split_once("```json\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    let counts = imported(&path, shown).unwrap();
    assert_eq!((counts.rooms, counts.participants, counts.messages), (1, 2, 3));
    run(async {
        let store = SqliteStore::open(&path).unwrap();
        let row =
            store.room(Viewer::User(&user("cleaner1")), &RoomSelector::Key(key("job:42"))).await.unwrap().unwrap();
        assert_eq!(row.unread, 0, "their own message, and a note");
        store.close().await.unwrap();
    });
}

/// A message with a link that a page must not show.
const RUNS: &str = r#"{"message":{"content":"x","created_at":"2025-01-01T00:00:00.000Z","attachments":[{"name":"a","content_type":"b","size":1,"url":"javascript:x"}]}}"#;

#[test]
fn the_line_that_cannot_be_is_named_and_its_room_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let good: Vec<_> = FROM_ELSEWHERE.lines().collect();
    let many = format!(
        r#"{{"message":{{"content":"x","created_at":"2025-01-01T00:00:00.000Z","metadata":{{"many":[{}0]}}}}}}"#,
        "0,".repeat(512)
    );
    let deep = format!(
        r#"{{"message":{{"content":"x","created_at":"2025-01-01T00:00:00.000Z","metadata":{{"deep":{}{}}}}}}}"#,
        "[".repeat(64),
        "]".repeat(64)
    );
    let bad = [
        (r#"{"message":{"content":"x""#, "is not JSON"),
        (r#"{"message":{"content":"x"}}"#, "`created_at` is missing"),
        (r#"{"message":{"content":"x","created_at":"yesterday"}}"#, "`message.created_at` is not what it must be"),
        (
            r#"{"message":{"content":"x","created_at":"2025-01-01T00:00:00.000Z","colour":1}}"#,
            "`message.colour` is no field",
        ),
        (r#"{"message":{"content":" ","created_at":"2025-01-01T00:00:00.000Z"}}"#, "blank"),
        (r#"{"message":{"content":"a\u0000b","created_at":"2025-01-01T00:00:00.000Z"}}"#, "control characters"),
        (r#"{"message":{"content":"x","created_at":"2020-01-01T00:00:00.000Z"}}"#, "in order of time"),
        (r#"{"message":{"seq":9,"content":"x","created_at":"2025-01-01T00:00:00.000Z"}}"#, "`seq` must be 6"),
        (
            r#"{"message":{"content":"x","created_at":"2025-01-01T00:00:00.000Z","deleted_at":"2025-01-01T00:00:00.000Z"}}"#,
            "a deleted message has no content",
        ),
        (RUNS, "`attachments.url` must be an http or https URL, or a path that begins with /"),
        (&deep, "`metadata` must not nest deeper than 64 levels"),
        (&many, "`metadata` must not hold more than 512 values"),
        (r#"{"participant":{"user_id":"late"}}"#, "come before its messages"),
        (r#"{"participant":{"user_id":""}}"#, "`participant.user_id` is not what it must be"),
        (r#"{"room":{"kind":"direct","created_at":"2025-01-01T00:00:00.000Z"}}"#, "`pair`"),
        (
            r#"{"room":{"id":"00000000-0000-0000-0000-000000000000","created_at":"2025-01-01T00:00:00.000Z"}}"#,
            "`id` must not be the nil UUID",
        ),
        (r#"{"export":{"version":2}}"#, "`version` must be 1"),
        (r#"{"job":{}}"#, "is not what it must be"),
    ];
    for (n, (line, problem)) in bad.into_iter().enumerate() {
        let path = folder.path().join(format!("{n}.db"));
        let lines = [&good[..9], &[line]].concat().join("\n");
        let error = imported(&path, &lines).unwrap_err();
        assert!(matches!(error, MaintenanceError::Line { line: 10, .. }), "{line}: {error}");
        assert!(error.to_string().contains(problem), "{line}: {error}");
        let kept = exported(&path).lines().count() - 1;
        // A new room's line completes the one before; any other is part of it.
        assert_eq!(kept, if line.contains("\"room\"") { 8 } else { 0 }, "{line}");
    }
    let stray = imported(
        &folder.path().join("stray.db"),
        r#"{"message":{"content":"x","created_at":"2025-01-01T00:00:00.000Z"}}"#,
    );
    assert!(stray.unwrap_err().to_string().contains("line 1: a message must come after its room"));
}

#[test]
fn a_file_that_is_in_use_is_not_imported_into() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.db");
    run(async {
        let store = SqliteStore::open(&path).unwrap();
        let error = imported(&path, FROM_ELSEWHERE).unwrap_err();
        assert!(error.to_string().contains("already in use"), "{error}");
        store.close().await.unwrap();
    });
    assert_eq!(imported(&path, FROM_ELSEWHERE).unwrap().rooms, 2);
}
