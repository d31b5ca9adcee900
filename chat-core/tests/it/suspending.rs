//! Letting go of the storage for a while, as an app in the background must.

use std::sync::Arc;

use chat_core::{
    Engine, Error, Event, MarkKind, Options, Position, ResyncReason, RoomId, SendMessage, Subscribed, Sync, Window,
};
use futures_util::FutureExt as _;

use crate::{
    held::{Call, Held},
    stage::{Stage, give_up_after, next, next_text, waiting},
};

/// Who else writes into the storage while the engine has let go of it.
async fn meanwhile(store: &Arc<Held>, room: RoomId, text: &str) {
    assert!(store.is_closed());
    let other = Engine::open(Arc::clone(store) as _, Options::default());
    other.host().send(room, SendMessage::text(text).on_behalf_of("ben".parse().unwrap())).await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn while_it_is_suspended_everything_says_so_and_afterwards_all_is_there() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let first = s.says("ann", "before").await;
    let ann = s.of("ann");
    s.engine.suspend().await.unwrap();
    assert!(store.is_closed() && s.engine.is_suspended());
    s.engine.suspend().await.expect("twice is fine");
    let suspended = Error::Suspended;
    assert_eq!(ann.send(s.room, SendMessage::text("now")).await.unwrap_err(), suspended);
    assert_eq!(ann.create_room(chat_core::CreateRoom::group()).await.unwrap_err(), suspended);
    assert_eq!(ann.mark(s.room, MarkKind::Read, 1).await.unwrap_err(), suspended);
    assert_eq!(ann.room(s.room).await.unwrap_err(), suspended);
    assert_eq!(ann.rooms(None, None).await.unwrap_err(), suspended);
    assert_eq!(ann.history(s.room, Window::Latest, None).await.unwrap_err(), suspended);
    assert_eq!(ann.message(first.id).await.unwrap_err(), suspended);
    assert_eq!(ann.unread().await.unwrap_err(), suspended);
    assert_eq!(ann.typing(s.room, true).await.unwrap_err(), suspended);
    assert_eq!(ann.live().subscribe(vec![(s.room.into(), None)]).await.unwrap_err(), suspended);
    s.engine.resume(store).await.unwrap();
    assert!(!s.engine.is_suspended());
    assert_eq!(s.says("ann", "after").await.seq, 2);
    assert_eq!(s.texts().await, ["before", "after"]);
    s.engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_finished_first_under_load() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let senders: Vec<_> = (0..8)
        .map(|n| {
            let (ann, room) = (s.of("ann"), s.room);
            tokio::spawn(async move {
                let mut stored = Vec::new();
                let mut refused = 0;
                while stored.len() < 40 {
                    let text = format!("{n}.{}", stored.len());
                    match ann.send(room, SendMessage::text(&text)).await {
                        Ok(_) => stored.push(text),
                        Err(error) => {
                            assert_eq!(error, Error::Suspended);
                            refused += 1;
                            tokio::task::yield_now().await;
                        }
                    }
                }
                (stored, refused)
            })
        })
        .collect();
    for round in 1..=5 {
        store.reached(Call::Commit, round * 4).await;
        s.engine.suspend().await.unwrap();
        assert!(store.is_closed());
        tokio::task::yield_now().await;
        s.engine.resume(Arc::clone(&store) as _).await.unwrap();
    }
    let mut answered = Vec::new();
    for sender in senders {
        answered.extend(sender.await.unwrap().0);
    }
    let mut stored = Vec::new();
    while let Some(next) = {
        let page = s.host().history(s.room, Window::After(stored.len() as u64), Some(200)).await.unwrap();
        stored.extend(page.results.into_iter().filter_map(|message| message.content));
        page.next
    } {
        assert_eq!(next, stored.len().to_string(), "numbers have no hole");
    }
    answered.sort_unstable();
    stored.sort_unstable();
    assert_eq!(answered, stored, "what was answered is stored, once, and nothing else is");
    s.engine.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn markers_that_were_gathered_are_stored_first() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    s.says("ann", "one").await;
    let ben = s.of("ben");
    let mut marking = Box::pin(ben.mark(s.room, MarkKind::Read, 1));
    assert!(marking.as_mut().now_or_never().is_none(), "it waits for others");
    s.engine.suspend().await.unwrap();
    assert_eq!(marking.await.unwrap().read_seq, 1);
    s.engine.resume(store).await.unwrap();
    assert_eq!(s.unread("ben").await, 0);
    s.engine.close().await.unwrap();
}

#[tokio::test]
async fn who_has_a_room_open_catches_up_with_what_others_wrote_meanwhile() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    s.says("ann", "before").await;
    let mut live = s.of("ann").live();
    let opened = live.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0);
    let Subscribed::Open(opened) = opened else { panic!("{opened:?}") };
    waiting(&mut live);
    s.engine.suspend().await.unwrap();
    meanwhile(&store, s.room, "from elsewhere").await;
    assert!(waiting(&mut live).is_empty(), "nothing is heard meanwhile");
    s.engine.resume(store).await.unwrap();
    let reason = next(&mut live, |event| match event {
        Event::Resync { room, reason } => Some((*room, *reason)),
        other => panic!("{other:?}"),
    });
    assert_eq!(reason.await, (s.room, ResyncReason::Gap));
    // What comes before they have caught up is not for them.
    let message = s.says("ben", "after").await;
    assert_eq!(message.seq, 3);
    assert!(waiting(&mut live).is_empty());
    let caught_up = live.subscribe(vec![(s.room.into(), Some(opened.cursor))]).await.unwrap().remove(0);
    let Subscribed::Open(caught_up) = caught_up else { panic!("{caught_up:?}") };
    let Sync::Changes { changes, more: false } = caught_up.sync else { panic!("{:?}", caught_up.sync) };
    let revs: Vec<_> = changes.iter().filter_map(|event| event.position().map(|at: &Position| at.rev)).collect();
    assert_eq!(revs, [message.rev - 1, message.rev]);
    s.says("ben", "live again").await;
    assert_eq!(next_text(&mut live).await, "live again");
    s.engine.close().await.unwrap();
}

#[tokio::test]
async fn who_was_opening_a_room_meanwhile_is_told_to_do_it_again() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut live = s.of("ann").live();
    store.hold(Call::CatchUp);
    let mut opening = Box::pin(live.subscribe(vec![(s.room.into(), None)]));
    assert!(opening.as_mut().now_or_never().is_none());
    store.reached(Call::CatchUp, 1).await;
    s.engine.suspend().await.unwrap();
    s.engine.resume(Arc::clone(&store) as _).await.unwrap();
    store.release(Call::CatchUp);
    assert!(matches!(opening.await.unwrap()[..], [Subscribed::Open(_)]));
    let told = next(&mut live, |event| matches!(event, Event::Resync { .. }).then_some(()));
    told.await;
    s.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_running_engine_is_not_resumed_and_a_suspended_one_can_be_closed() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let wrong = s.engine.resume(Held::new()).await.unwrap_err();
    assert_eq!(wrong, Error::Conflict { reason: "the engine is not suspended" });
    s.says("ann", "still here").await;
    let mut live = s.opens("ann").await;
    s.engine.suspend().await.unwrap();
    assert!(!s.engine.is_closed());
    s.engine.close().await.unwrap();
    assert!(s.engine.is_closed() && !s.engine.is_suspended());
    while live.next().await.is_some() {}
    assert_eq!(s.of("ann").room(s.room).await.unwrap_err(), Error::Draining);
    assert_eq!(s.engine.resume(store).await.unwrap_err(), Error::Draining);
    assert_eq!(s.engine.suspend().await.unwrap_err(), Error::Draining);
}

#[tokio::test]
async fn giving_up_on_suspending_takes_nothing_back() {
    for polls in 1..6 {
        let store = Held::new();
        let s = Stage::on(Arc::clone(&store) as _).await;
        store.hold(Call::Commit);
        let ann = s.of("ann");
        let mut send = Box::pin(ann.send(s.room, SendMessage::text("accepted")));
        assert!(send.as_mut().now_or_never().is_none());
        assert_eq!(give_up_after(polls, s.engine.suspend()).await, None);
        store.release(Call::Commit);
        assert_eq!(send.await.unwrap().message.seq, 1);
        s.engine.suspend().await.unwrap();
        assert!(store.is_closed());
        give_up_after(polls, s.engine.resume(Arc::clone(&store) as _)).await;
        let _ = s.engine.resume(store).await;
        assert_eq!(s.texts().await, ["accepted"]);
        s.engine.close().await.unwrap();
    }
}
