//! What is kept, through closing, copying and killing.

use std::{
    io::{BufRead, BufReader},
    ops::Range,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    task::{Context, Waker},
};

use chat_core::{
    CreateRoom, Engine, MemoryStore, Options as EngineOptions, Role, SendMessage, Store, Window,
    store::{RoomSelector, StoreError, Viewer},
};
use chat_sqlite::{Options, SqliteStore, Synchronous};
use chat_testkit::{
    cast::{alice, bob, everybody, message_id, room_id},
    commits::{CommitExt as _, commit, create, join, post},
    difference, picture,
};
use rusqlite::Connection;

use crate::file::{Place, child, file_of_child};

fn text(number: u64) -> String {
    format!("message {number}")
}

/// Says something in room 1, which the first message makes.
pub(crate) async fn say(store: &dyn Store, numbers: Range<u64>) {
    for number in numbers {
        let mut writes = Vec::new();
        if number == 0 {
            writes.extend([create(), join(&alice(), Role::Member), join(&bob(), Role::Member)]);
        }
        writes.push(post(message_id(number), &alice(), &text(number)));
        let answers = store.commit(vec![commit(room_id(1), writes).by(&alice())]).await;
        assert!(answers[0].is_ok(), "{answers:?}");
    }
}

/// How much was said there, after a look at every message.
pub(crate) async fn said(store: &dyn Store) -> u64 {
    let page = store.history(Viewer::Host, &RoomSelector::Id(room_id(1)), Window::After(0), 100_000).await;
    let page = page.expect("the store reads").expect("the room is there");
    for (number, message) in (0..).zip(&page.messages) {
        assert_eq!((message.seq, message.content.as_deref()), (number + 1, Some(&*text(number))));
    }
    page.messages.len() as u64
}

#[tokio::test]
async fn a_store_that_is_closed_leaves_one_file_and_its_lock_and_keeps_everything() {
    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    let model = MemoryStore::twin_of(&store);
    say(&store, 0..50).await;
    say(&model, 0..50).await;
    store.close().await.unwrap();
    assert_eq!(place.names(), ["chat.db", "chat.db.lock"]);
    let again = SqliteStore::open(place.path()).unwrap();
    assert_eq!((again.epoch(), again.digester().key()), (model.epoch(), model.digester().key()));
    let (ours, expected) = (picture(&again, &everybody()).await, picture(&model, &everybody()).await);
    assert_eq!(difference(&ours, &expected), None);
    // Numbers go on where they were.
    say(&again, 50..51).await;
    assert_eq!(said(&again).await, 51);
    again.close().await.unwrap();
}

/// Whoever closes the file last removes the log. If two do so at once, each takes the other for the last one.
#[tokio::test]
async fn closing_leaves_no_log_behind_however_often_and_how_soon_it_is_done() {
    let place = Place::new();
    for round in 0..100 {
        let options = Options { readers: 4, ..Options::default() };
        SqliteStore::open_with(place.path(), options).unwrap().close().await.unwrap();
        assert_eq!(place.names(), ["chat.db", "chat.db.lock"], "in round {round}");
    }
}

#[tokio::test]
async fn a_store_that_is_closed_beside_a_reader_leaves_nothing_in_the_log() {
    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    say(&store, 0..10).await;
    let reader = Connection::open(place.path()).unwrap();
    let posted: i64 = reader.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap();
    assert_eq!(posted, 10);
    store.close().await.unwrap();
    assert_eq!(std::fs::metadata(place.beside("-wal")).unwrap().len(), 0);
    drop(reader);
}

/// Somebody else who writes: until they are dropped, the store waits for them.
fn writing(place: &Place) -> Connection {
    let other = Connection::open(place.path()).expect("the file is there");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    other
}

#[tokio::test]
async fn closing_finishes_what_was_accepted_and_can_be_done_twice_and_at_once() {
    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    say(&store, 0..1).await;
    let other = writing(&place);
    let accepted = [commit(room_id(1), [post(message_id(1), &alice(), &text(1))])];
    let mut accepted = store.commit(accepted.into());
    assert!(accepted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(other);
    let (first, second) = tokio::join!(store.close(), store.close());
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert!(accepted.await[0].is_ok());
    assert_eq!(store.unread(&bob()).await, Err(StoreError::Closed));
    assert_eq!(store.close().await, Ok(()));
    let again = SqliteStore::open(place.path()).unwrap();
    assert_eq!(said(&again).await, 2);
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_dropped_finishes_what_it_accepted_and_lets_go_of_the_file() {
    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    say(&store, 0..1).await;
    let other = writing(&place);
    let mut accepted = store.commit(vec![commit(room_id(1), [post(message_id(1), &alice(), &text(1))])]);
    assert!(accepted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(accepted);
    drop(store);
    drop(other);
    // The lock is free when the last thread has ended.
    let lock = std::fs::File::open(place.beside(".lock")).unwrap();
    lock.lock().unwrap();
    lock.unlock().unwrap();
    let again = SqliteStore::open(place.path()).unwrap();
    assert_eq!(said(&again).await, 2);
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_of_file_and_log_has_everything_that_was_acknowledged() {
    let (place, copy) = (Place::new(), Place::new());
    let store = SqliteStore::open(place.path()).unwrap();
    say(&store, 0..30).await;
    for ending in ["", "-wal"] {
        // By another program: a file that this process closes is a file that it has no locks on any more.
        let copied = Command::new("cp").args([place.beside(ending), copy.beside(ending)]).status().unwrap();
        assert!(copied.success());
    }
    say(&store, 30..31).await;
    let after_the_crash = SqliteStore::open(copy.path()).unwrap();
    assert_eq!(said(&after_the_crash).await, 30);
    after_the_crash.close().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_outlives_the_process_that_said_so() {
    if let Some(file) = file_of_child() {
        let store = SqliteStore::open(file).unwrap();
        for number in 0.. {
            say(&store, number..number + 1).await;
            println!("SAID {number}");
        }
    }
    let place = Place::new();
    let name = "life::what_was_acknowledged_outlives_the_process_that_said_so";
    let mut writing = child(name, &place.path()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(writing.stdout.take().unwrap()).lines();
    let said_so = lines.map(Result::unwrap).filter(|line| line.contains("SAID ")).take(200).count();
    writing.kill().unwrap();
    writing.wait().unwrap();
    let store = SqliteStore::open(place.path()).unwrap();
    assert!(said(&store).await >= said_so as u64);
    store.close().await.unwrap();
    assert!(chat_sqlite::verify(&place.path(), |_| ()).unwrap().damage.is_empty());
}

/// How many transactions the write-ahead log holds: frames that say how long the database is after them.
fn transactions(place: &Place) -> usize {
    // In another process, as above.
    let log = Command::new("cat").arg(place.beside("-wal")).output().expect("the log can be read").stdout;
    log[32..].chunks_exact(24 + 4_096).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn what_waits_together_becomes_one_transaction() {
    let place = Place::new();
    let store = SqliteStore::open(place.path()).unwrap();
    say(&store, 0..1).await;
    let before = transactions(&place);
    // Somebody else writes: the first request waits for them, all others for the first. Not more than tokio lets one
    // task send without a pause.
    let other = writing(&place);
    let send = |number| store.commit(vec![commit(room_id(1), [post(message_id(number), &alice(), &text(number))])]);
    let mut sends: Vec<_> = (1..=50).map(send).collect();
    for send in &mut sends {
        assert!(send.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(other);
    for send in sends {
        assert!(send.await[0].is_ok());
    }
    let after = transactions(&place);
    assert!((1..=2).contains(&(after - before)), "{} transactions for 50 requests", after - before);
    store.close().await.unwrap();
}

#[tokio::test]
async fn other_options_keep_the_same() {
    let place = Place::new();
    let options = Options { synchronous: Synchronous::Normal, readers: 1, cache_bytes: 1 << 20, ..Options::default() };
    let store = SqliteStore::open_with(place.path(), options).unwrap();
    say(&store, 0..10).await;
    assert_eq!(said(&store).await, 10);
    store.close().await.unwrap();
}

#[tokio::test]
async fn an_engine_that_is_suspended_leaves_the_file_to_others_and_goes_on_with_what_they_wrote() {
    let place = Place::new();
    let open = || Arc::new(SqliteStore::open(place.path()).unwrap());
    let create = || CreateRoom::keyed("job:42".parse().unwrap()).with(alice()).with(bob());
    let engine = Engine::open(open(), EngineOptions::default());
    let room = engine.host().create_room(create()).await.unwrap().info.id;
    let (ann, named) =
        (engine.session(&alice()), |text: &str| SendMessage::text(text).with_client_id(text.parse().unwrap()));
    ann.send(room, named("one")).await.unwrap();
    for round in 0..3 {
        engine.suspend().await.unwrap();
        assert_eq!(place.names(), ["chat.db", "chat.db.lock"], "no log is left behind");
        let other = Engine::open(open(), EngineOptions::default());
        other.session(&bob()).send(room, SendMessage::text("from elsewhere")).await.unwrap();
        other.close().await.unwrap();
        engine.resume(open()).await.unwrap();
        let sent = ann.send(room, named(&format!("round-{round}"))).await.unwrap();
        assert_eq!(sent.message.seq, 3 + 2 * round);
        let repeated = ann.send(room, named("one")).await.unwrap();
        assert!(repeated.duplicate && repeated.message.seq == 1, "names are known as before");
    }
    engine.close().await.unwrap();
    assert!(chat_sqlite::verify(&place.path(), |_| {}).unwrap().damage.is_empty());
}

/// What the system says this process has: its threads by name, and its open files.
#[cfg(target_os = "linux")]
fn threads_and_files() -> (Vec<String>, Vec<PathBuf>) {
    let entries = |path| std::fs::read_dir(path).expect("/proc is there").filter_map(|entry| Some(entry.ok()?.path()));
    let name = |task: PathBuf| std::fs::read_to_string(task.join("comm")).unwrap_or_default().trim_end().to_owned();
    // The folder that is being read is a file for as long as that takes.
    let (threads, files) = (entries("/proc/self/task").map(name), entries("/proc/self/fd"));
    (threads.collect(), files.filter_map(|file| std::fs::read_link(file).ok()).collect())
}

/// Waits until something is so. A thread is joined, and a task waited for, a moment before it is off the list.
#[cfg(target_os = "linux")]
async fn until(so: impl Fn() -> bool, what: &str) {
    let waiting = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), waiting).await.expect(what);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_under_load_leaves_no_task_no_thread_and_no_file() {
    let name = "life::a_close_under_load_leaves_no_task_no_thread_and_no_file";
    let Some(file) = file_of_child() else {
        let place = Place::new();
        // Other tests have threads and files of their own.
        assert!(child(name, &place.path()).status().unwrap().success());
        return;
    };
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let ours = || {
        let (threads, files) = threads_and_files();
        let threads = threads.iter().filter(|name| name.starts_with("chat-sqlite")).count();
        (threads, files.iter().filter(|open| open.to_string_lossy().contains("chat.db")).count())
    };
    assert_eq!((tasks(), ours()), (0, (0, 0)));
    for round in 0..5 {
        let engine = Engine::open(Arc::new(SqliteStore::open(&file).unwrap()), EngineOptions::default());
        let create = CreateRoom::keyed("job:42".parse().unwrap()).with(alice()).with(bob());
        let room = engine.host().create_room(create).await.unwrap().info.id;
        let mut load = Vec::new();
        for n in 0..8 {
            let (sender, reader) = (engine.session(&alice()), engine.session(&bob()));
            load.push(tokio::spawn(async move {
                while sender.send(room, SendMessage::text(format!("{n}"))).await.is_ok() {}
            }));
            load.push(tokio::spawn(async move {
                let mut live = reader.live();
                let _ = live.subscribe(vec![(room.into(), None)]).await;
                while live.next().await.is_some() {}
            }));
            let reader = engine.session(&bob());
            load.push(tokio::spawn(async move { while reader.room(room).await.is_ok() {} }));
        }
        // A thread takes its name when it first runs.
        let is_there = || matches!(ours(), (threads, files) if threads >= 2 && files >= 3);
        until(is_there, "there are threads and files to let go of").await;
        let (host, enough) = (engine.host(), 100 * (round + 1));
        while host.room(room).await.unwrap().last_seq < enough {
            tokio::task::yield_now().await;
        }
        engine.close().await.unwrap();
        assert_eq!(ours().1, 0, "round {round}, with handles still held: files");
        until(|| ours().0 == 0, "the threads have ended").await;
        for task in load {
            task.await.unwrap();
        }
        until(|| tasks() == 0, "the tasks have ended").await;
    }
}
