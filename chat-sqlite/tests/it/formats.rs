//! What older versions wrote, and what is removed with time.

use std::time::Duration;

use chat_core::{
    Cursor, MemoryStore, Role, Store, Window,
    store::{Applied, CatchUp, CatchUpLimits, Missed, RoomSelector, Viewer},
};
use chat_sqlite::{Options, SqliteStore, verify};
use chat_testkit::{
    cast::{alice, bob, message_id, room_id},
    commits::{CommitExt as _, at, commit, create, edit, join, post, rename},
};
use rusqlite::Connection;

use crate::file::Place;

/// What every older format was made of, and rows of it.
const OLDER: [(&[&str], &str); 1] =
    [(&[include_str!("../../migrations/0001_start.sql")], include_str!("../formats/1.sql"))];

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn what_an_older_version_wrote_is_brought_up_to_date_and_says_the_same() {
    for (number, (steps, rows)) in (1..).zip(OLDER) {
        let place = Place::new();
        let older = Connection::open(place.path()).unwrap();
        older.pragma_update(None, "application_id", 0x6368_6174).unwrap();
        steps.iter().for_each(|step| older.execute_batch(step).unwrap());
        older.execute_batch(rows).unwrap();
        older.pragma_update(None, "user_version", number).unwrap();
        older.close().unwrap();

        let store = SqliteStore::open(place.path()).unwrap();
        let rooms = store.rooms(Viewer::User(&"ann".parse().unwrap()), None, 10).await.unwrap();
        let names: Vec<_> = rooms.iter().map(|row| row.room.name.as_deref()).collect();
        assert_eq!(names, [Some("News"), Some("Two rooms, Friday")], "format {number}");
        let room = &rooms[1].room;
        let history =
            store.history(Viewer::Host, &RoomSelector::Id(room.id), Window::After(0), 10).await.unwrap().unwrap();
        let said: Vec<_> = history.messages.iter().map(|message| message.content.as_deref()).collect();
        assert_eq!(said, [Some("Can you come at nine?"), Some("Yes"), None], "format {number}");
        let ben = "ben".parse().unwrap();
        let edited = store.operation(room.id, Some(&ben), &"b-2".parse().unwrap()).await.unwrap();
        assert!(edited.is_some(), "format {number}");
        let since = Some(Cursor { epoch: store.epoch(), rev: 0, chain: 0 });
        let missed = store.catch_up(Viewer::Host, &[(room.id, since)], ALL).await.unwrap().remove(0).unwrap();
        assert!(matches!(missed.missed, Missed::Changes { .. }), "format {number}");
        store.close().await.unwrap();
        let verified = verify(&place.path(), |_| {}).unwrap();
        assert!(verified.is_sound(), "format {number}: {:?}", verified.damage);
    }
}

const ALL: CatchUpLimits = CatchUpLimits { changes: 1_000, messages: 1_000, members: 1_000, bytes: usize::MAX };

/// A room of sixty days: each day a message, an edit of it, and the room gets another name.
async fn sixty_days(store: &dyn Store) -> Vec<Cursor> {
    let everybody = [create(), join(&alice(), Role::Member), join(&bob(), Role::Member)];
    let mut commits = vec![commit(room_id(1), everybody).named("make", 1)];
    for day in 0..60 {
        let (id, time) = (message_id(day), at(day * DAY));
        let said = commit(room_id(1), [post(id, &alice(), "hi")]).by(&alice()).at(time);
        commits.push(said.named(&format!("say-{day}"), 1));
        commits.push(commit(room_id(1), [edit(id, "hello")]).by(&alice()).at(time).named(&format!("edit-{day}"), 1));
        commits.push(commit(room_id(1), [rename(&format!("day {day}"))]).at(time));
    }
    let mut cursors = Vec::new();
    for commit in commits {
        match store.commit(vec![commit]).await.remove(0) {
            Ok(Applied::Done(done)) => cursors.extend(done.changes.iter().map(|change| change.cursor)),
            other => panic!("{other:?}"),
        }
    }
    cursors
}

async fn missed(store: &dyn Store, since: Option<Cursor>) -> CatchUp {
    let missed = store.catch_up(Viewer::User(&bob()), &[(room_id(1), since)], ALL).await;
    missed.expect("it reads").remove(0).expect("bob is in the room")
}

#[tokio::test]
async fn old_changes_are_removed_and_whoever_resumes_gets_all_they_missed_or_a_snapshot() {
    let place = Place::new();
    let options = Options { retention: Duration::from_secs(30 * DAY), ..Options::default() };
    let store = SqliteStore::open_with(place.path(), options).unwrap();
    let model = MemoryStore::twin_of(&store);
    let cursors = sixty_days(&store).await;
    assert_eq!(sixty_days(&model).await, cursors);

    let (mut anew, mut went_on) = (0, 0);
    for (cursor, day) in cursors.iter().zip((0..3).map(|_| 0).chain((0..60).flat_map(|day| [day; 3]))) {
        let found = missed(&store, Some(*cursor)).await;
        if matches!(found.missed, Missed::Snapshot { .. }) {
            assert!(day < 30, "the changes of day {day} are still to be there");
            assert_eq!(found, missed(&model, None).await);
            anew += 1;
        } else {
            assert!(day >= 28, "the changes of day {day} are to be gone");
            assert_eq!(found, missed(&model, Some(*cursor)).await, "from {cursor:?}");
            went_on += 1;
        }
    }
    assert!(anew > 80 && went_on >= 90, "{anew} and {went_on}");
    let first = Cursor { rev: 0, chain: 0, ..cursors[0] };
    assert_eq!(missed(&store, Some(first)).await, missed(&model, None).await);

    // Names: of messages for ever, of everything else as long as changes.
    let known = async |name: &str| {
        let name = name.parse().unwrap();
        store.operation(room_id(1), Some(&alice()), &name).await.unwrap().is_some()
    };
    assert!(known("say-0").await && known("say-59").await && known("edit-59").await && known("edit-31").await);
    assert!(!known("edit-0").await && !known("edit-28").await);
    store.close().await.unwrap();
    let verified = verify(&place.path(), |_| {}).unwrap();
    assert!(verified.is_sound(), "{:?}", verified.damage);
    let rows: i64 =
        Connection::open(place.path()).unwrap().query_row("SELECT count(*) FROM change", [], |row| row.get(0)).unwrap();
    assert!((60..=64).contains(&rows), "{rows}");

    // And a damaged row is still found.
    let damage = "UPDATE change SET chain = chain + 1 WHERE place = (SELECT max(place) FROM change)";
    Connection::open(place.path()).unwrap().execute(damage, []).unwrap();
    assert!(!verify(&place.path(), |_| {}).unwrap().is_sound());
}
