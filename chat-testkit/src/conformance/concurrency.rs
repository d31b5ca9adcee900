//! Many write, and whoever reads meanwhile sees one moment of it: no hole, nothing half done.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use chat_core::{
    Cursor, Message, UserId, Window,
    store::{CatchUpLimits, ChangeBody, Missed, RoomSelector, Viewer},
};
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    Story,
    cast::{alice, bob, user},
    commits::{self, CommitExt},
    picture::{ALL, WHOLE},
};

use super::Backend;

const WRITERS: u64 = 6;
const EACH: u64 = 40;

/// Many who write, each a few times; it ends when they have, and looks at what they were answered. Each time the room
/// is renamed too, so that both its numbers move together.
async fn begin(backend: &dyn Backend) -> (Story, JoinHandle<()>) {
    let store = backend.open().await;
    let people: Vec<_> = (0..WRITERS).map(|n| user(&format!("writer {n}"))).collect();
    let story = Story::begin(&store, &people).await;
    let writing = {
        let story = story.clone();
        // spawns: the writers; awaited by the case that began it.
        tokio::spawn(async move {
            let mut writers: JoinSet<_> = people.into_iter().map(|person| write(story.clone(), person)).collect();
            let mut all = Vec::new();
            while let Some(places) = writers.join_next().await {
                let places = places.expect("no writer panics");
                assert!(places.is_sorted(), "the order of one writer: {places:?}");
                all.extend(places);
            }
            all.sort_unstable();
            assert!(all.iter().copied().eq(1..=WRITERS * EACH), "each place once: {all:?}");
        })
    };
    (story, writing)
}

/// Somebody writes; the places of what they said.
async fn write(story: Story, person: UserId) -> Vec<u64> {
    let mut places = Vec::new();
    for n in 0..EACH {
        tokio::task::yield_now().await;
        let writes = [commits::say(story.fresh(), &person, &n.to_string()), commits::rename(person.as_str())];
        let done = story.apply(story.writes(writes).by(&person)).await;
        let ChangeBody::Posted(message) = &done.changes[0].body else { panic!("not posted: {done:?}") };
        assert_eq!(done.changes[1].cursor.rev, message.rev + 1, "nothing comes between writes of one commit");
        places.push(message.seq);
    }
    places
}

/// A reader that follows the history sees each place after the one before, as soon as it sees it at all.
pub async fn who_follows_the_history_sees_no_hole(backend: &dyn Backend) {
    let (story, writing) = begin(backend).await;
    let mut seen = 0;
    loop {
        let over = writing.is_finished();
        let page = story.store().history(Viewer::Host, &RoomSelector::Id(story.room()), Window::After(seen), 50).await;
        let page = page.expect("the store answers").expect("the room is there");
        for message in &page.messages {
            assert_eq!(message.seq, seen + 1, "a hole");
            seen = message.seq;
        }
        if over && page.messages.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.await.expect("everybody writes to the end");
    assert_eq!(seen, WRITERS * EACH);
}

/// A reader that follows the changes from a position sees every post, and ends where the room does.
pub async fn who_follows_the_changes_sees_no_hole(backend: &dyn Backend) {
    let (story, writing) = begin(backend).await;
    let store = story.store();
    let mut since = Cursor { epoch: store.epoch(), rev: 0, chain: 0 };
    let mut seen = 0;
    loop {
        let over = writing.is_finished();
        let limits = CatchUpLimits { changes: 30, ..WHOLE };
        let step = store.catch_up(Viewer::Host, &[(story.room(), Some(since))], limits).await;
        let step = step.expect("the store answers").remove(0).expect("the room is there");
        let changes = match step.missed {
            Missed::Nothing if over => break,
            Missed::Nothing => Vec::new(),
            Missed::Changes { changes, .. } => changes,
            Missed::Snapshot { .. } => panic!("{since:?} was a position of this history"),
        };
        for change in changes {
            if let ChangeBody::Posted(message) = change.body {
                assert_eq!(message.seq, seen + 1, "a hole");
                seen = message.seq;
            }
        }
        since = step.cursor;
        tokio::task::yield_now().await;
    }
    writing.await.expect("everybody writes to the end");
    assert_eq!((seen, since), (WRITERS * EACH, story.head().await.cursor(store.epoch())));
}

/// Whatever one read returns belongs to one moment.
pub async fn each_read_is_one_moment(backend: &dyn Backend) {
    let (story, writing) = begin(backend).await;
    let (store, reader) = (Arc::clone(story.store()), user("writer 0"));
    let viewer = Viewer::User(&reader);
    while !writing.is_finished() {
        let row = story.row(viewer).await.expect("in the room");
        let last = row.room.last_seq;
        assert_eq!(row.last_message.as_ref().map_or(0, |message| message.seq), last, "the room and its last message");
        let own = row.member.expect("in the room").marker_seq;
        assert!(row.unread <= last - own, "{} unread after {own} of {last}", row.unread);
        let snapshot = store.catch_up(viewer, &[(story.room(), None)], WHOLE).await;
        let snapshot = snapshot.expect("the store answers").remove(0).expect("in the room");
        let Missed::Snapshot { room, messages, .. } = snapshot.missed else { panic!("no snapshot: {snapshot:?}") };
        assert_eq!(snapshot.cursor, room.room.cursor(store.epoch()), "the room and the position");
        assert!(messages.iter().map(|message| message.seq).eq(1..=room.room.last_seq), "the room and its messages");
        assert_eq!(room.room.last_rev, 2 + WRITERS + 2 * room.room.last_seq, "both numbers move together");
        let listed = store.rooms(viewer, None, ALL).await.expect("the store answers").remove(0);
        assert_eq!(listed.last_message.map_or(0, |message| message.seq), listed.room.last_seq);
        tokio::task::yield_now().await;
    }
    writing.await.expect("everybody writes to the end");
}

/// The same where something is committed at every await of the read, and not only when it happens to be.
pub async fn a_read_that_waits_shows_one_moment(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let (bob, room) = (bob(), story.room());
    let viewer = Viewer::User(&bob);
    let last = |message: Option<&Message>| message.map_or(0, |message| message.seq);
    for _ in 0..20 {
        let row = while_talking(&story, story.row(viewer)).await.expect("in the room");
        assert_eq!(last(row.last_message.as_ref()), row.room.last_seq, "the room and its last message");
        assert_eq!(row.unread, row.room.last_seq, "the room and what is unread of it");
        let rows = while_talking(&story, store.rooms(viewer, None, ALL)).await.expect("the store answers");
        assert_eq!(last(rows[0].last_message.as_ref()), rows[0].room.last_seq, "the rooms and their last messages");
        let missed = while_talking(&story, store.catch_up(viewer, &[(room, None)], WHOLE)).await;
        let missed = missed.expect("the store answers").remove(0).expect("in the room");
        let Missed::Snapshot { room, messages, .. } = missed.missed else { panic!("no snapshot: {missed:?}") };
        assert_eq!(missed.cursor, room.room.cursor(store.epoch()), "the room and the position");
        assert_eq!(last(messages.last()), room.room.last_seq, "the room and its messages");
    }
}

/// What is read of many rooms in one call belongs to one moment.
pub async fn many_rooms_are_of_one_moment(backend: &dyn Backend) {
    let store = backend.open().await;
    let (first, second) = (Story::begin(&store, &[]).await, Story::elsewhere(&store, 2, &[]).await);
    let since = [&first, &second, &first, &second].map(|story| (story.room(), None));
    for _ in 0..20 {
        let read = async {
            let missed = store.catch_up(Viewer::Host, &since, WHOLE).await.expect("the store answers");
            let posted = missed.into_iter().map(|one| match one.expect("the room is there").missed {
                Missed::Snapshot { room, .. } => room.room.last_seq,
                other => panic!("no snapshot: {other:?}"),
            });
            posted.collect::<Vec<_>>()
        };
        let posted = while_talking(&first, while_talking(&second, read)).await;
        assert_eq!(posted[..2], posted[2..], "the same room twice, and another between");
    }
}

/// Polls a read, and has alice say something each time it waits.
async fn while_talking<T>(story: &Story, read: impl Future<Output = T>) -> T {
    let mut read = pin!(read);
    loop {
        if let Poll::Ready(read) = poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await {
            return read;
        }
        story.says(&alice(), "meanwhile").await;
    }
}
