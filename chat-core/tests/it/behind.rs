//! Who falls behind, and who does not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chat_core::{CreateRoom, Event, Limits, Options, RoomId, SendMessage, Session, Subscribed, Sync, UpdateRoom};
use futures_util::{FutureExt as _, future::join_all};

use crate::{
    held::{Call, Held},
    stage::{Stage, kind, next, next_text, user, waiting},
};

#[tokio::test]
async fn a_slow_reader_is_told_to_resync_and_slows_nobody() {
    let limits = Limits { pending_bytes: 20_000, ..Limits::default() };
    let Stage { engine, room } = Stage::limited(limits).await;
    let start = engine.host().room(room).await.unwrap().cursor;
    let mut slow = engine.session(&user("ben")).live();
    slow.subscribe(vec![(room.into(), Some(start))]).await.unwrap();
    let ann = engine.session(&user("ann"));
    for n in 0..500 {
        ann.send(room, SendMessage::text(n.to_string())).await.unwrap();
    }
    next(&mut slow, |e| matches!(e, Event::Resync { .. }).then_some(())).await;
    assert!(waiting(&mut slow).is_empty(), "a lost room stays quiet until it is subscribed again");
    let Subscribed::Open(opened) = slow.subscribe(vec![(room.into(), Some(start))]).await.unwrap().remove(0) else {
        panic!("in the room")
    };
    assert!(matches!(opened.sync, Sync::Changes { changes, .. } if changes.len() >= 500));
    ann.send(room, SendMessage::text("again")).await.unwrap();
    assert_eq!(next_text(&mut slow).await, "again");
}

#[tokio::test]
async fn who_takes_not_even_the_notices_is_cut() {
    let s = Stage::limited(Limits { pending_bytes: 2_000, ..Limits::default() }).await;
    let (mut ben, mut ann) = (s.of("ben").live(), s.opens("ann").await);
    let rooms = 40;
    for _ in 0..rooms {
        // Each of these is told on every connection, and nothing would bring it again.
        s.host().create_room(CreateRoom::group().with(user("ben"))).await.unwrap();
    }
    let told = waiting(&mut ben);
    assert!(told.len() < rooms && told.iter().all(|frame| kind(frame) == "room_added"));
    assert!(matches!(ben.next().now_or_never(), Some(None)), "and then it ends");
    s.says("ben", "the user is not cut, only that connection").await;
    assert_eq!(next_text(&mut ann).await, "the user is not cut, only that connection");
}

#[tokio::test]
async fn who_opens_a_room_too_slowly_is_told_to_begin_again() {
    let store = Held::new();
    let limits = Limits { pending_bytes: 5_000, ..Limits::default() };
    let create = CreateRoom::group().with(user("ann")).with(user("ben"));
    let s = Stage::over(Arc::clone(&store) as _, Options { limits, ..Options::default() }, create).await;
    let mut ben = s.of("ben").live();
    store.hold(Call::CatchUp);
    {
        let mut opening = Box::pin(ben.subscribe(vec![(s.room.into(), None)]));
        assert!(opening.as_mut().now_or_never().is_none());
        store.reached(Call::CatchUp, 1).await;
        for n in 0..100 {
            s.says("ann", &n.to_string()).await;
        }
        store.release(Call::CatchUp);
        opening.await.unwrap();
    }
    let told: Vec<_> = waiting(&mut ben).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told.first().map(String::as_str), Some("resync"), "{told:?}");
    assert!(!told.contains(&"chat_message".into()), "{told:?}");
    ben.subscribe(vec![(s.room.into(), None)]).await.unwrap();
    s.says("ann", "live").await;
    assert_eq!(next_text(&mut ben).await, "live");
}

#[tokio::test]
async fn who_keeps_up_loses_no_room_however_large_what_is_told_at_once() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut ben = s.opens("ben").await;
    let before = store.calls(Call::Commit);
    store.hold(Call::Commit);
    let ann = s.of("ann");
    let large = || ann.send(s.room, SendMessage::text("x".repeat(16_000)));
    // The first is being committed, and all others wait for the next batch.
    let sending = join_all((0..100).map(|_| large()));
    let reading = async {
        store.reached(Call::Commit, before + 1).await;
        store.release(Call::Commit);
        for _ in 0..100 {
            next(&mut ben, |event| match event {
                Event::Resync { .. } => panic!("they have kept up"),
                Event::ChatMessage { .. } => Some(()),
                _ => None,
            })
            .await;
        }
    };
    tokio::join!(sending, reading);
}

#[tokio::test(start_paused = true)]
async fn who_falls_behind_still_hears_who_came_and_went() {
    let s = Stage::limited(Limits { pending_bytes: 20_000, ..Limits::default() }).await;
    s.host().add_participant(s.room, user("cat")).await.unwrap();
    let mut ben = s.opens("ben").await;
    let cat = s.of("cat").live();
    // The ticker tells it when everybody waits.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(cat);
    tokio::time::sleep(Duration::from_secs(10)).await;
    for n in 0..500 {
        s.says("ann", &n.to_string()).await;
    }
    let told: Vec<_> = std::iter::from_fn(|| ben.next().now_or_never().flatten()).collect();
    assert_eq!(told.last().map(|frame| kind(frame)).as_deref(), Some("resync"));
    let of_cat = told.iter().filter_map(|frame| match frame.event() {
        Event::Presence { user_id, online, .. } if *user_id == user("cat") => Some(*online),
        _ => None,
    });
    assert_eq!(of_cat.collect::<Vec<_>>(), [false], "only how it is now");
}

/// Changes a room to something of 8 KiB.
async fn rename(session: &Session, room: RoomId, name: &str) -> u64 {
    let metadata = serde_json::json!({"x": "x".repeat(8_000)}).as_object().cloned();
    let update = UpdateRoom { name: Some(Some(name.to_owned())), metadata: Some(metadata), ..UpdateRoom::default() };
    session.update_room(room, update).await.unwrap().cursor.rev
}

#[tokio::test]
async fn changes_of_rooms_that_are_not_open_cut_nobody_and_none_is_lost_silently() {
    let s = Stage::new().await;
    let mut ben = s.of("ben").live();
    let ann = s.of("ann");
    let mut rooms = Vec::new();
    for _ in 0..100 {
        rooms.push(ann.create_room(CreateRoom::group().with(user("ben"))).await.unwrap().info.id);
    }
    let added = waiting(&mut ben);
    assert_eq!(added.len(), 100);
    let mut last = HashMap::new();
    for n in 0..5 {
        for room in &rooms {
            last.insert(*room, rename(&ann, *room, &n.to_string()).await);
        }
    }
    let mut told = HashMap::new();
    let waiting = waiting(&mut ben);
    for frame in &waiting {
        match frame.event() {
            Event::RoomUpdated { at, .. } => told.insert(at.room, Some(at.rev)),
            Event::Resync { room, .. } => told.insert(*room, None),
            other => panic!("{other:?}"),
        };
    }
    assert!(waiting.len() <= 300, "{} wait", waiting.len());
    for (room, rev) in last {
        let told = told.get(&room).unwrap_or_else(|| panic!("nothing of {room}"));
        assert!(told.is_none_or(|told| told == rev), "what is told last is as it is, or to be fetched");
    }
    rename(&ann, rooms[0], "again").await;
    next(&mut ben, |event| matches!(event, Event::RoomUpdated { .. }).then_some(())).await;
}

#[tokio::test]
async fn who_reads_has_a_turn_while_many_changes_of_rooms_are_told() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut ben = s.of("ben").live();
    let room = s.of("ann").create_room(CreateRoom::group().with(user("ben"))).await.unwrap().info.id;
    let ann = s.of("ann");
    let mut rooms = vec![room];
    for _ in 1..200 {
        rooms.push(ann.create_room(CreateRoom::group().with(user("ben"))).await.unwrap().info.id);
    }
    let before = store.calls(Call::Commit);
    store.hold(Call::Commit);
    let changing = join_all(rooms.iter().map(|room| rename(&ann, *room, "x")));
    let reading = async {
        // The first is being committed, and all others wait for the next batch.
        store.reached(Call::Commit, before + 1).await;
        store.release(Call::Commit);
        for _ in &rooms {
            next(&mut ben, |event| match event {
                Event::Resync { .. } => panic!("they have kept up"),
                Event::RoomUpdated { .. } => Some(()),
                _ => None,
            })
            .await;
        }
    };
    tokio::join!(changing, reading);
}
