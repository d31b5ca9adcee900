//! A storage that fails, hangs, or does not say what it did.

use std::{sync::Arc, time::Duration};

use chat_core::{
    Code, CreateRoom, Event, Limits, Live, MarkKind, Options, RemoveParticipant, SendMessage, Subscribed, Sync,
    UpdateMe, Window,
};
use futures_util::{FutureExt as _, future::join_all};

use crate::{
    held::{Call, Fate, Held},
    stage::{Stage, kind, next_text, user, waiting},
};

fn named(text: &str, name: &str) -> SendMessage {
    SendMessage::text(text).with_client_id(name.parse().unwrap())
}

#[tokio::test]
async fn what_was_not_stored_is_not_told_and_the_next_one_is() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut ben = s.opens("ben").await;
    waiting(&mut ben);
    store.next_batch(Fate::Failed);
    let error = s.of("ann").send(s.room, SendMessage::text("lost")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after_ms()), (Code::StorageUnavailable, Some(1_000)));
    s.says("ann", "kept").await;
    let told = waiting(&mut ben);
    assert_eq!(told.iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["chat_message"]);
    assert_eq!(s.texts().await, ["kept"]);
}

#[tokio::test]
async fn a_change_that_was_stored_and_not_told_is_a_gap_and_no_silence() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut ben = s.of("ben").live();
    let Subscribed::Open(opened) = ben.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0) else {
        panic!("ben is in the room")
    };
    waiting(&mut ben);
    store.next_batch(Fate::Unknown);
    let error = s.of("ann").send(s.room, named("stored", "op")).await.unwrap_err();
    assert_eq!(error.code(), Code::StorageUnavailable);
    assert!(waiting(&mut ben).is_empty());
    s.says("ann", "next").await;
    let told = waiting(&mut ben);
    assert_eq!(told.iter().map(|frame| kind(frame)).collect::<Vec<_>>(), ["resync"]);
    assert!(s.of("ann").send(s.room, named("stored", "op")).await.unwrap().duplicate);
    let Subscribed::Open(back) = ben.subscribe(vec![(s.room.into(), Some(opened.cursor))]).await.unwrap().remove(0)
    else {
        panic!("still in the room")
    };
    assert!(matches!(back.sync, Sync::Changes { changes, .. } if changes.len() == 2));
    s.says("ann", "live").await;
    assert_eq!(next_text(&mut ben).await, "live");
}

#[tokio::test(start_paused = true)]
async fn while_nothing_can_be_stored_reads_go_on_and_too_much_is_answered_busy() {
    let store = Held::new();
    let limits = Limits { pending_commands: 4, ..Limits::default() };
    let create = CreateRoom::group().with(user("ann")).with(user("ben"));
    let s = Stage::over(Arc::clone(&store) as _, Options { limits, ..Options::default() }, create).await;
    s.says("ann", "before").await;
    let mut cat = s.opens("ben").await;
    store.hold(Call::Commit);
    let ann = s.of("ann");
    let mut first = Box::pin(ann.send(s.room, SendMessage::text("held")));
    assert!(first.as_mut().now_or_never().is_none());
    store.reached(Call::Commit, 3).await;
    let ben = s.of("ben");
    let mut mark = Box::pin(ben.mark(s.room, MarkKind::Read, 1));
    assert!(mark.as_mut().now_or_never().is_none());

    let began = tokio::time::Instant::now();
    assert_eq!(ben.room(s.room).await.unwrap().unread_count, 1, "the marker cannot be stored yet");
    assert_eq!(ben.unread().await.unwrap(), 1);
    assert_eq!(ben.history(s.room, Window::Latest, None).await.unwrap().results.len(), 1);
    assert_eq!(ann.rooms(None, None).await.unwrap().results.len(), 1);
    assert!(matches!(ben.live().subscribe(vec![(s.room.into(), None)]).await.unwrap()[0], Subscribed::Open(_)));
    // Nor does it keep them out that their new name cannot be stored.
    let renamed = ben.clone().with_profile(Some("B".into()), None);
    assert!(matches!(renamed.live().subscribe(vec![(s.room.into(), None)]).await.unwrap()[0], Subscribed::Open(_)));
    assert!(began.elapsed() <= Duration::from_millis(300), "{:?}", began.elapsed());

    let mut sends: Vec<_> = (0..8).map(|n| Box::pin(ann.send(s.room, SendMessage::text(n.to_string())))).collect();
    let busy = sends.iter_mut().filter_map(|send| send.as_mut().now_or_never()).map(|sent| sent.unwrap_err().code());
    let busy: Vec<_> = busy.collect();
    assert!(busy.len() >= 4 && busy.iter().all(|code| *code == Code::Busy), "{busy:?}");
    store.release(Call::Commit);
    assert_eq!(first.await.unwrap().message.seq, 2);
    assert_eq!(mark.await.unwrap().read_seq, 1);
    assert_eq!(next_text(&mut cat).await, "held");
}

#[tokio::test]
async fn what_was_decided_on_something_stale_is_decided_anew_in_the_same_order() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    store.next_batch(Fate::Stale);
    let ann = s.of("ann");
    let texts: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    let sent = join_all(texts.iter().map(|text| ann.send(s.room, SendMessage::text(text)))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(s.texts().await, texts);
}

#[tokio::test]
async fn an_authors_sends_keep_their_order_around_what_must_wait() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let (ann, ben, host) = (s.of("ann"), s.of("ben"), s.host());
    let mut live = s.opens("ben").await;
    store.hold(Call::Commit);
    let mut held = Box::pin(ben.send(s.room, SendMessage::text("first")));
    assert!(held.as_mut().now_or_never().is_none());
    store.reached(Call::Commit, 2).await;
    // All of this becomes one batch; each change of ann's own row makes what she does after it wait for the next one.
    let pin = |pinned| UpdateMe { pinned: Some(pinned), ..UpdateMe::default() };
    let rename = |name: &str| chat_core::UpdateParticipant {
        name: Some(Some(name.to_owned())),
        ..chat_core::UpdateParticipant::of(user("ann"))
    };
    let mut all: Vec<futures_util::future::BoxFuture<'_, bool>> = Vec::new();
    for n in 0..5 {
        all.push(Box::pin(ann.send(s.room, SendMessage::text(format!("ann {n}"))).map(|done| done.is_ok())));
        all.push(Box::pin(ann.update_me(s.room, pin(n % 2 == 0)).map(|done| done.is_ok())));
        all.push(Box::pin(host.update_participant(s.room, rename(&format!("Ann {n}"))).map(|done| done.is_ok())));
        let note = SendMessage::system(format!("note {n}"));
        all.push(Box::pin(host.send(s.room, note).map(|done| done.is_ok())));
    }
    let mut all = join_all(all);
    assert!((&mut all).now_or_never().is_none());
    store.release(Call::Commit);
    assert!(all.await.into_iter().all(|ok| ok));
    held.await.unwrap();
    let (mut by_ann, mut by_host) = (Vec::new(), Vec::new());
    for frame in waiting(&mut live) {
        match frame.event() {
            Event::ChatMessage { message, .. } if message.sender == Some(user("ann")) => {
                by_ann.extend(message.content.clone());
            }
            Event::ChatMessage { message, .. } if message.sender.is_none() => by_host.extend(message.content.clone()),
            Event::ParticipantUpdated { participant, .. } => by_host.extend(participant.name.clone()),
            _ => {}
        }
    }
    assert_eq!(by_ann, (0..5).map(|n| format!("ann {n}")).collect::<Vec<_>>());
    assert_eq!(by_host, (0..5).flat_map(|n| [format!("Ann {n}"), format!("note {n}")]).collect::<Vec<_>>());
}

#[tokio::test]
async fn changes_of_many_members_are_stored_together() {
    let store = Held::new();
    let people = (0..50).map(|n| user(&format!("u{n}")));
    let create = people.clone().fold(CreateRoom::group(), CreateRoom::with);
    let s = Stage::over(Arc::clone(&store) as _, Options::default(), create).await;
    let before = store.calls(Call::Commit);
    let private = UpdateMe { private_reading: Some(true), ..UpdateMe::default() };
    let sessions: Vec<_> = people.map(|user| s.engine.session(&user)).collect();
    let done = join_all(sessions.iter().map(|session| session.update_me(s.room, private.clone()))).await;
    assert!(done.into_iter().all(|my| my.unwrap().settings.private_reading));
    assert!(store.calls(Call::Commit) - before <= 3, "{} batches", store.calls(Call::Commit) - before);
}

#[tokio::test]
async fn who_cannot_be_renamed_reads_all_the_same() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let ben = s.of("ben").with_profile(Some("B".into()), None);
    let mut live = ben.live();
    store.fail(Call::Commit, true);
    assert!(matches!(live.subscribe(vec![(s.room.into(), None)]).await.unwrap()[0], Subscribed::Open(_)));
    store.fail(Call::Commit, false);
    let Subscribed::Open(opened) = live.subscribe(vec![(s.room.into(), None)]).await.unwrap().remove(0) else {
        panic!("still in the room")
    };
    let Sync::Snapshot { snapshot } = opened.sync else { panic!("without a cursor") };
    let named = |name: &str| snapshot.participants.iter().any(|person| person.name.as_deref() == Some(name));
    assert!(named("B"), "as soon as it can be");
}

#[tokio::test]
async fn a_removal_that_was_stored_and_not_told_is_told_when_it_is_repeated() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let (mut ann, mut ben) = (s.opens("ann").await, s.opens("ben").await);
    waiting(&mut ann);
    waiting(&mut ben);
    let remove = RemoveParticipant { user_id: user("ben"), client_id: Some("op".parse().unwrap()) };
    store.next_batch(Fate::Unknown);
    let error = s.host().remove_participant(s.room, remove.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::StorageUnavailable);
    // Who is in the room is not known: everybody asks, and nobody hears what may not be for them.
    s.says("ann", "between us").await;
    let told = |live: &mut Live| waiting(live).iter().map(|frame| kind(frame)).collect::<Vec<_>>();
    assert_eq!(told(&mut ann), ["resync"]);
    s.host().remove_participant(s.room, remove.clone()).await.unwrap();
    assert_eq!(told(&mut ben), ["room_removed"]);
    s.host().remove_participant(s.room, remove).await.unwrap();
    assert!(told(&mut ben).is_empty(), "and no more than once");
}
