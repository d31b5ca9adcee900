//! Rooms: keys, pairs, lists, life cycle.

use std::sync::Arc;

use chat_core::{
    Code, CreateRoom, Error, Event, Limits, MemoryStore, Options, RoomKey, RoomKind, RoomState, SendMessage, UpdateRoom,
};

use crate::stage::{Hands, Stage, next, user};

#[tokio::test]
async fn a_key_is_got_or_created_once_even_by_many_at_once() {
    let s = Stage::new().await;
    let create = CreateRoom::keyed("job:7".parse().unwrap()).with(user("ann"));
    let made = futures_util::future::join_all((0..20).map(|_| {
        let (host, create) = (s.host(), create.clone());
        async move { host.get_or_create_room(create).await.unwrap() }
    }))
    .await;
    assert_eq!(made.iter().filter(|(_, made)| *made).count(), 1);
    assert!(made.iter().all(|(room, _)| room.info.id == made[0].0.info.id));
    let other = create.with(user("ben"));
    let (found, made) = s.host().get_or_create_room(other).await.unwrap();
    assert_eq!((found.participants_count, made), (1, false), "its participants are left as they are");
}

#[tokio::test]
async fn a_key_leads_to_the_new_room_also_where_the_old_one_was_forgotten_before_it_was_deleted() {
    let s = Stage::limited(Limits { cached_rooms: 1, ..Limits::default() }).await;
    let other = s.host().create_room(CreateRoom::group().with(user("ann"))).await.unwrap();
    let key: RoomKey = "job:42".parse().unwrap();
    s.of("ann").send(key.clone(), SendMessage::text("old")).await.unwrap();
    // Stored together.
    let (host, ann) = (s.host(), s.of("ann"));
    let both = tokio::join!(host.delete_room(key.clone()), ann.send(other.info.id, SendMessage::text("x")));
    assert!(both.0.is_ok() && both.1.is_ok());
    let again = s.host().create_room(CreateRoom::keyed(key.clone()).with(user("ann"))).await.unwrap();
    let sent = s.of("ann").send(key, SendMessage::text("new")).await.unwrap();
    assert_eq!((sent.message.room, sent.message.seq), (again.info.id, 1));
}

#[tokio::test]
async fn an_engine_takes_limits_that_nothing_can_reach() {
    let limits = Limits { cached_rooms: usize::MAX, pending_commands: usize::MAX, ..Limits::default() };
    let s = Stage::limited(limits).await;
    assert_eq!(s.of("ann").send(s.room, SendMessage::text("hi")).await.unwrap().message.seq, 1);
    s.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_user_is_in_so_many_rooms_by_what_users_do_and_the_host_puts_them_into_more() {
    let s = Stage::limited(Limits { rooms_per_user: 2, ..Limits::default() }).await;
    let named = CreateRoom { client_id: Some("once".parse().unwrap()), ..CreateRoom::group() };
    let bens = s.of("ben").create_room(named.clone()).await.unwrap();
    let eve = s.of("eve");
    eve.create_room(CreateRoom::group().with(user("ann"))).await.unwrap();

    let another = CreateRoom::group().with(user("ann"));
    assert_eq!(eve.create_room(another).await.unwrap_err().code(), Code::LimitReached, "ann is in two");
    assert_eq!(s.of("ben").create_room(CreateRoom::group()).await.unwrap_err().code(), Code::LimitReached);
    let added = s.of("ben").add_participant(bens.info.id, user("ann")).await;
    assert_eq!(added.unwrap_err().code(), Code::LimitReached);
    assert_eq!(s.of("ben").create_room(named).await.unwrap().info.id, bens.info.id, "the one made before");

    let job = CreateRoom::keyed("job:43".parse().unwrap()).with(user("ann"));
    let job = s.host().create_room(job).await.unwrap().info.id;
    s.of("ann").send(job, SendMessage::text("hi")).await.unwrap();
    s.host().add_participant(bens.info.id, user("ann")).await.unwrap();
}

#[tokio::test]
async fn a_user_names_so_many_people_at_once_and_the_host_as_many_as_a_room_takes() {
    let s = Stage::limited(Limits { people_at_once: 2, ..Limits::default() }).await;
    let two = CreateRoom::group().with(user("ben")).with(user("cat"));
    let three = two.clone().with(user("dan"));
    let refused = s.of("ann").create_room(three.clone()).await.unwrap_err();
    assert_eq!(refused, Error::LimitReached { what: "participants", limit: 2 });
    let room = s.of("ann").create_room(two).await.unwrap().info.id;
    s.of("ann").add_participant(room, user("dan")).await.unwrap();
    assert_eq!(s.host().create_room(three).await.unwrap().participants_count, 3);
}

#[tokio::test]
async fn who_makes_many_large_rooms_holds_up_nobody_who_sends() {
    let s = Stage::new().await;
    let large = (0..100).fold(CreateRoom::group(), |room, n| room.with(user(&format!("user {n}"))));
    let mut making = Vec::new();
    for _ in 0..150 {
        let (ann, large) = (s.of("ann"), large.clone());
        making.push(tokio::spawn(async move { ann.create_room(large).await }));
    }
    // All of them are asked for before it is sent.
    tokio::task::yield_now().await;
    s.says("ben", "hi").await;
    let made = s.host().rooms(None, Some(200)).await.unwrap().results.len() - 1;
    assert!(made < 10, "{made} of 150 rooms were made first");
    let mut before = None;
    for room in making {
        let made = room.await.unwrap().unwrap();
        assert!(before < Some(made.info.id), "in the order in which they were asked for");
        before = Some(made.info.id);
    }
}

#[tokio::test]
async fn a_pair_has_one_direct_room_from_either_side() {
    let s = Stage::new().await;
    let (ann, ben) = (s.of("ann"), s.of("ben"));
    let (a, b) = tokio::join!(
        ann.create_room(CreateRoom::direct(user("ben"))),
        ben.create_room(CreateRoom::direct(user("ann")))
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.info.id, b.info.id);
    assert_eq!(ann.leave(a.info.id).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(s.host().add_participant(a.info.id, user("cat")).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(ann.create_room(CreateRoom::direct(user("ann"))).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_list_shows_the_latest_activity_first_and_pages() {
    let clock = Arc::new(Hands::at(1_000));
    let options = Options { clock: Arc::clone(&clock) as _, ..Options::default() };
    let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann"));
    let s = Stage::over(Arc::new(MemoryStore::default()), options, create).await;
    let mut rooms = vec![s.room];
    for n in 0..4 {
        let key: RoomKey = format!("job:{n}").parse().unwrap();
        rooms.push(s.host().create_room(CreateRoom::keyed(key).with(user("ann"))).await.unwrap().info.id);
    }
    clock.turn(2_000);
    s.says("ann", "up").await;
    let ann = s.of("ann");
    let first = ann.rooms(None, Some(2)).await.unwrap();
    assert_eq!(first.results[0].info.id, s.room);
    assert_eq!(first.results[0].last_message.as_ref().unwrap().content.as_deref(), Some("up"));
    let mut seen: Vec<_> = first.results.iter().map(|room| room.info.id).collect();
    let mut next = first.next;
    while let Some(cursor) = next {
        let page = ann.rooms(Some(&cursor), Some(2)).await.unwrap();
        seen.extend(page.results.iter().map(|room| room.info.id));
        next = page.next;
    }
    seen.sort_unstable();
    rooms.sort_unstable();
    assert_eq!(seen, rooms);
    assert_eq!(s.of("eve").rooms(None, None).await.unwrap().results, []);
}

#[tokio::test]
async fn a_frozen_room_is_read_only_and_opens_again() {
    let s = Stage::new().await;
    let to = |state| UpdateRoom { state: Some(state), ..UpdateRoom::default() };
    assert_eq!(s.of("ann").update_room(s.room, to(RoomState::Frozen)).await.unwrap_err().code(), Code::Forbidden);
    s.host().update_room(s.room, to(RoomState::Frozen)).await.unwrap();
    assert_eq!(s.of("ann").send(s.room, SendMessage::text("x")).await.unwrap_err().code(), Code::Forbidden);
    s.host().update_room(s.room, to(RoomState::Open)).await.unwrap();
    assert!(s.of("ann").send(s.room, SendMessage::text("x")).await.is_ok());
}

#[tokio::test]
async fn a_deleted_room_is_gone_for_everybody_and_its_key_is_free() {
    let s = Stage::new().await;
    let mut ann = s.opens("ann").await;
    let mut ben = s.of("ben").live();
    let message = s.says("ann", "x").await;
    assert_eq!(s.of("ann").delete_room(s.room).await.unwrap_err().code(), Code::Forbidden);
    s.host().delete_room(s.room).await.unwrap();
    let removed = |e: &Event| matches!(e, Event::RoomRemoved { .. }).then_some(());
    next(&mut ann, removed).await;
    next(&mut ben, removed).await;
    assert_eq!(s.of("ann").message(message.id).await.unwrap_err().code(), Code::NotFound);
    let again = s.host().create_room(CreateRoom::keyed("job:42".parse().unwrap())).await.unwrap();
    assert_ne!(again.info.id, s.room);
}

#[tokio::test]
async fn whoever_is_added_hears_of_it_on_every_connection() {
    let s = Stage::new().await;
    let mut cat = s.of("cat").live();
    s.host().add_participant(s.room, user("cat")).await.unwrap();
    let added = next(&mut cat, |e| match e {
        Event::RoomAdded { room, room_info } => Some((*room, room_info.key.clone())),
        _ => None,
    })
    .await;
    assert_eq!(added, (s.room, Some("job:42".parse().unwrap())));
}

#[tokio::test]
async fn a_room_that_was_deleted_can_be_made_again_under_the_same_name() {
    let s = Stage::new().await;
    let create = CreateRoom { client_id: Some("op".parse().unwrap()), ..CreateRoom::keyed("job:7".parse().unwrap()) };
    let (first, made) = s.host().get_or_create_room(create.clone()).await.unwrap();
    assert!(made);
    s.host().delete_room(first.info.id).await.unwrap();
    let (second, made) = s.host().get_or_create_room(create.clone()).await.unwrap();
    assert!(made && second.info.id != first.info.id);
    let (again, made) = s.host().get_or_create_room(create).await.unwrap();
    assert_eq!((again.info.id, made), (second.info.id, false));
}

#[tokio::test]
async fn a_direct_room_is_not_found_under_a_key_that_it_does_not_have() {
    let s = Stage::new().await;
    let direct = |key: Option<&str>| CreateRoom {
        kind: RoomKind::Direct,
        key: key.map(|key| key.parse().unwrap()),
        ..CreateRoom::group().with(user("ann")).with(user("ben"))
    };
    let host = s.host();
    let room = host.create_room(direct(Some("job:1"))).await.unwrap().info.id;
    let error = host.create_room(direct(Some("job:2"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict, "{error}");
    assert_eq!(host.room("job:2".parse::<chat_core::RoomKey>().unwrap()).await.unwrap_err().code(), Code::NotFound);
    for same in [direct(Some("job:1")), direct(None)] {
        assert_eq!(host.create_room(same).await.unwrap().info.id, room);
    }
    // Its name is not taken.
    let named = |key| CreateRoom { client_id: Some("op".parse().unwrap()), ..direct(key) };
    assert_eq!(host.create_room(named(Some("job:2"))).await.unwrap_err().code(), Code::Conflict);
    assert_eq!(host.create_room(named(Some("job:1"))).await.unwrap().info.id, room);
}
