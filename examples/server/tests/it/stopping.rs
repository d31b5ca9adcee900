//! Stopping: by a signal, by a second one, by a time limit, and by no warning at all.

use chat_testkit::SeededRandom;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::Instant};

use crate::{
    folder::Folder,
    load::Load,
    program::{Server, ends, program},
    wire::make_room,
};

/// How often the server is killed; more in a long run.
const ROUNDS: &str = "CHAT_KILL_ROUNDS";
/// What the moments are drawn from.
const SEED: &str = "CHAT_KILL_SEED";

/// Begins a request and does not end it: it is in progress until the server gives up on it.
async fn half_a_request(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let token = crate::wire::service();
    let head = format!(
        "POST /api/chatrooms/ HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
         expect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the rest when the request is being worked on.
    let mut asked = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");
    stream
}

#[tokio::test]
async fn what_does_not_end_is_cut_when_the_time_is_over() {
    // The request has a second, and the storage after it as long as anybody waits.
    let command = &mut program(&["--listen", "127.0.0.1:0", "--db", "memory:", "--drain-timeout", "1h"]);
    command.env("CHAT_SERVER_DRAIN_TIMEOUT", "1").env("CHAT_SERVER_HANDSHAKE_TIMEOUT", "3600");
    let server = Server::start(command).await;
    let _held = half_a_request(&server).await;
    // It ends, though the request does not.
    server.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let command = &mut program(&["--listen", "127.0.0.1:0", "--db", "memory:", "--drain-timeout", "1h"]);
    command.env("CHAT_SERVER_DRAIN_TIMEOUT", "3600").env("CHAT_SERVER_HANDSHAKE_TIMEOUT", "3600");
    let mut server = Server::start(command).await;
    let _held = half_a_request(&server).await;
    server.signal("TERM").await;
    server.logs("SIGTERM: stopping").await;
    server.signal("TERM").await;
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(ended.err.contains("SIGTERM again"), "{}", ended.err);
}

#[tokio::test]
async fn a_stop_under_load_loses_nothing_that_was_acknowledged() {
    let folder = Folder::new("a_stop_under_load");
    let db = folder.db("chat.db");
    let server = Server::on(&db).await;
    make_room(&server, &Load::people()).await;
    let mut load = Load::default();
    load.until(server, 300, Server::stop).await;

    let server = Server::on(&db).await;
    assert!(load.check(&server).await >= 300);
    server.stop().await;
}

/// It has caught a writer that answered before it committed, and one that forgot the names of sends.
#[tokio::test]
async fn kill_9_under_load_loses_nothing_that_was_acknowledged() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let rounds = number(ROUNDS).unwrap_or(6);
    let seed = number(SEED).unwrap_or_else(|| u64::from(std::process::id()));
    println!("{SEED}={seed}");
    let random = SeededRandom::new(seed);

    let folder = Folder::new("kill_9_under_load");
    let db = folder.db("chat.db");
    let mut server = Server::on(&db).await;
    make_room(&server, &Load::people()).await;
    let (mut load, mut slowest, mut sent) = (Load::default(), std::time::Duration::ZERO, 0);
    for _ in 0..rounds {
        load.until(server, 1 + random.below(400), Server::kill).await;
        let began = Instant::now();
        server = Server::on(&db).await;
        slowest = slowest.max(began.elapsed());
        sent = load.check(&server).await;
    }
    println!("{rounds} rounds, {sent} messages: nothing lost; the slowest start took {} ms", slowest.as_millis());
    server.stop().await;
    let verified = ends(&["verify", "--db", &db]).await;
    assert_eq!(verified.status, Some(0), "{}", verified.err);
}

#[tokio::test]
async fn killed_again_while_it_comes_back_it_still_comes_back() {
    let folder = Folder::new("killed_again");
    let db = folder.db("chat.db");
    let server = Server::on(&db).await;
    make_room(&server, &Load::people()).await;
    let mut load = Load::default();
    load.until(server, 200, Server::kill).await;
    for _ in 0..3 {
        // Recovery has begun when the process runs, and may end at any moment of it.
        let mut child = program(&["--listen", "127.0.0.1:0", "--db", &db]).spawn().unwrap();
        child.kill().await.unwrap();
    }
    let server = Server::on(&db).await;
    assert!(load.check(&server).await >= 200);
    server.stop().await;
}
