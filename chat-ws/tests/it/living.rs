//! Heartbeats, slow and silent peers, half-open handshakes, and the end.

use std::time::{Duration, Instant};

use chat_ws::Settings;
use futures_util::StreamExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    stage::{Stage, limits, token},
    wire::{Closed, connect, connect_over, request},
};

#[tokio::test]
async fn the_server_pings_and_who_answers_stays() {
    let s = Stage::with(limits(|l| {
        l.ping_every = Duration::from_millis(100);
        l.idle_timeout = Duration::from_millis(350);
    }))
    .await;
    let mut ann = s.enters("ann").await;
    let began = Instant::now();
    let mut pings = 0;
    while began.elapsed() < Duration::from_secs(1) {
        // The client answers pings while it reads.
        if let Some(Ok(Message::Ping(_))) = timeout(Duration::from_secs(1), ann.socket.next()).await.unwrap() {
            pings += 1;
        }
    }
    assert!((7..=11).contains(&pings), "{pings}");
    assert_eq!(ann.does(json!({"action": "ping"})).await, json!({}));
    s.stop().await;
}

#[tokio::test]
async fn a_silent_peer_is_closed() {
    let s = Stage::with(limits(|l| {
        l.ping_every = Duration::from_millis(100);
        l.idle_timeout = Duration::from_millis(350);
    }))
    .await;
    let mut ann = s.enters("ann").await;
    let began = Instant::now();
    // Who does not read does not answer pings either.
    let mut bytes = [0; 1024];
    let mut last = Vec::new();
    loop {
        match timeout(Duration::from_secs(5), ann.socket.get_mut().read(&mut bytes)).await.expect("it is closed") {
            Ok(0) | Err(_) => break,
            Ok(n) => last = bytes[..n].to_vec(),
        }
    }
    assert!(began.elapsed() >= Duration::from_millis(340), "{:?}", began.elapsed());
    assert!(last.ends_with(b"idle"), "{last:?}");
    s.stop().await;
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_cut_alone() {
    let s = Stage::with(limits(|l| l.write_timeout = Duration::from_millis(300))).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stuck = connect_over(socket.connect(s.address).await.unwrap(), "/ws/job_chat/42/", &token("ben")).await;
    let mut ann = s.enters("ann").await;
    let mut eyes = s.enters("ann").await;
    // More than the system takes for a peer that does not read.
    let text = "x".repeat(16 * 1024);
    let (mut slowest, mut left) = (Duration::ZERO, false);
    for n in 0..600 {
        let began = Instant::now();
        let sent = ann.does(json!({"action": "send_message", "content": text})).await;
        slowest = slowest.max(began.elapsed());
        assert_eq!(sent["message"]["seq"], n + 1);
        eyes.find(|frame| {
            left |= frame["type"] == "user_left" && frame["user_id"] == "ben";
            frame["message"]["seq"] == n + 1
        })
        .await;
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    if !left {
        assert_eq!(eyes.until("user_left").await["user_id"], "ben");
    }
    let metrics = request(s.address, "GET", "/metrics", &[], b"").await.body;
    assert!(metrics.contains("chat_sockets_closed_total{how=\"stuck\"} 1"), "{metrics}");
    drop(stuck);
    s.stop().await;
}

#[tokio::test]
async fn half_open_handshakes_block_nobody_and_are_dropped() {
    let s = Stage::with(limits(|l| l.handshake_timeout = Duration::from_millis(1_500))).await;
    let mut open = Vec::new();
    for n in 0..500 {
        let mut stream = TcpStream::connect(s.address).await.unwrap();
        // Some say nothing, some begin, some come as far as the headers.
        let said: &[u8] = match n % 3 {
            0 => b"",
            1 => b"GET /ws/ HTTP/1.1\r\nhost: x\r\n",
            _ => b"GET /ws/ HT",
        };
        stream.write_all(said).await.unwrap();
        open.push(stream);
    }
    let began = Instant::now();
    let mut ann = s.enters("ann").await;
    assert_eq!(ann.does(json!({"action": "send_message", "content": "hi"})).await["message"]["seq"], 1);
    assert_eq!(s.get("ann", "/api/chatrooms/").await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    for mut stream in open {
        let mut rest = Vec::new();
        timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.expect("dropped in time").ok();
    }
    assert_eq!(ann.does(json!({"action": "ping"})).await, json!({}));
    s.stop().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let s = Stage::with(limits(|l| l.handshake_timeout = Duration::from_millis(300))).await;
    let mut stream = TcpStream::connect(s.address).await.unwrap();
    let head = format!(
        "POST /api/chatrooms/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 10\r\n\r\n{{",
        token("ann")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(crate::wire::answer(&mut stream).await.code().0, 408);
    s.stop().await;
}

#[tokio::test]
async fn a_stop_tells_everybody_and_leaves_nothing() {
    let s = Stage::with(Settings::default()).await;
    let mut ann = s.enters("ann").await;
    let mut unknown = connect(s.address, "/ws/", &[]).await.unwrap();
    let mut silent = TcpStream::connect(s.address).await.unwrap();
    let (address, engine) = (s.address, s.engine.clone());
    let began = Instant::now();
    // The peers read while the server closes.
    let (end, other, ()) = tokio::join!(ann.rest(), unknown.rest(), s.stop());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
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
    let began = Instant::now();
    s.stop().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
