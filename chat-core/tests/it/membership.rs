//! Who may what, and what ends when a membership ends.

use chat_core::{
    AddParticipant, Code, CreateRoom, EditMessage, Error, Event, HistoryMode, Limits, MarkKind, RemoveParticipant,
    Role, RoomKind, SendMessage, Subscribed, Timestamp, UpdateParticipant, UpdateRoom, Window,
};

use crate::{
    held::{Call, Held},
    stage::{Stage, kind, next, user, waiting},
};

fn remove(name: &str) -> RemoveParticipant {
    RemoveParticipant { user_id: user(name), client_id: None }
}

async fn team() -> Stage {
    let as_role = |name: &str, role| AddParticipant::new(user(name)).role(role);
    Stage::with(
        CreateRoom::group()
            .with(as_role("olga", Role::Owner))
            .with(as_role("max", Role::Moderator))
            .with(user("ann"))
            .with(as_role("vera", Role::Observer)),
    )
    .await
}

#[tokio::test]
async fn what_is_hidden_and_what_is_missing_look_the_same() {
    let s = Stage::new().await;
    let message = s.says("ann", "hi").await;
    let eve = s.of("eve");
    let missing = chat_core::RoomId::from_bytes([9; 16]);
    assert_eq!(eve.room(s.room).await.unwrap_err(), eve.room(missing).await.unwrap_err());
    let send = |room| eve.send(room, SendMessage::text("x"));
    assert_eq!(send(s.room).await.unwrap_err(), send(missing).await.unwrap_err());
    let nothing = chat_core::MessageId::from_bytes([9; 16]);
    assert_eq!(eve.message(message.id).await.unwrap_err(), eve.message(nothing).await.unwrap_err());
    assert_eq!(eve.delete(message.id).await.unwrap_err(), eve.delete(nothing).await.unwrap_err());
    assert_eq!(eve.readers(message.id, None, None).await.unwrap_err(), Error::NotFound { what: "message" });
}

/// A room that is in memory would answer a stranger sooner than one that is not there.
#[tokio::test]
async fn a_stranger_costs_a_read_each_time_whether_there_is_a_room_or_not() {
    let store = Held::new();
    let s = Stage::on(store.clone()).await;
    s.says("ann", "hi").await;
    let reads_for = async |who: &str, key: &str| {
        let before = store.calls(Call::View);
        let key: chat_core::RoomKey = key.parse().unwrap();
        let sent = s.of(who).send(key, SendMessage::text("x")).await;
        (sent.is_ok(), store.calls(Call::View) - before)
    };
    for _ in 0..3 {
        assert_eq!(reads_for("eve", "job:42").await, (false, 1));
        assert_eq!(reads_for("eve", "job:none").await, (false, 1));
        assert_eq!(reads_for("ann", "job:42").await, (true, 0));
    }
    s.engine.close().await.unwrap();
}

#[tokio::test]
async fn an_observer_reads_and_does_not_write() {
    let s = team().await;
    s.says("ann", "hi").await;
    let vera = s.of("vera");
    assert_eq!(vera.history(s.room, Window::Latest, None).await.unwrap().results.len(), 1);
    assert_eq!(vera.send(s.room, SendMessage::text("x")).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(vera.typing(s.room, true).await.unwrap_err().code(), Code::Forbidden);
}

#[tokio::test]
async fn a_moderator_acts_on_lower_ranks_only() {
    let s = team().await;
    let max = s.of("max");
    assert_eq!(max.remove_participant(s.room, remove("olga")).await.unwrap_err().code(), Code::Forbidden);
    let promote = UpdateParticipant { role: Some(Role::Admin), ..UpdateParticipant::of(user("ann")) };
    assert_eq!(max.update_participant(s.room, promote).await.unwrap_err().code(), Code::Forbidden);
    let message = s.says("ann", "rude").await;
    assert!(max.delete(message.id).await.unwrap().is_deleted());
    max.remove_participant(s.room, remove("ann")).await.unwrap();
    assert_eq!(s.of("ann").room(s.room).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_muted_member_reads_until_the_time_is_over() {
    let s = team().await;
    let until = |at: Timestamp| UpdateParticipant { muted_until: Some(Some(at)), ..UpdateParticipant::of(user("ann")) };
    s.of("max").update_participant(s.room, until(Timestamp::MAX)).await.unwrap();
    assert_eq!(s.of("ann").send(s.room, SendMessage::text("x")).await.unwrap_err().code(), Code::Forbidden);
    s.of("max").update_participant(s.room, until(Timestamp::from_millis(1))).await.unwrap();
    assert!(s.of("ann").send(s.room, SendMessage::text("x")).await.is_ok());
}

#[tokio::test]
async fn a_banned_user_comes_back_only_after_the_ban_is_lifted() {
    let s = team().await;
    let ban = |banned| UpdateParticipant { banned: Some(banned), ..UpdateParticipant::of(user("ann")) };
    s.of("max").update_participant(s.room, ban(true)).await.unwrap();
    let error = s.of("max").add_participant(s.room, user("ann")).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    s.of("max").update_participant(s.room, ban(false)).await.unwrap();
    assert!(s.of("max").add_participant(s.room, user("ann")).await.is_ok());
}

#[tokio::test]
async fn the_last_owner_stays_even_when_two_leave_at_once() {
    let s = team().await;
    assert_eq!(s.of("olga").leave(s.room).await.unwrap_err().code(), Code::Conflict);
    let promote = UpdateParticipant { role: Some(Role::Owner), ..UpdateParticipant::of(user("max")) };
    s.of("olga").update_participant(s.room, promote).await.unwrap();
    let (olga, max) = (s.of("olga"), s.of("max"));
    let (a, b) = tokio::join!(olga.leave(s.room), max.leave(s.room));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
}

#[tokio::test]
async fn a_newcomer_sees_what_the_room_lets_them_see_and_starts_at_zero() {
    let create = CreateRoom { history: HistoryMode::SinceJoined, ..CreateRoom::group() };
    let s = Stage::with(create.with(user("ann"))).await;
    let before = s.says("ann", "before").await;
    s.host().add_participant(s.room, user("ben")).await.unwrap();
    assert_eq!(s.unread("ben").await, 0);
    s.says("ann", "after").await;
    let ben = s.of("ben");
    let page = ben.history(s.room, Window::Latest, None).await.unwrap();
    assert_eq!(page.results.iter().map(|m| m.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(ben.message(before.id).await.unwrap_err(), Error::NotFound { what: "message" });
    assert_eq!(ben.messages(None, None).await.unwrap().results.len(), 1);
    assert_eq!(s.unread("ben").await, 1);
    let open = Stage::new().await;
    open.says("ann", "before").await;
    open.host().add_participant(open.room, user("cat")).await.unwrap();
    assert_eq!(open.unread("cat").await, 0, "what came before joining is read, but visible");
    assert_eq!(open.of("cat").history(open.room, Window::Latest, None).await.unwrap().results.len(), 1);
}

#[tokio::test]
async fn nobody_shows_others_what_they_do_not_see_themselves() {
    for history in [HistoryMode::SinceJoined, HistoryMode::All] {
        let s = Stage::with(CreateRoom { history, ..CreateRoom::group() }.with(user("ann"))).await;
        for text in ["one", "two", "three"] {
            s.says("ann", text).await;
        }
        let max = AddParticipant { visible_from: Some(3), ..AddParticipant::new(user("max")).role(Role::Admin) };
        s.host().add_participant(s.room, max).await.unwrap();
        let max = s.of("max");
        let all = UpdateRoom { history: Some(HistoryMode::All), ..UpdateRoom::default() };
        max.update_room(s.room, all).await.unwrap();
        max.add_participant(s.room, user("pia")).await.unwrap();
        let first = AddParticipant { visible_from: Some(1), ..AddParticipant::new(user("pat")) };
        max.add_participant(s.room, first).await.unwrap();
        for puppet in ["pia", "pat"] {
            let page = s.of(puppet).history(s.room, Window::Latest, None).await.unwrap();
            assert_eq!(page.results.iter().map(|m| m.seq).collect::<Vec<_>>(), [3], "{puppet}, {history:?}");
        }
    }
}

#[tokio::test]
async fn what_the_host_said_stands_as_high_as_an_owner() {
    let s = team().await;
    let said = s.host().send(s.room, SendMessage::system("Moved to Friday")).await.unwrap().message;
    assert_eq!(s.of("max").delete(said.id).await.unwrap_err().code(), Code::Forbidden);
    s.of("olga").delete(said.id).await.unwrap();
}

#[tokio::test]
async fn from_a_removal_on_nothing_reaches_the_removed() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let mut ann = s.opens("ann").await;
    s.host().remove_participant(s.room, remove("ben")).await.unwrap();
    s.says("ann", "between us").await;
    next(&mut ann, |e| matches!(e, Event::ParticipantRemoved { .. }).then_some(())).await;
    let seen: Vec<_> = waiting(&mut ben).iter().map(|frame| kind(frame)).collect();
    assert_eq!(seen.last().map(String::as_str), Some("room_removed"), "{seen:?}");
    assert!(!seen.contains(&"chat_message".into()) && !seen.contains(&"participant_removed".into()), "{seen:?}");
}

#[tokio::test]
async fn a_user_owns_what_they_make_and_makes_no_keys() {
    let s = Stage::new().await;
    let keyed = CreateRoom::keyed("job:43".parse().unwrap());
    assert_eq!(s.of("eve").create_room(keyed.clone()).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(s.host().room(chat_core::RoomKey::new("job:43").unwrap()).await.unwrap_err().code(), Code::NotFound);
    let own = s.of("eve").create_room(CreateRoom::group().with(user("ann"))).await.unwrap();
    assert_eq!(own.my.unwrap().role, Role::Owner);
}

#[tokio::test]
async fn who_never_was_in_a_room_does_not_learn_of_it_by_a_ban() {
    let s = team().await;
    let mut eve = s.of("eve").live();
    let ban = |banned| UpdateParticipant { banned: Some(banned), ..UpdateParticipant::of(user("eve")) };
    let max = s.of("max");
    assert_eq!(max.update_participant(s.room, ban(false)).await.unwrap_err(), Error::NotFound { what: "participant" });
    max.update_participant(s.room, ban(true)).await.unwrap();
    max.update_participant(s.room, ban(true)).await.unwrap();
    max.update_participant(s.room, ban(false)).await.unwrap();
    assert!(waiting(&mut eve).is_empty());
    assert!(max.add_participant(s.room, user("eve")).await.is_ok());
    assert_eq!(waiting(&mut eve).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["room_added"]);
}

#[tokio::test]
async fn a_muted_member_edits_no_old_message_but_may_take_it_back() {
    let s = team().await;
    let old = s.says("ann", "old").await;
    let mute = UpdateParticipant { muted_until: Some(Some(Timestamp::MAX)), ..UpdateParticipant::of(user("ann")) };
    s.of("max").update_participant(s.room, mute.clone()).await.unwrap();
    let ann = s.of("ann");
    assert_eq!(ann.edit(EditMessage::text(old.id, "new")).await.unwrap_err().code(), Code::Forbidden);
    assert!(ann.delete(old.id).await.unwrap().is_deleted());
    // Leaving and coming back does not help.
    ann.leave(s.room).await.unwrap();
    s.host().add_participant(s.room, user("ann")).await.unwrap();
    assert_eq!(ann.send(s.room, SendMessage::text("x")).await.unwrap_err().code(), Code::Forbidden);
    let own = UpdateParticipant { muted_until: Some(None), ..UpdateParticipant::of(user("max")) };
    s.host().update_participant(s.room, UpdateParticipant { user_id: user("max"), ..mute }).await.unwrap();
    assert_eq!(s.of("max").update_participant(s.room, own).await.unwrap_err().code(), Code::Forbidden);
}

#[tokio::test]
async fn a_membership_that_ended_under_a_name_ends_again_as_it_did() {
    let s = team().await;
    let named = |name: &str, op: &str| RemoveParticipant { client_id: Some(op.parse().unwrap()), ..remove(name) };
    let max = s.of("max");
    for _ in 0..2 {
        max.remove_participant(s.room, named("ann", "kick")).await.unwrap();
    }
    let other = max.remove_participant(s.room, named("vera", "kick")).await.unwrap_err();
    assert_eq!(other, Error::OperationConflict);
    let vera = s.of("vera");
    for _ in 0..2 {
        vera.remove_participant(s.room, named("vera", "leave")).await.unwrap();
    }
    let add = AddParticipant { client_id: Some("add".parse().unwrap()), ..AddParticipant::new(user("ann")) };
    for _ in 0..2 {
        max.add_participant(s.room, add.clone()).await.unwrap();
    }
    let unknown = vera.remove_participant(s.room, named("vera", "another")).await.unwrap_err();
    assert_eq!(unknown, Error::NotFound { what: "room" });
}

#[tokio::test]
async fn what_was_said_under_a_name_is_not_told_again_to_who_is_gone() {
    let s = Stage::new().await;
    let send = SendMessage::text("mine").with_client_id("op".parse().unwrap());
    s.of("ben").send(s.room, send.clone()).await.unwrap();
    s.host().remove_participant(s.room, remove("ben")).await.unwrap();
    assert_eq!(s.of("ben").send(s.room, send.clone()).await.unwrap_err(), Error::NotFound { what: "room" });
    let other = SendMessage { content: "other".into(), ..send };
    assert_eq!(s.of("ben").send(s.room, other).await.unwrap_err(), Error::NotFound { what: "room" });
}

#[tokio::test]
async fn a_room_takes_as_many_as_its_limit_and_not_one_more() {
    let s = Stage::limited(Limits { members: 2, ..Limits::default() }).await;
    let full = Error::LimitReached { what: "participants", limit: 2 };
    assert_eq!(s.host().add_participant(s.room, user("cat")).await.unwrap_err(), full);
    let three = CreateRoom::group().with(user("ann")).with(user("ben")).with(user("cat"));
    assert_eq!(s.host().create_room(three.clone()).await.unwrap_err(), full);
    assert_eq!(
        s.of("dan").create_room(CreateRoom::group().with(user("ann")).with(user("ben"))).await.unwrap_err(),
        full
    );
    s.host().remove_participant(s.room, remove("ben")).await.unwrap();
    let (host, room) = (s.host(), s.room);
    let both = tokio::join!(host.add_participant(room, user("cat")), host.add_participant(room, user("dan")));
    assert!(both.0.is_ok() && both.1.is_err(), "also when two come at once: {both:?}");
}

#[tokio::test]
async fn a_newcomer_follows_the_log_without_what_they_may_not_see() {
    let create = CreateRoom { history: HistoryMode::SinceJoined, ..CreateRoom::group() };
    let s = Stage::with(create.with(user("ann")).with(user("ben"))).await;
    let hidden = s.says("ann", "hidden").await;
    s.host().add_participant(s.room, user("cat")).await.unwrap();
    let mut cat = s.of("cat").live();
    let Subscribed::Open(opened) = cat.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0) else {
        panic!("cat is in the room")
    };
    waiting(&mut cat);
    s.of("ann").edit(EditMessage::text(hidden.id, "still hidden")).await.unwrap();
    s.of("ben").mark_message(MarkKind::Read, hidden.id).await.unwrap();
    s.of("ann").delete(hidden.id).await.unwrap();
    s.says("ann", "seen").await;
    let told = waiting(&mut cat);
    let kinds: Vec<_> = told.iter().map(|frame| kind(frame)).collect();
    assert_eq!(kinds, ["advance", "message_read", "advance", "chat_message"]);
    let revs: Vec<_> = told.iter().filter_map(|frame| frame.event().position().map(|at| at.rev)).collect();
    assert_eq!(revs, (opened.cursor.rev + 1..=opened.cursor.rev + 3).collect::<Vec<_>>());
    for frame in &told {
        let json = String::from_utf8(frame.json().to_vec()).unwrap();
        assert!(!json.contains(&hidden.id.to_string()), "{json}");
    }
    assert_eq!(s.of("cat").mark_message(MarkKind::Read, hidden.id).await.unwrap_err().code(), Code::NotFound);
    let answer = s.of("cat").send(s.room, SendMessage::text("re").in_reply_to(hidden.id)).await.unwrap_err();
    assert_eq!(answer, Error::NotFound { what: "reply_to" });
}

#[tokio::test]
async fn nobody_but_the_host_keeps_others_from_what_is_to_come() {
    let s = team().await;
    let hidden = |name: &str, seq| AddParticipant { visible_from: Some(seq), ..AddParticipant::new(user(name)) };
    let direct = CreateRoom { kind: RoomKind::Direct, participants: vec![hidden("ben", 1_000)], ..CreateRoom::group() };
    let error = s.of("mallory").create_room(direct).await.unwrap_err();
    assert_eq!(error.code(), Code::Forbidden, "{error}");

    let owner = s.of("olga");
    let open = CreateRoom { history: HistoryMode::All, ..CreateRoom::group() };
    let room = owner.create_room(open).await.unwrap().info.id;
    let next = s.host().room(room).await.unwrap().last_seq + 1;
    let error = owner.add_participant(room, hidden("eve", next + 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "`visible_from` must not be beyond the next message");
    owner.add_participant(room, hidden("eve", next)).await.unwrap();
    s.host().add_participant(room, hidden("max", next + 100)).await.unwrap();
}

#[tokio::test]
async fn a_participant_says_from_where_they_may_read() {
    let s = Stage::new().await;
    let mut ann = s.opens("ann").await;
    s.says("ann", "between us").await;
    let late = AddParticipant { visible_from: Some(2), ..AddParticipant::new(user("cat")) };
    assert_eq!(s.host().add_participant(s.room, late).await.unwrap().visible_from, Some(2));
    let told = next(&mut ann, |event| match event {
        Event::ParticipantAdded { participant, .. } => Some(participant.visible_from),
        _ => None,
    });
    assert_eq!(told.await, Some(2));
    // Who may read all says nothing of it.
    let people = s.of("ben").participants(s.room, None, None).await.unwrap().results;
    assert_eq!(people.iter().map(|person| person.visible_from).collect::<Vec<_>>(), [None, None, Some(2)]);
}
