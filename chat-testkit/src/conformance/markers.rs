//! Delivered and read markers only grow; one's own may go back; none is a change of the room.

use chat_core::{
    Level, MemberSettings,
    store::{MarkerMove, MarkerTo, Registers, Viewer, Visible, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, mallory},
    commits::{self, CommitExt, no_move},
};

use super::Backend;

/// Read, delivered, and one's own.
type Three = (u64, u64, u64);

fn three(registers: &Registers) -> Three {
    let member = &registers.member;
    (member.read_seq, member.delivered_seq, member.marker_seq)
}

/// Alice and bob, and five messages by alice.
async fn five_messages(backend: &dyn Backend) -> Story {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for text in ["one", "two", "three", "four", "five"] {
        story.says(&alice(), text).await;
    }
    story
}

/// Whatever comes in whatever order, `0 ≤ read ≤ delivered ≤ last`.
pub async fn receipts_only_grow_and_stay_in_order(backend: &dyn Backend) {
    let story = five_messages(backend).await;
    let moves = [
        (Some(2), None, (0, 2, 0), [false, true]),
        (Some(1), None, (0, 2, 0), [false, false]),
        (None, Some(1), (1, 2, 0), [true, false]),
        (None, Some(3), (3, 3, 0), [true, true]),
        (Some(2), Some(2), (3, 3, 0), [false, false]),
        (None, None, (3, 3, 0), [false, false]),
        (Some(6), None, (3, 5, 0), [false, true]),
        (None, Some(u64::MAX), (5, 5, 0), [true, false]),
        (Some(u64::MAX), Some(0), (5, 5, 0), [false, false]),
    ];
    for (delivered, read, expected, moved) in moves {
        let registers =
            story.marks(MarkerMove { delivered, read, ..no_move(&bob()) }).await.expect("bob is in the room");
        assert_eq!(three(&registers), expected, "after {delivered:?} and {read:?}");
        assert_eq!([registers.read_moved, registers.delivered_moved], moved, "after {delivered:?} and {read:?}");
        assert_eq!(Some(&registers.member), story.member(&bob()).await.as_ref());
    }
}

/// One's own marker goes where it is told, and reading on takes it along again.
pub async fn ones_own_marker_may_go_back(backend: &dyn Backend) {
    let story = five_messages(backend).await;
    let moves = [
        (MarkerTo::AtLeast(4), 4, 1),
        (MarkerTo::AtLeast(2), 4, 1),
        (MarkerTo::Set(1, None), 1, 4),
        (MarkerTo::Set(1, Some(3)), 3, 2),
        (MarkerTo::Set(3, Some(2)), 3, 2),
        (MarkerTo::Set(0, None), 0, 5),
        (MarkerTo::AtLeast(u64::MAX), 5, 0),
        (MarkerTo::Set(u64::MAX, Some(u64::MAX)), 5, 0),
    ];
    for (to, expected, unread) in moves {
        let registers =
            story.marks(MarkerMove { marker: Some(to), ..no_move(&bob()) }).await.expect("bob is in the room");
        assert_eq!((three(&registers), registers.unread), ((0, 0, expected), unread), "after {to:?}");
        assert_eq!([registers.read_moved, registers.delivered_moved], [false, false], "nobody else is told");
        assert_eq!(story.unread(&bob()).await, unread);
    }
    let both = MarkerMove { read: Some(5), marker: Some(MarkerTo::Set(2, None)), ..no_move(&bob()) };
    assert_eq!(story.marks(both).await.map(|registers| three(&registers)), Some((5, 5, 2)));
}

/// Who says something has read up to it, if the send says so; the change itself is the only one.
pub async fn saying_something_reads_up_to_it(backend: &dyn Backend) {
    let story = five_messages(backend).await;
    let done = story.apply(story.writes([commits::post(story.fresh(), &bob(), "from the outbox")])).await;
    assert_eq!((done.changes.len(), done.registers.len()), (1, 0));
    let bob_now = story.member(&bob()).await.expect("bob is in the room");
    assert_eq!((bob_now.read_seq, bob_now.delivered_seq, bob_now.marker_seq), (0, 0, 0));
    assert_eq!(story.unread(&bob()).await, 5, "their own is not unread");
    let done = story.apply(story.writes([commits::say(story.fresh(), &bob(), "now")])).await;
    assert_eq!((done.changes.len(), done.registers.len()), (1, 0));
    let bob_now = story.member(&bob()).await.expect("bob is in the room");
    assert_eq!((bob_now.read_seq, bob_now.delivered_seq, bob_now.marker_seq), (7, 7, 7));
    assert_eq!(story.unread(&bob()).await, 0);
    // By somebody who is not in the room: the host may.
    story.apply(story.writes([commits::say(story.fresh(), &mallory(), "from outside")])).await;
    assert_eq!(story.member(&mallory()).await, None);
}

/// Registers take no number, touch no row that guards look at, and do not move the room in anybody's list.
pub async fn registers_are_no_change(backend: &dyn Backend) {
    let story = five_messages(backend).await;
    let (head, rev) = (story.head().await, story.member(&bob()).await.expect("bob is in the room").rev);
    story.reads(&bob(), 3).await;
    let settings = MemberSettings { pinned: true, hidden: true, level: Level::None, private_reading: true };
    let done = story.apply(story.writes([Write::Settings(bob(), settings)]).by(&bob())).await;
    let [registers] = done.registers.as_slice() else { panic!("one row of one member: {done:?}") };
    assert_eq!(registers.member.settings, settings);
    assert_eq!((three(registers), registers.unread), ((3, 3, 3), 2));
    assert_eq!((done.changes.len(), registers.read_moved, registers.delivered_moved), (0, false, false));
    assert_eq!(story.head().await, head);
    assert_eq!(story.member(&bob()).await.map(|member| (member.rev, member.settings)), Some((rev, settings)));
}

/// Nothing is kept for people who are not in the room, and of several only those who are.
pub async fn nothing_happens_to_who_is_not_in_the_room(backend: &dyn Backend) {
    let story = five_messages(backend).await;
    story.joins_seeing(&carol(), Visible::SinceJoined).await;
    story.leaves(&carol()).await;
    let carol_before = story.member(&carol()).await;
    let writes = [
        Write::Mark(commits::read_to(&carol(), 5)),
        Write::Mark(commits::read_to(&bob(), 5)),
        Write::Settings(mallory(), MemberSettings { pinned: true, ..MemberSettings::default() }),
        Write::Mark(commits::read_to(&mallory(), 5)),
        Write::Mark(commits::read_to(&alice(), 5)),
    ];
    let done = story.apply(story.writes(writes)).await;
    let told: Vec<_> = done.registers.iter().map(|registers| registers.member.user.clone()).collect();
    assert_eq!(told, [bob(), alice()], "in order of the writes");
    assert_eq!((story.member(&carol()).await, story.member(&mallory()).await), (carol_before, None));
    assert_eq!(story.row(Viewer::User(&carol())).await, None);
}
