//! Bad input over sockets: each gets its error, and nothing else happens.

use chat_core::{CreateRoom, Limits};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    stage::{Stage, limits, service, token},
    wire::Peer,
};

const FRAME: usize = 128 * 1024;

async fn error(peer: &mut Peer, frame: impl Into<String>) -> Value {
    peer.send(frame).await;
    peer.until("error").await
}

#[tokio::test]
async fn a_frame_that_makes_no_sense_is_answered_and_leaves_the_socket_open() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let wrong = [
        "",
        "{",
        "null",
        "[]",
        "5",
        "\u{feff}{}",
        r#"["ping",1,null]"#,
        r#"{"action":"ping"} and more"#,
        r#"{"action":"ping","action":"ping"}"#,
        r#"{"action":"ping","room":5}"#,
        r#"{"action":"ping","room":"a b"}"#,
        r#"{"action":"nope"}"#,
        r#"{"action":5}"#,
        r#"{"ref":1}"#,
        r#"{"action":"ping","ref":{}}"#,
        r#"{"action":"send_message"}"#,
        r#"{"action":"send_message","content":5}"#,
        r#"{"action":"send_message","content":null}"#,
        r#"{"action":"send_message","content":"a\u0000b"}"#,
        r#"{"action":"send_message","content":"a\u001bb"}"#,
        r#"{"action":"send_message","content":"\ud800"}"#,
        r#"{"action":"send_message","content":" \n\t"}"#,
        r#"{"action":"send_message","content":"x","message_type":"nope"}"#,
        r#"{"action":"send_message","content":"x","metadata":[]}"#,
        r#"{"action":"send_message","content":"x","metadata":{"a":1e400}}"#,
        r#"{"action":"send_message","content":"x","client_id":""}"#,
        r#"{"action":"send_message","content":"x","reply_to":"not an id"}"#,
        r#"{"action":"send_message","content":"x","attachments":[{}]}"#,
        r#"{"action":"edit_message","content":"x"}"#,
        r#"{"action":"read_message","seq":-1}"#,
        r#"{"action":"read_message","seq":1.5}"#,
        r#"{"action":"read_message","seq":"1"}"#,
        r#"{"action":"read_message"}"#,
        r#"{"action":"history","before":-1}"#,
        r#"{"action":"history","before":9007199254740992}"#,
        r#"{"action":"history","before":1,"after":1}"#,
        r#"{"action":"history","limit":1.5}"#,
        r#"{"action":"history","limit":"5"}"#,
        r#"{"action":"subscribe","rooms":[{"room":"job:42","cursor":"nonsense"}]}"#,
        r#"{"action":"create_room","key":"0190a1b2-0000-7000-8000-000000000000"}"#,
        r#"{"action":"create_room","key":"a b"}"#,
        r#"{"action":"add_participant"}"#,
        r#"{"action":"add_participant","user_id":"eve","role":"king"}"#,
        r#"{"action":"update_participant","user_id":"ben","banned":1}"#,
        r#"{"action":"update_room","state":"melted"}"#,
        r#"{"action":"update_me","private_reading":"yes"}"#,
        r#"{"action":"readers","message_id":"\u0000"}"#,
        r#"{"action":"unsubscribe","rooms":"job:42"}"#,
        r#"{"action":"subscribe","rooms":[5]}"#,
        r#"{"action":"list_rooms","cursor":"nonsense"}"#,
        r#"{"action":"send_message","content":"x","read_seq":9007199254740992}"#,
        r#"{"action":"read_message","seq":9007199254740992}"#,
        r#"{"action":"mark_unread","seq":18446744073709551616}"#,
        r#"{"action":"history","around":9007199254740992}"#,
        r#"{"action":"authenticate"}"#,
    ];
    for frame in wrong {
        let error = error(&mut ann, frame).await;
        assert_eq!((&error["code"], &error["retry"]), (&json!("invalid_argument"), &json!("never")), "{frame}");
    }
    assert_eq!(ann.fails(json!({"action": "nope"})).await, "invalid_argument", "an error bears the `ref` it can");
    for deep in
        ["[".repeat(5_000), "{\"a\":".repeat(5_000), format!("{{\"action\":\"ping\",\"x\":{}", "{".repeat(5_000))]
    {
        assert_eq!(error(&mut ann, deep).await["code"], "invalid_argument");
    }
    ann.socket.send(Message::binary(b"{\"action\":\"ping\"}".to_vec())).await.unwrap();
    assert_eq!(ann.until("error").await["code"], "invalid_argument");
    assert_eq!(ann.does(json!({"action": "ping"})).await, json!({}));
    let history = ann.does(json!({"action": "history"})).await;
    assert_eq!(history["results"], json!([]), "nothing was stored");
    s.stop().await;
}

#[tokio::test]
async fn what_is_not_there_or_not_mine_is_not_found() {
    let s = Stage::new().await;
    s.engine.host().create_room(CreateRoom::keyed("job:43".parse().unwrap())).await.unwrap();
    let mut ann = s.joins(&token("ann")).await;
    let nothing = "0190a1b2-0000-7000-8000-000000000000";
    for frame in [
        json!({"action": "send_message", "room": "job:43", "content": "x"}),
        json!({"action": "send_message", "room": "job:44", "content": "x"}),
        json!({"action": "send_message", "room": nothing, "content": "x"}),
        json!({"action": "edit_message", "message_id": nothing, "content": "x"}),
        json!({"action": "delete_message", "message_id": nothing}),
        json!({"action": "read_message", "message_id": nothing}),
        json!({"action": "read_message", "room": "job:43", "seq": 1}),
        json!({"action": "history", "room": "job:43"}),
        json!({"action": "get_room", "room": "job:43"}),
        json!({"action": "list_participants", "room": "job:43"}),
        json!({"action": "readers", "message_id": nothing}),
        json!({"action": "typing_start", "room": "job:43"}),
        json!({"action": "update_me", "room": "job:43", "pinned": true}),
        json!({"action": "leave_room", "room": "job:43"}),
    ] {
        assert_eq!(ann.fails(frame.clone()).await, "not_found", "{frame}");
    }
    assert_eq!(ann.fails(json!({"action": "create_room", "key": "job:45"})).await, "forbidden");
    assert_eq!(
        ann.fails(json!({"action": "send_message", "room": "job:42", "content": "x", "sender": "ben"})).await,
        "forbidden"
    );
    s.stop().await;
}

#[tokio::test]
async fn every_size_passes_at_its_limit_and_not_one_byte_past_it() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let limits = Limits::default();
    let send = |bytes: usize| json!({"action": "send_message", "content": "x".repeat(bytes)});
    assert_eq!(ann.does(send(limits.message_bytes)).await["message"]["seq"], 1);
    assert_eq!(ann.fails(send(limits.message_bytes + 1)).await, "message_too_large");
    // {"a":"…"} is 8 bytes around the text.
    let metadata =
        |bytes: usize| json!({"action": "send_message", "content": "x", "metadata": {"a": "y".repeat(bytes - 8)}});
    assert_eq!(ann.does(metadata(limits.metadata_bytes)).await["message"]["seq"], 2);
    assert_eq!(ann.fails(metadata(limits.metadata_bytes + 1)).await, "too_large");
    let client_id = |bytes: usize| json!({"action": "send_message", "content": "x", "client_id": "i".repeat(bytes)});
    assert_eq!(ann.does(client_id(128)).await["message"]["seq"], 3);
    assert_eq!(ann.fails(client_id(129)).await, "invalid_argument");
    for (limit, entries) in [("0", 1), ("-5", 1), ("2", 2), ("1000000", 3), ("99999999999999999999999", 3)] {
        ann.send(format!(r#"{{"action":"history","ref":"{limit}","limit":{limit}}}"#)).await;
        let page = ann.find(|answer| answer["ref"] == limit).await;
        assert_eq!(page["ok"]["results"].as_array().unwrap().len(), entries, "{limit}");
    }
    assert_eq!(ann.does(json!({"action": "read_message", "seq": 999_999})).await["read_seq"], 3, "the end is the end");
    s.stop().await;
}

#[tokio::test]
async fn a_frame_at_the_limit_is_read_and_one_past_it_closes() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let padded = |bytes: usize| {
        let frame = r#"{"action":"ping","ref":"?","x":""}"#;
        frame.replace("\"\"", &format!("\"{}\"", "y".repeat(bytes - frame.len())))
    };
    ann.send(padded(FRAME)).await;
    assert_eq!(ann.find(|frame| frame["ref"] == "?").await["type"], "reply");
    ann.send(padded(FRAME + 1)).await;
    assert_eq!(ann.closed().await.code, 1009);

    // The same in pieces, none of which is too large.
    let mut ben = s.enters("ben").await;
    let text = padded(FRAME + 1);
    let (first, second) = text.split_at(FRAME / 2);
    let piece = |text: &str, code, last| Message::Frame(Frame::message(text.to_owned(), OpCode::Data(code), last));
    ben.socket.send(piece(first, Data::Text, false)).await.unwrap();
    ben.socket.send(piece(second, Data::Continue, true)).await.unwrap();
    assert_eq!(ben.closed().await.code, 1009);
    s.stop().await;
}

#[tokio::test]
async fn breaking_rfc_6455_closes_as_it_says() {
    let s = Stage::new().await;
    for (what, bytes, code) in [
        ("an unmasked frame", &b"\x81\x02hi"[..], 1002),
        ("reserved bits", b"\xf1\x80\0\0\0\0", 1002),
        ("an unknown opcode", b"\x83\x80\0\0\0\0", 1002),
        ("a continuation of nothing", b"\x80\x80\0\0\0\0", 1002),
        ("a long ping", b"\x89\xfe\x00\x7e\0\0\0\0", 1002),
        ("text that is no UTF-8", b"\x81\x82\0\0\0\0\xff\xff", 1007),
    ] {
        let mut ann = s.enters("ann").await;
        ann.socket.get_mut().write_all(bytes).await.unwrap();
        // Some are only seen when their payload is there.
        let _ = ann.socket.get_mut().write_all(&[0; 200]).await;
        assert_eq!(ann.closed().await.code, code, "{what}");
    }
    s.stop().await;
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_to_go_on() {
    let s = Stage::with(limits(|l| (l.sends_per_second, l.send_burst) = (Some(0.5), 2))).await;
    let mut ann = s.enters("ann").await;
    let send = json!({"action": "send_message", "content": "x"});
    ann.does(send.clone()).await;
    ann.send(r#"{"\u0061ction":"send\u005fmessage","content":"x"}"#).await;
    let refused = ann.ask(send.clone()).await;
    assert_eq!((&refused["code"], &refused["retry"]), (&json!("rate_limited"), &json!("later")));
    assert!((1..=2_000).contains(&refused["retry_after_ms"].as_u64().unwrap()));
    // All connections of a user count together, over HTTP too; others are free, and so is the host.
    let over_http = s.post("ann", "/api/chatrooms/job:42/send_message/", json!({"content": "x"})).await;
    assert_eq!(over_http.code(), (429, "rate_limited".into()));
    assert!(over_http.header("retry-after").is_some());
    assert_eq!(ann.does(json!({"action": "ping"})).await, json!({}));
    s.says("ben", "hi").await;
    let mut host = s.joins(&service()).await;
    for _ in 0..5 {
        host.does(json!({"action": "send_message", "room": "job:42", "message_type": "system", "content": "x"})).await;
    }
    s.stop().await;
}
