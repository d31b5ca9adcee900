//! `seq` and `rev` are 1, 2, 3, … without hole or reuse, and a room's time never runs backwards.

use std::sync::Arc;

use chat_core::{
    Store,
    store::{Applied, Change, ChangeBody, CommitError, Refusal, Viewer, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, message_id, room_id},
    commits::{self, CommitExt, at},
};

use super::Backend;

/// The place that a message has.
fn seq(change: &Change) -> u64 {
    match &change.body {
        ChangeBody::Posted(message) | ChangeBody::Edited(message) | ChangeBody::Deleted(message) => message.seq,
        other => panic!("not a message: {other:?}"),
    }
}

/// The changes of a commit that was applied.
fn changes(result: Result<Applied, CommitError>) -> Vec<Change> {
    match result {
        Ok(Applied::Done(done)) => done.changes,
        other => panic!("the commit was not applied but: {other:?}"),
    }
}

/// The places of everything that was said.
async fn places(story: &Story) -> Vec<u64> {
    story.messages(Viewer::Host).await.iter().map(|message| message.seq).collect()
}

/// Each change takes the next `rev`, and each message the next `seq` as well.
pub async fn places_and_changes_count_from_one(backend: &dyn Backend) {
    let store = backend.open().await;
    let made = changes(store.commit(vec![commits::commit(room_id(1), [commits::create()])]).await.remove(0));
    assert_eq!(made.iter().map(|change| change.cursor.rev).collect::<Vec<_>>(), [1]);
    let story = Story::elsewhere(&store, 2, &[bob()]).await;
    let first = story.says(&alice(), "one").await;
    let name = story.is_named("a room").await;
    let second = story.says(&bob(), "two").await;
    let edited = story.edits(&alice(), first.id, "one!").await;
    let deleted = story.deletes(&bob(), second.id).await;
    let third = story.notes("three").await;
    assert_eq!([first.rev, name.last_rev, second.rev, edited.rev, deleted.rev, third.rev], [4, 5, 6, 7, 8, 9]);
    assert_eq!([first.seq, second.seq, edited.seq, deleted.seq, third.seq], [1, 2, 1, 2, 3]);
    let head = story.head().await;
    assert_eq!((head.last_rev, head.last_seq, head.cursor(store.epoch()).rev), (9, 3, 9));
}

/// A commit that is refused stands between two that are not, and they know nothing of it.
pub async fn what_is_refused_takes_no_number(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let say = |text| story.writes([commits::say(story.fresh(), &bob(), text)]);
    let batch =
        vec![say("one"), say("stale").if_policy(0), say("two"), say("stale").if_member(&bob(), 0), say("three")];
    let results = store.commit(batch).await;
    let refused = |result: &Result<Applied, CommitError>| matches!(result, Err(CommitError::Refused(Refusal::Stale)));
    assert_eq!(results.iter().map(refused).collect::<Vec<_>>(), [false, true, false, true, false]);
    let said: Vec<_> = results.into_iter().flatten().flat_map(|applied| changes(Ok(applied))).collect();
    assert_eq!(said.iter().map(|change| change.cursor.rev).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(said.iter().map(seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(story.says(&bob(), "four").await.seq, 4);
    assert_eq!(places(&story).await, [1, 2, 3, 4]);
}

/// A commit that has taken numbers before it cannot go on.
pub async fn what_fails_half_way_gives_its_numbers_back(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let say = |text| commits::say(story.fresh(), &bob(), text);
    let broken = [say("lost"), commits::rename("lost"), say("lost"), Write::Delete(message_id(99))];
    let results = store
        .commit(vec![
            story.writes([say("one")]),
            story.writes(broken.clone()),
            story.writes([say("two"), say("three")]),
        ])
        .await;
    let [one, lost, two] = <[_; 3]>::try_from(results).expect("an answer for each commit");
    assert_eq!(lost, Err(Refusal::MessageGone.into()));
    let said = [changes(one), changes(two)].concat();
    assert_eq!(
        said.iter().map(|change| (change.cursor.rev, seq(change))).collect::<Vec<_>>(),
        [(4, 1), (5, 2), (6, 3)]
    );
    assert_eq!(story.refused(story.writes(broken)).await, Refusal::MessageGone);
    let fourth = story.says(&bob(), "four").await;
    assert_eq!((fourth.rev, fourth.seq), (7, 4));
    assert_eq!(places(&story).await, [1, 2, 3, 4]);
    assert_eq!(story.head().await.name, None);
}

/// Rooms do not take one another's numbers, in one batch neither.
pub async fn rooms_count_for_themselves(backend: &dyn Backend) {
    let store = backend.open().await;
    let one = Story::begin(&store, &[]).await;
    let other = Story::elsewhere(&store, 2, &[bob()]).await;
    let said = |story: &Story| story.writes([commits::say(story.fresh(), &alice(), "hello")]);
    let results = store.commit(vec![said(&one), said(&other), said(&other), said(&one)]).await;
    let numbers: Vec<_> =
        results.into_iter().flat_map(changes).map(|change| (change.cursor.rev, seq(&change))).collect();
    assert_eq!(numbers, [(3, 1), (4, 1), (5, 2), (4, 2)]);
}

/// As many commits as a lane may gather: each is answered at its place.
pub async fn a_large_batch_is_answered_in_order(backend: &dyn Backend) {
    const COMMITS: u64 = 1_000;
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let batch = (0..COMMITS).map(|n| story.writes([commits::say(story.fresh(), &bob(), &n.to_string())])).collect();
    let said: Vec<_> = store.commit(batch).await.into_iter().flat_map(changes).collect();
    assert!(said.iter().map(seq).eq(1..=COMMITS), "each has the place of its commit");
    let texts = story.messages(Viewer::Host).await.into_iter().map(|message| message.content);
    assert!(texts.eq((0..COMMITS).map(|n| Some(n.to_string()))), "each stands where it was answered to");
}

/// A clock that was set back does not turn the room's time.
pub async fn time_never_runs_backwards(backend: &dyn Backend) {
    let store: Arc<dyn Store> = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let say = |text| commits::say(story.fresh(), &bob(), text);
    let mut times = Vec::new();
    for seconds in [100, 40, 100, 101, 0] {
        let done = story.apply(story.writes([say("one"), commits::rename("a name")]).at(at(seconds))).await;
        times.extend(done.changes.into_iter().map(|change| change.at));
    }
    let expected = [100, 100, 100, 100, 100, 100, 101, 101, 101, 101].map(at);
    assert_eq!(times, expected);
    let member = story.apply(story.writes([commits::join(&carol(), chat_core::Role::Member)]).at(at(3))).await;
    assert!(matches!(&member.changes[0].body, ChangeBody::Added(member) if member.joined_at == at(101)));
    assert_eq!(story.head().await.last_at, at(101));
    let shown = story.messages(Viewer::Host).await;
    assert_eq!(shown.iter().map(|message| message.created_at).collect::<Vec<_>>(), [100, 100, 100, 101, 101].map(at));
}
