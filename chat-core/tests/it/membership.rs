//! Who may what, and what ends when a membership ends.

use chat_core::{
    AddParticipant, Code, CreateRoom, Error, Event, HistoryMode, RemoveParticipant, Role, SendMessage, Timestamp,
    UpdateParticipant, Window,
};

use crate::stage::{Stage, next, user};

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
async fn from_a_removal_on_nothing_reaches_the_removed() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let mut ann = s.opens("ann").await;
    s.host().remove_participant(s.room, remove("ben")).await.unwrap();
    s.says("ann", "between us").await;
    let gone = next(&mut ann, |e| matches!(e, Event::ParticipantRemoved { .. }).then_some(())).await;
    assert_eq!(gone, ());
    let mut seen = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(std::time::Duration::from_millis(50), ben.next()).await {
        seen.push(serde_json::to_value(frame.event()).unwrap()["type"].as_str().unwrap().to_owned());
    }
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
