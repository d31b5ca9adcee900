//! Markers, readers, unread.
//!
//! Where it matters what is gathered together, or how long a read waits for it, time stands still: it is over when
//! everybody waits, and not when the machine was slow.

use std::time::Duration;

use chat_core::{
    EditMessage, Error, Event, MarkKind, RemoveParticipant, Replica, SendMessage, Subscribed, Sync, UpdateMe,
    UpdateParticipant,
};
use futures_util::{FutureExt as _, future::join_all};

use crate::stage::{Stage, kind, next, user, waiting};

#[tokio::test]
async fn unread_counts_live_messages_of_others_after_the_marker() {
    let s = Stage::new().await;
    let first = s.says("ann", "1").await;
    s.says("ann", "2").await;
    s.says("ann", "3").await;
    assert_eq!((s.unread("ann").await, s.unread("ben").await), (0, 3));
    s.of("ann").delete(first.id).await.unwrap();
    assert_eq!(s.unread("ben").await, 2, "a later delete lowers it");
    let markers = s.of("ben").mark(s.room, MarkKind::Read, 2).await.unwrap();
    assert_eq!((markers.read_seq, markers.delivered_seq, markers.unread_count), (2, 2, 1));
    assert_eq!(s.of("ben").unread().await.unwrap(), 1);
}

#[tokio::test]
async fn markers_only_move_forward_and_stop_at_the_end() {
    let s = Stage::new().await;
    for n in 1..=3 {
        s.says("ann", &n.to_string()).await;
    }
    let ben = s.of("ben");
    assert_eq!(ben.mark(s.room, MarkKind::Read, 1_000_000).await.unwrap().read_seq, 3);
    assert_eq!(ben.mark(s.room, MarkKind::Read, 1).await.unwrap().read_seq, 3);
    assert_eq!(ben.mark(s.room, MarkKind::Delivered, 2).await.unwrap().delivered_seq, 3);
}

#[tokio::test]
async fn mark_unread_moves_ones_own_marker_and_no_receipt() {
    let s = Stage::new().await;
    for n in 1..=3 {
        s.says("ann", &n.to_string()).await;
    }
    let ben = s.of("ben");
    ben.mark(s.room, MarkKind::Read, 3).await.unwrap();
    let back = ben.mark(s.room, MarkKind::Unread, 2).await.unwrap();
    assert_eq!((back.read_seq, back.marker_seq, back.unread_count), (3, 1, 2));
    assert_eq!(ben.mark(s.room, MarkKind::Read, 3).await.unwrap().unread_count, 0, "reading moves both");
}

#[tokio::test]
async fn sending_reads_up_to_ones_own_message_unless_it_says_otherwise() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    s.says("ben", "2").await;
    assert_eq!(s.unread("ben").await, 0);
    s.says("ann", "3").await;
    let old = SendMessage { read_seq: Some(2), ..SendMessage::text("written before 3") };
    s.of("ben").send(s.room, old).await.unwrap();
    assert_eq!(s.unread("ben").await, 1);
    s.host().send(s.room, SendMessage::text("for ben").on_behalf_of(user("ben"))).await.unwrap();
    assert_eq!(s.unread("ben").await, 1, "what the host sends reads nothing");
}

#[tokio::test(start_paused = true)]
async fn a_marker_then_a_read_shows_it_though_markers_are_gathered() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    let (ben, room) = (s.of("ben"), s.room);
    let marking = tokio::spawn({
        let ben = ben.clone();
        async move { ben.mark(room, MarkKind::Read, 1).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(ben.room(room).await.unwrap().unread_count, 0);
    marking.await.unwrap().unwrap();
}

#[tokio::test]
async fn readers_are_those_who_read_it_without_its_author() {
    let s = Stage::new().await;
    s.host().add_participant(s.room, user("cat")).await.unwrap();
    let message = s.says("ann", "1").await;
    assert!(s.of("ann").readers(message.id, None, None).await.unwrap().results.is_empty());
    s.of("ben").mark_message(MarkKind::Read, message.id).await.unwrap();
    let private = UpdateMe { private_reading: Some(true), ..UpdateMe::default() };
    s.of("cat").update_me(s.room, private).await.unwrap();
    let markers = s.of("cat").mark_message(MarkKind::Read, message.id).await.unwrap();
    assert_eq!((markers.read_seq, markers.unread_count), (0, 0), "privately read");
    let readers = s.of("ann").readers(message.id, None, None).await.unwrap().results;
    assert_eq!(readers.into_iter().map(|p| p.user_id).collect::<Vec<_>>(), [user("ben")]);
}

#[tokio::test]
async fn a_receipt_is_told_with_the_message_it_named() {
    let s = Stage::new().await;
    let mut ann = s.opens("ann").await;
    let message = s.says("ann", "1").await;
    s.of("ben").mark_message(MarkKind::Delivered, message.id).await.unwrap();
    let told = next(&mut ann, |e| match e {
        Event::MessageDelivered { user_id, message_id, seq, .. } => Some((user_id.clone(), *message_id, *seq)),
        _ => None,
    })
    .await;
    assert_eq!(told, (user("ben"), Some(message.id), 1));
    s.of("ann").edit(EditMessage::text(message.id, "1!")).await.unwrap();
    s.of("ben").mark(s.room, MarkKind::Read, 1).await.unwrap();
    let told = next(&mut ann, |e| match e {
        Event::MessageRead { message_id, seq, .. } => Some((*message_id, *seq)),
        _ => None,
    })
    .await;
    assert_eq!(told, (None, 1));
}

#[tokio::test(start_paused = true)]
async fn many_marks_are_told_once_and_all_answered_within_50_ms() {
    let s = Stage::new().await;
    for n in 1..=30 {
        s.says("ann", &n.to_string()).await;
    }
    let mut ann = s.opens("ann").await;
    let mut tablet = s.of("ben").live();
    waiting(&mut ann);
    let (ben, began) = (s.of("ben"), tokio::time::Instant::now());
    let marks = join_all((1..=30).map(|seq| ben.mark(s.room, MarkKind::Read, seq))).await;
    assert!(began.elapsed() <= Duration::from_millis(50), "{:?}", began.elapsed());
    assert!(marks.into_iter().all(|markers| markers.unwrap().read_seq == 30), "each with what holds now");
    let told: Vec<_> = waiting(&mut ann).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told, ["message_read"]);
    let told: Vec<_> = waiting(&mut tablet).iter().map(|frame| kind(frame)).collect();
    assert_eq!(told, ["marker"], "one's own devices hear of it without having the room open");
}

#[tokio::test(start_paused = true)]
async fn reading_to_the_end_means_the_end_as_it_was_then() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    let ben = s.of("ben");
    let mut mark = Box::pin(ben.mark(s.room, MarkKind::Read, 1_000_000));
    assert!(mark.as_mut().now_or_never().is_none());
    // The lane has taken the marker, and gathers; this comes in between.
    tokio::task::yield_now().await;
    s.says("ann", "2").await;
    let markers = mark.await.unwrap();
    assert_eq!((markers.read_seq, markers.unread_count), (1, 1), "ben cannot have read what came later");
    assert_eq!(
        ben.mark(s.room, MarkKind::Unread, 1_000_000).await.unwrap().unread_count,
        0,
        "after the end nothing is"
    );
    let early = SendMessage { read_seq: Some(1_000_000), ..SendMessage::text("3") };
    ben.send(s.room, early).await.unwrap();
    assert_eq!(ben.room(s.room).await.unwrap().my.unwrap().read_seq, 2);
}

#[tokio::test]
async fn who_reads_privately_shows_nothing_by_sending() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    let mut ann = s.opens("ann").await;
    let start = s.host().room(s.room).await.unwrap().cursor;
    waiting(&mut ann);
    let private = UpdateMe { private_reading: Some(true), ..UpdateMe::default() };
    s.of("ben").update_me(s.room, private).await.unwrap();
    s.says("ben", "2").await;
    s.says("ann", "3").await;
    s.of("ben").mark(s.room, MarkKind::Read, 3).await.unwrap();
    let my = s.of("ben").room(s.room).await.unwrap();
    assert_eq!((my.unread_count, my.my.unwrap().read_seq), (0, 0));
    let frames = waiting(&mut ann);
    assert!(frames.iter().all(|frame| kind(frame) != "message_read"));
    let told = frames.iter().find_map(|frame| match frame.event() {
        Event::ChatMessage { message, read_seq, .. } if message.seq == 2 => Some(*read_seq),
        _ => None,
    });
    assert_eq!(told, Some(Some(0)), "from the message nothing follows");

    let opened = s.of("ann").live().subscribe(vec![(s.room.into(), Some(start))]).await.unwrap().remove(0);
    let Subscribed::Open(opened) = opened else { panic!("in the room") };
    let Sync::Changes { changes, .. } = opened.sync else { panic!("not all of it was seen") };
    let told = changes.iter().find_map(|event| match event {
        Event::ChatMessage { message, read_seq, .. } if message.seq == 2 => Some(*read_seq),
        _ => None,
    });
    assert_eq!(told, Some(Some(0)), "nor from one that is fetched: the markers say it");
}

#[tokio::test(start_paused = true)]
async fn a_marker_waits_for_nobody_who_is_gone() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    let ben = s.of("ben");
    let mut mark = Box::pin(ben.mark(s.room, MarkKind::Read, 1));
    assert!(mark.as_mut().now_or_never().is_none());
    s.host().remove_participant(s.room, RemoveParticipant { user_id: user("ben"), client_id: None }).await.unwrap();
    assert_eq!(mark.await.unwrap_err(), Error::NotFound { what: "room" });
}

#[tokio::test(start_paused = true)]
async fn what_is_read_and_what_is_delivered_beyond_it_are_both_told() {
    let s = Stage::new().await;
    let mut last = s.says("ann", "1").await;
    for n in 2..=4 {
        last = s.says("ann", &n.to_string()).await;
    }
    let mut ann = s.opens("ann").await;
    waiting(&mut ann);
    let ben = s.of("ben");
    let both = [ben.mark_message(MarkKind::Delivered, last.id).boxed(), ben.mark(s.room, MarkKind::Read, 2).boxed()];
    let markers = join_all(both).await;
    assert!(markers.into_iter().all(|markers| markers.is_ok_and(|m| (m.read_seq, m.delivered_seq) == (2, 4))));
    let told: Vec<_> = waiting(&mut ann)
        .iter()
        .filter_map(|frame| match frame.event() {
            Event::MessageRead { message_id, seq, .. } => Some(("read", *message_id, *seq)),
            Event::MessageDelivered { message_id, seq, .. } => Some(("delivered", *message_id, *seq)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [("read", None, 2), ("delivered", Some(last.id), 4)]);
}

#[tokio::test]
async fn an_old_picture_of_somebody_takes_no_receipt_back() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    let mut ann = s.of("ann").live();
    let Subscribed::Open(opened) = ann.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0) else {
        panic!("ann is in the room")
    };
    let Sync::Snapshot { snapshot } = opened.sync else { panic!("no cursor, so a snapshot") };
    let mut replica = Replica::new(*snapshot);
    let rename = UpdateParticipant { name: Some(Some("Ben".into())), ..UpdateParticipant::of(user("ben")) };
    s.host().update_participant(s.room, rename).await.unwrap();
    s.of("ben").mark(s.room, MarkKind::Read, 1).await.unwrap();
    // Receipts are not in order with the log: the change may have to wait for one that is missing.
    for frame in waiting(&mut ann).iter().rev() {
        replica.reduce(frame.event());
    }
    let ben = &replica.participants[&user("ben")];
    assert_eq!((ben.name.as_deref(), ben.read_seq, ben.delivered_seq), (Some("Ben"), 1, 1));
}

#[tokio::test]
async fn a_send_tells_the_authors_other_devices_that_they_have_read() {
    let s = Stage::new().await;
    s.says("ann", "1").await;
    let (mut list, mut open, mut ann) = (s.of("ben").live(), s.opens("ben").await, s.of("ann").live());
    waiting(&mut open);
    let ben = s.of("ben");
    // Together, so that they are told together.
    let sent = tokio::join!(ben.send(s.room, SendMessage::text("2")), ben.send(s.room, SendMessage::text("3")));
    assert_eq!((sent.0.unwrap().message.seq, sent.1.unwrap().message.seq), (2, 3));
    let marker = Event::Marker { room: s.room, read_seq: 3, delivered_seq: 3, marker_seq: 3, unread_count: 0 };
    assert_eq!(waiting(&mut list).iter().map(|frame| frame.event()).collect::<Vec<_>>(), [&marker]);
    let with_it_open = waiting(&mut open);
    assert!(with_it_open.iter().all(|frame| kind(frame) == "chat_message"), "the message says it: {with_it_open:?}");
    assert!(waiting(&mut ann).is_empty());
}
