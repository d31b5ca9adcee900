//! A store that is closed has finished what it accepted; a durable one has it when it is opened again.

use std::{collections::BTreeSet, sync::Arc};

use chat_core::{
    Window,
    store::{Applied, CommitError, RoomSelector, StoreError, Viewer},
};

use crate::{
    Story,
    cast::{alice, bob, client_id, everybody},
    commits::{self, CommitExt},
    difference, picture,
    picture::WHOLE,
};

use super::Backend;

/// Every call to a closed store says that it is closed. Closing it again is fine.
pub async fn a_closed_store_says_so(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let message = story.says(&alice(), "hello").await.id;
    let (room, epoch) = (story.room(), store.epoch());
    assert_eq!(store.close().await, Ok(()));
    assert_eq!(store.close().await, Ok(()));
    let (viewer, closed) = (Viewer::Host, StoreError::Closed);
    let selector = RoomSelector::Id(room);
    let commits = vec![story.writes([commits::rename("no")]), story.writes([commits::rename("no")])];
    assert_eq!(store.commit(commits).await, [Err(closed.clone().into()), Err(closed.clone().into())]);
    assert_eq!(store.operation(room, None, &client_id("op")).await, Err(closed.clone()));
    assert_eq!(store.view(&selector, &[bob()]).await, Err(closed.clone()));
    assert_eq!(store.message(viewer, message).await, Err(closed.clone()));
    assert_eq!(store.history(viewer, &selector, Window::Latest, 9).await, Err(closed.clone()));
    assert_eq!(store.messages(viewer, None, 9).await, Err(closed.clone()));
    assert_eq!(store.participants(viewer, room, None, 9).await, Err(closed.clone()));
    assert_eq!(store.readers(viewer, message, None, 9).await, Err(closed.clone()));
    assert_eq!(store.rooms(viewer, None, 9).await, Err(closed.clone()));
    assert_eq!(store.room(viewer, &selector).await, Err(closed.clone()));
    assert_eq!(store.catch_up(viewer, &[(room, None)], WHOLE).await, Err(closed.clone()));
    assert_eq!(store.unread(&bob()).await, Err(closed.clone()));
    assert_eq!(store.memberships(&[bob()]).await, Err(closed));
    assert_eq!(store.epoch(), epoch);
}

/// What is under way when the store is closed is done or was not accepted, and the answer says which.
pub async fn what_was_accepted_is_finished(backend: &dyn Backend) {
    const WRITERS: u64 = 40;
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let (store, text) = (Arc::clone(&store), n.to_string());
            let say = || story.writes([commits::say(story.fresh(), &bob(), &text)]).named(&text, 1);
            let batch = vec![say(), say()];
            // spawns: somebody who writes once; awaited below.
            tokio::spawn(async move { (text, store.commit(batch).await) })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(store.close().await, Ok(()));
    let mut done = BTreeSet::new();
    for writer in writers {
        let (text, results) = writer.await.expect("the store does not panic");
        match results.as_slice() {
            [Ok(Applied::Done(_)), Ok(Applied::Before(_))] => drop(done.insert(text)),
            [Err(CommitError::Failed(StoreError::Closed)), Err(CommitError::Failed(StoreError::Closed))] => {}
            other => panic!("neither done nor closed: {other:?}"),
        }
    }
    if backend.is_durable() {
        let room = story.room();
        drop((story, store));
        let store = backend.open().await;
        let history = store
            .history(Viewer::Host, &RoomSelector::Id(room), Window::After(0), 1_000)
            .await
            .expect("the store answers");
        let kept: Vec<_> = history.expect("the room is there").messages;
        assert_eq!(kept.iter().filter_map(|message| message.content.clone()).collect::<BTreeSet<_>>(), done);
        assert!(kept.iter().map(|message| message.seq).eq(1..=done.len() as u64), "once each, without a hole");
        assert_eq!(store.close().await, Ok(()));
    }
}

/// A durable store is the same when it is opened again: every read, the positions, the names, and the numbers go on.
pub async fn what_is_durable_outlives_the_store(backend: &dyn Backend) {
    if !backend.is_durable() {
        return;
    }
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let other = Story::elsewhere(&store, 2, &[]).await;
    let mut since = Vec::new();
    for n in 0..30 {
        let message = story.says(&alice(), &n.to_string()).await;
        if n % 5 == 0 {
            story.deletes(&alice(), message.id).await;
        }
        since.push(story.head().await.cursor(store.epoch()));
    }
    let send = |id| commits::commit(story.room(), [commits::say(id, &bob(), "hello")]).by(&bob()).named("op", u64::MAX);
    let (first, second) = (story.fresh(), story.fresh());
    story.apply(send(first)).await;
    story.reads(&bob(), 12).await;
    other.apply(other.writes([chat_core::store::Write::DeleteRoom])).await;
    let (epoch, key) = (store.epoch(), *store.digester().key());
    let (before, head, room) = (picture(&*store, &everybody()).await, story.head().await, story.room());
    assert_eq!(store.close().await, Ok(()));
    let repeat = send(second);
    drop((story, other, store));

    let store = backend.open().await;
    assert_eq!((store.epoch(), *store.digester().key()), (epoch, key));
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
    for since in since {
        let missed = store.catch_up(Viewer::Host, &[(room, Some(since))], WHOLE).await;
        let missed = missed.expect("the store answers").remove(0).expect("the room is there").missed;
        assert!(matches!(missed, chat_core::store::Missed::Changes { more: false, .. }), "{since:?}: {missed:?}");
    }
    let results = store.commit(vec![repeat, commits::commit(room, [commits::note(second, "on")])]).await;
    assert!(matches!(results[0], Ok(Applied::Before(_))), "{results:?}");
    let Ok(Applied::Done(done)) = &results[1] else { panic!("not applied: {results:?}") };
    assert_eq!(done.changes[0].cursor.rev, head.last_rev + 1);
    assert_eq!(store.close().await, Ok(()));
}
