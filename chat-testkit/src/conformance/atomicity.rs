//! A commit is applied whole or not at all, and its neighbours are as they would have been without it.

use std::sync::Arc;

use chat_core::{
    MemoryStore, Role, Store,
    store::{Applied, Commit, Refusal, RoomSelector, Viewer, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, everybody, key, message_id, room_id, user},
    commits::{self, CommitExt},
    difference, picture,
};

use super::Backend;

/// One write of each kind, in an order in which they can be done, and then one that cannot.
fn all_and_then_nothing(story: &Story) -> Vec<Write> {
    let id = story.fresh();
    vec![
        commits::rename("lost"),
        commits::join(&carol(), Role::Owner),
        commits::give_role(&bob(), Role::Admin),
        commits::say(id, &bob(), "lost"),
        commits::edit(id, "lost as well"),
        Write::Mark(commits::read_to(&alice(), 1)),
        Write::Settings(bob(), chat_core::MemberSettings { pinned: true, ..Default::default() }),
        commits::end(&alice()),
        Write::Delete(id),
        Write::Delete(message_id(404)),
    ]
}

/// Whatever was done before the write that cannot be done is undone: nothing of it can be read anywhere.
pub async fn what_cannot_be_done_whole_leaves_nothing(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    story.says(&alice(), "hello").await;
    let before = picture(&*store, &everybody()).await;
    assert_eq!(story.refused(story.writes(all_and_then_nothing(&story))).await, Refusal::MessageGone);
    let made =
        [commits::create_keyed(key("job:1")), commits::join(&bob(), Role::Owner), Write::Delete(message_id(404))];
    assert_eq!(story.refused(commits::commit(room_id(9), made)).await, Refusal::MessageGone);
    let deleted = [Write::Delete(message_id(404)), Write::DeleteRoom];
    assert_eq!(story.refused(story.writes(deleted)).await, Refusal::MessageGone);
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
    let again = [commits::create_keyed(key("job:1"))];
    story.apply(commits::commit(room_id(8), again)).await;
}

/// A batch with a commit in it that is refused leaves what the batch without it leaves.
pub async fn neighbours_of_what_is_refused_are_untouched(backend: &dyn Backend) {
    let store = backend.open().await;
    let twin: Arc<dyn Store> = Arc::new(MemoryStore::twin_of(&*store));
    let (story, told) = (Story::begin(&store, &[bob()]).await, Story::begin(&twin, &[bob()]).await);
    let good = |id, text| commits::commit(story.room(), [commits::say(message_id(id), &bob(), text)]).by(&bob());
    let bad = [
        story.writes(all_and_then_nothing(&story)),
        story.writes([commits::rename("stale")]).if_policy(0),
        commits::commit(room_id(404), [commits::rename("nowhere")]),
        commits::commit(story.room(), [commits::create()]),
    ];
    let mut batch = vec![good(1, "one")];
    for (number, bad) in (2..).zip(bad) {
        batch.extend([bad, good(number, "another")]);
    }
    let results = store.commit(batch).await;
    assert!((0..).zip(&results).all(|(place, result)| result.is_ok() == (place % 2 == 0)), "{results:?}");
    let expected = [good(1, "one")].into_iter().chain((2..6).map(|number| good(number, "another"))).collect();
    let expected = told.store().commit(expected).await;
    assert!(results.iter().step_by(2).eq(&expected), "{results:?}\n{expected:?}");
    assert_eq!(difference(&picture(&*store, &everybody()).await, &picture(&*twin, &everybody()).await), None);
}

/// What a commit did is there for the next one of the same batch, and each write sees the ones before it.
pub async fn commits_of_a_batch_build_on_one_another(backend: &dyn Backend) {
    let store = backend.open().await;
    let room = room_id(1);
    let (first, second) = (message_id(1), message_id(2));
    let commit = |writes: Vec<Write>| commits::commit(room, writes);
    let batch: Vec<Commit> = vec![
        commit(vec![commits::create_keyed(key("job:1")), commits::join(&bob(), Role::Member)]),
        commit(vec![commits::say(first, &bob(), "one"), commits::edit(first, "two"), commits::edit(first, "three")]),
        commit(vec![commits::say(second, &bob(), "gone"), Write::Delete(second)]),
        commit(vec![commits::edit(first, "four")]).if_member(&bob(), 2).if_policy(1),
        commit(vec![commits::edit(second, "too late")]),
    ];
    let results = store.commit(batch).await;
    assert_eq!(results[4], Err(Refusal::MessageGone.into()));
    assert!(results[..4].iter().all(|result| matches!(result, Ok(Applied::Done(_)))), "{results:?}");
    let page = store.history(Viewer::User(&bob()), &RoomSelector::Id(room), chat_core::Window::After(0), 10).await;
    let messages = page.expect("the store answers").expect("bob is in the room").messages;
    let shown = messages.iter().map(|message| (message.rev, message.content.as_deref(), message.version));
    assert_eq!(shown.collect::<Vec<_>>(), [(8, Some("four"), Some(4)), (7, None, None)]);
}

/// One commit may be as large as a host makes it.
pub async fn a_large_commit_is_one_step(backend: &dyn Backend) {
    let store = backend.open().await;
    let people: Vec<_> = (0..500).map(|n| user(&format!("user {n:03}"))).collect();
    let mut writes = vec![commits::create()];
    writes.extend(people.iter().map(|user| commits::join(user, Role::Member)));
    writes.extend((1..).zip(&people).map(|(n, user)| commits::say(message_id(n), user, "hello")));
    let results = store.commit(vec![commits::commit(room_id(1), writes)]).await;
    let [Ok(Applied::Done(done))] = results.as_slice() else { panic!("not applied: {results:?}") };
    assert_eq!(done.changes.len(), 1_001);
    let all = store.participants(Viewer::Host, room_id(1), None, 1_000).await.expect("the store answers");
    assert_eq!(all.expect("the room is there").len(), 500);
    assert_eq!(store.unread(&people[0]).await, Ok(499), "all but their own");
}

/// An empty batch is answered with nothing.
pub async fn nothing_is_answered_with_nothing(backend: &dyn Backend) {
    let store = backend.open().await;
    assert_eq!(store.commit(Vec::new()).await, []);
}
