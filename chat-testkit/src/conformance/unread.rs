//! Unread is what a look at every message says, after every step.

use chat_core::{
    MemberSettings, Message, MessageType, Role, UserId,
    store::{MarkerMove, MarkerTo, Post, Viewer, Visible, Write},
};

use crate::{
    SeededRandom, Story,
    cast::{alice, bob, carol, dave, everybody, mallory, message_id},
    commits::{self, no_move, plain},
};

use super::Backend;

/// How many steps the random story has: over more than two blocks of the tally, so that its levels matter.
const STEPS: u64 = 400;

/// What is unread for somebody in the room, counted one by one in what the host reads.
async fn scanned(story: &Story, user: &UserId) -> u64 {
    let Some(member) = story.member(user).await.filter(chat_core::Member::is_active) else { return 0 };
    let floor = member.marker_seq.max(member.visible_from.saturating_sub(1)).max(member.joined_seq);
    let counts = |message: &&Message| {
        message.seq > floor
            && !message.is_deleted()
            && message.message_type != MessageType::System
            && message.sender.as_ref() != Some(user)
    };
    story.messages(Viewer::Host).await.iter().filter(counts).count() as u64
}

/// A long story at random, from a seed.
pub async fn unread_is_what_a_scan_says(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob(), carol()]).await;
    let random = SeededRandom::new(14);
    let mut said = 0;
    for step in 0..STEPS {
        let who = everybody().swap_remove(usize::try_from(random.below(4)).unwrap_or(0));
        let near = said - random.below(said + 1).min(random.below(80));
        let write = match random.below(20) {
            0..=9 => {
                said += 1;
                let kind = if random.below(8) == 0 { MessageType::System } else { MessageType::Text };
                let plain = plain(message_id(1_000_000 + said), (random.below(9) > 0).then_some(&who), "hello");
                Write::Post(Box::new(Post { message_type: kind, reads: random.below(4) == 0, ..plain }))
            }
            10..=12 => Write::Delete(message_id(1_000_000 + near)),
            13 | 14 => Write::Mark(commits::read_to(&who, near)),
            15 | 16 => Write::Mark(MarkerMove { marker: Some(MarkerTo::Set(near, None)), ..no_move(&who) }),
            17 => commits::join_seeing(&who, Role::Member, Visible::SinceJoined),
            18 => commits::join_seeing(&who, Role::Member, Visible::From(near.max(1))),
            _ => commits::end(&who),
        };
        // A delete of what is not there, or is gone, is refused: that is a step too.
        let done = story.try_apply(story.writes([write.clone()])).await;
        assert!(done.is_ok() || matches!(write, Write::Delete(_)), "step {step}: {done:?}");
        for user in everybody() {
            let expected = scanned(&story, &user).await;
            assert_eq!(store.unread(&user).await, Ok(expected), "step {step}, {user}, after {write:?}");
            let row = story.row(Viewer::User(&user)).await;
            assert_eq!(row.map_or(0, |row| row.unread), expected, "step {step}, the room of {user}");
        }
    }
}

/// What counts and what does not, one by one.
pub async fn what_counts_is_live_and_by_others_and_new(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let unread = async || story.unread(&bob()).await;
    let one = story.says(&alice(), "one").await;
    story.notes("not counted").await;
    let own = story.says(&alice(), "two").await;
    assert_eq!(unread().await, 2);
    story.apply(story.writes([commits::post(story.fresh(), &bob(), "their own")])).await;
    assert_eq!(unread().await, 2);
    story.edits(&alice(), one.id, "edited").await;
    assert_eq!(unread().await, 2);
    story.deletes(&alice(), one.id).await;
    assert_eq!(unread().await, 1, "a delete lowers it");
    story.reads(&bob(), own.seq).await;
    assert_eq!(unread().await, 0);
    story.deletes(&alice(), own.id).await;
    assert_eq!(unread().await, 0, "a delete of what was read does not");
    story.marks(commits::set_marker(&bob(), 0)).await;
    assert_eq!(unread().await, 0, "both are gone");
    story.says(&alice(), "three").await;
    assert_eq!(unread().await, 1);
    story.joins(&carol()).await;
    assert_eq!(story.unread(&carol()).await, 0, "a newcomer begins at zero");
    story.leaves(&bob()).await;
    story.joins(&bob()).await;
    assert_eq!(unread().await, 0, "so does who comes back");
    assert_eq!(story.row(Viewer::Host).await.map(|row| row.unread), Some(0), "the host reads nothing");
}

/// The number over all rooms is the sum of those of the rooms one is in; and these can be counted.
pub async fn the_number_of_all_rooms_is_their_sum(backend: &dyn Backend) {
    let store = backend.open().await;
    let mut rooms = Vec::new();
    for number in 1..=4 {
        let story = Story::elsewhere(&store, number, &[bob(), dave()]).await;
        for _ in 0..number {
            story.says(&alice(), "hello").await;
        }
        rooms.push(story);
    }
    assert_eq!(store.unread(&bob()).await, Ok(1 + 2 + 3 + 4));
    rooms[1].reads(&bob(), 1).await;
    assert_eq!(store.unread(&bob()).await, Ok(1 + 1 + 3 + 4));
    let hidden = MemberSettings { hidden: true, ..MemberSettings::default() };
    rooms[0].apply(rooms[0].writes([Write::Settings(bob(), hidden)])).await;
    assert_eq!(store.unread(&bob()).await, Ok(1 + 1 + 3 + 4));
    assert_eq!(store.memberships(&[bob(), mallory(), alice()]).await, Ok(vec![4, 0, 4]));
    rooms[3].leaves(&bob()).await;
    assert_eq!(store.unread(&bob()).await, Ok(1 + 1 + 3));
    rooms[2].apply(rooms[2].writes([Write::DeleteRoom])).await;
    assert_eq!(store.unread(&bob()).await, Ok(1 + 1));
    assert_eq!(store.memberships(&[alice(), bob()]).await, Ok(vec![3, 2]));
    assert_eq!((store.unread(&alice()).await, store.unread(&dave()).await), (Ok(0), Ok(1 + 2 + 4)));
}
