//! The engine over a disk that fails, or is full: it says so, tells nobody of what was not stored, reads on, and goes on
//! by itself when the disk does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use chat_core::{
    AddParticipant, Code, CreateRoom, EditMessage, Engine, Event, Live, MarkKind, Message, Options, Result, RoomId,
    SendMessage, Store, Window,
};
use chat_sqlite::{OpenError, SqliteStore};
use chat_testkit::{
    ManualClock, SeededRandom,
    cast::{alice, bob, client_id, key},
    dump, run,
};
use tempfile::TempDir;

use crate::{
    disk::{Disk, Fault},
    vfs::{Watching, watch},
};

/// A database on a disk of ours, which is well so far.
struct Stage {
    folder: TempDir,
    disk: Arc<Disk>,
    _watching: Watching,
}

impl Stage {
    fn new() -> Self {
        let (folder, disk) = (TempDir::new().unwrap(), Arc::default());
        let _watching = watch(folder.path(), &disk);
        Self { folder, disk, _watching }
    }

    fn open(&self) -> Result<SqliteStore, OpenError> {
        let options = chat_sqlite::Options { readers: 1, cache_bytes: 1 << 20, ..Default::default() };
        SqliteStore::open_with(self.folder.path().join("chat.db"), options)
    }

    async fn is_whole(&self) {
        let verified = chat_sqlite::verify(&self.folder.path().join("chat.db"), |_| ()).unwrap();
        assert!(verified.damage.is_empty(), "{:?}", verified.damage);
    }
}

fn engine(store: Arc<dyn Store>) -> Engine {
    let options = Options {
        clock: Arc::new(ManualClock::default()),
        random: Arc::new(SeededRandom::new(1)),
        marker_delay: Duration::ZERO,
        ..Options::default()
    };
    Engine::open(store, options)
}

/// Does something until it is done, as a client does. While it cannot be, what is there can be read.
async fn insist<T>(engine: &Engine, act: impl AsyncFn() -> Result<T>) -> T {
    for _ in 0..3 {
        match act().await {
            Ok(done) => return done,
            Err(error) => assert_eq!(error.code(), Code::StorageUnavailable, "{error}"),
        }
        engine.session(&alice()).messages(None, None).await.expect("reads go on");
    }
    panic!("one call fails, and not three");
}

/// A room's life, each command under a name; and what bob was told meanwhile.
async fn life(engine: &Engine) -> (RoomId, Vec<Event>) {
    let (host, ann, ben) = (engine.host(), engine.session(&alice()), engine.session(&bob()));
    let create = CreateRoom::keyed(key("job:1")).with(AddParticipant::new(alice())).with(AddParticipant::new(bob()));
    let room = insist(engine, async || host.get_or_create_room(create.clone()).await).await.0.info.id;
    let mut live = ben.live();
    while let Err(error) = live.subscribe(vec![(room.into(), None)]).await {
        assert_eq!(error.code(), Code::StorageUnavailable, "{error}");
    }
    let mut first = None;
    for n in 0..6 {
        let send =
            SendMessage::text(format!("{n} {}", "x".repeat(n * 3_000))).with_client_id(client_id(&n.to_string()));
        let sent = insist(engine, async || ann.send(room, send.clone()).await).await.message;
        first.get_or_insert(sent.id);
    }
    let first = first.expect("something was sent");
    let edit = EditMessage { client_id: Some(client_id("edit")), ..EditMessage::text(first, "again") };
    insist(engine, async || ann.edit(edit.clone()).await).await;
    insist(engine, async || ben.mark(room, MarkKind::Read, 3).await).await;
    insist(engine, async || ann.delete(first).await).await;
    (room, told(&mut live))
}

/// What waits to be taken.
fn told(live: &mut Live) -> Vec<Event> {
    let mut events = Vec::new();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    while let Poll::Ready(Some(frame)) = std::pin::pin!(live.next()).poll(&mut cx) {
        events.push(frame.event().clone());
    }
    events
}

/// Every message that was told is stored, at its place.
async fn only_what_is_stored_was_told(engine: &Engine, room: RoomId, told: &[Event], case: &str) {
    let stored = engine.host().history(room, Window::After(0), None).await.unwrap().results;
    let place = |message: &Message| (message.id, message.seq);
    for event in told {
        if let Event::ChatMessage { message, .. } = event {
            let same = stored.iter().any(|stored| place(stored) == place(message));
            assert!(same, "{case}: {} was told, and is not stored", message.seq);
        }
    }
}

/// A life on a disk that is well: what comes of it, and how many calls of a kind it took.
async fn undisturbed(fault: Fault) -> (String, usize) {
    let stage = Stage::new();
    let store: Arc<dyn Store> = Arc::new(stage.open().unwrap());
    let calls = || if fault == Fault::Unreadable { stage.disk.reads() } else { stage.disk.calls() };
    let before = calls();
    let engine = engine(Arc::clone(&store));
    let (room, _) = life(&engine).await;
    let expected = dump(&*store, room).await;
    engine.close().await.unwrap();
    (expected, calls() - before)
}

/// Each write, sync, truncation and deletion of a life fails once, the closing of the file included; or each read.
async fn each_call_fails_once(fault: Fault) {
    let (expected, calls) = undisturbed(fault).await;
    assert!(calls > 30, "only {calls} calls: the life does not say much");
    let mut failures = 0;
    for call in 0..calls {
        let case = format!("call {call}, {fault:?}");
        let stage = Stage::new();
        let store: Arc<dyn Store> = Arc::new(stage.open().unwrap());
        stage.disk.fail(call, 1, fault);
        let engine = engine(Arc::clone(&store));
        let (room, told) = life(&engine).await;
        if fault == Fault::Unreadable {
            // The looks that follow are the test's own.
            failures += stage.disk.heal();
        }
        assert_eq!(dump(&*store, room).await, expected, "{case}");
        only_what_is_stored_was_told(&engine, room, &told, &case).await;
        // That the log could not be written back is said, and does no harm.
        let closed = engine.close().await;
        let failed = stage.disk.heal();
        assert!(failed > 0 || closed.is_ok(), "{case}: {closed:?}");
        failures += failed;
        drop((engine, store));
        let again = stage.open().unwrap();
        assert_eq!(dump(&again, room).await, expected, "{case}, opened again");
        again.close().await.unwrap();
        stage.is_whole().await;
    }
    println!("{fault:?}: {failures} of {calls} calls failed, each once");
    assert!(failures * 2 > calls, "{failures} of {calls}");
}

#[tokio::test]
async fn a_disk_that_fails_once_at_any_call_costs_no_more_than_a_try() {
    each_call_fails_once(Fault::Broken).await;
}

#[tokio::test]
async fn a_disk_that_is_full_once_at_any_write_costs_no_more_than_a_try() {
    each_call_fails_once(Fault::Full).await;
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_once_at_any_place_costs_no_more_than_a_try() {
    each_call_fails_once(Fault::Unreadable).await;
}

/// The planted bug: a write that is said to be done and is not. Nothing can be done about it, but it is seen, unless
/// what it wrote was written again or is not needed.
#[test]
fn writes_that_are_lost_in_silence_are_seen_or_cost_nothing() {
    let (expected, calls) = run(undisturbed(Fault::Silent));
    let (mut tried, mut seen) = (0, 0);
    for call in (0..calls).step_by(4) {
        let stage = Stage::new();
        let store: Arc<dyn Store> = Arc::new(stage.open().unwrap());
        stage.disk.fail(call, 1, Fault::Silent);
        // It may panic: also a check of its own sees it then.
        let lived = catch_unwind(AssertUnwindSafe(|| {
            run(async {
                let engine = engine(Arc::clone(&store));
                let (room, _) = life(&engine).await;
                (room, dump(&*store, room).await, engine.close().await.is_ok())
            })
        }));
        drop(store);
        if stage.disk.heal() == 0 {
            continue;
        }
        tried += 1;
        let room = lived.ok().and_then(|(room, dump, closed)| (closed && dump == expected).then_some(room));
        let path = stage.folder.path().join("chat.db");
        let sound = || chat_sqlite::verify(&path, |_| ()).is_ok_and(|verified| verified.damage.is_empty());
        match room.filter(|_| sound()) {
            None => seen += 1,
            Some(room) => run(async {
                let again = stage.open().unwrap();
                assert_eq!(dump(&again, room).await, expected, "call {call} was lost, and nobody saw it");
                again.close().await.unwrap();
            }),
        }
    }
    println!("Silent: {seen} of {tried} lost writes were seen, the others cost nothing");
    assert!(tried > 20 && seen > 5, "{seen} of {tried}");
}

#[tokio::test]
async fn while_the_disk_takes_nothing_sends_are_refused_and_reads_go_on_and_then_it_goes_on_by_itself() {
    for fault in [Fault::Broken, Fault::Full] {
        let stage = Stage::new();
        let engine = engine(Arc::new(stage.open().unwrap()));
        let (room, _) = life(&engine).await;
        let (ann, mut live) = (engine.session(&alice()), engine.session(&bob()).live());
        live.subscribe(vec![(room.into(), None)]).await.unwrap();
        stage.disk.fail(0, usize::MAX, fault);
        for n in 0..5 {
            let refused = ann.send(room, SendMessage::text(n.to_string())).await.unwrap_err();
            assert_eq!(refused.code(), Code::StorageUnavailable, "{fault:?}: {refused}");
            assert_eq!(ann.history(room, Window::Latest, None).await.unwrap().results.len(), 6, "{fault:?}");
        }
        assert!(told(&mut live).iter().all(|event| !matches!(event, Event::ChatMessage { .. })), "{fault:?}");
        assert!(stage.disk.heal() >= 5);
        let sent = ann.send(room, SendMessage::text("at last")).await.unwrap().message;
        assert_eq!(sent.seq, 7, "{fault:?}: what was refused took no number");
        assert!(told(&mut live).iter().any(|event| matches!(event, Event::ChatMessage { .. })), "{fault:?}");
        engine.close().await.unwrap();
        stage.is_whole().await;
    }
}

#[tokio::test]
async fn a_disk_that_fails_while_a_file_is_opened_is_named_and_the_file_stays_good() {
    let stage = Stage::new();
    let engine = engine(Arc::new(stage.open().unwrap()));
    let (room, _) = life(&engine).await;
    engine.close().await.unwrap();
    for call in 0.. {
        stage.disk.fail(call, 1, Fault::Broken);
        let opened = stage.open();
        let closed = match opened {
            Ok(store) => store.close().await.is_ok(),
            Err(error) => {
                assert!(matches!(error, OpenError::Failed { .. } | OpenError::Io { .. }), "call {call}: {error:?}");
                false
            }
        };
        if stage.disk.heal() == 0 {
            assert!(closed, "call {call}: nothing failed, and yet it cannot be opened and closed");
            assert!(call > 0, "no call failed");
            return;
        }
        let again = stage.open().unwrap();
        assert!(dump(&again, room).await.contains("6 messages"), "call {call}");
        again.close().await.unwrap();
        stage.is_whole().await;
    }
}
