//! The live side: order, resume, typing, presence, slow readers.

use std::{sync::Arc, time::Duration};

use chat_core::{
    Code, CreateRoom, EditMessage, Event, Limits, MarkKind, MemoryStore, Options, Replica, RoomRef, RoomState,
    SendMessage, Subscribed, Sync, Timestamp, UpdateParticipant, UpdateRoom,
};
use futures_util::FutureExt as _;

use crate::{
    held::{Call, Held},
    stage::{Stage, kind, next, next_text, user, waiting},
};

fn typing(event: &Event) -> Option<Vec<String>> {
    match event {
        Event::Typing { typing, .. } => Some(typing.iter().map(ToString::to_string).collect()),
        _ => None,
    }
}

#[tokio::test]
async fn everybody_in_the_room_gets_every_message_once_and_in_order() {
    let s = Stage::new().await;
    let (mut ann, mut ben) = (s.opens("ann").await, s.opens("ben").await);
    for n in 0..200 {
        s.says(if n % 2 == 0 { "ann" } else { "ben" }, &n.to_string()).await;
    }
    for n in 0..200 {
        assert_eq!(next_text(&mut ann).await, n.to_string());
        assert_eq!(next_text(&mut ben).await, n.to_string());
    }
}

#[tokio::test]
async fn a_frame_is_encoded_once_and_its_type_comes_first() {
    let s = Stage::new().await;
    let (mut ann, mut ben) = (s.opens("ann").await, s.opens("ben").await);
    s.says("ann", "x").await;
    let mut frames = Vec::new();
    for live in [&mut ann, &mut ben] {
        frames.push(loop {
            let frame = live.next().await.unwrap();
            if matches!(frame.event(), Event::ChatMessage { .. }) {
                break frame;
            }
        });
    }
    assert!(Arc::ptr_eq(&frames[0], &frames[1]));
    assert!(frames[0].json().starts_with(br#"{"type":"chat_message","room":"#));
    let event: Event = serde_json::from_slice(frames[0].json()).unwrap();
    assert_eq!(&event, frames[0].event());
}

#[tokio::test]
async fn coming_back_brings_what_changed_edits_and_deletes_too() {
    let s = Stage::new().await;
    let kept = s.says("ann", "kept").await;
    let gone = s.says("ann", "gone").await;
    let mut live = s.of("ben").live();
    let opened = live.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0);
    let Subscribed::Open(opened) = opened else { panic!("ben is in the room") };
    let Sync::Snapshot { snapshot } = opened.sync else { panic!("no cursor, so a snapshot") };
    let mut replica = Replica::new(*snapshot);
    drop(live);

    s.of("ann").edit(EditMessage::text(kept.id, "edited")).await.unwrap();
    s.of("ann").delete(gone.id).await.unwrap();
    s.says("ann", "new").await;
    s.host().add_participant(s.room, user("cat")).await.unwrap();

    let mut live = s.of("ben").live();
    let back = live.subscribe(vec![(s.room.into(), Some(opened.cursor))]).await.unwrap().remove(0);
    let Subscribed::Open(back) = back else { panic!("still in the room") };
    let Sync::Changes { changes, more } = &back.sync else { panic!("changes, not {:?}", back.sync) };
    assert!(!more);
    changes.iter().for_each(|event| replica.reduce(event));
    replica.set_markers(&back.markers);
    let texts: Vec<_> = replica.messages.values().map(|m| m.content.clone()).collect();
    assert_eq!(texts, [Some("edited".into()), None, Some("new".into())]);
    assert!(replica.participants.contains_key(&user("cat")));

    let same = live.subscribe(vec![(s.room.into(), Some(back.cursor))]).await.unwrap().remove(0);
    assert!(matches!(same, Subscribed::Open(o) if o.sync == Sync::Same { same: true }));

    s.says("ann", "next").await;
    let follows = next(&mut live, |event| event.position().map(|at| at.follows())).await;
    assert_eq!(follows, back.rev, "what is live goes on from the change that the answer named");
}

#[tokio::test]
async fn catching_up_goes_in_steps_and_live_events_begin_at_the_last() {
    let Stage { engine, room } = Stage::limited(Limits { catch_up_changes: 10, ..Limits::default() }).await;
    let start = engine.host().room(room).await.unwrap().cursor;
    let ann = engine.session(&user("ann"));
    for n in 0..35 {
        ann.send(room, SendMessage::text(n.to_string())).await.unwrap();
    }
    let mut live = engine.session(&user("ben")).live();
    let (mut cursor, mut seen, mut steps) = (start, Vec::new(), 0);
    loop {
        let Subscribed::Open(opened) = live.subscribe(vec![(room.into(), Some(cursor))]).await.unwrap().remove(0)
        else {
            panic!("in the room")
        };
        steps += 1;
        cursor = opened.cursor;
        let Sync::Changes { changes, more } = opened.sync else { panic!("changes") };
        for event in changes {
            if let Event::ChatMessage { message, .. } = event {
                seen.push(message.seq);
            }
        }
        if !more {
            break;
        }
    }
    assert_eq!((seen, steps), ((1..=35).collect(), 4));
    ann.send(room, SendMessage::text("live")).await.unwrap();
    assert_eq!(next_text(&mut live).await, "live");
}

#[tokio::test]
async fn a_room_that_is_named_twice_is_opened_from_the_first_cursor() {
    let Stage { engine, room } = Stage::limited(Limits { catch_up_changes: 10, ..Limits::default() }).await;
    let host = engine.host();
    let (start, ann) = (host.room(room).await.unwrap().cursor, engine.session(&user("ann")));
    for n in 0..35 {
        ann.send(room, SendMessage::text(n.to_string())).await.unwrap();
    }
    let end = host.room(room).await.unwrap().cursor;
    let key: RoomRef = "job:42".parse().unwrap();
    let mut live = engine.session(&user("ben")).live();
    let unfinished = live.subscribe(vec![(room.into(), Some(start)), (key.clone(), Some(end))]).await.unwrap();
    let Subscribed::Open(opened) = &unfinished[0] else { panic!("in the room") };
    assert!(matches!(&opened.sync, Sync::Changes { more: true, .. }), "{opened:?}");
    assert_eq!(unfinished[0], unfinished[1]);

    let opened = live.subscribe(vec![(room.into(), Some(end)), (key, Some(start))]).await.unwrap();
    assert!(matches!(&opened[0], Subscribed::Open(o) if o.sync == Sync::Same { same: true }));
    assert_eq!(opened[0], opened[1]);
    ann.send(room, SendMessage::text("live")).await.unwrap();
    assert_eq!(next_text(&mut live).await, "live");
}

#[tokio::test]
async fn what_was_missed_in_many_rooms_comes_in_answers_of_bounded_size() {
    const ROOMS: u64 = 30;
    const EACH: u64 = 30;
    const MOST: usize = 9 * 1024 * 1024;
    let Stage { engine, .. } = Stage::new().await;
    let (host, ann) = (engine.host(), engine.session(&user("ann")));
    let mut behind = Vec::new();
    for _ in 0..ROOMS {
        let room = host.create_room(CreateRoom::group().with(user("ann")).with(user("ben"))).await.unwrap();
        behind.push((RoomRef::Id(room.info.id), Some(room.cursor)));
        for _ in 0..EACH {
            ann.send(room.info.id, SendMessage::text("x".repeat(16_000))).await.unwrap();
        }
    }
    let mut live = engine.session(&user("ben")).live();
    let fresh = live.subscribe(behind.iter().map(|(room, _)| (room.clone(), None)).collect()).await.unwrap();
    assert!(serde_json::to_vec(&fresh).unwrap().len() < MOST);
    let shown = fresh.iter().map(|opened| match opened {
        Subscribed::Open(opened) => match &opened.sync {
            Sync::Snapshot { snapshot } => snapshot.messages.len(),
            other => panic!("no snapshot but {other:?}"),
        },
        Subscribed::Gone { room, .. } => panic!("{room} is gone"),
    });
    let shown: Vec<_> = shown.collect();
    assert!(shown[0] == EACH as usize && shown.iter().all(|count| *count > 0), "{shown:?}");

    let (mut came, mut answers) = (0, 0);
    while !behind.is_empty() {
        let opened = live.subscribe(std::mem::take(&mut behind)).await.unwrap();
        assert!(serde_json::to_vec(&opened).unwrap().len() < MOST);
        answers += 1;
        for opened in opened {
            let Subscribed::Open(opened) = opened else { panic!("ben is in the room") };
            let Sync::Changes { changes, more } = opened.sync else { panic!("changes were missed") };
            came += changes.len() as u64;
            if more {
                behind.push((opened.room.into(), Some(opened.cursor)));
            }
        }
    }
    assert_eq!(came, ROOMS * EACH);
    assert!((2..=5).contains(&answers), "{answers} answers");
}

#[tokio::test]
async fn many_rooms_are_opened_by_one_read_each_in_its_place() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let (mut rooms, mut expected) = (Vec::new(), Vec::new());
    for n in 0..40 {
        let with_ben = n % 3 > 0;
        let create = CreateRoom::group().with(user(if with_ben { "ben" } else { "ann" }));
        let room = s.host().create_room(create).await.unwrap();
        rooms.push((room.info.id.into(), Some(room.cursor).filter(|_| n % 2 == 0)));
        expected.push(with_ben.then_some(room.info.id));
    }
    rooms.insert(7, ("job:42".parse().unwrap(), None));
    expected.insert(7, Some(s.room));
    rooms.insert(9, ("job:no".parse().unwrap(), None));
    expected.insert(9, None);
    let mut live = s.of("ben").live();
    let answers = live.subscribe(rooms.clone()).await.unwrap();
    assert_eq!(store.calls(Call::CatchUp), 1);
    assert_eq!(answers.len(), rooms.len());
    for ((answer, (place, since)), expected) in answers.iter().zip(&rooms).zip(&expected) {
        match (answer, expected) {
            (Subscribed::Open(opened), Some(room)) => {
                assert_eq!(opened.room, *room);
                assert_eq!(matches!(opened.sync, Sync::Same { .. }), since.is_some(), "{:?}", opened.sync);
            }
            (Subscribed::Gone { room, .. }, None) => assert_eq!(*room, place.to_string()),
            other => panic!("{other:?} of {place}"),
        }
    }
    waiting(&mut live);
    for room in expected.into_iter().flatten() {
        s.host().send(room, SendMessage::system("live")).await.unwrap();
        assert_eq!(next_text(&mut live).await, "live");
    }
}

#[tokio::test]
async fn who_opens_rooms_is_shown_there_as_their_token_says_and_sees_so() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let other = s.host().create_room(CreateRoom::group().with(user("ben"))).await.unwrap().info.id;
    let not_theirs = s.host().create_room(CreateRoom::group().with(user("ann"))).await.unwrap().info.id;
    let mut ann = s.opens("ann").await;
    let reads = store.calls(Call::CatchUp);
    let ben = s.of("ben").with_profile(Some("Ben B.".into()), None);
    let rooms = || [s.room, other, not_theirs].map(|room| (room.into(), None)).to_vec();
    let shown = |answer: &Subscribed| match answer {
        Subscribed::Open(opened) => match &opened.sync {
            Sync::Snapshot { snapshot } => {
                snapshot.participants.iter().find(|one| one.user_id == user("ben")).and_then(|ben| ben.name.clone())
            }
            other => panic!("no snapshot but {other:?}"),
        },
        Subscribed::Gone { .. } => None,
    };
    for (time, reads_so_far) in [(1, reads + 2), (2, reads + 3)] {
        let mut live = ben.live();
        let answers = live.subscribe(rooms()).await.unwrap();
        let named = Some("Ben B.".to_owned());
        assert_eq!(answers.iter().map(shown).collect::<Vec<_>>(), [named.clone(), named, None], "time {time}");
        assert_eq!(store.calls(Call::CatchUp), reads_so_far, "read again only where a name was another");
        let changes = waiting(&mut live).iter().filter(|frame| kind(frame) == "participant_updated").count();
        assert_eq!(changes, 0, "they were told in the answer");
    }
    let told = waiting(&mut ann).iter().filter(|frame| kind(frame) == "participant_updated").count();
    assert_eq!(told, 1, "the others are told once");
}

#[tokio::test]
async fn a_cursor_that_does_not_fit_is_answered_with_a_snapshot() {
    let s = Stage::new().await;
    let cursor = s.of("ann").room(s.room).await.unwrap().cursor;
    let mut live = s.of("ann").live();
    let mut wrong = [cursor; 3];
    wrong[0].epoch += 1;
    wrong[1].chain += 1;
    wrong[2].rev += 1_000;
    for cursor in wrong {
        let answer = live.subscribe(vec![(s.room.into(), Some(cursor))]).await.unwrap().remove(0);
        assert!(matches!(answer, Subscribed::Open(o) if matches!(o.sync, Sync::Snapshot { .. })));
    }
    let gone = s.of("eve").live().subscribe(vec![(RoomRef::Id(s.room), None)]).await.unwrap().remove(0);
    assert_eq!(gone, Subscribed::Gone { room: s.room.to_string(), gone: true });
}

#[tokio::test(start_paused = true)]
async fn typing_ends_after_three_seconds_without_refresh() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let _ann = s.opens("ann").await;
    s.of("ann").typing(s.room, true).await.unwrap();
    assert_eq!(next(&mut ben, typing).await, ["ann"]);
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    s.of("ann").typing(s.room, true).await.unwrap();
    let refreshed = tokio::time::Instant::now();
    assert!(next(&mut ben, typing).await.is_empty());
    let lasted = refreshed.elapsed();
    assert!((Duration::from_millis(2_999)..Duration::from_millis(3_050)).contains(&lasted), "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn typing_ends_with_a_send_and_with_the_connection() {
    let (s, began) = (Stage::new().await, tokio::time::Instant::now());
    let mut ben = s.opens("ben").await;
    let ann = s.opens("ann").await;
    s.of("ann").typing(s.room, true).await.unwrap();
    assert_eq!(next(&mut ben, typing).await, ["ann"]);
    s.says("ann", "done").await;
    assert!(next(&mut ben, typing).await.is_empty());
    s.of("ann").typing(s.room, true).await.unwrap();
    assert_eq!(next(&mut ben, typing).await, ["ann"]);
    drop(ann);
    assert!(next(&mut ben, typing).await.is_empty());
    assert!(began.elapsed() < Duration::from_secs(3), "neither ended by itself");
}

#[tokio::test(start_paused = true)]
async fn who_closes_a_room_gets_nothing_of_it_that_waits_and_types_there_no_longer() {
    let s = Stage::new().await;
    let mut ann = s.opens("ann").await;
    s.says("ben", "waits").await;
    s.of("ann").typing(s.room, true).await.unwrap();
    ann.unsubscribe(vec![s.room.into()]).await.unwrap();
    assert!(waiting(&mut ann).is_empty());
    let opened = s.of("ben").live().subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0);
    let Subscribed::Open(opened) = opened else { panic!("{opened:?}") };
    assert_eq!(opened.typing, []);
}

#[tokio::test]
async fn the_first_connection_joins_and_the_last_one_leaves() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let (first, second) = (s.opens("ann").await, s.opens("ann").await);
    let joined = next(&mut ben, |e| match e {
        Event::UserJoined { user_id, present, .. } if *user_id == user("ann") => Some(present.len()),
        _ => None,
    })
    .await;
    assert_eq!(joined, 2);
    drop(first);
    s.says("ben", "still here?").await;
    drop(second);
    assert_eq!(next(&mut ben, left_behind).await, ["ben"], "and not with the first one");
}

fn left_behind(event: &Event) -> Option<Vec<String>> {
    match event {
        Event::UserLeft { present, .. } => Some(present.iter().map(ToString::to_string).collect()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn presence_is_told_at_once_and_going_is_told_late() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let presence = |e: &Event| match e {
        Event::Presence { user_id, online, last_seen } if *user_id == user("ann") => {
            Some((*online, last_seen.is_some()))
        }
        _ => None,
    };
    let ann = s.of("ann").live();
    assert_eq!(next(&mut ben, presence).await, (true, false));
    drop(ann);
    let reloaded = s.of("ann").live();
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(reloaded);
    assert_eq!(next(&mut ben, presence).await, (false, true));
}

#[tokio::test]
async fn waiting_for_an_event_takes_none() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    waiting(&mut ben);
    assert!(ben.try_next().is_none());
    assert!(ben.ready().now_or_never().is_none(), "nothing is there");
    s.says("ann", "hi").await;
    assert!(ben.ready().await && ben.ready().await);
    assert!(matches!(ben.try_next().unwrap().event(), Event::ChatMessage { .. }));
    assert!(ben.try_next().is_none());
    s.engine.close().await.unwrap();
    while ben.ready().await {
        ben.try_next();
    }
    assert!(ben.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_that_they_came_online_themselves() {
    let s = Stage::new().await;
    s.host().add_participant(s.room, user("cat")).await.unwrap();
    let mut ben = s.opens("ben").await;
    let mut ann = s.opens("ann").await;
    let whose = |e: &Event| match e {
        Event::Presence { user_id, .. } => Some(user_id.clone()),
        _ => None,
    };
    let _cat = s.of("cat").live();
    for (name, live) in [("ann", &mut ann), ("ben", &mut ben)] {
        let mut told = next(live, whose).await;
        while told != user("cat") {
            assert_ne!(told, user(name));
            told = next(live, whose).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_while_a_page_is_reloaded_is_told_what_the_others_were() {
    let s = Stage::new().await;
    let online = async || {
        let people = s.of("ben").participants(s.room, None, None).await.unwrap().results;
        people.iter().find(|participant| participant.user_id == user("ann")).unwrap().online
    };
    assert_eq!(online().await, Some(false));
    let mut ben = s.opens("ben").await;
    let ann = s.of("ann").live();
    next(&mut ben, |e| matches!(e, Event::Presence { online: true, .. }).then_some(())).await;
    assert_eq!(online().await, Some(true));
    drop(ann);
    assert_eq!(online().await, Some(true), "nobody was told that she went");
    next(&mut ben, |e| matches!(e, Event::Presence { online: false, .. }).then_some(())).await;
    assert_eq!(online().await, Some(false));
}

#[tokio::test(start_paused = true)]
async fn typing_ends_with_a_stop_a_leave_a_mute_and_a_frozen_room() {
    let (s, began) = (Stage::new().await, tokio::time::Instant::now());
    let mut ben = s.opens("ben").await;
    let ann = s.of("ann");
    let mut own = s.opens("ann").await;
    let host = s.host();
    let starts = async |ben: &mut _| {
        ann.typing(s.room, true).await.unwrap();
        assert_eq!(next(ben, typing).await, ["ann"]);
    };

    starts(&mut ben).await;
    ann.typing(s.room, false).await.unwrap();
    assert!(next(&mut ben, typing).await.is_empty());

    starts(&mut ben).await;
    own.unsubscribe(vec![s.room.into()]).await.unwrap();
    assert!(next(&mut ben, typing).await.is_empty());
    own.subscribe(vec![(s.room.into(), None)]).await.unwrap();

    starts(&mut ben).await;
    let mute = |until| UpdateParticipant { muted_until: Some(until), ..UpdateParticipant::of(user("ann")) };
    host.update_participant(s.room, mute(Some(Timestamp::MAX))).await.unwrap();
    assert!(next(&mut ben, typing).await.is_empty());
    assert_eq!(ann.typing(s.room, true).await.unwrap_err().code(), Code::Forbidden);
    host.update_participant(s.room, mute(None)).await.unwrap();

    starts(&mut ben).await;
    let freeze = UpdateRoom { state: Some(RoomState::Frozen), ..UpdateRoom::default() };
    host.update_room(s.room, freeze.clone()).await.unwrap();
    assert!(next(&mut ben, typing).await.is_empty());
    assert_eq!(ann.typing(s.room, true).await.unwrap_err().code(), Code::Forbidden);
    host.update_room(s.room, UpdateRoom { state: Some(RoomState::Open), ..freeze }).await.unwrap();

    starts(&mut ben).await;
    ann.leave(s.room).await.unwrap();
    assert!(next(&mut ben, typing).await.is_empty());
    assert_eq!(ann.typing(s.room, true).await.unwrap_err().code(), Code::NotFound);
    assert!(began.elapsed() < Duration::from_secs(3), "none ended by itself");
}

#[tokio::test]
async fn a_large_room_shows_no_typing_no_receipts_and_no_coming_and_going() {
    let create = ["ann", "ben", "cat"].into_iter().map(user).fold(CreateRoom::group(), CreateRoom::with);
    let limits = Limits { small_room: 2, ..Limits::default() };
    let s = Stage::over(Arc::new(MemoryStore::default()), Options { limits, ..Options::default() }, create).await;
    let mut ann = s.opens("ann").await;
    let _ben = s.opens("ben").await;
    waiting(&mut ann);
    let mut cat = s.opens("cat").await;
    s.of("cat").typing(s.room, true).await.unwrap();
    s.says("ben", "1").await;
    s.of("cat").mark(s.room, MarkKind::Read, 1).await.unwrap();
    let told: Vec<_> = waiting(&mut ann).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told, ["chat_message"]);
    assert!(waiting(&mut cat).iter().any(|frame| kind(frame) == "marker"), "one's own is told");
    // Somebody comes online in the large room and in a small one; only the small one hears of it.
    let small = s.host().create_room(CreateRoom::group().with(user("ann")).with(user("dan"))).await.unwrap().info.id;
    s.host().add_participant(s.room, user("dan")).await.unwrap();
    let mut in_small = s.of("ann").live();
    in_small.subscribe(vec![(small.into(), None)]).await.unwrap();
    let _dan = s.of("dan").live();
    let dan = |e: &Event| matches!(e, Event::Presence { user_id, .. } if *user_id == user("dan")).then_some(());
    next(&mut in_small, dan).await;
    let all = std::iter::from_fn(|| cat.next().now_or_never().flatten()).map(|frame| kind(&frame)).collect::<Vec<_>>();
    assert!(!all.contains(&"presence".into()), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_and_goes_is_no_news() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let presence = |e: &Event| match e {
        Event::Presence { user_id, online, last_seen } if *user_id == user("ann") => Some((*online, *last_seen)),
        _ => None,
    };
    let first = s.of("ann").live();
    assert_eq!(next(&mut ben, presence).await, (true, None));
    drop(first);
    for _ in 0..5 {
        // Every time within the five seconds; but more than five seconds in all.
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(s.of("ann").live());
    }
    let gone = tokio::time::Instant::now();
    let (online, last_seen) = next(&mut ben, presence).await;
    assert!(!online && last_seen.is_some());
    let late = gone.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&late), "{late:?} after the last one");
}

#[tokio::test]
async fn what_waited_of_a_closed_room_is_in_the_answer_that_opens_it() {
    let s = Stage::new().await;
    let mut ann = s.engine.session(&user("ann")).live();
    let rename = |name: &str| UpdateRoom { name: Some(Some(name.to_owned())), ..UpdateRoom::default() };
    s.host().update_room(s.room, rename("then")).await.unwrap();
    s.host().update_room(s.room, rename("now")).await.unwrap();
    let opened = ann.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0);
    let Subscribed::Open(opened) = opened else { panic!("it is theirs") };
    assert!(matches!(&opened.sync, Sync::Snapshot { snapshot } if snapshot.room.info.name.as_deref() == Some("now")));
    s.says("ben", "hello").await;
    let told: Vec<_> = waiting(&mut ann).iter().map(|frame| kind(frame)).collect();
    assert!(!told.contains(&"room_updated".to_owned()) && told.contains(&"chat_message".to_owned()), "{told:?}");
}

#[tokio::test]
async fn what_of_a_token_does_not_fit_is_left_out_and_the_rest_is_shown() {
    let s = Stage::new().await;
    let ben = s.of("ben").with_profile(Some("Ben B.".into()), Some("javascript:alert(1)".into()));
    ben.live().subscribe(vec![(s.room.into(), None)]).await.unwrap();
    let made = ben.create_room(CreateRoom::group()).await.unwrap().info.id;
    for room in [s.room, made] {
        let people = s.host().participants(room, None, None).await.unwrap().results;
        let ben = people.iter().find(|one| one.user_id == user("ben")).unwrap();
        assert_eq!((ben.name.as_deref(), ben.avatar.as_deref()), (Some("Ben B."), None));
    }
    let nameless = s.of("ben").with_profile(Some("a\u{7}b".into()), Some("https://x/y.png".into()));
    let made = nameless.create_room(CreateRoom::group()).await.unwrap().info.id;
    let ben = s.host().participants(made, None, None).await.unwrap().results.remove(0);
    assert_eq!((ben.name.as_deref(), ben.avatar.as_deref()), (None, Some("https://x/y.png")));
}

#[tokio::test]
async fn a_room_is_named_by_its_id_and_by_its_key_and_not_more_often() {
    let s = Stage::new().await;
    let mut ben = s.of("ben").live();
    let key: RoomRef = "job:42".parse().unwrap();
    let error = ben.subscribe(vec![(s.room.into(), None), (key.clone(), None), (key.clone(), None)]).await.unwrap_err();
    assert_eq!(error.to_string(), "`rooms` must give each id and each key once");
    s.says("ann", "hi").await;
    assert!(waiting(&mut ben).is_empty(), "none was opened");
    ben.subscribe(vec![(s.room.into(), None), (key, None)]).await.unwrap();
}
