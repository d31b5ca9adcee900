//! What others are held up by while somebody reads much.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chat_core::{CreateRoom, Engine, Options as EngineOptions, SendMessage};
use chat_sqlite::{Options, SqliteStore, Synchronous};
use chat_testkit::cast::{carol, dave};
use tokio::time::timeout;

use crate::file::Place;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_one_account_reads_holds_up_nobody_who_writes() {
    let place = Place::new();
    let options = Options { readers: 2, synchronous: Synchronous::Normal, ..Options::default() };
    let store = Arc::new(SqliteStore::open_with(place.path(), options).unwrap());
    let engine = Engine::open(store, EngineOptions::default());
    let mut last = None;
    for _ in 0..300 {
        let room = CreateRoom::group().with(carol()).with(dave());
        last = Some(engine.host().create_room(room).await.unwrap().info.id);
    }
    let done = Arc::new(AtomicUsize::new(0));
    let mut reads = Vec::new();
    for _ in 0..300 {
        let (carol, done) = (engine.session(&carol()), Arc::clone(&done));
        reads.push(tokio::spawn(async move {
            carol.unread().await.unwrap();
            done.fetch_add(1, Ordering::Relaxed);
        }));
    }
    // All of them are asked for before it is sent.
    tokio::task::yield_now().await;
    let (dave, room) = (engine.session(&dave()), last.unwrap());
    timeout(PATIENCE, dave.send(&room, SendMessage::text("hi"))).await.expect("it is sent").unwrap();
    let before = done.load(Ordering::Relaxed);
    assert!(before < 200, "{before} of 300 long reads came first");
    for read in reads {
        timeout(PATIENCE, read).await.expect("they are answered").unwrap();
    }
    engine.close().await.unwrap();
}
