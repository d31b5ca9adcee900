//! Peers that are slow: they stop reading, write a byte at a time, or never finish. Each is shed alone.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use chat_core::{Limits, Options, SendMessage};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{interval, timeout},
};

use crate::{
    stage::{Stage, limits, token, user},
    wire::{Closed, PATIENCE, Peer, connect_over, counted},
};

/// Ben in `job:42`, who takes little at a time.
async fn narrow(s: &Stage) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    connect_over(socket.connect(s.address).await.unwrap(), "/ws/job_chat/42/", &token("ben")).await
}

/// More than the system takes for a peer that does not read.
const MANY: u64 = 600;

/// Ann, who does not listen, posts that many large messages.
async fn flood(s: &Stage) -> Peer {
    let mut ann = s.joins(&token("ann")).await;
    let text = "x".repeat(16 * 1024);
    for _ in 0..MANY {
        ann.does(json!({"action": "send_message", "room": "job:42", "content": text})).await;
    }
    ann
}

/// Nobody is cut for slowness or silence, and little may wait.
async fn patient() -> Stage {
    let settings = limits(|l| {
        l.write_timeout = Duration::from_hours(1);
        l.idle_timeout = Duration::from_hours(1);
    });
    let little = Limits { pending_bytes: 64 * 1024, ..Limits::default() };
    Stage::of(settings, Options { limits: little, marker_delay: Duration::ZERO, ..Options::default() }).await
}

#[tokio::test]
async fn a_peer_that_falls_behind_is_told_and_catches_up_without_a_gap() {
    let s = patient().await;
    let mut ben = narrow(&s).await;
    let mut cursor = ben.until("ready").await["room"]["cursor"].clone();
    let mut ann = flood(&s).await;
    let mut seqs = Vec::new();
    let mut apply = |event: &Value| {
        seqs.extend(event["message"]["seq"].as_u64());
        event["cursor"].clone()
    };
    let resync = loop {
        let frame = ben.next().await;
        match frame["type"].as_str() {
            Some("chat_message") => cursor = apply(&frame),
            Some("resync") => break frame,
            _ => {}
        }
    };
    assert_eq!((&resync["room"], &resync["reason"]), (&json!(s.room.to_string()), &json!("too_slow")));
    loop {
        let back = ben.does(json!({"action": "subscribe", "room": "job:42", "cursor": cursor})).await;
        let back = &back["rooms"][0];
        back["changes"].as_array().unwrap().iter().for_each(|change| drop(apply(change)));
        cursor = back["cursor"].clone();
        if back["more"] == false {
            break;
        }
    }
    ann.does(json!({"action": "send_message", "room": "job:42", "content": "live again"})).await;
    assert_eq!(ben.until("chat_message").await["message"]["seq"], MANY + 1);
    assert_eq!(seqs, (1..=MANY).collect::<Vec<_>>());
    s.stop().await;
}

#[tokio::test]
async fn who_cannot_even_take_what_is_their_own_is_cut() {
    let s = patient().await;
    let mut ben = narrow(&s).await;
    flood(&s).await;
    // Another device of ben's moves his marker, which nothing would bring again.
    let mut other = s.joins(&token("ben")).await;
    for seq in 1..=MANY {
        other.send(json!({"action": "mark_unread", "room": "job:42", "seq": seq}).to_string()).await;
        other.until("marker").await;
    }
    let (said, closed) = ben.rest().await;
    assert_eq!(closed, Closed { code: 3001, reason: "too_slow".into() });
    assert_eq!(said.last().unwrap(), &json!({"type": "closing", "code": 3001}));
    s.stop().await;
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_cut_alone() {
    let s = Stage::with(limits(|l| l.write_timeout = Duration::from_millis(300))).await;
    let stuck = narrow(&s).await;
    let mut ann = s.enters("ann").await;
    let mut eyes = s.enters("ann").await;
    // More than the system takes for a peer that does not read.
    let text = "x".repeat(16 * 1024);
    let mut left = false;
    for n in 0..600 {
        let sent = ann.does(json!({"action": "send_message", "content": text})).await;
        assert_eq!(sent["message"]["seq"], n + 1);
        eyes.find(|frame| {
            left |= frame["type"] == "user_left" && frame["user_id"] == "ben";
            frame["message"]["seq"] == n + 1
        })
        .await;
    }
    if !left {
        assert_eq!(eyes.until("user_left").await["user_id"], "ben");
    }
    counted(s.address, "chat_sockets_closed_total{how=\"stuck\"} 1").await;
    drop(stuck);
    s.stop().await;
}

/// Somebody with a small window asks, more than once, for a long page of the room.
async fn asks_for_much(s: &Stage) -> TcpStream {
    let ann = s.engine.session(&user("ann"));
    for _ in 0..200 {
        ann.send(s.room, SendMessage::text("x".repeat(16 * 1024))).await.unwrap();
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(s.address).await.unwrap();
    let ask = format!(
        "GET /api/chatrooms/job:42/messages/?limit=200 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        token("ann")
    );
    // More than the system takes for a peer that does not read.
    stream.write_all(ask.repeat(4).as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_request_whose_answer_nobody_reads_is_dropped() {
    let s = Stage::with(limits(|l| l.write_timeout = Duration::from_millis(300))).await;
    let _stream = asks_for_much(&s).await;
    counted(s.address, "chat_http_connections_stuck_total 1").await;
    assert_eq!(s.enters("ann").await.does(json!({"action": "ping"})).await, json!({}));
    s.stop().await;
}

#[tokio::test]
async fn a_request_whose_answer_is_read_a_little_now_and_then_is_dropped() {
    // Where the system itself holds little, the server sees how little is taken.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4_096).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let settings = limits(|l| l.write_timeout = Duration::from_millis(300));
    let s = Stage::behind(socket.listen(16).unwrap(), settings, Options::default()).await;
    let mut stream = asks_for_much(&s).await;
    let reading = async {
        let mut beat = interval(Duration::from_millis(20));
        let mut little = [0; 1_024];
        while let Ok(1..) = stream.read(&mut little).await {
            beat.tick().await;
        }
    };
    timeout(PATIENCE, reading).await.expect("it is dropped");
    counted(s.address, "chat_http_connections_stuck_total 1").await;
    s.stop().await;
}

/// Connections that never get in.
async fn half_open(s: &Stage, count: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for n in 0..count {
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
    open
}

#[tokio::test]
async fn half_open_handshakes_block_nobody() {
    // Longer than anybody waits.
    let s = Stage::with(limits(|l| l.handshake_timeout = Duration::from_hours(1))).await;
    let _open = half_open(&s, 500).await;
    let mut ann = s.enters("ann").await;
    assert_eq!(ann.does(json!({"action": "send_message", "content": "hi"})).await["message"]["seq"], 1);
    assert_eq!(s.get("ann", "/api/chatrooms/").await.status, 200);
    s.stop().await;
}

/// The status that a request from this address of the machine gets; none where the connection is not taken.
#[cfg(target_os = "linux")]
async fn asks_from(s: &Stage, host: u8) -> Option<u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into()).unwrap();
    let mut stream = socket.connect(s.address).await.ok()?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.ok()?;
    Some(crate::wire::answer(&mut stream).await.status).filter(|status| *status != 0)
}

// Elsewhere the machine may have one address of these alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_does_not_hold_the_places_of_all() {
    let s = Stage::with(limits(|l| {
        l.handshake_timeout = Duration::from_hours(1);
        l.http_connections = 20;
        l.sockets_per_address = Some(2);
    }))
    .await;
    let open = half_open(&s, 60).await;
    assert_eq!(asks_from(&s, 2).await, Some(200));
    assert_eq!(asks_from(&s, 1).await, None);
    // Places that are left are free again.
    drop(open);
    let freed = async { while asks_from(&s, 1).await != Some(200) {} };
    timeout(PATIENCE, freed).await.expect("a place is free");
    s.stop().await;
}

#[tokio::test]
async fn half_open_handshakes_are_dropped() {
    let s = Stage::with(limits(|l| l.handshake_timeout = Duration::from_secs(1))).await;
    let mut ann = s.enters("ann").await;
    for mut stream in half_open(&s, 500).await {
        let mut rest = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is dropped").ok();
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
    let answer = crate::wire::answer(&mut stream).await;
    assert_eq!(answer.code(), (408, "invalid_argument".into()));
    assert_eq!((&answer.json()["retry"], answer.header("retry-after")), (&json!("later"), Some("1")), "{answer:?}");
    s.stop().await;
}

#[tokio::test]
async fn a_byte_at_a_time_is_too_slow() {
    let s = Stage::with(limits(|l| {
        l.handshake_timeout = Duration::from_millis(500);
        l.ping_every = Duration::from_millis(100);
        l.idle_timeout = Duration::from_millis(500);
    }))
    .await;
    let head = "GET /ws/ HTTP/1.1\r\nhost: x\r\nx: ".to_owned() + &"y".repeat(1_000);
    let began = Instant::now();
    drip(&mut TcpStream::connect(s.address).await.unwrap(), head.as_bytes()).await;
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    // A frame that never becomes whole is no sign of life.
    let began = Instant::now();
    let mut ann = s.enters("ann").await;
    let frame = [&b"\x81\xfe\x10\x00\0\0\0\0"[..], &[b'x'; 1_000]].concat();
    drip(ann.socket.get_mut(), &frame).await;
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    s.stop().await;
}

/// Writes a byte every 20 ms until the other side ends it, long before they are all written.
async fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    let (mut reading, mut writing) = stream.split();
    let mut beat = interval(Duration::from_millis(20));
    let mut heard = [0; 256];
    let mut bytes = bytes.iter();
    loop {
        tokio::select! {
            read = reading.read(&mut heard) => if matches!(read, Ok(0) | Err(_)) {
                return;
            },
            _ = beat.tick() => {
                let byte = bytes.next().expect("it is ended in time");
                let _ = writing.write_all(&[*byte]).await;
            }
        }
    }
}
