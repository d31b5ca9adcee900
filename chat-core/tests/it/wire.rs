//! The protocol without sockets.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    Actor, Code, Error, Limits, Result, RoomRef, Timestamp, UserId,
    wire::{CloseCode, Connection, Identity, Meter, Output, Setup, TokenVerifier},
};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use crate::{
    held::{Call, Held},
    stage::{Stage, user},
};

/// The token is the user's name; whoever knows the names may have no time.
struct Names;

#[async_trait]
impl TokenVerifier for Names {
    async fn verify(&self, token: &str) -> Result<Identity> {
        match token {
            "" => Err(Error::Unauthorized { reason: "no token" }),
            "busy" => Err(Error::Busy { retry_after_ms: 5 }),
            "never" => pending().await,
            name => Ok(identity(name)),
        }
    }
}

fn identity(name: &str) -> Identity {
    let expires_at = Some(Timestamp::from_millis(100_000));
    Identity { actor: Actor::User(user(name)), name: None, avatar: None, expires_at }
}

pub(crate) fn connect(s: &Stage, room: bool, name: Option<&str>) -> Connection {
    let setup = Setup {
        room: room.then(|| RoomRef::Key("job:42".parse().unwrap())),
        heartbeat: Duration::from_secs(25),
        frame_bytes: 131_072,
        auth_timeout: Duration::from_secs(10),
    };
    Connection::open(s.engine.clone(), Arc::new(Names), setup, name.map(identity), Timestamp::from_millis(0))
}

pub(crate) async fn frames(connection: &mut Connection) -> (Vec<Value>, Option<CloseCode>) {
    let mut out = Vec::new();
    let closing = tokio::time::timeout(Duration::from_mins(1), connection.output(&mut out)).await.expect("an answer");
    let texts = out.iter().flat_map(Output::texts);
    (texts.map(|text| serde_json::from_slice(text).unwrap()).collect(), closing.map(|closing| closing.code))
}

/// The first frame for which `wanted` holds.
pub(crate) async fn until(connection: &mut Connection, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        if let Some(frame) = frames(connection).await.0.into_iter().find(|frame| wanted(frame)) {
            return frame;
        }
    }
}

pub(crate) async fn ask(connection: &mut Connection, frame: Value) -> Value {
    connection.receive(&frame.to_string());
    until(connection, |answer| answer.get("ref") == frame.get("ref")).await
}

#[tokio::test]
async fn a_room_connection_begins_with_ready_and_needs_no_room() {
    let s = Stage::new().await;
    let mut ann = connect(&s, true, Some("ann"));
    let ready = frames(&mut ann).await.0.remove(0);
    assert_eq!(ready["type"], "ready");
    assert_eq!(ready["user_id"], "ann");
    assert_eq!(ready["heartbeat_s"], 25);
    assert_eq!(ready["room"]["key"], "job:42");
    assert_eq!(ready["room"]["present"], json!(["ann"]));
    assert!(ready["room"]["cursor"].is_string());
    let sent = ask(&mut ann, json!({"action": "send_message", "content": "hi", "ref": 1})).await;
    assert_eq!(sent["type"], "reply");
    assert_eq!(sent["ok"]["message"]["content"], "hi");
    assert_eq!(sent["ok"]["duplicate"], false);
}

#[tokio::test]
async fn an_unknown_peer_authenticates_first_or_is_gone() {
    let s = Stage::new().await;
    let mut peer = connect(&s, true, None);
    peer.receive(&json!({"action": "authenticate", "token": "ann"}).to_string());
    assert_eq!(until(&mut peer, |_| true).await["type"], "ready");

    // With a `ref` its answer follows: `ready` is the first frame in any case.
    let mut peer = connect(&s, true, None);
    peer.receive(&json!({"action": "authenticate", "token": "ann", "ref": 5}).to_string());
    let said = frames(&mut peer).await.0;
    assert_eq!((&said[0]["type"], &said[1]), (&json!("ready"), &json!({"type": "reply", "ref": 5, "ok": {}})));

    for first in ["{}", "nonsense", r#"{"action":"ping"}"#, r#"{"action":"authenticate","token":""}"#] {
        let mut peer = connect(&s, false, None);
        peer.receive(first);
        let (said, code) = frames(&mut peer).await;
        assert_eq!((said.len(), code), (1, Some(CloseCode::Unauthorized)), "{first}");
        assert_eq!(said[0]["type"], "error");
    }
    let mut binary = connect(&s, false, None);
    binary.receive_binary();
    assert_eq!(frames(&mut binary).await.1, Some(CloseCode::Unauthorized));
    for (room, token, error, code) in [
        (false, "", "unauthorized", CloseCode::Unauthorized),
        (true, "eve", "not_found", CloseCode::Unauthorized),
        (false, "busy", "busy", CloseCode::Overloaded),
    ] {
        let mut peer = connect(&s, room, None);
        peer.receive(&json!({"action": "authenticate", "token": token, "ref": "r"}).to_string());
        let (said, closed) = frames(&mut peer).await;
        assert_eq!((said.len(), &said[0]["ref"], &said[0]["code"]), (1, &json!("r"), &json!(error)));
        assert_eq!((closed, peer.refusal().map(|error| error.code().as_str())), (Some(code), Some(error)));
    }
    let mut late = connect(&s, false, None);
    late.tick(Timestamp::from_millis(9_999));
    late.tick(Timestamp::from_millis(10_000));
    assert_eq!(frames(&mut late).await.1, Some(CloseCode::Unauthorized));
}

#[tokio::test]
async fn a_hidden_room_and_a_missing_one_end_alike() {
    let s = Stage::new().await;
    let mut hidden = connect(&s, true, Some("eve"));
    let hidden = frames(&mut hidden).await;
    s.host().delete_room(s.room).await.unwrap();
    let mut missing = connect(&s, true, Some("eve"));
    assert_eq!(frames(&mut missing).await, hidden);
    assert_eq!(hidden.1, Some(CloseCode::Unauthorized));
}

#[tokio::test]
async fn wrong_frames_are_answered_and_leave_the_connection_open() {
    let s = Stage::new().await;
    let mut ann = connect(&s, true, Some("ann"));
    for (frame, code) in [
        ("{", "invalid_argument"),
        (r#"["ping",1,null]"#, "invalid_argument"),
        (r#"{"action":"ping"} and more"#, "invalid_argument"),
        (r#"{"action":"nope"}"#, "invalid_argument"),
        (r#"{"action":"send_message","content":5}"#, "invalid_argument"),
        (r#"{"action":"send_message","content":"a\u0000b"}"#, "invalid_argument"),
        (r#"{"action":"send_message","content":"\ud800"}"#, "invalid_argument"),
        (r#"{"action":"send_message","content":"  "}"#, "invalid_argument"),
        (r#"{"action":"read_message","seq":9007199254740993}"#, "invalid_argument"),
        (r#"{"action":"edit_message","message_id":"01910000-0000-7000-8000-000000000000","content":"x"}"#, "not_found"),
        (r#"{"action":"history","room":"job:43"}"#, "not_found"),
    ] {
        ann.receive(frame);
        let error = until(&mut ann, |frame| frame["type"] == "error").await;
        assert_eq!(error["code"], code, "{frame} -> {error}");
    }
    ann.receive_binary();
    assert_eq!(until(&mut ann, |frame| frame["type"] == "error").await["code"], "invalid_argument");
    assert_eq!(ask(&mut ann, json!({"action": "ping", "ref": "p"})).await["ok"], json!({}));
}

#[tokio::test]
async fn commands_take_effect_in_order_and_writes_are_pipelined() {
    let s = Stage::new().await;
    let mut ann = connect(&s, true, Some("ann"));
    for n in 0..40 {
        ann.receive(&json!({"action": "send_message", "content": n.to_string(), "ref": n}).to_string());
    }
    let page = ask(&mut ann, json!({"action": "history", "limit": 40, "ref": "h"})).await;
    let texts: Vec<_> = page["ok"]["results"].as_array().unwrap().iter().rev().map(|m| m["content"].clone()).collect();
    assert_eq!(texts, (0..40).map(|n| json!(n.to_string())).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_answer_to_subscribe_comes_before_what_is_live() {
    let s = Stage::new().await;
    let mut ben = connect(&s, false, Some("ben"));
    ben.receive(&json!({"action": "subscribe", "room": "job:42", "ref": 1}).to_string());
    s.says("ann", "meanwhile").await;
    let answer = until(&mut ben, |frame| frame.get("ref").is_some() || frame["type"] == "chat_message").await;
    assert_eq!(answer["type"], "reply");
    s.says("ann", "later").await;
    let live = until(&mut ben, |frame| frame["message"]["content"] == "later").await;
    assert_eq!(live["rev"].as_u64().map(|rev| rev + 1), live["rev"].as_u64().map(|rev| rev + 1));
    assert!(live["cursor"].is_string());
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_token_unless_it_gets_a_new_one() {
    let s = Stage::new().await;
    let mut ann = connect(&s, true, Some("ann"));
    until(&mut ann, |frame| frame["type"] == "ready").await;
    let other = ask(&mut ann, json!({"action": "authenticate", "token": "ben", "ref": 1})).await;
    assert_eq!(other["code"], "unauthorized");
    let refreshed = ask(&mut ann, json!({"action": "authenticate", "token": "ann", "ref": 2})).await;
    assert_eq!(refreshed["type"], "reply");
    ann.tick(ann.deadline().unwrap());
    let (said, code) = frames(&mut ann).await;
    assert_eq!(said.last().unwrap()["type"], "closing");
    assert_eq!(code, Some(CloseCode::TokenExpired));
}

#[tokio::test]
async fn whoever_is_removed_is_told_and_closed() {
    let s = Stage::new().await;
    let mut ben = connect(&s, true, Some("ben"));
    until(&mut ben, |frame| frame["type"] == "ready").await;
    let remove = chat_core::RemoveParticipant { user_id: user("ben"), client_id: None };
    s.host().remove_participant(s.room, remove).await.unwrap();
    s.says("ann", "between us").await;
    let (mut said, mut code) = (Vec::new(), None);
    while code.is_none() {
        let (more, closed) = frames(&mut ben).await;
        said.extend(more);
        code = closed;
    }
    assert_eq!(code, Some(CloseCode::Removed));
    let types: Vec<_> = said.iter().filter_map(|frame| frame["type"].as_str()).collect();
    assert!(types.ends_with(&["room_removed", "closing"]), "{types:?}");
    assert!(!types.contains(&"chat_message"), "{types:?}");
}

#[tokio::test]
async fn whoever_pipelines_is_held_back_and_never_refused() {
    let s = Stage::limited(Limits { pending_commands: 2, ..Limits::default() }).await;
    let (mut ann, mut ben) = (connect(&s, true, Some("ann")), connect(&s, true, Some("ben")));
    let (mut sent, mut answered) = ([0, 0], 0);
    while answered < 400 {
        for (n, peer) in [&mut ann, &mut ben].into_iter().enumerate() {
            while sent[n] < 200 && peer.has_room() {
                peer.receive(&json!({"action": "send_message", "content": sent[n].to_string(), "ref": n}).to_string());
                sent[n] += 1;
            }
            for frame in frames(peer).await.0 {
                assert_ne!(frame["type"], "error", "{frame}");
                answered += usize::from(frame["type"] == "reply");
            }
        }
    }
}

#[tokio::test]
async fn what_waits_is_bounded_in_frames_and_in_bytes() {
    let s = Stage::new().await;
    let taken = |peer: &mut Connection, frame: &str| {
        let mut taken = 0;
        while peer.has_room() {
            peer.receive(frame);
            taken += 1;
        }
        taken
    };
    let large = json!({"action": "ping", "x": "y".repeat(60_000)}).to_string();
    assert_eq!(taken(&mut connect(&s, false, Some("ann")), r#"{"action":"ping"}"#), 64);
    assert_eq!(taken(&mut connect(&s, false, Some("ann")), &large), 3);
    assert_eq!(taken(&mut connect(&s, false, None), r#"{"action":"ping"}"#), 1, "a stranger has one word");
}

// Time stands still: an end waits only so long for what was begun, and a slow machine must not end that.
#[tokio::test(start_paused = true)]
async fn what_was_begun_is_answered_before_the_end() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut ann = connect(&s, true, Some("ann"));
    until(&mut ann, |frame| frame["type"] == "ready").await;
    store.hold(Call::Commit);
    ann.receive(&json!({"action": "send_message", "content": "last words", "ref": 1}).to_string());
    let mut out = Vec::new();
    assert!(ann.output(&mut out).now_or_never().is_none());
    ann.close(CloseCode::Draining, Some(Duration::from_millis(7)));
    assert!(!ann.has_room());
    assert!(ann.output(&mut out).now_or_never().is_none(), "it is not durable yet");
    store.release(Call::Commit);
    let (mut said, mut code) = (Vec::new(), None);
    while code.is_none() {
        let (more, closed) = frames(&mut ann).await;
        said.extend(more);
        code = closed;
    }
    assert_eq!((&said[0]["ref"], &said[0]["type"]), (&json!(1), &json!("reply")));
    assert_eq!(said[1], json!({"type": "closing", "code": 3000, "retry_after_ms": 7}));
    assert_eq!(s.texts().await, ["last words"]);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_does_not_hold_up_the_end() {
    let store = Held::new();
    let s = Stage::on(Arc::clone(&store) as _).await;
    let mut ann = connect(&s, true, Some("ann"));
    until(&mut ann, |frame| frame["type"] == "ready").await;
    store.hold(Call::Commit);
    ann.receive(&json!({"action": "send_message", "content": "hi", "ref": 1}).to_string());
    let mut out = Vec::new();
    assert!(ann.output(&mut out).now_or_never().is_none());
    ann.tick(ann.deadline().unwrap());
    let (said, code) = frames(&mut ann).await;
    assert_eq!((said[0]["type"].as_str(), code), (Some("closing"), Some(CloseCode::TokenExpired)));
    store.release(Call::Commit);
}

#[tokio::test]
async fn a_slow_check_of_a_token_holds_up_nothing_that_is_live() {
    let s = Stage::new().await;
    let mut ann = connect(&s, true, Some("ann"));
    until(&mut ann, |frame| frame["type"] == "ready").await;
    ann.receive(&json!({"action": "authenticate", "token": "never"}).to_string());
    s.says("ben", "meanwhile").await;
    assert_eq!(until(&mut ann, |frame| frame["type"] == "chat_message").await["message"]["content"], "meanwhile");
}

#[tokio::test]
async fn leaving_can_be_repeated_under_its_name() {
    let s = Stage::new().await;
    let mut ben = connect(&s, false, Some("ben"));
    for reference in [1, 2] {
        let leave = json!({"action": "leave_room", "room": "job:42", "client_id": "bye", "ref": reference});
        assert_eq!(ask(&mut ben, leave).await["ok"], json!({}));
    }
    assert_eq!(ask(&mut ben, json!({"action": "leave_room", "room": "job:42", "ref": 3})).await["code"], "not_found");
}

/// Lets two messages through, or what counts for as many, and writes down what it is told.
#[derive(Default)]
struct Two {
    asked: AtomicUsize,
    told: Mutex<Vec<(&'static str, Option<Code>)>>,
}

impl Meter for Two {
    fn pace(&self, _: &UserId, cost: u32) -> Result<()> {
        let before = self.asked.fetch_add(cost as usize, Ordering::Relaxed);
        if before < 2 { Ok(()) } else { Err(Error::RateLimited { retry_after_ms: 9 }) }
    }

    fn answered(&self, action: &'static str, failed: Option<Code>, _: Duration) {
        self.told.lock().unwrap().push((action, failed));
    }
}

#[tokio::test]
async fn a_meter_paces_what_is_sent_and_hears_of_every_answer() {
    let s = Stage::new().await;
    let meter = Arc::new(Two::default());
    let mut ann = connect(&s, true, None).metered(Arc::clone(&meter) as _);
    // However it is spelled, and also behind a token that is not checked yet.
    ann.receive(r#"{"action":"authenticate","token":"ann"}"#);
    ann.receive(r#"{"\u0061ction":"send\u005fmessage","content":"1"}"#);
    ann.receive(r#"{"action":"nonsense"}"#);
    for n in 2..4 {
        ann.receive(&json!({"action": "send_message", "content": n.to_string()}).to_string());
    }
    let refused = until(&mut ann, |frame| frame["code"] == "rate_limited").await;
    assert_eq!((&refused["retry"], &refused["retry_after_ms"]), (&json!("later"), &json!(9)));
    assert_eq!(
        ask(&mut ann, json!({"action": "history", "ref": 1})).await["ok"]["results"].as_array().unwrap().len(),
        2
    );
    let mut told = std::mem::take(&mut *meter.told.lock().unwrap());
    told.sort_by_key(|told| told.0);
    let expected = [
        ("authenticate", None),
        ("history", None),
        ("send_message", Some(Code::RateLimited)),
        ("send_message", None),
        ("send_message", None),
        ("unknown", Some(Code::InvalidArgument)),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn all_that_a_user_writes_is_paced_and_a_large_room_counts_for_more() {
    let s = Stage::new().await;
    let meter = Arc::new(Two::default());
    let mut ann = connect(&s, true, Some("ann")).metered(Arc::clone(&meter) as _);
    let message = s.says("ann", "hi").await;
    let people: Vec<_> = (0..19).map(|n| format!("user {n}")).collect();
    let writes = [
        (json!({"action": "create_room", "participants": people}), 2),
        (json!({"action": "update_room", "name": "x"}), 1),
        (json!({"action": "add_participant", "user_id": "cat"}), 1),
        (json!({"action": "update_participant", "user_id": "ben", "role": "observer"}), 1),
        (json!({"action": "remove_participant", "user_id": "ben"}), 1),
        (json!({"action": "update_me", "pinned": true}), 1),
        (json!({"action": "delete_message", "message_id": message.id}), 1),
        (json!({"action": "leave_room"}), 1),
        (json!({"action": "delete_room"}), 1),
    ];
    let mut asked = 0;
    for (mut write, cost) in writes {
        (write["room"], write["ref"]) = (json!("job:42"), json!(1));
        let refused = asked >= 2;
        let answer = ask(&mut ann, write.clone()).await;
        assert_eq!(answer["code"] == "rate_limited", refused, "{write}: {answer}");
        asked += cost;
        assert_eq!(meter.asked.load(Ordering::Relaxed), asked, "{write}");
    }
    let free = ["read_message", "message_delivered", "mark_unread"];
    for action in free {
        let mark = json!({"action": action, "room": "job:42", "seq": 1, "ref": 1});
        assert!(ask(&mut ann, mark).await["ok"].is_object());
    }
    assert_eq!(meter.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test]
async fn a_peer_that_asks_for_much_and_reads_nothing_costs_little() {
    const ANSWER: usize = 20 * 17_000;
    let s = Stage::new().await;
    for _ in 0..20 {
        s.says("ann", &"x".repeat(16_000)).await;
    }
    let mut peer = connect(&s, true, Some("ben"));
    frames(&mut peer).await;
    let mut asked = 0;
    while peer.has_room() {
        asked += 1;
        peer.receive(&json!({"action": "history", "ref": asked, "limit": 20}).to_string());
    }
    assert!(asked > 10);
    let mut answered = 0;
    while answered < asked {
        let mut out = Vec::new();
        peer.output(&mut out).await;
        let sizes: Vec<_> = out.iter().flat_map(Output::texts).map(|text| text.len()).collect();
        assert!(sizes.iter().sum::<usize>() < 256 * 1024 + ANSWER, "{sizes:?}");
        answered += sizes.iter().filter(|size| **size > 16_000).count();
    }
}
