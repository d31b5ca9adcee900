//! Two things at once, each stopped at the moment where it matters.

use std::sync::Arc;

use chat_core::{
    CreateRoom, EditMessage, Error, Event, Limits, MarkKind, MemoryStore, MessageType, Options, RemoveParticipant,
    Role, RoomState, SendMessage, Subscribed, UpdateMe, UpdateParticipant, UpdateRoom,
};
use futures_util::{FutureExt as _, future::join_all};

use crate::{
    held::{Call, Held},
    stage::{Stage, kind, next_text, user, waiting},
};

fn remove(name: &str) -> RemoveParticipant {
    RemoveParticipant { user_id: user(name), client_id: None }
}

#[tokio::test]
async fn what_is_said_while_a_room_is_opened_comes_once_and_after_the_answer() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    s.says("ann", "before").await;
    let mut ben = s.of("ben").live();
    store.hold(Call::CatchUp);
    let opened = {
        let mut opening = Box::pin(ben.subscribe(vec![(s.room.into(), None)]));
        assert!(opening.as_mut().now_or_never().is_none());
        store.reached(Call::CatchUp, 1).await;
        // Storage was read, the room is not open yet.
        for n in 0..5 {
            s.says("ann", &n.to_string()).await;
        }
        store.release(Call::CatchUp);
        opening.await.unwrap().remove(0)
    };
    let Subscribed::Open(opened) = opened else { panic!("ben is in the room") };
    let revs: Vec<_> = waiting(&mut ben).iter().filter_map(|frame| frame.event().position().map(|at| at.rev)).collect();
    assert_eq!(revs, (opened.cursor.rev + 1..=opened.cursor.rev + 5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_room_that_is_opened_again_brings_nothing_twice() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    for n in 0..5 {
        s.says("ann", &n.to_string()).await;
    }
    // All of that waits, and is in the answer as well.
    let Subscribed::Open(opened) = ben.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0) else {
        panic!("ben is in the room")
    };
    s.says("ann", "live").await;
    let revs: Vec<_> = waiting(&mut ben).iter().filter_map(|frame| frame.event().position().map(|at| at.rev)).collect();
    assert_eq!(revs, [opened.cursor.rev + 1]);
}

#[tokio::test]
async fn whoever_is_removed_hears_nothing_of_what_the_room_becomes_in_the_same_moment() {
    let s = Stage::new().await;
    let mut ben = s.of("ben").live();
    let (host, renamed) = (s.host(), UpdateRoom { name: Some(Some("without ben".into())), ..UpdateRoom::default() });
    // Both are with the committer before it begins.
    let (removed, renamed) =
        tokio::join!(host.remove_participant(s.room, remove("ben")), host.update_room(s.room, renamed));
    assert_eq!((removed, renamed.map(|room| room.info.name)), (Ok(()), Ok(Some("without ben".into()))));
    assert_eq!(waiting(&mut ben).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["room_removed"]);
}

#[tokio::test]
async fn whoever_is_removed_while_they_open_the_room_gets_nothing_of_it() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    s.says("ann", "secret").await;
    let mut ben = s.of("ben").live();
    store.hold(Call::CatchUp);
    let opened = {
        let mut opening = Box::pin(ben.subscribe(vec![(s.room.into(), None)]));
        assert!(opening.as_mut().now_or_never().is_none());
        store.reached(Call::CatchUp, 1).await;
        s.host().remove_participant(s.room, remove("ben")).await.unwrap();
        s.says("ann", "between us").await;
        store.release(Call::CatchUp);
        opening.await.unwrap().remove(0)
    };
    assert_eq!(opened, Subscribed::Gone { room: s.room.to_string(), gone: true });
    assert_eq!(waiting(&mut ben).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["room_removed"]);
}

#[tokio::test]
async fn whoever_is_removed_while_they_catch_up_in_steps_gets_no_step() {
    let store = Held::new();
    let limits = Limits { catch_up_changes: 1, ..Limits::default() };
    let create = CreateRoom::group().with(user("ann")).with(user("ben"));
    let s = Stage::over(Arc::clone(&store) as _, Options { limits, ..Options::default() }, create).await;
    let start = s.of("ben").room(s.room).await.unwrap().cursor;
    s.says("ann", "secret").await;
    s.says("ann", "and more").await;
    let mut ben = s.of("ben").live();
    store.hold(Call::CatchUp);
    let opened = {
        let mut opening = Box::pin(ben.subscribe(vec![(s.room.into(), Some(start))]));
        assert!(opening.as_mut().now_or_never().is_none());
        store.reached(Call::CatchUp, 1).await;
        s.host().remove_participant(s.room, remove("ben")).await.unwrap();
        store.release(Call::CatchUp);
        opening.await.unwrap().remove(0)
    };
    assert_eq!(opened, Subscribed::Gone { room: s.room.to_string(), gone: true });
    assert_eq!(waiting(&mut ben).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["room_removed"]);
}

#[tokio::test]
async fn what_waits_of_a_room_is_not_handed_out_after_a_removal() {
    let s = Stage::new().await;
    let (mut phone, mut tablet) = (s.opens("ben").await, s.opens("ben").await);
    let other = s.host().create_room(CreateRoom::group().with(user("ben"))).await.unwrap().info.id;
    phone.subscribe(vec![(other.into(), None)]).await.unwrap();
    for n in 0..5 {
        s.says("ann", &n.to_string()).await;
    }
    s.of("ben").mark(s.room, MarkKind::Read, 2).await.unwrap();
    s.host().send(other, SendMessage::system("stays")).await.unwrap();
    s.host().remove_participant(s.room, remove("ben")).await.unwrap();
    for live in [&mut phone, &mut tablet] {
        let left = waiting(live);
        assert_eq!(left.last().map(|frame| kind(frame)).as_deref(), Some("room_removed"));
        let (last, others) = left.split_last().unwrap();
        assert_eq!(last.event().room(), Some(s.room));
        assert!(others.iter().all(|frame| frame.event().room() != Some(s.room)));
    }
    s.host().send(other, SendMessage::system("goes on")).await.unwrap();
    assert_eq!(next_text(&mut phone).await, "goes on");
    s.host().delete_room(other).await.unwrap();
    assert_eq!(waiting(&mut phone).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["room_removed"]);
}

#[tokio::test]
async fn an_opening_that_fails_or_is_given_up_leaves_no_room_silent() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let alone = Arc::strong_count(&s.says("ann", "to nobody").await);
    let other = s.host().create_room(CreateRoom::group().with(user("ben"))).await.unwrap().info.id;
    let mut ben = s.opens("ben").await;
    let both = || vec![(s.room.into(), None), (other.into(), None)];
    waiting(&mut ben);

    store.fail(Call::CatchUp, true);
    assert!(ben.subscribe(both()).await.is_err());
    store.fail(Call::CatchUp, false);
    assert_eq!(waiting(&mut ben).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["resync"]);
    let not_told = s.says("ann", "not told").await;
    assert!(waiting(&mut ben).is_empty(), "a lost room stays quiet");
    assert_eq!(Arc::strong_count(&not_told), alone, "nor is it kept for later");
    ben.subscribe(both()).await.unwrap();
    waiting(&mut ben);

    store.hold(Call::CatchUp);
    assert!(ben.subscribe(both()).now_or_never().is_none());
    store.release(Call::CatchUp);
    let told = waiting(&mut ben);
    assert!(told.iter().all(|frame| kind(frame) == "resync"), "{told:?}");
    assert_eq!(told.iter().map(|frame| frame.event().room()).collect::<Vec<_>>(), [Some(s.room), Some(other)]);
    s.host().send(other, SendMessage::system("not told")).await.unwrap();
    assert!(waiting(&mut ben).is_empty(), "nor does the other");
    ben.subscribe(both()).await.unwrap();
    s.says("ann", "told again").await;
    assert_eq!(next_text(&mut ben).await, "told again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_while_sending_splits_what_is_said_in_two() {
    for round in 0..20 {
        let s = Stage::patient(Arc::new(MemoryStore::default())).await;
        let mut ann = s.opens("ann").await;
        let (ben, room) = (s.of("ben"), s.room);
        let sending = tokio::spawn(async move {
            let mut sent = Vec::new();
            for n in 0.. {
                match ben.send(room, SendMessage::text(n.to_string())).await {
                    Ok(done) => sent.push(done.message.rev),
                    Err(error) => {
                        assert_eq!(error, Error::NotFound { what: "room" });
                        break;
                    }
                }
            }
            sent
        });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        s.host().remove_participant(s.room, remove("ben")).await.unwrap();
        let sent = sending.await.unwrap();
        let told = waiting(&mut ann);
        let removed = told.iter().find_map(|frame| match frame.event() {
            Event::ParticipantRemoved { at, .. } => Some(at.rev),
            _ => None,
        });
        assert!(sent.iter().all(|rev| Some(*rev) < removed), "round {round}: {sent:?} and {removed:?}");
        assert_eq!(s.texts().await.len(), sent.len().min(200));
    }
}

#[tokio::test]
async fn a_delete_while_editing_ends_deleted() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    for edit_first in [true, false] {
        let message = s.says("ann", "x").await;
        let ann = s.of("ann");
        let host = s.host();
        let edit = ann.edit(EditMessage::text(message.id, "y"));
        let delete = host.delete(message.id);
        let (edited, deleted) = if edit_first {
            tokio::join!(edit, delete)
        } else {
            let (deleted, edited) = tokio::join!(delete, edit);
            (edited, deleted)
        };
        assert_eq!(edited.is_ok(), edit_first, "{edited:?}");
        assert!(edited.is_ok() || edited.unwrap_err() == Error::Conflict { reason: "the message is deleted" });
        assert!(deleted.unwrap().is_deleted());
        let last = waiting(&mut ben);
        assert_eq!(last.last().map(|frame| kind(frame)).as_deref(), Some("message_deleted"));
        assert!(s.of("ben").message(message.id).await.unwrap().content.is_none());
    }
    let message = s.says("ann", "x").await;
    let (ann, host) = (s.of("ann"), s.host());
    let both = tokio::join!(ann.delete(message.id), host.delete(message.id));
    assert_eq!(both.0.unwrap().rev, both.1.unwrap().rev, "two deletes at once are one");
}

#[tokio::test]
async fn two_edits_at_once_never_leave_a_message_that_says_nothing() {
    let s = Stage::new().await;
    let file = serde_json::from_str(r#"{"name":"a","content_type":"image/png","size":1,"url":"/a"}"#).unwrap();
    let image = SendMessage { message_type: MessageType::Image, attachments: vec![file], ..SendMessage::text("look") };
    let message = s.of("ann").send(s.room, image).await.unwrap().message;
    let no_words = EditMessage::text(message.id, "");
    let no_files = EditMessage { content: None, attachments: Some(Vec::new()), ..no_words.clone() };
    let (ann, host) = (s.of("ann"), s.host());
    let both = tokio::join!(ann.edit(no_files), host.edit(no_words));
    assert!(both.0.is_ok(), "{both:?}");
    assert_eq!(both.1.unwrap_err().to_string(), "`content` must not be blank");
}

#[tokio::test]
async fn a_room_that_freezes_or_goes_lets_nothing_in_behind_it() {
    let s = Stage::new().await;
    let (ann, host) = (s.of("ann"), s.host());
    let freeze = UpdateRoom { state: Some(RoomState::Frozen), ..UpdateRoom::default() };
    let (before, frozen, after) = tokio::join!(
        ann.send(s.room, SendMessage::text("in time")),
        host.update_room(s.room, freeze.clone()),
        ann.send(s.room, SendMessage::text("late")),
    );
    assert!(before.is_ok() && frozen.is_ok());
    assert_eq!(after.unwrap_err(), Error::Forbidden { reason: "the room is frozen" });
    let open = UpdateRoom { state: Some(RoomState::Open), ..freeze };
    host.update_room(s.room, open).await.unwrap();
    let (deleted, late, mark) = tokio::join!(
        host.delete_room(s.room),
        ann.send(s.room, SendMessage::text("too late")),
        ann.mark(s.room, MarkKind::Read, 1),
    );
    assert!(deleted.is_ok());
    assert_eq!(late.unwrap_err(), Error::NotFound { what: "room" });
    assert_eq!(mark.unwrap_err(), Error::NotFound { what: "room" });
}

#[tokio::test]
async fn names_keep_one_meaning_also_where_nothing_was_to_do() {
    let s = Stage::new().await;
    let named = |name: &str, op: &str| UpdateRoom {
        name: Some(Some(name.to_owned())),
        client_id: Some(op.parse().unwrap()),
        ..UpdateRoom::default()
    };
    let host = s.host();
    host.update_room(s.room, named("A", "1")).await.unwrap();
    host.update_room(s.room, named("B", "2")).await.unwrap();
    // What it asks for holds already; but its name stands for something else.
    assert_eq!(host.update_room(s.room, named("B", "1")).await.unwrap_err(), Error::OperationConflict);
    let repeated = host.update_room(s.room, named("A", "1")).await.unwrap();
    assert_eq!(repeated.info.name.as_deref(), Some("B"), "a repeat does not undo what came after");
}

#[tokio::test]
async fn what_had_nothing_to_do_has_taken_its_name() {
    let s = Stage::new().await;
    let op = |name: &str| Some(name.parse().unwrap());
    let host = s.host();
    let rename =
        |name: &str, client_id| UpdateRoom { name: Some(Some(name.to_owned())), client_id, ..UpdateRoom::default() };
    host.update_room(s.room, rename("A", None)).await.unwrap();
    host.update_room(s.room, rename("A", op("room"))).await.unwrap();
    host.update_room(s.room, rename("B", None)).await.unwrap();
    // Its answer was lost, and it is repeated after somebody else's change.
    let repeated = host.update_room(s.room, rename("A", op("room"))).await.unwrap();
    assert_eq!(repeated.info.name.as_deref(), Some("B"));

    let role =
        |role, client_id| UpdateParticipant { role: Some(role), client_id, ..UpdateParticipant::of(user("ben")) };
    let same = host.update_participant(s.room, role(Role::Member, op("role"))).await.unwrap();
    assert_eq!((same.user_id, same.role), (user("ben"), Role::Member));
    host.update_participant(s.room, role(Role::Admin, None)).await.unwrap();
    let repeated = host.update_participant(s.room, role(Role::Member, op("role"))).await.unwrap();
    assert_eq!((repeated.user_id, repeated.role), (user("ben"), Role::Admin));

    let find = |name: &str| CreateRoom { name: Some(name.into()), client_id: op("find"), ..keyed("job:42") };
    assert_eq!(host.create_room(find("X")).await.unwrap().info.id, s.room);
    assert_eq!(host.create_room(find("X")).await.unwrap().info.id, s.room);
    assert_eq!(host.create_room(find("Y")).await.unwrap_err(), Error::OperationConflict);
}

fn keyed(key: &str) -> CreateRoom {
    CreateRoom::keyed(key.parse().unwrap())
}

#[tokio::test]
async fn a_key_that_is_made_can_be_used_at_once() {
    let s = Stage::new().await;
    let key: chat_core::RoomKey = "job:7".parse().unwrap();
    let host = s.host();
    let create = CreateRoom::keyed(key.clone()).with(user("ann"));
    let sends = join_all((0..3).map(|n| host.send(key.clone(), SendMessage::system(n.to_string()))));
    let (made, sent) = tokio::join!(host.create_room(create), sends);
    assert_eq!(made.unwrap().info.key, Some(key));
    assert_eq!(sent.into_iter().map(|sent| sent.unwrap().message.seq).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn what_must_wait_for_each_other_holds_up_nobody_else() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let (ben, ann) = (s.of("ben"), s.of("ann"));
    let before = store.calls(Call::Commit);
    let toggles = join_all(
        (0..3_000).map(|n| ben.update_me(s.room, UpdateMe { pinned: Some(n % 2 == 0), ..UpdateMe::default() })),
    );
    let sending = async {
        ann.send(s.room, SendMessage::text("hi")).await.unwrap();
        store.calls(Call::Commit) - before
    };
    let (_, commits) = tokio::join!(toggles, sending);
    assert!(commits < 10, "{commits} commits came before it");
}

#[tokio::test]
async fn who_comes_while_a_room_changes_hears_of_it() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let host = s.host();
    let renamed = UpdateRoom { name: Some(Some("new".into())), ..UpdateRoom::default() };
    for (n, told) in ["room_updated", "room_removed"].into_iter().enumerate() {
        store.hold(Call::Commit);
        let mut change = if n == 0 {
            host.update_room(s.room, renamed.clone()).map(|done| done.map(drop)).boxed()
        } else {
            host.delete_room(s.room).boxed()
        };
        assert!((&mut change).now_or_never().is_none());
        store.reached(Call::Commit, 2 + n).await;
        // The change was decided, and is not stored yet.
        let mut ben = s.of("ben").live();
        assert_eq!(s.of("ben").rooms(None, None).await.unwrap().results.len(), 1);
        store.release(Call::Commit);
        change.await.unwrap();
        assert_eq!(waiting(&mut ben).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), [told]);
    }
}

#[tokio::test]
async fn who_closes_a_room_still_hears_what_it_has_become() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    s.says("ann", "1").await;
    let renamed = UpdateRoom { name: Some(Some("new".into())), ..UpdateRoom::default() };
    s.host().update_room(s.room, renamed).await.unwrap();
    ben.unsubscribe(vec![s.room.into()]).await.unwrap();
    assert_eq!(waiting(&mut ben).iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["room_updated"]);
}
