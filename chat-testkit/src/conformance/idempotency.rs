//! A commit under a name that was used before changes nothing and returns what was done then.

use std::sync::Arc;

use chat_core::{
    Role, UserId,
    store::{Applied, Commit, CommitError, NO_ROOM, Operation, Refusal, Target, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, client_id, everybody, key, room_id},
    commits::{self, CommitExt},
    difference, picture,
};

use super::Backend;

/// What was done before, as the store answers it instead of doing it again.
fn before(result: &Result<Applied, CommitError>) -> &Operation {
    match result {
        Ok(Applied::Before(operation)) => operation,
        other => panic!("not answered as done before, but: {other:?}"),
    }
}

/// A send by somebody under a name.
fn send(story: &Story, user: &UserId, name: &str, digest: u64) -> Commit {
    story.writes([commits::say(story.fresh(), user, name)]).by(user).named(name, digest)
}

/// The first answer counts, also when the guard does not hold any more; and nothing can tell how often it was asked.
pub async fn a_repeat_returns_the_first_result(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    story.says(&alice(), "hello").await;
    let first = send(&story, &bob(), "one", 7);
    story.apply(first.clone()).await;
    let operation = Operation { digest: 7, room: story.room(), target: Target::Message { id: posted(&first), seq: 2 } };
    let picture_before = picture(&*store, &everybody()).await;
    for repeat in [first.clone(), send(&story, &bob(), "one", 7), first.if_policy(0).if_member(&bob(), 99)] {
        assert_eq!(before(&story.try_apply(repeat).await), &operation);
    }
    assert_eq!(difference(&picture_before, &picture(&*store, &everybody()).await), None);
    assert_eq!(store.operation(story.room(), Some(&bob()), &client_id("one")).await, Ok(Some(operation)));
}

fn posted(commit: &Commit) -> chat_core::MessageId {
    match &commit.writes[0] {
        Write::Post(post) => post.id,
        other => panic!("not a post: {other:?}"),
    }
}

/// The same name with another request is refused, and what was done first stays.
pub async fn another_request_under_the_name_is_a_conflict(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    story.apply(send(&story, &bob(), "one", u64::MAX)).await;
    let picture_before = picture(&*store, &everybody()).await;
    assert_eq!(story.refused(send(&story, &bob(), "one", u64::MAX - 1)).await, Refusal::OperationConflict);
    assert_eq!(difference(&picture_before, &picture(&*store, &everybody()).await), None);
    before(&story.try_apply(send(&story, &bob(), "one", u64::MAX)).await);
}

/// Many at once under one name: one is done, the others get its result.
pub async fn duplicates_at_once_are_done_once(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for round in 0..8 {
        let name = format!("round {round}");
        let sends = (0..8).map(|_| {
            let (store, commit) = (Arc::clone(&store), send(&story, &bob(), &name, 1));
            // spawns: one send; awaited below.
            tokio::spawn(async move { store.commit(vec![commit]).await.remove(0) })
        });
        let mut targets = Vec::new();
        let mut done = 0;
        for sent in sends.collect::<Vec<_>>() {
            match sent.await.expect("the store does not panic") {
                Ok(Applied::Done(_)) => done += 1,
                other => targets.push(before(&other).target.clone()),
            }
        }
        assert_eq!((done, targets.len()), (1, 7), "{name}");
        assert!(targets.windows(2).all(|pair| pair[0] == pair[1]), "{targets:?}");
    }
    assert_eq!(story.head().await.last_seq, 8);
}

/// The second of two in one batch finds the first.
pub async fn duplicates_in_one_batch_are_done_once(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let first = send(&story, &bob(), "one", 1);
    let batch = vec![first.clone(), send(&story, &bob(), "one", 1), send(&story, &bob(), "one", 2), first];
    let results = store.commit(batch).await;
    assert!(matches!(results[0], Ok(Applied::Done(_))), "{results:?}");
    assert_eq!(before(&results[1]), before(&results[3]));
    assert_eq!(results[2], Err(Refusal::OperationConflict.into()));
    assert_eq!(story.head().await.last_seq, 1);
}

/// Nobody can find or take a name that another sender, or another room, has used.
pub async fn names_belong_to_a_room_and_a_sender(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let other = Story::elsewhere(&store, 2, &[bob()]).await;
    story.apply(send(&story, &bob(), "one", 1)).await;
    story.apply(send(&story, &alice(), "one", 2)).await;
    other.apply(send(&other, &bob(), "one", 3)).await;
    story.apply(story.writes([commits::note(story.fresh(), "by the host")]).named("one", 4)).await;
    let digest = async |story: &Story, actor: Option<&UserId>| {
        let operation = store.operation(story.room(), actor, &client_id("one")).await.expect("the store answers");
        operation.map(|operation| operation.digest)
    };
    assert_eq!(digest(&story, Some(&bob())).await, Some(1));
    assert_eq!(digest(&story, Some(&alice())).await, Some(2));
    assert_eq!(digest(&other, Some(&bob())).await, Some(3));
    assert_eq!(digest(&story, None).await, Some(4));
    assert_eq!(digest(&story, Some(&carol())).await, None);
    assert_eq!(digest(&other, Some(&alice())).await, None);
}

/// What the host does in somebody's name is found under that name, by whomever it is repeated.
pub async fn a_name_belongs_to_whom_the_host_speaks_for(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let by_the_host = |user: &UserId, write| {
        let mut commit = story.writes([write]).by(user).named("one", 1);
        commit.actor = None;
        commit
    };
    for user in [alice(), bob()] {
        story.apply(by_the_host(&user, commits::post(story.fresh(), &user, "hello"))).await;
        assert!(store.operation(story.room(), Some(&user), &client_id("one")).await.expect("it answers").is_some());
        before(&story.try_apply(send(&story, &user, "one", 1)).await);
        assert_eq!(story.refused(send(&story, &user, "one", 2)).await, Refusal::OperationConflict);
    }
    assert_eq!(store.operation(story.room(), None, &client_id("one")).await, Ok(None));
    story.apply(by_the_host(&carol(), commits::join(&carol(), Role::Member))).await;
    assert!(store.operation(story.room(), Some(&carol()), &client_id("one")).await.expect("it answers").is_some());
    // The message that the host posts for somebody may be named by another.
    let mut others = story.writes([commits::post(story.fresh(), &bob(), "hi")]).named("two", 2);
    others.actor = None;
    story.apply(others).await;
    assert!(store.operation(story.room(), None, &client_id("two")).await.expect("it answers").is_some());
    assert_eq!(store.operation(story.room(), Some(&bob()), &client_id("two")).await, Ok(None));
}

/// What is remembered of each kind of operation: its room, and what its first change was about.
pub async fn an_operation_remembers_its_first_change(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let message = story.says(&bob(), "hello").await;
    let target = Target::Message { id: message.id, seq: message.seq };
    let acts: [(&str, Vec<Write>, Target); 7] = [
        ("nothing", vec![], Target::Room),
        ("rename", vec![commits::rename("a name"), commits::join(&carol(), Role::Member)], Target::Room),
        ("join", vec![commits::join(&carol(), Role::Member), commits::rename("a name")], Target::Member(carol())),
        ("edit", vec![commits::edit(message.id, "hello!")], target.clone()),
        ("read", vec![Write::Mark(commits::read_to(&alice(), 1))], Target::Room),
        ("delete", vec![Write::Delete(message.id)], target),
        ("leave", vec![commits::end(&bob())], Target::Member(bob())),
    ];
    for (name, writes, target) in acts {
        story.apply(story.writes(writes).by(&bob()).named(name, 1)).await;
        let operation = store.operation(story.room(), Some(&bob()), &client_id(name)).await;
        assert_eq!(operation, Ok(Some(Operation { digest: 1, room: story.room(), target })), "{name}");
    }
}

/// What was refused was not done: its name is free.
pub async fn what_was_refused_leaves_its_name_free(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    assert_eq!(story.refused(send(&story, &bob(), "one", 1).if_policy(0)).await, Refusal::Stale);
    assert_eq!(store.operation(story.room(), Some(&bob()), &client_id("one")).await, Ok(None));
    story.apply(send(&story, &bob(), "one", 2)).await;
}

/// A room takes the names that were used in it with it, and the one under which it was made.
pub async fn a_deleted_room_takes_its_names_along(backend: &dyn Backend) {
    let store = backend.open().await;
    let make = |room, digest| {
        let writes = [commits::create_keyed(key("job:1")), commits::join(&bob(), Role::Owner)];
        commits::commit(room_id(room), writes).by(&bob()).named("make", digest)
    };
    let story = Story::elsewhere(&store, 2, &[bob()]).await;
    story.apply(make(1, 1)).await;
    assert_eq!(before(&story.try_apply(make(3, 1)).await).room, room_id(1), "get or create");
    assert_eq!(story.refused(make(3, 2)).await, Refusal::OperationConflict);
    story.apply(send(&story, &bob(), "one", 1)).await;
    story.apply(story.writes([Write::DeleteRoom]).by(&bob()).named("delete", 1)).await;
    story.apply(commits::commit(room_id(1), [Write::DeleteRoom])).await;
    for name in ["one", "delete"] {
        assert_eq!(store.operation(story.room(), Some(&bob()), &client_id(name)).await, Ok(None), "{name}");
    }
    assert_eq!(store.operation(NO_ROOM, Some(&bob()), &client_id("make")).await, Ok(None));
    story.apply(make(4, 2)).await;
    assert_eq!(before(&story.try_apply(make(5, 2)).await).room, room_id(4));
    let again = Story::elsewhere(&store, 2, &[bob()]).await;
    again.apply(send(&again, &bob(), "one", 9)).await;
}
