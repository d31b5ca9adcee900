//! Bad input over sockets: each gets its error, and nothing else happens.

use std::time::Duration;

use chat_core::{Cursor, Limits, MAX_INTEGER};
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
    stage::{Stage, service, token},
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
    let before = stored(&s).await;
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
    assert_eq!(stored(&s).await, before, "nothing was stored");
    s.stop().await;
}

/// Everything there is: any change of a room moves its cursor.
async fn stored(s: &Stage) -> Value {
    let host = service();
    let rooms = s.asks(&host, "GET", "/api/chatrooms/", None).await.json();
    let people = s.asks(&host, "GET", "/api/chatrooms/job:42/participants/", None).await.json();
    let messages = s.asks(&host, "GET", "/api/messages/", None).await.json();
    let people = people["results"].as_array().unwrap().iter().map(|person| {
        // Whether they are connected is not stored.
        json!([person["user_id"], person["role"], person["read_seq"], person["delivered_seq"], person["muted_until"]])
    });
    json!([rooms, people.collect::<Vec<_>>(), messages])
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_mine_are_the_same_answer() {
    let s = Stage::new().await;
    let hidden = s.says("ann", "secret").await["id"].as_str().unwrap().to_owned();
    let before = stored(&s).await;
    let mut eve = s.joins(&token("eve")).await;
    let nothing = "0190a1b2-0000-7000-8000-000000000000";
    for frame in [
        json!({"action": "send_message", "room": "{room}", "content": "x"}),
        json!({"action": "edit_message", "message_id": "{message}", "content": "x"}),
        json!({"action": "delete_message", "message_id": "{message}"}),
        json!({"action": "read_message", "message_id": "{message}"}),
        json!({"action": "read_message", "room": "{room}", "seq": 1}),
        json!({"action": "message_delivered", "room": "{room}", "seq": 1}),
        json!({"action": "mark_unread", "message_id": "{message}"}),
        json!({"action": "history", "room": "{room}"}),
        json!({"action": "get_room", "room": "{room}"}),
        json!({"action": "update_room", "room": "{room}", "name": "mine"}),
        json!({"action": "delete_room", "room": "{room}"}),
        json!({"action": "list_participants", "room": "{room}"}),
        json!({"action": "add_participant", "room": "{room}", "user_id": "eve"}),
        json!({"action": "update_participant", "room": "{room}", "user_id": "ann", "role": "observer"}),
        json!({"action": "remove_participant", "room": "{room}", "user_id": "ann"}),
        json!({"action": "readers", "message_id": "{message}"}),
        json!({"action": "typing_start", "room": "{room}"}),
        json!({"action": "typing_stop", "room": "{room}"}),
        json!({"action": "update_me", "room": "{room}", "pinned": true}),
        json!({"action": "leave_room", "room": "{room}"}),
    ] {
        let mut answers = Vec::new();
        for (room, message) in
            [("job:42", &*hidden), (&*s.room.to_string(), &hidden), ("job:44", nothing), (nothing, nothing)]
        {
            let frame = frame.to_string().replace("{room}", room).replace("{message}", message);
            answers.push(eve.ask(serde_json::from_str(&frame).unwrap()).await);
        }
        assert_eq!(answers[0]["code"], "not_found", "{frame} -> {}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{frame} -> {answers:?}");
    }
    // Rooms that cannot be opened say so one by one.
    let opened = eve.does(json!({"action": "subscribe", "rooms": ["job:42", "job:44"]})).await;
    assert_eq!(opened["rooms"], json!([{"room": "job:42", "gone": true}, {"room": "job:44", "gone": true}]));
    // Nor can anybody find out by trying to make one, or by replying to something.
    let made = eve.ask(json!({"action": "create_room", "key": "job:42"})).await;
    assert_eq!(
        (&made["code"], &made),
        (&json!("forbidden"), &eve.ask(json!({"action": "create_room", "key": "job:44"})).await)
    );
    let own = eve.does(json!({"action": "create_room"})).await["id"].clone();
    let reply = |to: &str| json!({"action": "send_message", "room": own, "content": "x", "reply_to": to});
    let (to_hidden, to_nothing) = (eve.ask(reply(&hidden)).await, eve.ask(reply(nothing)).await);
    assert_eq!((&to_hidden["type"], &to_hidden), (&json!("error"), &to_nothing));
    assert_eq!(eve.does(json!({"action": "delete_room", "room": own})).await, json!({}));
    assert_eq!(stored(&s).await, before);
    s.stop().await;
}

#[tokio::test]
async fn what_only_the_host_may_is_forbidden() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let before = stored(&s).await;
    for frame in [
        json!({"action": "create_room", "key": "job:45"}),
        json!({"action": "send_message", "content": "x", "sender": "ben"}),
        json!({"action": "send_message", "content": "x", "message_type": "system"}),
        json!({"action": "add_participant", "user_id": "eve"}),
        json!({"action": "update_participant", "user_id": "ben", "name": "Benny"}),
        json!({"action": "update_participant", "user_id": "ann", "role": "owner"}),
        json!({"action": "remove_participant", "user_id": "ben"}),
        json!({"action": "update_room", "state": "archived"}),
        json!({"action": "delete_room"}),
    ] {
        assert_eq!(ann.fails(frame.clone()).await, "forbidden", "{frame}");
    }
    assert_eq!(stored(&s).await, before);
    s.stop().await;
}

#[tokio::test]
async fn a_cursor_from_elsewhere_or_from_the_future_is_answered_from_scratch() {
    let s = Stage::new().await;
    s.says("ann", "here").await;
    let mut ann = s.joins(&token("ann")).await;
    let opened = ann.does(json!({"action": "subscribe", "room": "job:42"})).await;
    let here: Cursor = serde_json::from_value(opened["rooms"][0]["cursor"].clone()).unwrap();
    for (what, cursor) in [
        ("the future", Cursor { rev: here.rev + 1, ..here }),
        ("the end of time", Cursor { rev: MAX_INTEGER, ..here }),
        ("another store", Cursor { epoch: here.epoch ^ 1, ..here }),
        ("another history", Cursor { chain: here.chain ^ 1, ..here }),
    ] {
        let back = ann.does(json!({"action": "subscribe", "room": "job:42", "cursor": cursor})).await;
        assert_eq!(back["rooms"][0]["snapshot"]["messages"][0]["content"], "here", "{what}");
    }
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
    let named = |field: &'static str, bytes: usize| json!({"action": "create_room", field: "n".repeat(bytes)});
    for (field, limit) in [("name", limits.name_bytes), ("topic", limits.topic_bytes)] {
        assert!(ann.does(named(field, limit)).await["id"].is_string(), "{field}");
        let refused = ann.ask(named(field, limit + 1)).await;
        assert_eq!(refused["message"], format!("`{field}` has {} bytes; the limit is {limit}", limit + 1));
        assert_eq!(refused["code"], "too_large");
    }
    let avatar = |bytes: usize| json!({"action": "create_room", "avatar": format!("/{}", "a".repeat(bytes - 1))});
    assert!(ann.does(avatar(limits.url_bytes)).await["id"].is_string());
    assert_eq!(ann.fails(avatar(limits.url_bytes + 1)).await, "too_large");
    let file = json!({"name": "a.png", "content_type": "image/png", "size": 1, "url": "/a.png"});
    let files =
        |n: usize| json!({"action": "send_message", "message_type": "image", "attachments": vec![file.clone(); n]});
    assert_eq!(ann.does(files(limits.attachments)).await["message"]["seq"], 4);
    assert_eq!(ann.fails(files(limits.attachments + 1)).await, "limit_reached");
    let none = |n: usize| (0..n).map(|n| format!("job:none:{n}")).collect::<Vec<_>>();
    let rooms = |n: usize| json!({"action": "subscribe", "rooms": none(n)});
    assert_eq!(
        ann.does(rooms(limits.subscribe_rooms)).await["rooms"].as_array().unwrap().len(),
        limits.subscribe_rooms
    );
    assert_eq!(ann.fails(rooms(limits.subscribe_rooms + 1)).await, "limit_reached");
    let closed = |n: usize| json!({"action": "unsubscribe", "rooms": vec!["job:none"; n]});
    assert_eq!(ann.does(closed(limits.subscribe_rooms)).await, json!({}));
    assert_eq!(ann.fails(closed(limits.subscribe_rooms + 1)).await, "limit_reached");
    let mut host = s.joins(&service()).await;
    let keyed = |bytes: usize| json!({"action": "create_room", "key": "k".repeat(bytes)});
    assert!(host.does(keyed(128)).await["id"].is_string());
    assert_eq!(host.fails(keyed(129)).await, "invalid_argument");
    let added = |bytes: usize| json!({"action": "add_participant", "room": "job:42", "user_id": "u".repeat(bytes)});
    assert!(host.does(added(128)).await["user_id"].is_string());
    assert_eq!(host.fails(added(129)).await, "invalid_argument");
    for (limit, entries) in [("0", 1), ("-5", 1), ("2", 2), ("1000000", 4), ("99999999999999999999999", 4)] {
        ann.send(format!(r#"{{"action":"history","ref":"{limit}","limit":{limit}}}"#)).await;
        let page = ann.find(|answer| answer["ref"] == limit).await;
        assert_eq!(page["ok"]["results"].as_array().unwrap().len(), entries, "{limit}");
    }
    assert_eq!(ann.does(json!({"action": "read_message", "seq": 999_999})).await["read_seq"], 4, "the end is the end");
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
async fn what_was_asked_before_the_rules_were_broken_is_answered_and_the_code_is_told() {
    let s = Stage::new().await;
    for _ in 0..20 {
        let mut ann = s.enters("ann").await;
        let ping = br#"{"action":"ping","ref":"?"}"#;
        let begin = [0x81, 0x80 | u8::try_from(ping.len()).unwrap(), 0, 0, 0, 0];
        let both = [&begin, &ping[..], b"\x83\x80\0\0\0\0"].concat();
        ann.socket.get_mut().write_all(&both).await.unwrap();
        assert_eq!(ann.find(|frame| frame["ref"] == "?").await["type"], "reply");
        assert_eq!(ann.closed().await.code, 1002);
    }
    s.stop().await;
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_to_go_on() {
    let (s, clock) = Stage::timeless(|l| (l.sends_per_second, l.send_burst) = (Some(0.5), 2)).await;
    let mut ann = s.enters("ann").await;
    let send = json!({"action": "send_message", "content": "x"});
    ann.does(send.clone()).await;
    ann.send(r#"{"\u0061ction":"send\u005fmessage","content":"x"}"#).await;
    let refused = ann.ask(send.clone()).await;
    assert_eq!((&refused["code"], &refused["retry"]), (&json!("rate_limited"), &json!("later")));
    assert_eq!(refused["retry_after_ms"], 2_000);
    // All connections of a user count together, over HTTP too; others are free, and so is the host.
    let over_http = s.post("ann", "/api/chatrooms/job:42/send_message/", json!({"content": "x"})).await;
    assert_eq!(over_http.code(), (429, "rate_limited".into()));
    assert!(over_http.header("retry-after").is_some());
    assert_eq!(ann.does(json!({"action": "ping"})).await, json!({}));
    s.says("ben", "hi").await;
    clock.advance(Duration::from_secs(2));
    ann.does(send).await;
    let mut host = s.joins(&service()).await;
    for _ in 0..5 {
        host.does(json!({"action": "send_message", "room": "job:42", "message_type": "system", "content": "x"})).await;
    }
    // Whatever they write counts, by whichever way.
    let people: Vec<_> = (0..90).map(|n| n.to_string()).collect();
    let rooms = [json!({"action": "create_room", "participants": people}), json!({"action": "leave_room"})];
    for write in rooms {
        assert_eq!(ann.ask(write).await["code"], "rate_limited");
    }
    for (path, body) in
        [("/api/chatrooms/", json!({})), ("/api/chatrooms/job:42/participants/", json!({"user_id": "cat"}))]
    {
        assert_eq!(s.post("ann", path, body).await.code(), (429, "rate_limited".into()), "{path}");
    }
    let mine = s.asks(&token("ann"), "PATCH", "/api/chatrooms/job:42/me/", Some(json!({"pinned": true}))).await;
    assert_eq!(mine.code(), (429, "rate_limited".into()));
    clock.advance(Duration::from_secs(4));
    ann.does(json!({"action": "create_room", "participants": people})).await;
    assert_eq!(ann.ask(json!({"action": "create_room"})).await["retry_after_ms"], 2_000);
    s.stop().await;
}
