//! Whoever drops a future changes nothing: the work is done whole, or was never begun.

use std::{collections::BTreeMap, future::poll_fn, pin::pin, task::Poll};

use chat_core::{
    Window,
    store::{Applied, RoomSelector, Viewer},
};

use crate::{
    Story,
    cast::{alice, bob, client_id},
    commits::{self, CommitExt},
    picture::{ALL, WHOLE},
};

use super::Backend;

/// How often a future is polled before it is dropped: 0 to this.
const POLLS: usize = 24;

/// Polls a future so many times and drops it; what it came to, if it came to its end.
async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Commits that are given up at every await: each is there whole or not at all, and nothing has a hole.
pub async fn a_commit_that_is_given_up_is_whole_or_not_at_all(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let mut expected = 0;
    for polls in 0..=POLLS {
        let text = polls.to_string();
        let say = || commits::say(story.fresh(), &bob(), &text);
        let batch =
            vec![story.writes([say(), say(), say()]).by(&bob()).named(&text, 1), story.writes([say(), say(), say()])];
        let done = give_up_after(polls, store.commit(batch)).await;
        expected += done.iter().flatten().filter(|result| result.is_ok()).count() * 3;
        story.says(&alice(), "between").await;
    }
    let messages = story.messages(Viewer::Host).await;
    assert!(messages.iter().map(|message| message.seq).eq(1..=messages.len() as u64), "without a hole");
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for message in messages.iter().filter(|message| message.sender == Some(bob())) {
        *said.entry(message.content.as_deref().unwrap_or_default()).or_default() += 1;
    }
    assert!(said.values().all(|times| times % 3 == 0), "in pieces: {said:?}");
    assert!(said.values().sum::<usize>() >= expected, "lost: {said:?}");
    assert_eq!(story.head().await.last_seq, messages.len() as u64);
}

/// Whoever does not know whether it was done asks again under the same name, and it is done once.
pub async fn asking_again_does_it_once(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for polls in 0..=POLLS {
        let name = format!("op {polls}");
        let send = || story.writes([commits::say(story.fresh(), &bob(), &name)]).by(&bob()).named(&name, 1);
        give_up_after(polls, store.commit(vec![send()])).await;
        let again = story.try_apply(send()).await;
        let operation =
            store.operation(story.room(), Some(&bob()), &client_id(&name)).await.expect("the store answers");
        match (again, operation) {
            (Ok(Applied::Done(_)), Some(_)) => {}
            (Ok(Applied::Before(before)), Some(operation)) => assert_eq!(before, operation),
            other => panic!("neither done nor remembered: {other:?}"),
        }
    }
    assert_eq!(story.messages(Viewer::Host).await.len(), POLLS + 1);
}

/// Reads that are given up leave the store as able as it was.
pub async fn reads_that_are_given_up_hold_nothing_up(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let message = story.says(&alice(), "hello").await.id;
    let (room, bob) = (story.room(), bob());
    let viewer = Viewer::User(&bob);
    for polls in (0..4).cycle().take(200) {
        give_up_after(polls, store.history(viewer, &RoomSelector::Id(room), Window::Latest, ALL)).await;
        give_up_after(polls, store.catch_up(viewer, &[(room, None)], WHOLE)).await;
        give_up_after(polls, store.room(viewer, &RoomSelector::Id(room))).await;
        give_up_after(polls, store.rooms(viewer, None, ALL)).await;
        give_up_after(polls, store.message(viewer, message)).await;
        give_up_after(polls, store.unread(&bob)).await;
    }
    story.says(&alice(), "and on").await;
    assert_eq!(story.messages(viewer).await.len(), 2);
    assert_eq!(store.close().await, Ok(()));
}
