//! The engine over a store that fails or waits at each of its calls in turn: it says so, tells nobody of what was not
//! stored, and goes on.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use chat_core::{
    AddParticipant, Code, CreateRoom, EditMessage, Engine, Event, Frame, Live, MarkKind, MemoryStore, MessageId,
    Options, RemoveParticipant, Result, RoomId, SendMessage, Session, Store, UpdateMe, UpdateRoom, Window,
    store::{RoomSelector, StoreResult, Viewer},
};
use chat_testkit::{
    Around, Call, FailAfter, Fails, Gate, Hooked, ManualClock, SeededRandom,
    cast::{self, client_id, key},
    dump, run,
};

/// An engine over `store` that runs the same way every time, and waits for nothing.
fn engine(store: Arc<dyn Store>) -> Engine {
    let options = Options {
        clock: Arc::new(ManualClock::default()),
        random: Arc::new(SeededRandom::new(1)),
        marker_delay: Duration::ZERO,
        ..Options::default()
    };
    Engine::open(store, options)
}

/// Does something until it is done, as a client does: whatever fails says that it may be tried again.
async fn insist<T>(act: impl AsyncFn() -> Result<T>) -> T {
    for _ in 0..3 {
        match act().await {
            Ok(done) => return done,
            Err(error) => assert_eq!(error.code(), Code::StorageUnavailable, "{error}"),
        }
    }
    panic!("one call fails, and not three")
}

/// A room's life from its making on, each command under a name, and each read once; what bob was told of it.
async fn life(engine: &Engine) -> (RoomId, Vec<Arc<Frame>>) {
    let (host, alice, bob) = (engine.host(), engine.session(&cast::alice()), engine.session(&cast::bob()));
    let create =
        CreateRoom::keyed(key("job:1")).with(AddParticipant::new(cast::alice())).with(AddParticipant::new(cast::bob()));
    let room = insist(async || host.get_or_create_room(create.clone()).await).await.0.info.id;
    let mut live = bob.live();
    open(&mut live, room).await;

    let say = |text: &str, name: &str| SendMessage::text(text).with_client_id(client_id(name));
    let first = insist(async || alice.send(room, say("hello", "one")).await).await.message;
    let second = insist(async || bob.send(room, say("answer", "two")).await).await.message;
    let edit = EditMessage { client_id: Some(client_id("three")), ..EditMessage::text(first.id, "hello!") };
    insist(async || alice.edit(edit.clone()).await).await;
    insist(async || bob.delete(second.id).await).await;
    let add = AddParticipant { client_id: Some(client_id("four")), ..AddParticipant::new(cast::carol()) };
    insist(async || host.add_participant(room, add.clone()).await).await;
    let name = Some(Some("a room".to_owned()));
    let rename = UpdateRoom { name, client_id: Some(client_id("five")), ..UpdateRoom::default() };
    insist(async || host.update_room(room, rename.clone()).await).await;
    insist(async || alice.mark(room, MarkKind::Read, 2).await).await;
    let pin = UpdateMe { pinned: Some(true), ..UpdateMe::default() };
    insist(async || alice.update_me(room, pin.clone()).await).await;
    let remove = RemoveParticipant { user_id: cast::carol(), client_id: Some(client_id("six")) };
    insist(async || host.remove_participant(room, remove.clone()).await).await;
    reads(&alice, room, first.id).await;
    insist(async || alice.send(room, say("and on", "seven")).await).await;
    (room, waiting(&mut live))
}

async fn open(live: &mut Live, room: RoomId) {
    for _ in 0..3 {
        match live.subscribe(vec![(room.into(), None)]).await {
            Ok(_) => return,
            Err(error) => assert_eq!(error.code(), Code::StorageUnavailable, "{error}"),
        }
    }
    panic!("one call fails, and not three")
}

/// Each read once.
async fn reads(alice: &Session, room: RoomId, message: MessageId) {
    assert_eq!(insist(async || alice.history(room, Window::Latest, None).await).await.results.len(), 2);
    assert_eq!(insist(async || alice.messages(None, None).await).await.results.len(), 2);
    assert_eq!(insist(async || alice.message(message).await).await.content.as_deref(), Some("hello!"));
    assert_eq!(insist(async || alice.participants(room, None, None).await).await.results.len(), 2);
    assert_eq!(insist(async || alice.readers(message, None, None).await).await.results.len(), 1);
    assert_eq!(insist(async || alice.rooms(None, None).await).await.results.len(), 1);
    assert_eq!(insist(async || alice.room(room).await).await.unread_count, 0);
    assert_eq!(insist(async || alice.unread().await).await, 0);
}

/// What is there to take now, without waiting for more.
fn waiting(live: &mut Live) -> Vec<Arc<Frame>> {
    let mut frames = Vec::new();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    while let Poll::Ready(Some(frame)) = pin!(live.next()).poll(&mut cx) {
        frames.push(frame);
    }
    frames
}

/// Every change that was told is stored, at its number; and each came after the ones before it.
async fn only_what_is_stored_was_told(store: &dyn Store, room: RoomId, told: &[Arc<Frame>], case: &str) {
    let history =
        store.history(Viewer::Host, &RoomSelector::Id(room), Window::After(0), 100).await.expect("the store answers");
    let stored = history.expect("the room is there").messages;
    let view = store.view(&RoomSelector::Id(room), &[]).await.expect("the store answers").expect("the room is there");
    let mut last = 0;
    for event in told.iter().map(|frame| frame.event()) {
        if let Some(at) = event.position() {
            assert!(last < at.rev && at.rev <= view.room.last_rev, "{case}: {} was told after {last}", at.rev);
            last = at.rev;
        }
        if let Event::ChatMessage { message, .. } = event {
            let same = stored.iter().any(|stored| (stored.id, stored.seq) == (message.id, message.seq));
            assert!(same, "{case}: {} was told, and is not stored", message.seq);
        }
    }
}

/// One call fails, and every call is once the one that does: before it has done anything, or after.
async fn each_call_fails_once(fails: Fails) {
    let undisturbed: Arc<dyn Store> = Arc::new(MemoryStore::new(&SeededRandom::new(2)));
    let (room, told) = life(&engine(Arc::clone(&undisturbed))).await;
    assert_eq!(told.iter().filter(|frame| frame.event().position().is_some()).count(), 8, "bob was told of everything");
    let expected = dump(&*undisturbed, room).await;
    for calls in 0.. {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(&SeededRandom::new(2)));
        let failing = FailAfter::new(calls, fails);
        let engine = engine(Hooked::new(Arc::clone(&store), Arc::clone(&failing) as _));
        let (room, told) = life(&engine).await;
        let case = format!("call {calls} fails {fails:?}");
        if !failing.has_failed() {
            assert!(calls > 20, "only {calls} calls: the story does not say much");
            return;
        }
        assert_eq!(dump(&*store, room).await, expected, "{case}");
        only_what_is_stored_was_told(&*store, room, &told, &case).await;
        assert_eq!(engine.close().await, Ok(()), "{case}");
    }
}

#[test]
fn a_call_that_fails_before_it_did_anything_is_made_again() {
    run(each_call_fails_once(Fails::Before));
}

#[test]
fn a_call_that_fails_when_it_is_done_is_done_once() {
    run(each_call_fails_once(Fails::After));
}

#[test]
fn a_call_that_panics_fails_alone_and_is_made_again() {
    run(each_call_fails_once(Fails::Panics));
}

/// A read that waits waits alone: meanwhile others write, are told, and read.
#[test]
fn a_read_that_waits_holds_nobody_up() {
    run(async {
        let calls = [
            Call::History,
            Call::Messages,
            Call::Participants,
            Call::Readers,
            Call::Rooms,
            Call::CatchUp,
            Call::Unread,
        ];
        for call in calls {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new(&SeededRandom::new(2)));
            let gate = Gate::shut(call);
            gate.open();
            let engine = engine(Hooked::new(store, Arc::clone(&gate) as _));
            let (room, _) = life(&engine).await;
            let (alice, bob) = (engine.session(&cast::alice()), engine.session(&cast::bob()));
            let first = alice.send(room, SendMessage::text("first")).await.expect("it is sent").message.id;
            let mut live = bob.live();
            open(&mut live, room).await;
            waiting(&mut live);

            gate.close();
            let mut held = pin!(async {
                match call {
                    Call::History => alice.history(room, Window::Latest, None).await.map(drop),
                    Call::Messages => alice.messages(None, None).await.map(drop),
                    Call::Participants => alice.participants(room, None, None).await.map(drop),
                    Call::Readers => alice.readers(first, None, None).await.map(drop),
                    Call::Rooms => alice.rooms(None, None).await.map(drop),
                    Call::CatchUp => alice.live().subscribe(vec![(room.into(), None)]).await.map(drop),
                    _ => alice.unread().await.map(drop),
                }
            });
            assert!(is_waiting(held.as_mut()).await, "{call:?} waits");
            bob.send(room, SendMessage::text("meanwhile")).await.expect("it is sent");
            assert_eq!(bob.message(first).await.expect("it is read").id, first, "{call:?}");
            let told = waiting(&mut live);
            assert!(told.iter().any(|frame| matches!(frame.event(), Event::ChatMessage { .. })), "{call:?}");
            assert!(is_waiting(held.as_mut()).await, "{call:?} still waits");
            gate.open();
            assert_eq!(held.await, Ok(()), "{call:?}");
            assert_eq!(engine.close().await, Ok(()), "{call:?}");
        }
    });
}

async fn is_waiting(mut future: std::pin::Pin<&mut impl Future>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// While nothing can be stored nothing is told; what was accepted is stored before the engine closes.
#[test]
fn what_waits_to_be_stored_is_not_told_and_is_not_lost() {
    run(async {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(&SeededRandom::new(2)));
        let gate = Gate::shut(Call::Commit);
        gate.open();
        let engine = engine(Hooked::new(store, Arc::clone(&gate) as _));
        let (room, _) = life(&engine).await;
        let bob = engine.session(&cast::bob());
        let mut live = bob.live();
        open(&mut live, room).await;
        waiting(&mut live);
        gate.close();
        let texts: Vec<_> = (0..5).map(|n| n.to_string()).collect();
        let alice = engine.session(&cast::alice());
        let mut sends: Vec<_> = texts.iter().map(|text| Box::pin(alice.send(room, SendMessage::text(text)))).collect();
        for send in &mut sends {
            assert!(is_waiting(send.as_mut()).await);
        }
        let closing = tokio::spawn({
            let engine = engine.clone();
            // spawns: the close; awaited below.
            async move { engine.close().await }
        });
        assert!(waiting(&mut live).iter().all(|frame| frame.event().position().is_none()), "nothing is stored yet");
        gate.open();
        for (send, text) in sends.into_iter().zip(&texts) {
            assert_eq!(send.await.expect("what was accepted is finished").message.content.as_ref(), Some(text));
        }
        assert_eq!(closing.await.expect("closing does not panic"), Ok(()));
        let error = alice.send(room, SendMessage::text("too late")).await.expect_err("it is closed");
        assert_eq!(error.code(), Code::Draining);
    });
}

/// Takes a second for each list of rooms.
#[derive(Debug)]
struct SlowRooms;

#[async_trait::async_trait]
impl Around for SlowRooms {
    async fn before(&self, call: Call) -> StoreResult<()> {
        if call == Call::Rooms {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    async fn after(&self, _: Call) -> StoreResult<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_storage_holds_up_neither_the_end_of_typing_nor_the_end_of_all() {
    let engine = Engine::open(Hooked::new(Arc::new(MemoryStore::default()), Arc::new(SlowRooms)), Options::default());
    let (alice, bob) = (engine.session(&cast::alice()), engine.session(&cast::bob()));
    let create = CreateRoom::group().with(cast::alice()).with(cast::bob());
    let room = engine.host().create_room(create).await.unwrap().info.id;
    let (mut hers, mut his) = (alice.live(), bob.live());
    hers.subscribe(vec![(room.into(), None)]).await.unwrap();
    his.subscribe(vec![(room.into(), None)]).await.unwrap();
    // Sixty who came online are to be told of, a second each.
    let _others: Vec<Live> = (0..60).map(|n| engine.session(&cast::user(&format!("user {n}"))).live()).collect();
    alice.typing(room, true).await.unwrap();
    let ended = async { while !matches!(his.next().await.unwrap().event(), Event::Typing { is_typing: false, .. }) {} };
    tokio::time::timeout(Duration::from_secs(4), ended).await.expect("typing ends after three seconds");
    tokio::time::timeout(Duration::from_secs(5), engine.close()).await.expect("it closes").unwrap();
}

/// Counts how many long reads are under way.
#[derive(Debug, Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    const LONG: [Call; 4] = [Call::Rooms, Call::Messages, Call::Unread, Call::CatchUp];
}

#[async_trait::async_trait]
impl Around for Crowd {
    async fn before(&self, call: Call) -> StoreResult<()> {
        if Self::LONG.contains(&call) {
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    async fn after(&self, call: Call) -> StoreResult<()> {
        if Self::LONG.contains(&call) {
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_user_has_a_few_long_reads_at_once_and_all_are_answered() {
    let crowd = Arc::new(Crowd::default());
    let engine =
        Engine::open(Hooked::new(Arc::new(MemoryStore::default()), Arc::clone(&crowd) as _), Options::default());
    let create = CreateRoom::group().with(cast::alice()).with(cast::bob());
    let room = engine.host().create_room(create).await.unwrap().info.id;
    let reads = |session: Session| async move {
        for _ in 0..5 {
            session.rooms(None, None).await.unwrap();
            session.messages(None, None).await.unwrap();
            assert_eq!(session.unread().await.unwrap(), 0);
            session.live().subscribe(vec![(room.into(), None)]).await.unwrap();
        }
    };
    let of = |user| (0..20).map(|_| tokio::spawn(reads(engine.session(&user)))).collect::<Vec<_>>();
    let all: Vec<_> = of(cast::alice()).into_iter().chain(of(cast::bob())).collect();
    for reading in all {
        reading.await.unwrap();
    }
    let most = crowd.most.load(Ordering::SeqCst);
    assert!(most <= 2 * 4 + 1, "{most} at once; one for who came online");
    engine.close().await.unwrap();
}
