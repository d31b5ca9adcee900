//! A user reads the rooms they are in at that moment, from where they may see; what is hidden looks like what is
//! missing.

use chat_core::{
    Message, MessageId, Standing, UserId, Window,
    store::{CatchUp, CatchUpLimits, Missed, RoomSelector, Viewer, Visible, Write},
};

use crate::{
    Story,
    cast::{alice, bob, carol, dave, mallory, room_id, user},
    commits,
    picture::{ALL, WHOLE},
};

use super::Backend;

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(|message| message.content.as_deref()).collect()
}

/// Everything that somebody reads of the room by any read: nothing, or what `expected` says.
async fn sees(story: &Story, user: &UserId, expected: Option<&[&str]>) {
    let (store, room, viewer) = (story.store(), story.room(), Viewer::User(user));
    let said = |history: Option<chat_core::store::History>| history.map(|history| history.messages);
    let all =
        said(store.history(viewer, &RoomSelector::Id(room), Window::After(0), ALL).await.expect("the store answers"));
    assert_eq!(all.as_deref().map(texts).as_deref(), expected, "history, by {user}");
    for window in [Window::Latest, Window::Before(ALL as u64)] {
        let mut page =
            said(store.history(viewer, &RoomSelector::Id(room), window, ALL).await.expect("the store answers"));
        page.iter_mut().for_each(|page| page.reverse());
        assert_eq!(page, all, "{window:?}, by {user}");
    }
    let around =
        said(store.history(viewer, &RoomSelector::Id(room), Window::Around(1), 100).await.expect("the store answers"));
    assert_eq!(around, all, "around the first, by {user}");
    let row = store.room(viewer, &RoomSelector::Id(room)).await.expect("the store answers");
    let last = all.as_ref().map(|all| all.last().cloned());
    assert_eq!(row.as_ref().map(|row| row.last_message.clone()), last, "the room, by {user}");
    let listed = store.rooms(viewer, None, ALL).await.expect("the store answers");
    assert_eq!(listed.into_iter().find(|listed| listed.room.id == room), row, "the list of rooms, by {user}");
    let mut flat = store.messages(viewer, None, ALL).await.expect("the store answers");
    flat.retain(|message| message.room == room);
    flat.reverse();
    assert_eq!(flat, all.clone().unwrap_or_default(), "messages of all rooms, by {user}");
    for message in story.messages(Viewer::Host).await {
        let shown = all.iter().flatten().any(|shown| shown.id == message.id);
        let alone = store.message(viewer, message.id).await.expect("the store answers");
        assert_eq!(alone, shown.then_some(message.clone()), "{} alone, by {user}", message.seq);
        let readers = store.readers(viewer, message.id, None, ALL).await.expect("the store answers");
        assert_eq!(readers.is_some(), shown, "who has read {}, by {user}", message.seq);
    }
    let people = store.participants(viewer, room, None, ALL).await.expect("the store answers");
    assert_eq!(people.is_some(), expected.is_some(), "participants, by {user}");
    let missed = store.catch_up(viewer, &[(room, None)], WHOLE).await.expect("the store answers").remove(0);
    let snapshot = missed.map(|missed| match missed.missed {
        Missed::Snapshot { messages, .. } => messages,
        other => panic!("no snapshot but {other:?}"),
    });
    assert_eq!(snapshot, all, "a snapshot, by {user}");
}

/// Who comes later sees what the room's owner lets them see.
pub async fn a_newcomer_sees_from_where_they_may(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[]).await;
    story.says(&alice(), "one").await;
    story.says(&alice(), "two").await;
    assert_eq!(story.joins(&bob()).await.visible_from, 1);
    assert_eq!(story.joins_seeing(&carol(), Visible::SinceJoined).await.visible_from, 3);
    assert_eq!(story.joins_seeing(&dave(), Visible::From(2)).await.visible_from, 2);
    sees(&story, &carol(), Some(&[])).await;
    story.says(&alice(), "three").await;
    for (user, expected) in [(alice(), &["one", "two", "three"][..]), (bob(), &["one", "two", "three"])] {
        sees(&story, &user, Some(expected)).await;
    }
    sees(&story, &carol(), Some(&["three"])).await;
    sees(&story, &dave(), Some(&["two", "three"])).await;
    sees(&story, &mallory(), None).await;
}

/// Whoever is out sees nothing: not what came later, and nothing of before either.
pub async fn who_is_out_sees_nothing(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob(), carol(), dave()]).await;
    story.says(&alice(), "hello").await;
    assert_eq!(story.leaves(&bob()).await.standing, Standing::Gone);
    assert_eq!(story.is_banned(&carol()).await.standing, Standing::Banned);
    assert_eq!(story.is_banned(&mallory()).await.standing, Standing::Banned, "who was never in");
    for user in [bob(), carol(), mallory(), user("a stranger")] {
        sees(&story, &user, None).await;
        assert_eq!(store.unread(&user).await, Ok(0));
    }
    sees(&story, &dave(), Some(&["hello"])).await;
    assert_eq!(story.leaves(&carol()).await.standing, Standing::Gone, "the ban is lifted");
    sees(&story, &carol(), None).await;
    let head = story.head().await;
    assert_eq!((head.members, head.owners), (2, 1));
}

/// Who comes back sees what the new membership lets them see; markers and settings are those of before.
pub async fn who_comes_back_has_a_new_view_and_old_markers(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    story.says(&alice(), "one").await;
    story.reads(&bob(), 1).await;
    let settings = chat_core::MemberSettings { pinned: true, private_reading: true, ..Default::default() };
    story.apply(story.writes([Write::Settings(bob(), settings)])).await;
    story.leaves(&bob()).await;
    story.says(&alice(), "two").await;
    assert_eq!(story.marks(commits::read_to(&bob(), 2)).await, None, "nothing of somebody who is out");
    let back = story.joins_seeing(&bob(), Visible::SinceJoined).await;
    assert_eq!((back.visible_from, back.joined_seq, back.joined_rev), (3, 2, back.rev));
    assert_eq!((back.read_seq, back.delivered_seq, back.marker_seq, back.settings), (1, 1, 1, settings));
    sees(&story, &bob(), Some(&[])).await;
    assert_eq!(story.unread(&bob()).await, 0);
    story.says(&alice(), "three").await;
    sees(&story, &bob(), Some(&["three"])).await;
    story.leaves(&bob()).await;
    assert_eq!(story.joins_seeing(&bob(), Visible::From(1)).await.visible_from, 1);
    sees(&story, &bob(), Some(&["one", "two", "three"])).await;
    assert_eq!(story.unread(&bob()).await, 0, "what came before them is never unread");
}

/// A message that is hidden, in a room that is hidden, or nowhere: the answers are the same.
pub async fn hidden_and_missing_look_the_same(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[]).await;
    let hidden = story.says(&alice(), "hidden").await.id;
    story.joins_seeing(&bob(), Visible::SinceJoined).await;
    let (in_it, out) = (bob(), mallory());
    for (viewer, id) in [(&in_it, hidden), (&out, hidden), (&in_it, story.fresh()), (&out, story.fresh())] {
        assert_eq!(store.message(Viewer::User(viewer), id).await, Ok(None));
        assert_eq!(store.readers(Viewer::User(viewer), id, None, 9).await, Ok(None));
    }
    for room in [story.room(), room_id(404)] {
        let out = Viewer::User(&out);
        assert_eq!(store.room(out, &RoomSelector::Id(room)).await, Ok(None));
        assert_eq!(store.history(out, &RoomSelector::Id(room), Window::Around(1), 9).await, Ok(None));
        assert_eq!(store.participants(out, room, None, 9).await, Ok(None));
        assert_eq!(store.catch_up(out, &[(room, None)], WHOLE).await, Ok(vec![None]));
    }
}

/// Who is in the room, by user id, in pages of every size; without those who are out.
pub async fn participants_are_those_who_are_in(backend: &dyn Backend) {
    let store = backend.open().await;
    let people: Vec<_> = ["Zoë", "aaron", "alicia", "bea", "üwe", "zed"].map(user).to_vec();
    let story = Story::begin(&store, &people).await;
    story.leaves(&user("bea")).await;
    story.is_banned(&user("zed")).await;
    let mut expected: Vec<_> = people.into_iter().chain([alice()]).collect();
    expected.retain(|person| !["bea", "zed"].contains(&person.as_str()));
    expected.sort();
    for limit in 1..=6 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.participants(Viewer::Host, story.room(), after.as_ref(), limit).await;
            let page = page.expect("the store answers").expect("the room is there");
            assert!(page.len() <= limit, "{} people on a page of {limit}", page.len());
            let Some(last) = page.last() else { break };
            after = Some(last.user.clone());
            listed.extend(page.into_iter().map(|member| member.user));
        }
        assert_eq!(listed, expected, "pages of {limit}");
    }
}

/// Who has read a message: members whose marker has reached it and who may see it, without its sender.
pub async fn readers_have_read_and_may_see(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob(), carol(), dave()]).await;
    let readers = async |id: MessageId, limit: usize| {
        let (mut readers, mut after) = (Vec::new(), None);
        loop {
            let page = store.readers(Viewer::Host, id, after.as_ref(), limit).await;
            let page = page.expect("the store answers").expect("the message is there");
            let Some(last) = page.last() else { return readers };
            after = Some(last.user.clone());
            readers.extend(page.into_iter().map(|member| member.user));
        }
    };
    let first = story.says(&alice(), "one").await.id;
    assert_eq!(readers(first, 9).await, [], "not alice, who has sent it");
    story.reads(&bob(), 1).await;
    story.reads(&carol(), 1).await;
    story.marks(commits::set_marker(&dave(), 1)).await;
    assert_eq!(readers(first, 9).await, [bob(), carol()], "not dave, who has moved his own marker only");
    let second = story.says(&dave(), "two").await.id;
    assert_eq!(readers(first, 9).await, [bob(), carol(), dave()], "dave has read up to what he said");
    assert_eq!(readers(second, 9).await, []);
    for limit in 1..=3 {
        assert_eq!(readers(first, limit).await, [bob(), carol(), dave()], "pages of {limit}");
    }
    story.leaves(&bob()).await;
    assert_eq!(readers(first, 9).await, [carol(), dave()]);
    story.joins_seeing(&bob(), Visible::SinceJoined).await;
    assert_eq!(readers(first, 9).await, [carol(), dave()], "bob may not see it any more");
    let note = story.notes("three").await.id;
    story.reads(&alice(), 3).await;
    assert_eq!(readers(note, 9).await, [alice()], "of what nobody sent");
}

/// A snapshot has as many people and messages as were asked for: the first and the last.
pub async fn a_snapshot_keeps_to_its_limits(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob(), carol()]).await;
    for text in ["one", "two", "three", "four"] {
        story.says(&alice(), text).await;
    }
    let limits = CatchUpLimits { changes: 1, messages: 2, members: 2, bytes: usize::MAX };
    let carol = carol();
    let snapshot = store.catch_up(Viewer::User(&carol), &[(story.room(), None)], limits).await;
    let CatchUp { cursor, member, markers, members, missed } =
        snapshot.expect("the store answers").remove(0).expect("carol is in the room");
    let Missed::Snapshot { room, members: people, messages } = missed else { panic!("no snapshot but {missed:?}") };
    assert_eq!(
        (cursor, Some(*room)),
        (story.head().await.cursor(store.epoch()), story.row(Viewer::User(&carol)).await)
    );
    assert_eq!(member, story.member(&carol).await);
    assert_eq!(members, 3);
    assert_eq!(people.iter().map(|member| member.user.clone()).collect::<Vec<_>>(), [alice(), bob()]);
    assert_eq!(texts(&messages), ["three", "four"], "oldest first");
    assert_eq!(markers.iter().map(|marker| &marker.user_id).collect::<Vec<_>>(), [&carol], "too many for everybody's");
}
