//! Whoever comes back from any position, in steps of any size, ends with the present picture; a position that does
//! not fit is answered with a snapshot, never with "up to date".

use std::collections::BTreeMap;

use chat_core::{
    Cursor, Event, Position, Replica, Role, RoomId, UserId,
    store::{CatchUp, CatchUpLimits, Change, ChangeBody, Missed, Viewer, Visible, Write},
};

use crate::{
    SeededRandom, Story,
    cast::{alice, bob, carol, dave, room_id},
    commits::{self, CommitExt},
    picture::WHOLE,
};

use super::Backend;

/// How many commits the long story has.
const STEPS: u64 = 70;

async fn catch_up(story: &Story, viewer: Viewer<'_>, since: Option<Cursor>, changes: usize) -> Option<CatchUp> {
    let limits = CatchUpLimits { changes, ..WHOLE };
    story.store().catch_up(viewer, &[(story.room(), since)], limits).await.expect("the store answers").remove(0)
}

/// A change as its readers are told it.
fn event(room: RoomId, change: Change) -> Event {
    let at = Position { room, rev: change.cursor.rev, prev: None, cursor: change.cursor };
    match change.body {
        ChangeBody::Room(room) => Event::RoomUpdated { at, room_info: room.info() },
        ChangeBody::Posted(message) => Event::ChatMessage { at, message, read_seq: Some(0) },
        ChangeBody::Edited(message) => Event::MessageEdited { at, message },
        ChangeBody::Deleted(message) => Event::MessageDeleted { at, message },
        ChangeBody::Added(member) => Event::ParticipantAdded { at, participant: member.participant() },
        ChangeBody::Updated(member) => Event::ParticipantUpdated { at, participant: member.participant() },
        ChangeBody::Removed(member) => Event::ParticipantRemoved { at, participant: member.participant() },
    }
}

/// A reader's picture and where it stands.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    cursor: Cursor,
    replica: Replica,
}

impl Kept {
    /// The present one; nothing for somebody who is not in the room.
    async fn now(story: &Story, viewer: Viewer<'_>) -> Option<Self> {
        let CatchUp { cursor, missed, .. } = catch_up(story, viewer, None, 1).await?;
        let Missed::Snapshot { room, members, messages } = missed else { panic!("no snapshot but {missed:?}") };
        let participants = members.iter().map(|member| (member.user.clone(), member.participant())).collect();
        let messages: BTreeMap<_, _> = messages.into_iter().map(|message| (message.seq, message)).collect();
        Some(Self { cursor, replica: Replica { info: room.room.info(), participants, messages } })
    }

    /// Catches up in steps of `changes`; how many there were, or nothing if it was told to begin anew.
    async fn advance(&mut self, story: &Story, viewer: Viewer<'_>, changes: usize) -> Option<usize> {
        for steps in 1.. {
            let step = catch_up(story, viewer, Some(self.cursor), changes).await.expect("in the room");
            let more = match step.missed {
                Missed::Snapshot { .. } => return None,
                Missed::Nothing => {
                    assert_eq!(step.cursor, self.cursor, "nothing leads nowhere");
                    false
                }
                Missed::Changes { changes, more } => {
                    let revs = changes.iter().map(|change| change.cursor.rev);
                    let in_order = revs.clone().zip(revs.clone().skip(1)).all(|(one, next)| one < next);
                    let within = revs.clone().all(|rev| self.cursor.rev < rev && rev <= step.cursor.rev);
                    assert!(in_order && within, "{:?} since {:?}", revs.collect::<Vec<_>>(), self.cursor);
                    changes.into_iter().for_each(|change| self.replica.reduce(&event(story.room(), change)));
                    more
                }
            };
            self.replica.set_markers(&step.markers);
            self.cursor = step.cursor;
            if !more {
                return Some(steps);
            }
        }
        None
    }
}

/// One commit of a story that has a bit of everything.
fn something(story: &Story, random: &SeededRandom, posts: &mut Vec<chat_core::MessageId>) -> Write {
    let who = [alice(), bob(), carol(), dave()].into_iter().nth(random.below(4) as usize).unwrap_or_else(alice);
    let other = [bob(), carol(), dave()].into_iter().nth(random.below(3) as usize).unwrap_or_else(bob);
    let near = random.below(1 + posts.len() as u64);
    let recent = posts.iter().rev().nth(near as usize).copied();
    match (random.below(20), recent) {
        (0 | 1, Some(id)) => commits::edit(id, &format!("edited {near}")),
        (2 | 3, Some(id)) => Write::Delete(id),
        (4, _) => commits::rename(&format!("named {near}")),
        (5, _) => commits::give_role(&who, [Role::Owner, Role::Moderator, Role::Observer][random.below(3) as usize]),
        (6, _) => commits::end(&other),
        (7, _) => commits::ban(&other),
        (8, _) => commits::join(&other, Role::Member),
        (9 | 10, _) => commits::join_seeing(&other, Role::Member, Visible::SinceJoined),
        (11 | 12, _) => Write::Mark(commits::read_to(&who, near)),
        (number, _) => {
            let id = story.fresh();
            posts.push(id);
            if number == 13 { commits::note(id, "noted") } else { commits::say(id, &who, "said") }
        }
    }
}

/// Every position of a long story, for everybody, in steps of several sizes.
pub async fn every_position_leads_to_the_present(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let (random, mut posts) = (SeededRandom::new(7), Vec::new());
    let people = [alice(), bob(), carol(), dave()];
    let viewers: Vec<_> = std::iter::once(Viewer::Host).chain(people.iter().map(Viewer::User)).collect();
    let mut kept: Vec<(usize, Kept)> = Vec::new();
    for _ in 0..STEPS {
        // A message that is gone cannot be changed: then nothing happens.
        let _ = story.try_apply(story.writes([something(&story, &random, &mut posts)])).await;
        for (number, viewer) in viewers.iter().enumerate() {
            kept.extend(Kept::now(&story, *viewer).await.map(|now| (number, now)));
        }
    }
    for (number, then) in kept {
        let viewer = viewers[number];
        let Some(now) = Kept::now(&story, viewer).await else { continue };
        let joined = story.row(viewer).await.and_then(|row| row.member).map_or(0, |member| member.joined_rev);
        for changes in [1, 3, 8, 1_000] {
            let mut kept = then.clone();
            let steps = kept.advance(&story, viewer, changes).await;
            assert_eq!(steps.is_none(), then.cursor.rev < joined, "{viewer:?} came in with {joined}, {then:?}");
            if steps.is_some() {
                assert_eq!(kept, now, "{viewer:?} from {:?} in steps of {changes}", then.cursor);
            }
        }
    }
}

/// The host can follow a room from its very beginning.
pub async fn the_beginning_is_a_position(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    story.says(&bob(), "hello").await;
    let beginning = Cursor { epoch: store.epoch(), rev: 0, chain: 0 };
    let missed = catch_up(&story, Viewer::Host, Some(beginning), 100).await.expect("the host reads everything");
    let Missed::Changes { changes, more: false } = missed.missed else { panic!("not all: {missed:?}") };
    assert_eq!(changes.iter().map(|change| change.cursor.rev).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(changes[3].cursor, story.head().await.cursor(store.epoch()));
    assert_eq!(missed.cursor, changes[3].cursor);
    // For a user it is before they came in.
    snapshot(&story, &bob(), Some(beginning)).await;
}

async fn snapshot(story: &Story, user: &UserId, since: Option<Cursor>) {
    let missed = catch_up(story, Viewer::User(user), since, 100).await.expect("in the room");
    assert!(matches!(missed.missed, Missed::Snapshot { .. }), "since {since:?}: {missed:?}");
    assert_eq!(missed.cursor, story.head().await.cursor(story.store().epoch()));
}

/// Another incarnation, another history, the future, before the present membership, nowhere.
pub async fn a_position_that_does_not_fit_begins_anew(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let other = Story::elsewhere(&store, 2, &[bob()]).await;
    story.says(&alice(), "one").await;
    let early = story.head().await.cursor(store.epoch());
    story.says(&alice(), "two").await;
    let now = story.head().await.cursor(store.epoch());
    other.says(&alice(), "one").await;
    other.says(&alice(), "two").await;
    let elsewhere = other.head().await.cursor(store.epoch());
    let misfits = [
        None,
        Some(Cursor { epoch: now.epoch ^ 1, ..now }),
        Some(Cursor { epoch: u64::MAX, ..now }),
        Some(Cursor { chain: now.chain ^ 1, ..now }),
        Some(Cursor { chain: early.chain, ..now }),
        Some(Cursor { chain: early.chain ^ (1 << 63), ..early }),
        Some(Cursor { rev: now.rev + 1, ..now }),
        Some(Cursor { rev: u64::MAX, ..now }),
        Some(Cursor { rev: 0, ..now }),
        Some(Cursor { rev: now.rev, ..elsewhere }),
    ];
    for since in misfits {
        snapshot(&story, &bob(), since).await;
    }
    let fits = |missed: Option<CatchUp>| missed.expect("in the room").missed;
    assert_eq!(fits(catch_up(&story, Viewer::User(&bob()), Some(now), 9).await), Missed::Nothing);
    assert!(matches!(fits(catch_up(&story, Viewer::User(&bob()), Some(early), 9).await), Missed::Changes { .. }));

    story.leaves(&bob()).await;
    let back = story.joins(&bob()).await.rev;
    for since in [early, now] {
        snapshot(&story, &bob(), Some(since)).await;
    }
    let since = story.head().await.cursor(store.epoch());
    assert_eq!(since.rev, back);
    assert_eq!(fits(catch_up(&story, Viewer::User(&bob()), Some(since), 9).await), Missed::Nothing);
}

/// What a change is told as depends on what the reader knew: a message is new to them, or another one, or gone.
pub async fn each_thing_is_told_once_as_it_is_now(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let here = async || story.head().await.cursor(store.epoch());
    let told = async |since: Cursor| {
        let missed = catch_up(&story, Viewer::User(&bob()), Some(since), 100).await.expect("in the room").missed;
        let Missed::Changes { changes, more: false } = missed else { panic!("not all: {missed:?}") };
        let name = |body: ChangeBody| match body {
            ChangeBody::Room(_) => "room",
            ChangeBody::Posted(_) => "posted",
            ChangeBody::Edited(_) => "edited",
            ChangeBody::Deleted(_) => "deleted",
            ChangeBody::Added(_) => "added",
            ChangeBody::Updated(_) => "updated",
            ChangeBody::Removed(_) => "removed",
        };
        changes.into_iter().map(|change| name(change.body)).collect::<Vec<_>>()
    };
    let before = here().await;
    let one = story.says(&alice(), "one").await;
    let two = story.says(&alice(), "two").await;
    let posted = here().await;
    story.is_named("first").await;
    story.joins(&carol()).await;
    let joined = here().await;
    story.edits(&alice(), one.id, "one!").await;
    story.deletes(&alice(), two.id).await;
    story.gets_role(&carol(), Role::Admin).await;
    story.is_named("second").await;
    assert_eq!(told(before).await, ["posted", "deleted", "added", "room"]);
    assert_eq!(told(posted).await, ["added", "edited", "deleted", "room"]);
    assert_eq!(told(joined).await, ["edited", "deleted", "updated", "room"]);
    story.leaves(&carol()).await;
    assert_eq!(told(joined).await, ["edited", "deleted", "room", "removed"]);
    story.joins(&carol()).await;
    assert_eq!(told(joined).await, ["edited", "deleted", "room", "added"], "they came in anew");
}

/// What came in one step and changed after it is new in that step: in no step is it told as another one before.
pub async fn what_is_new_is_told_as_new_in_steps_of_any_size(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let begin = story.head().await.cursor(store.epoch());
    let message = story.says(&alice(), "one").await;
    story.joins(&carol()).await;
    story.edits(&alice(), message.id, "one!").await;
    story.gets_role(&carol(), Role::Admin).await;
    story.edits(&alice(), message.id, "one!!").await;
    for limits in [1, 2, 3, 4, 9].map(|changes| CatchUpLimits { changes, ..WHOLE }) {
        // By count, and by weight.
        for limits in [limits, CatchUpLimits { bytes: 0, ..limits }] {
            let (mut since, mut told) = (begin, Vec::new());
            loop {
                let rooms = [(story.room(), Some(since))];
                let missed = store.catch_up(Viewer::User(&bob()), &rooms, limits).await.expect("it answers").remove(0);
                let CatchUp { cursor, missed: Missed::Changes { changes, more }, .. } = missed.expect("in the room")
                else {
                    panic!("bob was there all the time")
                };
                since = cursor;
                told.extend(changes.into_iter().map(|change| (change.cursor.rev - begin.rev, change.body)));
                if !more {
                    break;
                }
            }
            // What changed in a later step is told once more there.
            let [(1, ChangeBody::Posted(message)), (2, ChangeBody::Added(member)), ..] = &told[..] else {
                panic!("bob knew neither: {limits:?}: {told:?}")
            };
            assert_eq!((message.content.as_deref(), member.role), (Some("one!!"), Role::Admin), "{limits:?}");
        }
    }
}

/// Who did it and when stands beside each change, live and later.
pub async fn a_change_is_the_same_live_and_later(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let since = story.head().await.cursor(store.epoch());
    let writes = [commits::say(story.fresh(), &bob(), "hello"), commits::rename("a room")];
    let mut live = story.apply(story.writes(writes).by(&bob())).await.changes;
    live.extend(story.apply(story.writes([commits::join(&carol(), Role::Admin)])).await.changes);
    let missed = catch_up(&story, Viewer::Host, Some(since), 9).await.expect("the host reads everything").missed;
    let Missed::Changes { mut changes, more: false } = missed else { panic!("not all: {missed:?}") };
    // The room's row moves with everything that happens in it.
    for change in live.iter_mut().chain(&mut changes) {
        if let ChangeBody::Room(room) = &mut change.body {
            let info = room.info_rev;
            **room = story.head().await;
            assert_eq!(room.info_rev, info);
        }
    }
    assert_eq!(changes, live);
}

/// Nothing that was deleted or overwritten comes back, and nothing from before one may see.
pub async fn nothing_deleted_or_hidden_comes_back(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let since = story.head().await.cursor(store.epoch());
    let gone = story.says(&alice(), "SECRET").await;
    let changed = story.says(&alice(), "SECRET").await;
    let old = story.says(&alice(), "old").await;
    story.edits(&alice(), changed.id, "harmless").await;
    story.deletes(&alice(), gone.id).await;
    story.joins_seeing(&carol(), Visible::SinceJoined).await;
    let joined = story.head().await.cursor(store.epoch());
    story.edits(&alice(), old.id, "HIDDEN").await;
    story.deletes(&alice(), changed.id).await;
    for viewer in [Viewer::Host, Viewer::User(&bob())] {
        for since in [None, Some(since), Some(joined)] {
            let text = format!("{:?}", catch_up(&story, viewer, since, 100).await);
            assert!(!text.contains("SECRET"), "{text}");
        }
    }
    let missed = catch_up(&story, Viewer::User(&carol()), Some(joined), 100).await.expect("carol is in the room");
    assert_eq!(missed.missed, Missed::Changes { changes: Vec::new(), more: false });
    assert_eq!(missed.cursor, story.head().await.cursor(store.epoch()), "the position moves all the same");
}

/// A step ends with the change that reaches its weight, and leads on; a snapshot has as many of the last messages as fit.
pub async fn answers_keep_to_their_weight(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let begin = story.head().await.cursor(store.epoch());
    let (alice, mut said) = (alice(), Vec::new());
    for n in 0..8 {
        said.push(story.says(&alice, &n.to_string().repeat(1_000)).await);
    }
    let each = said[0].weight();
    for (bytes, expected) in [(0, 1), (1, 1), (each, 1), (3 * each - 1, 3), (3 * each, 3), (usize::MAX, 8)] {
        let limits = CatchUpLimits { bytes, ..WHOLE };
        let (mut cursor, mut came) = (begin, Vec::new());
        loop {
            let step = store.catch_up(Viewer::Host, &[(story.room(), Some(cursor))], limits).await;
            let step = step.expect("the store answers").remove(0).expect("the room is there");
            let CatchUp { cursor: after, missed: Missed::Changes { changes, more }, .. } = step else {
                panic!("changes were missed")
            };
            assert!(!changes.is_empty() && changes.len() <= expected, "{} changes in {bytes} bytes", changes.len());
            assert!(changes.len() == expected || !more, "only {} changes in {bytes} bytes", changes.len());
            cursor = after;
            came.extend(changes.into_iter().filter_map(|change| match change.body {
                ChangeBody::Posted(message) => Some((*message).clone()),
                _ => None,
            }));
            if !more {
                break;
            }
        }
        assert_eq!(came, said, "in steps of {bytes} bytes");
    }
    for (bytes, expected) in [(0, 1), (each, 1), (3 * each - 1, 2), (3 * each, 3), (usize::MAX, 8)] {
        let limits = CatchUpLimits { bytes, ..WHOLE };
        let fresh = store.catch_up(Viewer::Host, &[(story.room(), None)], limits).await.expect("the store answers");
        let Some(CatchUp { missed: Missed::Snapshot { messages, .. }, .. }) = &fresh[0] else { panic!("no snapshot") };
        assert_eq!(messages[..], said[8 - expected..], "a snapshot in {bytes} bytes");
    }
}

/// Everybody's markers in a small room, one's own in a large one; also where nothing was missed.
pub async fn markers_come_along(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob(), carol()]).await;
    story.says(&alice(), "hello").await;
    let now = story.head().await.cursor(store.epoch());
    story.reads(&bob(), 1).await;
    let bob = bob();
    for since in [Some(now), None] {
        for (members, expected) in [(3, 3), (2, 1), (0, 1)] {
            let limits = CatchUpLimits { members, ..WHOLE };
            let missed = store.catch_up(Viewer::User(&bob), &[(story.room(), since)], limits).await;
            let missed = missed.expect("the store answers").remove(0).expect("bob is in the room");
            assert_eq!((missed.markers.len(), missed.members), (expected, 3), "up to {members}");
            let own = missed.markers.iter().find(|marker| marker.user_id == bob).expect("one's own is always there");
            assert_eq!((own.read_seq, own.delivered_seq), (1, 1));
            assert_eq!(missed.member, story.member(&bob).await);
        }
    }
}

/// Each room gets the answer it would get alone, in the order in which they were asked for, also one that is not there
/// or not theirs, and one that is asked for twice.
pub async fn many_rooms_are_answered_in_their_order(backend: &dyn Backend) {
    let store = backend.open().await;
    let (alice, bob) = (alice(), bob());
    let story = Story::begin(&store, std::slice::from_ref(&bob)).await;
    let unchanged = Story::elsewhere(&store, 2, std::slice::from_ref(&bob)).await;
    let of_others = Story::elsewhere(&store, 3, &[carol()]).await;
    let was_in = Story::elsewhere(&store, 4, std::slice::from_ref(&bob)).await;
    let here = async |story: &Story| Some(story.head().await.cursor(store.epoch()));
    let (early, last) = (here(&story).await, here(&was_in).await);
    for story in [&story, &unchanged, &of_others, &was_in] {
        story.says(&alice, "hello").await;
    }
    was_in.is_banned(&bob).await;
    let now = here(&story).await;
    let elsewhere = now.map(|now| Cursor { chain: now.chain ^ 1, ..now });
    let mut rooms = vec![
        (of_others.room(), here(&of_others).await),
        (unchanged.room(), here(&unchanged).await),
        (story.room(), early),
        (room_id(9), None),
        (story.room(), None),
        (was_in.room(), last),
        (story.room(), now),
        (room_id(9), now),
        (story.room(), elsewhere),
        (unchanged.room(), None),
    ];
    for viewer in [Viewer::Host, Viewer::User(&bob), Viewer::User(&alice)] {
        for _ in 0..rooms.len() {
            rooms.rotate_left(1);
            let together = store.catch_up(viewer, &rooms, WHOLE).await.expect("the store answers");
            let mut alone = Vec::new();
            for room in &rooms {
                alone.extend(store.catch_up(viewer, &[*room], WHOLE).await.expect("the store answers"));
            }
            assert_eq!(together, alone, "{viewer:?} asks for {rooms:?}");
        }
    }
    let theirs = store.catch_up(Viewer::User(&bob), &rooms, WHOLE).await.expect("the store answers");
    let told: Vec<_> = theirs.iter().map(|one| one.as_ref().map(|one| &one.missed)).collect();
    assert!(
        matches!(
            told[..],
            [
                None,
                Some(Missed::Nothing),
                Some(Missed::Changes { .. }),
                None,
                Some(Missed::Snapshot { .. }),
                None,
                Some(Missed::Nothing),
                None,
                Some(Missed::Snapshot { .. }),
                Some(Missed::Snapshot { .. }),
            ]
        ),
        "{told:?}"
    );
    assert_eq!(store.catch_up(Viewer::Host, &[], WHOLE).await, Ok(Vec::new()));
}

/// What all rooms together may weigh is given to the first of them; each further one still leads on. Where nothing was
/// missed, and what is not theirs, weighs nothing.
pub async fn the_weight_is_that_of_all_rooms_together(backend: &dyn Backend) {
    let store = backend.open().await;
    let (alice, bob) = (alice(), bob());
    let (mut behind, mut each) = (Vec::new(), 0);
    for number in 1..=4 {
        let story = Story::elsewhere(&store, number, if number == 1 { &[] } else { std::slice::from_ref(&bob) }).await;
        let begin = story.head().await.cursor(store.epoch());
        for n in 0..8 {
            each = story.says(&alice, &n.to_string().repeat(1_000)).await.weight();
        }
        behind.push((story.room(), Some(begin)));
        behind.push((story.room(), Some(story.head().await.cursor(store.epoch()))));
    }
    // Of each room: where it stood before, and where it stands now. The first one is alice's alone.
    for (bytes, expected) in [
        (0, [1, 1, 1]),
        (1, [1, 1, 1]),
        (3 * each, [3, 1, 1]),
        (8 * each, [8, 1, 1]),
        (10 * each - 1, [8, 2, 1]),
        (10 * each, [8, 2, 1]),
        (17 * each, [8, 8, 1]),
        (usize::MAX, [8, 8, 8]),
    ] {
        let limits = CatchUpLimits { bytes, ..WHOLE };
        let missed = store.catch_up(Viewer::User(&bob), &behind, limits).await.expect("the store answers");
        assert_eq!(missed[..2], [None, None]);
        let came = missed.iter().flatten().filter_map(|one| match &one.missed {
            Missed::Nothing => None,
            Missed::Changes { changes, more } => {
                assert_eq!(*more, changes.len() < 8, "in {bytes} bytes");
                Some(changes.len())
            }
            Missed::Snapshot { .. } => panic!("no position fits"),
        });
        assert_eq!(came.collect::<Vec<_>>(), expected, "changes in {bytes} bytes");
    }

    let anew: Vec<_> = behind.iter().step_by(2).map(|(room, _)| (*room, None)).collect();
    let room = async |bytes| {
        let limits = CatchUpLimits { bytes, ..WHOLE };
        let missed = store.catch_up(Viewer::User(&bob), &anew, limits).await.expect("the store answers");
        let messages = missed.iter().flatten().map(|one| match &one.missed {
            Missed::Snapshot { messages, .. } => messages.len(),
            other => panic!("no snapshot but {other:?}"),
        });
        (messages.collect::<Vec<_>>(), missed.iter().flatten().map(CatchUp::weight).collect::<Vec<_>>())
    };
    let (all, weights) = room(usize::MAX).await;
    assert_eq!(all, [8, 8, 8]);
    for (bytes, expected) in [(0, [1, 1, 1]), (weights[0], [8, 1, 1]), (weights[0] + 3 * each, [8, 3, 1])] {
        assert_eq!(room(bytes).await.0, expected, "messages in {bytes} bytes");
    }
}
