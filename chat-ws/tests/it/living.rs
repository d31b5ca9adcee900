//! Heartbeats, and the end.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{self, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    stage::{Stage, limits, token},
    wire::{Closed, PATIENCE, connect},
};

#[tokio::test]
async fn the_server_pings_and_who_answers_stays() {
    let (every, idle) = (Duration::from_millis(100), Duration::from_secs(2));
    let s = Stage::with(limits(|l| {
        l.ping_every = every;
        l.idle_timeout = idle;
    }))
    .await;
    let began = Instant::now();
    let mut ann = s.enters("ann").await;
    let mut pings = 0;
    // Where nothing ran for a while, the time is over before she was asked twice.
    while pings < 2 || began.elapsed() < idle + idle / 2 {
        // The client answers pings while it reads.
        match timeout(PATIENCE, ann.socket.next()).await.unwrap() {
            Some(Ok(Message::Ping(_))) => pings += 1,
            Some(Ok(Message::Text(_))) => {}
            other => panic!("she does not stay: {other:?}"),
        }
    }
    let most = began.elapsed().div_duration_f64(every) + 1.0;
    assert!(f64::from(pings) <= most, "{pings} of {most}");
    assert_eq!(ann.does(json!({"action": "ping"})).await, json!({}));
    s.stop().await;
}

#[tokio::test]
async fn a_silent_peer_is_closed() {
    let idle = Duration::from_millis(350);
    let s = Stage::with(limits(|l| {
        l.ping_every = Duration::from_millis(100);
        l.idle_timeout = idle;
    }))
    .await;
    // She is heard after this, and never again: by hand, since a client would answer pings while it waits for `ready`.
    let began = Instant::now();
    let mut ann = TcpStream::connect(s.address).await.unwrap();
    let ask = format!(
        "GET /ws/ HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer {}\r\n\r\n",
        token("ann")
    );
    ann.write_all(ask.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    timeout(PATIENCE, ann.read_to_end(&mut said)).await.expect("it is closed").unwrap();
    assert!(began.elapsed() >= idle, "{:?}", began.elapsed());
    assert!(said.starts_with(b"HTTP/1.1 101") && said.ends_with(b"idle"), "{}", String::from_utf8_lossy(&said));
    s.stop().await;
}

/// Time goes on, and nothing runs: the machine slept, or was busy with others.
async fn stand_still() {
    time::pause();
    time::advance(Duration::from_mins(5)).await;
    time::resume();
}

#[tokio::test]
async fn who_could_not_be_asked_or_heard_for_a_while_is_not_taken_for_silent() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    stand_still().await;
    // Now she is asked. Her answer lies there already when the server runs again.
    loop {
        match timeout(PATIENCE, ann.socket.next()).await.unwrap() {
            Some(Ok(Message::Ping(_))) => break,
            Some(Ok(Message::Text(_))) => {}
            other => panic!("she is not asked: {other:?}"),
        }
    }
    ann.send(json!({"action": "ping", "ref": 1}).to_string()).await;
    stand_still().await;
    assert_eq!(ann.find(|frame| frame["ref"] == 1).await["type"], "reply");
    s.stop().await;
}

#[tokio::test]
async fn a_stop_tells_everybody_and_leaves_nothing() {
    // Longer than anybody waits: nothing is left to be cut.
    let s = Stage::with(limits(|l| l.drain_timeout = Duration::from_hours(1))).await;
    let mut ann = s.enters("ann").await;
    let mut unknown = connect(s.address, "/ws/", &[]).await.unwrap();
    let mut silent = TcpStream::connect(s.address).await.unwrap();
    let (address, engine) = (s.address, s.engine.clone());
    // The peers read while the server closes.
    let (end, other, ()) = tokio::join!(ann.rest(), unknown.rest(), s.stop());
    let (said, closed) = end;
    assert_eq!(closed, Closed { code: 3000, reason: "draining".into() });
    let closing = said.last().unwrap();
    assert_eq!((&closing["type"], &closing["code"]), (&json!("closing"), &json!(3000)));
    assert!(closing["retry_after_ms"].as_u64().unwrap() <= 3_000);
    assert_eq!(other.1.code, 3000);
    assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    assert!(engine.host().rooms(None, None).await.is_err() || engine.close().await.is_ok());
}

#[tokio::test]
async fn who_does_not_go_is_cut_when_the_time_is_over() {
    let s = Stage::with(limits(|l| l.drain_timeout = Duration::from_millis(400))).await;
    let _deaf = s.enters("ann").await;
    let mut slow = TcpStream::connect(s.address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    assert_eq!(s.get("ann", "/healthz").await.status, 200);
    // It returns, though neither of the two has ended.
    s.stop().await;
}
