//! Many write, and whoever reads meanwhile sees one moment of it: no hole, nothing half done.

use std::sync::Arc;

use chat_core::{
    Cursor, Window,
    store::{CatchUpLimits, ChangeBody, Missed, Viewer},
};
use tokio::task::JoinSet;

use crate::{
    Story,
    cast::user,
    commits::{self, CommitExt},
    picture::{ALL, WHOLE},
};

use super::Backend;

const WRITERS: u64 = 6;
const EACH: u64 = 40;

/// Each says something `EACH` times, and renames the room each time so that both numbers move together.
async fn begin(backend: &dyn Backend) -> (Story, JoinSet<Vec<u64>>) {
    let store = backend.open().await;
    let people: Vec<_> = (0..WRITERS).map(|n| user(&format!("writer {n}"))).collect();
    let story = Story::begin(&store, &people).await;
    let mut writers = JoinSet::new();
    for person in people {
        let story = story.clone();
        // spawns: a writer; joined by the case that began it.
        writers.spawn(async move {
            let mut places = Vec::new();
            for n in 0..EACH {
                let writes = [commits::say(story.fresh(), &person, &n.to_string()), commits::rename(person.as_str())];
                tokio::task::yield_now().await;
                let done = story.apply(story.writes(writes).by(&person)).await;
                let ChangeBody::Posted(message) = &done.changes[0].body else { panic!("not posted: {done:?}") };
                assert_eq!(done.changes[1].cursor.rev, message.rev + 1, "nothing comes between writes of one commit");
                places.push(message.seq);
            }
            places
        });
    }
    (story, writers)
}

/// Every place was given to one writer, each writer's in order.
async fn end(story: &Story, mut writers: JoinSet<Vec<u64>>) {
    let mut all = Vec::new();
    while let Some(places) = writers.join_next().await {
        let places = places.expect("no writer panics");
        assert!(places.is_sorted(), "the order of one writer: {places:?}");
        all.extend(places);
    }
    all.sort_unstable();
    assert!(all.iter().copied().eq(1..=WRITERS * EACH), "each place once: {all:?}");
    assert_eq!(story.head().await.last_seq, WRITERS * EACH);
}

/// A reader that follows the history sees each place after the one before, as soon as it sees it at all.
pub async fn who_follows_the_history_sees_no_hole(backend: &dyn Backend) {
    let (story, writers) = begin(backend).await;
    let mut seen = 0;
    while seen < WRITERS * EACH {
        let page = story.store().history(Viewer::Host, story.room(), Window::After(seen), 50).await;
        for message in page.expect("the store answers").expect("the room is there").messages {
            assert_eq!(message.seq, seen + 1, "a hole");
            seen = message.seq;
        }
        tokio::task::yield_now().await;
    }
    end(&story, writers).await;
}

/// A reader that follows the changes from a position sees every post, and ends where the room does.
pub async fn who_follows_the_changes_sees_no_hole(backend: &dyn Backend) {
    let (story, writers) = begin(backend).await;
    let store = story.store();
    let mut since = Cursor { epoch: store.epoch(), rev: 0, chain: 0 };
    let mut seen = 0;
    while seen < WRITERS * EACH {
        let limits = CatchUpLimits { changes: 30, ..WHOLE };
        let step = store.catch_up(Viewer::Host, story.room(), Some(since), limits).await;
        let step = step.expect("the store answers").expect("the room is there");
        match step.missed {
            Missed::Nothing => {}
            Missed::Changes { changes, .. } => {
                for change in changes {
                    if let ChangeBody::Posted(message) = change.body {
                        assert_eq!(message.seq, seen + 1, "a hole");
                        seen = message.seq;
                    }
                }
            }
            Missed::Snapshot { .. } => panic!("{since:?} was a position of this history"),
        }
        since = step.cursor;
        tokio::task::yield_now().await;
    }
    end(&story, writers).await;
}

/// Whatever one read returns belongs to one moment.
pub async fn each_read_is_one_moment(backend: &dyn Backend) {
    let (story, writers) = begin(backend).await;
    let (store, reader) = (Arc::clone(story.store()), user("writer 0"));
    let viewer = Viewer::User(&reader);
    let mut last = 0;
    while last < WRITERS * EACH {
        let row = story.row(viewer).await.expect("in the room");
        last = row.room.last_seq;
        assert_eq!(row.last_message.as_ref().map_or(0, |message| message.seq), last, "the room and its last message");
        let own = row.member.expect("in the room").marker_seq;
        assert!(row.unread <= last - own, "{} unread after {own} of {last}", row.unread);
        let snapshot = store.catch_up(viewer, story.room(), None, WHOLE).await;
        let snapshot = snapshot.expect("the store answers").expect("in the room");
        let Missed::Snapshot { room, messages, .. } = snapshot.missed else { panic!("no snapshot: {snapshot:?}") };
        assert_eq!(snapshot.cursor, room.room.cursor(store.epoch()), "the room and the position");
        assert!(messages.iter().map(|message| message.seq).eq(1..=room.room.last_seq), "the room and its messages");
        assert_eq!(room.room.last_rev, 1 + 1 + WRITERS + 2 * room.room.last_seq, "both numbers move together");
        let listed = store.rooms(viewer, None, ALL).await.expect("the store answers").remove(0);
        assert_eq!(listed.last_message.map_or(0, |message| message.seq), listed.room.last_seq);
        tokio::task::yield_now().await;
    }
    end(&story, writers).await;
}
