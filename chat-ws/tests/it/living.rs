//! Heartbeats, and the end.

use std::time::{Duration, Instant};

use chat_ws::Settings;
use futures_util::StreamExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    stage::{Stage, limits},
    wire::{Closed, connect},
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
