//! Closing, dropping, giving up.

use std::{sync::Arc, time::Duration};

use chat_core::{CreateRoom, EditMessage, Engine, Error, Limits, MarkKind, Options, SendMessage, UpdateMe, Window};
use futures_util::FutureExt as _;

use crate::{
    held::{Call, Held},
    stage::{Stage, give_up_after, user},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_under_load_finishes_what_was_accepted_and_refuses_the_rest() {
    let store = Held::new();
    let s = Stage::patient(Arc::clone(&store) as _).await;
    let mut live = s.opens("ben").await;
    let senders: Vec<_> = (0..8)
        .map(|n| {
            let (ann, room) = (s.of("ann"), s.room);
            tokio::spawn(async move {
                let mut stored = Vec::new();
                for m in 0.. {
                    let text = format!("{n}.{m}");
                    match ann.send(room, SendMessage::text(&text)).await {
                        Ok(_) => stored.push(text),
                        Err(error) => {
                            assert_eq!(error, Error::Draining);
                            break;
                        }
                    }
                }
                stored
            })
        })
        .collect();
    store.reached(Call::Commit, 10).await;
    s.engine.close().await.unwrap();
    assert!(store.is_closed());
    let mut answered = Vec::new();
    for sender in senders {
        answered.extend(sender.await.unwrap());
    }
    let late = s.of("ann").send(s.room, SendMessage::text("late")).await;
    assert_eq!(late.unwrap_err(), Error::Draining);
    let mut told = Vec::new();
    while let Some(frame) = live.next().await {
        if let chat_core::Event::ChatMessage { message, .. } = frame.event() {
            told.extend(message.content.clone());
        }
    }

    let again = Engine::open(store, Options::default());
    let mut stored = Vec::new();
    let mut after = 0;
    loop {
        let page = again.host().history(s.room, Window::After(after), Some(200)).await.unwrap();
        stored.extend(page.results.into_iter().filter_map(|message| message.content));
        match page.next {
            Some(next) => after = next.parse().unwrap(),
            None => break,
        }
    }
    assert_eq!(told, stored, "what is told before the end is what is stored");
    answered.sort_unstable();
    stored.sort_unstable();
    assert_eq!(answered, stored, "what was accepted is answered, and what was answered is stored");
    again.close().await.unwrap();
}

#[tokio::test]
async fn who_closes_too_waits_as_well() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let ann = s.of("ann");
    store.hold(Call::Commit);
    let mut send = Box::pin(ann.send(s.room, SendMessage::text("accepted")));
    assert!(send.as_mut().now_or_never().is_none());
    // The first one gives up.
    assert_eq!(give_up_after(5, s.engine.close()).await, None);
    let mut second = Box::pin(s.engine.close());
    let mut third = Box::pin(s.engine.close());
    for _ in 0..10 {
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert!(!store.is_closed());
    store.release(Call::Commit);
    let (second, third) = tokio::join!(second, third);
    assert_eq!((second, third), (Ok(()), Ok(())));
    assert_eq!(send.await.unwrap().message.seq, 1);
    assert!(store.is_closed());
}

#[tokio::test]
async fn who_gives_up_closing_where_too_much_waits_takes_nothing_back_either() {
    let store = Held::new();
    let limits = Limits { pending_commands: 1, ..Limits::default() };
    let create = CreateRoom::group().with(user("ann"));
    let s = Stage::over(Arc::clone(&store) as _, Options { limits, ..Options::default() }, create).await;
    let ann = s.of("ann");
    let send = |text| Box::pin(ann.send(s.room, SendMessage::text(text)));
    store.hold(Call::Commit);
    let (mut first, mut second) = (send("under way"), send("waits"));
    assert!(first.as_mut().now_or_never().is_none());
    store.reached(Call::Commit, 2).await;
    assert!(second.as_mut().now_or_never().is_none());
    assert!(matches!(send("too much").await, Err(Error::Busy { .. })));
    assert_eq!(give_up_after(1, s.engine.close()).await, None);
    store.release(Call::Commit);
    assert_eq!((first.await.unwrap().message.seq, second.await.unwrap().message.seq), (1, 2));
    assert_eq!(send("late").await.unwrap_err(), Error::Draining);
    s.engine.close().await.unwrap();
    assert!(store.is_closed());
}

#[tokio::test]
async fn every_stream_ends_with_the_engine_also_one_without_a_room() {
    let s = Stage::new().await;
    let (mut host, mut ann) = (s.host().live(), s.of("ann").live());
    s.engine.close().await.unwrap();
    for live in [&mut host, &mut ann, &mut s.of("ben").live()] {
        assert!(matches!(live.next().now_or_never(), Some(None)), "and a new one does not begin");
    }
    assert_eq!(s.of("ben").live().subscribe(vec![(s.room.into(), None)]).await.unwrap_err(), Error::Draining);
    assert_eq!(s.of("ben").room(s.room).await.unwrap_err(), Error::Draining);
}

#[tokio::test]
async fn dropping_the_last_handle_leaves_nothing_running() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let live = s.opens("ann").await;
    drop(s);
    tokio::task::yield_now().await;
    assert!(Arc::strong_count(&store) > 1, "a stream is a handle too");
    drop(live);
    let gone = async {
        while Arc::strong_count(&store) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.expect("the tasks let go of the store");
}

// Time stands still: a read waits only so long for markers that were handed in, and a slow machine must not end that.
#[tokio::test(start_paused = true)]
async fn giving_up_at_any_moment_does_a_thing_whole_or_not_at_all() {
    let store = Held::new();
    let s = Stage::on(store).await;
    let (ann, ben) = (s.of("ann"), s.of("ben"));
    for polls in 0..12 {
        let text = format!("{polls}");
        let sent = give_up_after(polls, ann.send(s.room, SendMessage::text(&text))).await;
        assert!(sent.is_none_or(|sent| sent.is_ok()));
        let target = s.says("ann", "target").await;
        give_up_after(polls, ann.edit(EditMessage::text(target.id, "edited"))).await;
        give_up_after(polls, ben.mark(s.room, MarkKind::Read, target.seq)).await;
        give_up_after(polls, ben.update_me(s.room, UpdateMe { pinned: Some(true), ..UpdateMe::default() })).await;
        give_up_after(polls, ben.room(s.room)).await;
        give_up_after(polls, ben.typing(s.room, true)).await;
        give_up_after(polls, ann.delete(target.id)).await;
        give_up_after(polls, ann.create_room(CreateRoom::direct(user("cat")))).await;
        let mut live = ben.live();
        give_up_after(polls, live.subscribe(vec![(s.room.into(), None)])).await;
        live.subscribe(vec![(s.room.into(), None)]).await.unwrap();
        let last = s.says("ann", "after").await;
        assert_eq!(crate::stage::next_text(&mut live).await, "after");
        // What was given up is done by now, or never will be; the numbers have no hole.
        let all = s.host().history(s.room, Window::After(0), Some(200)).await.unwrap().results;
        assert!(all.iter().map(|message| message.seq).eq(1..=last.seq));
        let unread = s.unread("ben").await;
        let marker = ben.room(s.room).await.unwrap().my.unwrap().marker_seq;
        let scan = all.iter().filter(|m| m.seq > marker && !m.is_deleted()).count() as u64;
        assert_eq!(unread, scan, "after {polls} polls");
    }
    s.engine.close().await.unwrap();
}
