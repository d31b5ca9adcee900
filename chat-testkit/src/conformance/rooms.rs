//! Rooms are found by names that are unique, listed by their last change, and leave nothing when they are deleted.

use std::{collections::BTreeSet, sync::Arc};

use chat_core::{
    Role, RoomId, Store, Window,
    store::{Applied, CommitError, Refusal, RoomSelector, Viewer, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, everybody, key, mallory, message_id, room_id},
    commits::{self, CommitExt, at},
    difference, picture,
};

use super::Backend;

/// A key, a pair and an id each name one room; whoever comes second is told which.
pub async fn key_pair_and_id_are_unique(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[]).await;
    story.apply(commits::commit(room_id(2), [commits::create_keyed(key("job:1"))])).await;
    story.apply(commits::commit(room_id(3), [commits::create_direct(alice(), bob())])).await;
    let before = picture(&*store, &everybody()).await;
    let refused = async |room, write| story.refused(commits::commit(room_id(room), [write])).await;
    assert_eq!(refused(9, commits::create_keyed(key("job:1"))).await, Refusal::Exists(room_id(2)));
    assert_eq!(refused(9, commits::create_direct(bob(), alice())).await, Refusal::Exists(room_id(3)));
    assert_eq!(refused(2, commits::create()).await, Refusal::Exists(room_id(2)));
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
    story.apply(commits::commit(room_id(4), [commits::create_keyed(key("JOB:1"))])).await;
    story.apply(commits::commit(room_id(5), [commits::create_direct(alice(), carol())])).await;
    let find =
        async |room: RoomSelector| store.view(&room, &[]).await.expect("the store answers").map(|view| view.room.id);
    assert_eq!(find(RoomSelector::Key(key("job:1"))).await, Some(room_id(2)));
    assert_eq!(find(RoomSelector::Key(key("JOB:1"))).await, Some(room_id(4)), "keys differ by case");
    assert_eq!(find(RoomSelector::Key(key("job:2"))).await, None);
    assert_eq!(find(RoomSelector::Pair(alice(), bob())).await, Some(room_id(3)));
    assert_eq!(find(RoomSelector::Pair(bob(), carol())).await, None);
    assert_eq!(find(RoomSelector::Id(room_id(9))).await, None);
}

/// The same key from many sides: one room is made, in one batch and at once.
pub async fn one_room_is_made_of_many_attempts(backend: &dyn Backend) {
    let store = backend.open().await;
    let make = |room, name: &str| commits::commit(room_id(room), [commits::create_keyed(key(name))]);
    let exists = |result: &Result<Applied, CommitError>| match result {
        Ok(Applied::Done(_)) => None,
        Err(CommitError::Refused(Refusal::Exists(room))) => Some(*room),
        other => panic!("neither made nor there: {other:?}"),
    };
    let results = store.commit(vec![make(1, "job:1"), make(2, "job:1"), make(3, "job:1")]).await;
    assert_eq!(results.iter().map(exists).collect::<Vec<_>>(), [None, Some(room_id(1)), Some(room_id(1))]);
    let attempts: Vec<_> = (10..18)
        .map(|room| {
            let (store, make) = (Arc::clone(&store), make(room, "job:2"));
            // spawns: one attempt; awaited below.
            tokio::spawn(async move { store.commit(vec![make]).await.remove(0) })
        })
        .collect();
    let mut found = Vec::new();
    for attempt in attempts {
        found.extend(exists(&attempt.await.expect("the store does not panic")));
    }
    assert_eq!((found.len(), found.iter().collect::<BTreeSet<_>>().len()), (7, 1), "{found:?}");
}

/// A deleted room is in no read, for nobody; its names are free; and one made under its id begins at 1.
pub async fn a_deleted_room_leaves_nothing(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    story.says(&alice(), "stays").await;
    let before = picture(&*store, &everybody()).await;
    let room = room_id(2);
    let writes = vec![
        commits::create_keyed(key("job:1")),
        commits::join(&alice(), Role::Owner),
        commits::join(&bob(), Role::Member),
        commits::ban(&mallory()),
    ];
    let doomed = Story::with(&store, 2, writes.clone()).await;
    let said = doomed.says(&alice(), "goes").await;
    doomed.says(&bob(), "goes too").await;
    doomed.deletes(&alice(), said.id).await;
    doomed.reads(&bob(), 1).await;
    let cursor = doomed.head().await.cursor(store.epoch());
    for (user, sees) in [(bob(), Some(2)), (mallory(), None)] {
        for selector in [RoomSelector::Id(room), RoomSelector::Key(key("job:1"))] {
            let page = store.history(Viewer::User(&user), &selector, Window::Latest, 9).await;
            let said = page.expect("the store answers").map(|page| page.messages.len());
            assert_eq!(said, sees, "{user}, by {selector:?}");
        }
    }
    let done = doomed.apply(doomed.writes([Write::DeleteRoom])).await;
    assert_eq!((done.changes, done.registers), (Vec::new(), Vec::new()));

    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
    let (alice, limits) = (alice(), crate::picture::WHOLE);
    for viewer in [Viewer::Host, Viewer::User(&alice)] {
        for selector in [RoomSelector::Id(room), RoomSelector::Key(key("job:1"))] {
            assert_eq!(store.room(viewer, &selector).await, Ok(None));
            assert_eq!(store.history(viewer, &selector, Window::Latest, 9).await, Ok(None));
            assert_eq!(store.view(&selector, &everybody()).await, Ok(None));
        }
        assert_eq!(store.message(viewer, said.id).await, Ok(None));
        assert_eq!(store.readers(viewer, said.id, None, 9).await, Ok(None));
        assert_eq!(store.participants(viewer, room, None, 9).await, Ok(None));
        assert_eq!(store.catch_up(viewer, &[(room, Some(cursor))], limits).await, Ok(vec![None]));
    }
    assert_eq!(doomed.refused(doomed.writes([commits::rename("no")])).await, Refusal::NoRoom);

    // In the same batch as it is made anew.
    let make = commits::commit(room, writes.clone());
    let results = store.commit(vec![make.clone(), commits::commit(room, [Write::DeleteRoom]), make]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let again = doomed.head().await;
    assert_eq!((again.last_rev, again.last_seq, again.last_ord, again.members), (4, 0, 0, 2));
    assert_eq!(doomed.member(&bob()).await.map(|bob| (bob.read_seq, bob.rev)), Some((0, 3)));
    let reused = doomed.apply(doomed.writes([commits::say(said.id, &bob(), "the id is free")])).await;
    assert_eq!(reused.changes.len(), 1);
    assert_eq!(doomed.unread(&alice).await, 1);
}

/// The list is in order of the last change, latest first; of two at the same time, the larger id. Every page size
/// gives the same list.
pub async fn rooms_are_listed_by_their_last_change(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for room in 2..=9 {
        let writes = [commits::create(), commits::join(&alice(), Role::Owner)];
        story.apply(commits::commit(room_id(room), writes).at(at(5))).await;
    }
    for (room, seconds) in [(4, 7), (2, 9), (6, 7), (9, 6), (5, 7)] {
        let say = [commits::say(message_id(room), &alice(), "hello")];
        story.apply(commits::commit(room_id(room), say).at(at(seconds))).await;
    }
    story.apply(commits::commit(room_id(7), [commits::end(&alice())]).at(at(100))).await;
    // Markers are no change.
    story.apply(commits::commit(room_id(3), [Write::Mark(commits::read_to(&alice(), 1))]).at(at(100))).await;

    let alice = alice();
    let expected = [2, 6, 5, 4, 9, 8, 3, 1].map(room_id);
    let of_the_host = [7, 2, 6, 5, 4, 9, 8, 3, 1].map(room_id);
    assert_eq!(list(&*store, Viewer::User(&alice), 100).await, expected);
    for limit in 1..=9 {
        assert_eq!(list(&*store, Viewer::User(&alice), limit).await, expected, "pages of {limit}");
        assert_eq!(list(&*store, Viewer::Host, limit).await, of_the_host, "pages of {limit}");
    }
    assert_eq!(list(&*store, Viewer::User(&bob()), 2).await, [room_id(1)]);
    assert_eq!(list(&*store, Viewer::User(&mallory()), 2).await, []);
    assert_eq!(store.rooms(Viewer::User(&alice), None, 0).await, Ok(Vec::new()));
}

/// All rooms, page by page.
async fn list(store: &dyn Store, viewer: Viewer<'_>, limit: usize) -> Vec<RoomId> {
    let (mut rooms, mut before) = (Vec::new(), None);
    loop {
        let page = store.rooms(viewer, before, limit).await.expect("the store answers");
        assert!(page.len() <= limit, "{} rooms on a page of {limit}", page.len());
        let Some(last) = page.last() else { return rooms };
        before = Some((last.room.last_at, last.room.id));
        rooms.extend(page.iter().map(|row| row.room.id));
    }
}
