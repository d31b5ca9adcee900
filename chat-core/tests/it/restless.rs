//! Who types, comes and goes all the time: the others hear of it now and then.

use std::time::Duration;

use chat_core::{Event, Subscribed};

use crate::stage::{Stage, kind, next, user, waiting};

fn typing(event: &Event) -> Option<Vec<String>> {
    match event {
        Event::Typing { typing, .. } => Some(typing.iter().map(ToString::to_string).collect()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn who_starts_and_stops_typing_all_the_time_is_told_of_now_and_then() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    let _ann = s.opens("ann").await;
    let ann = s.of("ann");
    assert!(waiting(&mut ben).iter().any(|frame| kind(frame) == "user_joined"));
    for _ in 0..10_000 {
        ann.typing(s.room, true).await.unwrap();
        ann.typing(s.room, false).await.unwrap();
    }
    let told: Vec<_> = waiting(&mut ben).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told, ["typing"; 10], "five starts and their ends");
    tokio::time::sleep(Duration::from_secs(1)).await;
    ann.typing(s.room, true).await.unwrap();
    assert_eq!(next(&mut ben, typing).await, ["ann"]);
}

#[tokio::test(start_paused = true)]
async fn who_opens_and_closes_a_room_all_the_time_is_told_of_now_and_then() {
    let s = Stage::new().await;
    let mut ben = s.opens("ben").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    waiting(&mut ben);
    let mut ann = s.of("ann").live();
    for _ in 0..1_000 {
        ann.subscribe(vec![(s.room.into(), None)]).await.unwrap();
        ann.unsubscribe(vec![s.room.into()]).await.unwrap();
    }
    let told: Vec<_> = waiting(&mut ben).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told, ["user_joined"], "what comes next is told a second later");
    let shown = s.of("cat");
    s.host().add_participant(s.room, user("cat")).await.unwrap();
    let opened = shown.live().subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0);
    let Subscribed::Open(opened) = opened else { panic!("{opened:?}") };
    assert!(opened.present.contains(&user("ann")), "as it was told");
    let left = next(&mut ben, |event| match event {
        Event::UserLeft { user_id, present, .. } if *user_id == user("ann") => Some(present.clone()),
        _ => None,
    });
    assert!(!left.await.contains(&user("ann")));
    tokio::time::sleep(Duration::from_secs(10)).await;
    waiting(&mut ben);
    ann.subscribe(vec![(s.room.into(), None)]).await.unwrap();
    let told: Vec<_> = waiting(&mut ben).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told, ["user_joined"], "at once where that is all");
}
