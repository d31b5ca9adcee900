//! The protocol without sockets.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{
    Actor, Error, Result, RoomRef, Timestamp,
    wire::{CloseCode, Connection, Identity, Setup, TokenVerifier},
};
use serde_json::{Value, json};

use crate::stage::{Stage, user};

/// The token is the user's name.
struct Names;

#[async_trait]
impl TokenVerifier for Names {
    async fn verify(&self, token: &str) -> Result<Identity> {
        if token.is_empty() {
            return Err(Error::Unauthorized { reason: "no token" });
        }
        Ok(identity(token))
    }
}

fn identity(name: &str) -> Identity {
    let expires_at = Some(Timestamp::from_millis(100_000));
    Identity { actor: Actor::User(user(name)), name: None, avatar: None, expires_at }
}

fn connect(s: &Stage, room: bool, name: Option<&str>) -> Connection {
    let setup = Setup {
        room: room.then(|| RoomRef::Key("job:42".parse().unwrap())),
        heartbeat: Duration::from_secs(25),
        frame_bytes: 131_072,
        auth_timeout: Duration::from_secs(10),
    };
    Connection::open(s.engine.clone(), Arc::new(Names), setup, name.map(identity), Timestamp::from_millis(0))
}

async fn frames(connection: &mut Connection) -> (Vec<Value>, Option<CloseCode>) {
    let mut out = Vec::new();
    let closing = tokio::time::timeout(Duration::from_secs(5), connection.output(&mut out)).await.expect("an answer");
    (out.iter().map(|frame| serde_json::from_slice(frame).unwrap()).collect(), closing.map(|closing| closing.code))
}

/// The first frame for which `wanted` holds.
async fn until(connection: &mut Connection, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        if let Some(frame) = frames(connection).await.0.into_iter().find(|frame| wanted(frame)) {
            return frame;
        }
    }
}

async fn ask(connection: &mut Connection, frame: Value) -> Value {
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

    for first in ["{}", "nonsense", r#"{"action":"ping"}"#, r#"{"action":"authenticate","token":""}"#] {
        let mut peer = connect(&s, false, None);
        peer.receive(first);
        let (said, code) = frames(&mut peer).await;
        assert_eq!((said.len(), code), (1, Some(CloseCode::Unauthorized)), "{first}");
        assert_eq!(said[0]["type"], "error");
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
