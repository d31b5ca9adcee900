//! PROTOCOL, where sockets are blocked: a stream of events down, numbered requests up. The same frames, the same limits
//! and the same ends as on a socket.

use std::time::{Duration, Instant};

use chat_core::{Clock, Limits, Options};
use chat_ws::{Origins, Settings};
use serde_json::{Value, json};

use crate::{
    events::{Events, Said},
    stage::{Stage, limits, service, token, token_at},
    wire::{Closed, counted, request},
};

/// A user's stream in `job:42`, past its `ready`.
async fn enters(s: &Stage, name: &str) -> Events {
    let mut events = Events::open(s, "/events/job_chat/42/", &token(name)).await.unwrap_or_else(|e| panic!("{e:?}"));
    events.until("ready").await;
    events
}

/// How a stream is refused.
async fn refused(s: &Stage, path: &str, token: &str) -> (u16, String) {
    Events::open(s, path, token).await.err().expect("it is refused").code()
}

#[tokio::test]
async fn a_stream_says_what_a_socket_says_and_takes_what_it_takes() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let mut ben = Events::open(&s, "/events/job_chat/42/", &token("ben")).await.unwrap_or_else(|e| panic!("{e:?}"));
    for header in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(ben.head.contains(&format!("{header}\r\n")), "{header} is not in {}", ben.head);
    }
    let ready = ben.until("ready").await;
    assert_eq!((&ready["user_id"], &ready["room"]["key"]), (&json!("ben"), &json!("job:42")));
    assert_eq!(ready["room"]["present"], json!(["ann", "ben"]));
    ann.send(json!({"action": "send_message", "content": "hi\nthere"}).to_string()).await;
    let heard = ben.until("chat_message").await;
    assert_eq!(heard, ann.until("chat_message").await);
    let sent = ben.does(json!({"action": "send_message", "content": "hello"})).await;
    assert_eq!(sent["message"]["seq"], 2);
    ann.find(|frame| frame["message"]["content"] == "hello").await;
    // The general one is for many rooms. It resumes from a cursor that came over a socket.
    let mut many = Events::open(&s, "/events", &token("ben")).await.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(many.until("ready").await.get("room"), None);
    let back = many.does(json!({"action": "subscribe", "room": "job:42", "cursor": heard["cursor"]})).await;
    assert_eq!(back["rooms"][0]["changes"][0]["message"]["content"], "hello");
    // The host has streams too.
    let mut host = Events::open(&s, "/events/", &service()).await.unwrap_or_else(|e| panic!("{e:?}"));
    host.until("ready").await;
    let moved = json!({"action": "send_message", "room": "job:42", "message_type": "system", "content": "moved"});
    assert_eq!(host.does(moved).await["message"]["seq"], 3);
    s.stop().await;
}

#[tokio::test]
async fn what_requests_bring_takes_effect_in_order() {
    let s = Stage::new().await;
    let mut ben = enters(&s, "ben").await;
    let mut said = Vec::new();
    // More frames than a connection takes at once, and more requests than wait.
    for part in 0..10 {
        let texts: Vec<_> = (0..50).map(|n| format!("{part}.{n}")).collect();
        let frames: Vec<_> =
            texts.iter().map(|text| json!({"action": "send_message", "content": text}).to_string()).collect();
        assert_eq!(ben.bring(&frames.join("\n")).await.status, 202);
        said.extend(texts);
    }
    for (n, text) in said.iter().enumerate() {
        let message = ben.until("chat_message").await["message"].clone();
        assert_eq!((&message["content"], &message["seq"]), (&json!(text), &json!(n + 1)));
    }
    s.stop().await;
}

#[tokio::test]
async fn a_request_is_taken_once_and_in_its_turn() {
    let s = Stage::new().await;
    let mut ben = enters(&s, "ben").await;
    let say = |text: &str| json!({"action": "send_message", "content": text}).to_string();
    let mine = token("ben");
    assert_eq!(ben.bring_as(&mine, 2, say("two").as_bytes()).await.code(), (409, "conflict".into()));
    assert_eq!(ben.bring_as(&mine, 1, say("one").as_bytes()).await.status, 202);
    // Its answer was lost, and it is repeated.
    assert_eq!(ben.bring_as(&mine, 1, say("one").as_bytes()).await.status, 202);
    assert_eq!(ben.bring_as(&mine, 2, say("two").as_bytes()).await.status, 202);
    for (seq, text) in [(1, "one"), (2, "two")] {
        let message = ben.until("chat_message").await["message"].clone();
        assert_eq!((&message["content"], &message["seq"]), (&json!(text), &json!(seq)));
    }
    let path = format!("/events/frames/{}/", ben.id);
    assert_eq!(s.asks(&mine, "POST", &path, Some(json!({}))).await.code(), (400, "invalid_argument".into()));
    s.stop().await;
}

#[tokio::test]
async fn nobody_reaches_the_stream_of_somebody_else() {
    let s = Stage::new().await;
    let mut ben = enters(&s, "ben").await;
    let frame = json!({"action": "send_message", "content": "not me"}).to_string();
    let missing = s.asks(&token("ann"), "POST", "/events/frames/0190a1b2-0000-7000-8000-000000000000/", None).await;
    assert_eq!(missing.code(), (404, "not_found".into()));
    for other in [token("ann"), service()] {
        let reply = ben.bring_as(&other, 1, frame.as_bytes()).await;
        assert_eq!((reply.status, &reply.body), (404, &missing.body));
    }
    assert_eq!(ben.bring_as("bad", 1, frame.as_bytes()).await.code(), (401, "unauthorized".into()));
    assert_eq!(s.asks(&token("ann"), "POST", "/events/job_chat/42/", None).await.status, 405);
    assert_eq!(s.get("ann", "/events/some/where/else/").await.code(), (404, "not_found".into()));
    // Nothing came of any of it.
    assert_eq!(ben.does(json!({"action": "history"})).await["results"], json!([]));
    s.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_answered_and_leaves_the_stream_open() {
    let s = Stage::new().await;
    let mut ben = enters(&s, "ben").await;
    let mine = token("ben");
    let ping = |bytes: usize| {
        let bare = r#"{"action":"ping","ref":0,"x":""}"#;
        bare.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - bare.len())))
    };
    assert_eq!(ben.bring_as(&mine, 1, ping(129 * 1024).as_bytes()).await.code(), (413, "too_large".into()));
    assert_eq!(ben.bring_as(&mine, 1, ping(128 * 1024).as_bytes()).await.status, 202);
    assert_eq!(ben.until("reply").await["ref"], 0);
    let bad = [&b"{\n"[..], b"\xff\xfe\n", b"{\"action\":\"made up\",\"ref\":3}\n", b"[]"].concat();
    assert_eq!(ben.bring_as(&mine, 2, &bad).await.status, 202);
    for wanted in [json!(null), json!(null), json!(3), json!(null)] {
        let error = ben.until("error").await;
        assert_eq!((&error["code"], error["ref"].clone()), (&json!("invalid_argument"), wanted));
    }
    assert_eq!(ben.bring_as(&mine, 3, br#"{"action":"ping","ref":1}"#).await.status, 202);
    assert_eq!(ben.until("reply").await["ref"], 1);
    s.stop().await;
}

#[tokio::test]
async fn one_is_refused_as_at_a_socket() {
    let settings =
        Settings { origins: Origins::and(["https://app.example.com"]), query_tokens: true, ..limits(|_| ()) };
    let s = Stage::with(settings).await;
    for path in ["/events/", "/events/job_chat/42/"] {
        assert_eq!(refused(&s, path, "bad").await, (401, "unauthorized".into()));
        assert_eq!(refused(&s, path, "").await, (401, "unauthorized".into()));
        // Neither without a token, nor with one in the address, whatever is allowed to sockets.
        for path in [path.to_owned(), format!("{path}?token={}", token("ann"))] {
            let reply = request(s.address, "GET", &path, &[], b"").await;
            assert_eq!(reply.code(), (401, "unauthorized".into()), "{path}");
        }
    }
    let hidden = Events::open(&s, "/events/job_chat/42/", &token("eve")).await.err().unwrap();
    let missing = Events::open(&s, "/events/job_chat/43/", &token("eve")).await.err().unwrap();
    let no_name = Events::open(&s, "/events/job_chat/a%20b/", &token("eve")).await.err().unwrap();
    assert_eq!(hidden.code(), (404, "not_found".into()));
    assert_eq!((&hidden.body, &hidden.body), (&missing.body, &no_name.body));
    let authorization = format!("Bearer {}", token("ann"));
    let from =
        [("authorization", &*authorization), ("accept", "text/event-stream"), ("origin", "https://evil.example")];
    assert_eq!(request(s.address, "GET", "/events/", &from, b"").await.code(), (403, "forbidden".into()));
    let metrics = request(s.address, "GET", "/metrics", &[], b"").await.body;
    for line in [
        "chat_sockets_refused_total{reason=\"unauthorized\"} 8",
        "chat_sockets_refused_total{reason=\"not_found\"} 3",
        "chat_sockets_refused_total{reason=\"origin\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}\nis not in\n{metrics}");
    }
    s.stop().await;
}

#[tokio::test]
async fn streams_and_sockets_are_counted_together() {
    let s = Stage::with(limits(|l| l.sockets_per_user = 2)).await;
    let _socket = s.enters("ann").await;
    let stream = enters(&s, "ann").await;
    let refused = Events::open(&s, "/events/", &token("ann")).await.err().unwrap();
    assert_eq!((refused.code(), refused.header("retry-after")), ((503, "busy".into()), Some("2")));
    assert_eq!(s.opens("/ws/", &token("ann")).await.unwrap_err().code(), (503, "busy".into()));
    let metrics = request(s.address, "GET", "/metrics", &[], b"").await.body;
    for line in [
        "chat_sockets_open 2",
        "chat_sockets_opened_total 2",
        "chat_streams_opened_total 1",
        "chat_sockets_refused_total{reason=\"user\"} 2",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}\nis not in\n{metrics}");
    }
    // A place that is left is free again.
    drop(stream);
    while s.opens("/ws/", &token("ann")).await.is_err() {
        tokio::task::yield_now().await;
    }
    s.stop().await;
}

#[tokio::test]
async fn who_goes_is_gone_for_the_others_at_once() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let ben = enters(&s, "ben").await;
    ann.find(|frame| frame["type"] == "user_joined" && frame["user_id"] == "ben").await;
    let path = format!("/events/frames/{}/", ben.id);
    drop(ben);
    assert_eq!(ann.until("user_left").await["user_id"], "ben");
    assert_eq!(s.asks(&token("ben"), "POST", &path, None).await.code(), (404, "not_found".into()));
    s.stop().await;
}

#[tokio::test]
async fn heartbeats_are_comments_and_an_empty_request_is_a_sign_of_life() {
    let (every, idle) = (Duration::from_millis(100), Duration::from_millis(1_500));
    let s = Stage::with(limits(|l| {
        l.ping_every = every;
        l.idle_timeout = idle;
    }))
    .await;
    let began = Instant::now();
    let mut ann = enters(&s, "ann").await;
    let (mut beats, mut last) = (0, began);
    // Where nothing ran for a while, the time is over before she was asked twice.
    while beats < 2 || began.elapsed() < idle + idle / 2 {
        match ann.hear().await {
            Some(Said::Comment) => {
                beats += 1;
                last = Instant::now();
                assert_eq!(ann.bring("").await.status, 202);
            }
            Some(Said::Frame(_)) => {}
            other => panic!("she does not stay: {other:?}"),
        }
    }
    let most = began.elapsed().div_duration_f64(every) + 1.0;
    assert!(f64::from(beats) <= most, "{beats} of {most}");
    assert_eq!(ann.rest().await.1, Closed { code: 1001, reason: "idle".into() });
    assert!(last.elapsed() >= idle, "{:?}", last.elapsed());
    s.stop().await;
}

#[tokio::test]
async fn it_ends_with_the_codes_of_a_socket() {
    let (s, clock) = Stage::timeless(|_| ()).await;
    let mut ben = enters(&s, "ben").await;
    let kicked = s.asks(&service(), "DELETE", "/api/chatrooms/job:42/participants/ben/", None).await;
    assert_eq!(kicked.status, 204);
    let (said, closed) = ben.rest().await;
    assert_eq!(closed, Closed { code: 3501, reason: "removed".into() });
    assert_eq!(said.last().unwrap(), &json!({"type": "closing", "code": 3501}));

    // The token is replaced on the stream, and the requests bring their own.
    let valid = Duration::from_secs(3);
    let short = token_at(clock.now(), "ann", valid);
    let open = async || {
        let mut events = Events::open(&s, "/events/", &short).await.unwrap_or_else(|e| panic!("{e:?}"));
        events.until("ready").await;
        events
    };
    let mut long = open().await;
    let refresh = json!({"action": "authenticate", "token": token("ann"), "ref": 1}).to_string();
    assert_eq!(long.bring_as(&token("ann"), 1, refresh.as_bytes()).await.status, 202);
    long.until("reply").await;
    let mut expires = open().await;
    // It is over for both, and one has another by now.
    clock.advance(valid);
    assert_eq!(expires.rest().await.1, Closed { code: 3003, reason: "token_expired".into() });
    assert_eq!(long.bring_as(&token("ann"), 2, br#"{"action":"ping","ref":2}"#).await.status, 202);
    long.until("reply").await;
    s.stop().await;
}

#[tokio::test]
async fn a_stop_tells_streams_too() {
    // Longer than anybody waits: nothing is left to be cut.
    let s = Stage::with(limits(|l| l.drain_timeout = Duration::from_hours(1))).await;
    let mut ann = enters(&s, "ann").await;
    // What was brought before is answered.
    assert_eq!(ann.bring(r#"{"action":"send_message","content":"last","ref":1}"#).await.status, 202);
    ann.until("reply").await;
    let ((said, closed), ()) = tokio::join!(ann.rest(), s.stop());
    assert_eq!(closed, Closed { code: 3000, reason: "draining".into() });
    let closing = said.last().unwrap();
    assert_eq!((&closing["type"], &closing["code"]), (&json!("closing"), &json!(3000)));
    assert!(closing["retry_after_ms"].as_u64().unwrap() <= 3_000);
}

/// More than the system takes for a peer that does not read.
const MANY: u64 = 600;

/// Ann posts that many large messages, and does not listen.
async fn flood(s: &Stage) {
    let mut ann = s.joins(&token("ann")).await;
    let text = "x".repeat(16 * 1024);
    for _ in 0..MANY {
        ann.does(json!({"action": "send_message", "room": "job:42", "content": text})).await;
    }
}

#[tokio::test]
async fn who_falls_behind_is_told_and_catches_up_without_a_gap() {
    let settings = limits(|l| {
        l.write_timeout = Duration::from_hours(1);
        l.idle_timeout = Duration::from_hours(1);
    });
    let little = Limits { pending_bytes: 64 * 1024, ..Limits::default() };
    let s = Stage::of(settings, Options { limits: little, marker_delay: Duration::ZERO, ..Options::default() }).await;
    let mut ben = Events::narrow(s.address, "/events/job_chat/42/", &token("ben")).await;
    let mut cursor = ben.until("ready").await["room"]["cursor"].clone();
    flood(&s).await;
    let mut seqs = Vec::new();
    let mut apply = |event: &Value| {
        seqs.extend(event["message"]["seq"].as_u64());
        event["cursor"].clone()
    };
    loop {
        let frame = ben.find(|_| true).await;
        match frame["type"].as_str() {
            Some("chat_message") => cursor = apply(&frame),
            Some("resync") => break assert_eq!(frame["reason"], "too_slow"),
            _ => {}
        }
    }
    loop {
        let back = ben.does(json!({"action": "subscribe", "room": "job:42", "cursor": cursor})).await;
        let back = &back["rooms"][0];
        back["changes"].as_array().unwrap().iter().for_each(|change| drop(apply(change)));
        cursor = back["cursor"].clone();
        if back["more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=MANY).collect::<Vec<_>>());
    s.stop().await;
}

#[tokio::test]
async fn who_stops_reading_is_cut_alone() {
    let s = Stage::with(limits(|l| l.write_timeout = Duration::from_millis(300))).await;
    let stuck = Events::narrow(s.address, "/events/job_chat/42/", &token("ben")).await;
    flood(&s).await;
    let mut ann = s.opens("/ws/job_chat/42/", &token("ann")).await.unwrap();
    if ann.until("ready").await["room"]["present"] != json!(["ann"]) {
        assert_eq!(ann.until("user_left").await["user_id"], "ben");
    }
    counted(s.address, "chat_http_connections_stuck_total 1").await;
    drop(stuck);
    s.stop().await;
}

/// What a block of the protocol page says.
fn shown(block: &str) -> &'static str {
    let page = include_str!("../../../docs/src/protocol.md");
    let (_, from) = page.split_once(&format!("```text,{block}\n")).unwrap();
    from.split_once("```").unwrap().0
}

#[tokio::test]
async fn the_protocol_page_shows_what_a_stream_says() {
    // Longer than anybody waits: the last word is said.
    let s = Stage::with(limits(|l| {
        l.ping_every = Duration::from_millis(200);
        l.drain_timeout = Duration::from_hours(1);
    }))
    .await;
    let mut ann = Events::open(&s, "/events/", &token("ann")).await.unwrap_or_else(|e| panic!("{e:?}"));
    ann.until("ready").await;
    ann.raw.clear();
    let path = format!("/events/frames/{}/", ann.id);
    let authorization = format!("Bearer {}", token("ann"));
    let asked = shown("from=stream").as_bytes();
    assert_eq!(request(s.address, "POST", &path, &[("authorization", &authorization)], asked).await.status, 202);
    ann.until("error").await;
    while !matches!(ann.hear().await, Some(Said::Comment)) {}
    let (_, ()) = tokio::join!(ann.rest(), s.stop());
    // Heartbeats come when they come, and each server says by chance when to come back.
    let bare = |text: &str| {
        let text = text.replace(":\n\n", "");
        let (before, after) = text.split_once("\"retry_after_ms\":").unwrap();
        format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit())).trim_end().to_owned()
    };
    assert!(shown("to=stream").contains("\n:\n\n"));
    assert_eq!(bare(&ann.raw), bare(shown("to=stream")));
}
