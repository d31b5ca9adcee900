//! A commit whose guard does not hold any more changes nothing; one whose guard holds is not held up.

use chat_core::{
    Role,
    store::{Applied, Commit, CommitError, Refusal, Visible, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, everybody, mallory, room_id},
    commits::{self, CommitExt},
    difference, picture,
};

use super::Backend;

fn say(story: &Story) -> Commit {
    story.writes([commits::say(story.fresh(), &bob(), "hello")]).by(&bob())
}

/// Policy is the room itself and who owns it. What is said, and who else comes and goes, is none.
pub async fn a_stale_policy_changes_nothing(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let relied_on = story.head().await.policy_rev;
    let id = story.says(&alice(), "one").await.id;
    story.edits(&alice(), id, "two").await;
    story.deletes(&alice(), id).await;
    story.joins(&carol()).await;
    story.gets_role(&carol(), Role::Admin).await;
    story.leaves(&carol()).await;
    story.reads(&bob(), 1).await;
    story.apply(say(&story).if_policy(relied_on)).await;

    story.is_named("another").await;
    let before = picture(&*store, &everybody()).await;
    assert_eq!(story.refused(say(&story).if_policy(relied_on)).await, Refusal::Stale);
    assert_eq!(story.refused(say(&story).if_policy(relied_on + 999)).await, Refusal::Stale);
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
    story.apply(say(&story).if_policy(story.head().await.policy_rev)).await;
}

/// Whoever becomes an owner or ceases to be one changes what the rules look at.
pub async fn who_owns_the_room_is_policy(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let owners = async || {
        let head = story.head().await;
        (head.policy_rev, head.owners, head.members)
    };
    assert_eq!(owners().await, (2, 1, 2), "alice came as owner");
    let given = story.gets_role(&bob(), Role::Owner).await.rev;
    assert_eq!(owners().await, (given, 2, 2));
    story.gets_role(&bob(), Role::Owner).await;
    assert_eq!(owners().await, (given, 2, 2), "as before");
    let left = story.leaves(&bob()).await.rev;
    assert_eq!(owners().await, (left, 1, 1));
    story.joins(&bob()).await;
    assert_eq!(owners().await, (left, 1, 2), "a member again");
    let taken = story.gets_role(&alice(), Role::Member).await.rev;
    assert_eq!(owners().await, (taken, 0, 2));
}

/// A member's row is what it was, or the commit is refused; of a stranger it is 0.
pub async fn a_stale_member_changes_nothing(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let joined = story.member(&bob()).await.expect("bob is in the room").rev;
    story.apply(say(&story).if_member(&bob(), joined).if_member(&mallory(), 0)).await;
    story.reads(&bob(), 1).await;
    let settings = chat_core::MemberSettings { pinned: true, ..Default::default() };
    story.apply(story.writes([Write::Settings(bob(), settings)])).await;
    story.apply(say(&story).if_member(&bob(), joined)).await;

    let updated = story.gets_role(&bob(), Role::Moderator).await.rev;
    let before = picture(&*store, &everybody()).await;
    for (user, rev) in [(bob(), joined), (bob(), updated + 1), (bob(), 0), (mallory(), 1)] {
        assert_eq!(story.refused(say(&story).if_member(&user, rev)).await, Refusal::Stale, "{user} {rev}");
    }
    let one_of_two = say(&story).if_member(&bob(), updated).if_member(&alice(), 999);
    assert_eq!(story.refused(one_of_two).await, Refusal::Stale);
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);

    let gone = story.leaves(&bob()).await.rev;
    assert_eq!(story.refused(say(&story).if_member(&bob(), updated)).await, Refusal::Stale);
    story.apply(story.writes([commits::join(&bob(), Role::Member)]).if_member(&bob(), gone)).await;
}

/// Two that rely on the same, and each changes it: the first wins, in one batch and at once.
pub async fn the_first_of_two_wins(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let kick = || story.writes([commits::end(&bob())]);
    let joined = story.member(&bob()).await.expect("bob is in the room").rev;
    let results = store.commit(vec![kick().if_member(&bob(), joined), say(&story).if_member(&bob(), joined)]).await;
    assert_eq!(results[1], Err(Refusal::Stale.into()), "what bob says after he was put out");

    let gone = story.member(&bob()).await.expect("bob is known").rev;
    let comes =
        || story.writes([commits::join_seeing(&bob(), Role::Member, Visible::SinceJoined)]).if_member(&bob(), gone);
    let (one, other) = tokio::join!(store.commit(vec![comes()]), store.commit(vec![comes()]));
    let stale = |result: &Result<Applied, CommitError>| *result == Err(Refusal::Stale.into());
    assert_eq!([&one[0], &other[0]].into_iter().filter(|result| stale(result)).count(), 1, "{one:?} {other:?}");
    assert_eq!(story.head().await.members, 2);
}

/// A room that is not there can be neither changed nor relied on.
pub async fn nothing_happens_in_a_room_that_is_not_there(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let writes = [
        commits::rename("nowhere"),
        commits::join(&bob(), Role::Member),
        commits::say(story.fresh(), &bob(), "nowhere"),
        Write::Mark(commits::read_to(&bob(), 1)),
        Write::Settings(bob(), chat_core::MemberSettings::default()),
        Write::DeleteRoom,
    ];
    for write in writes {
        assert_eq!(story.refused(commits::commit(room_id(404), [write.clone()])).await, Refusal::NoRoom, "{write:?}");
    }
    let guarded = commits::commit(room_id(404), [commits::create()]).if_policy(1);
    assert_eq!(story.refused(guarded).await, Refusal::Stale);
}

/// A message of another room, or of none, cannot be changed; one that is deleted neither.
pub async fn only_what_is_live_can_be_changed(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let other = Story::elsewhere(&store, 2, &[bob()]).await;
    let (elsewhere, gone) = (other.says(&bob(), "elsewhere").await.id, story.says(&bob(), "gone").await.id);
    story.deletes(&bob(), gone).await;
    let before = picture(&*store, &everybody()).await;
    for id in [elsewhere, gone, story.fresh()] {
        assert_eq!(story.refused(story.writes([commits::edit(id, "no")])).await, Refusal::MessageGone);
        assert_eq!(story.refused(story.writes([Write::Delete(id)])).await, Refusal::MessageGone);
    }
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
}
