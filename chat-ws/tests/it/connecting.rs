//! PROTOCOL §2: how one gets in, and how not.

use std::time::Duration;

use chat_core::{Clock, SystemClock};
use chat_ws::{Grant, Origins, Settings, SigningKey};
use serde_json::{Value, json};

use crate::{
    stage::{Stage, limits, service, signed, token, token_at, token_for, user},
    wire::{Closed, connect},
};

#[tokio::test]
async fn a_room_socket_is_in_its_room_and_says_so_first() {
    let s = Stage::new().await;
    s.says("ann", "before").await;
    let mut ben = s.opens("/ws/job_chat/42/", &token("ben")).await.unwrap();
    let ready = ben.next().await;
    assert_eq!(ready["type"], "ready");
    assert_eq!((&ready["user_id"], &ready["heartbeat_s"]), (&json!("ben"), &json!(25)));
    assert!(ready["connection_id"].is_string());
    let limits = json!({
        "frame_bytes": 131_072, "message_bytes": 16_384, "metadata_bytes": 8_192, "attachments": 10, "page": 200,
        "subscribe_rooms": 100
    });
    assert_eq!(ready["limits"], limits);
    let room = &ready["room"];
    assert_eq!((&room["key"], &room["present"], &room["typing"]), (&json!("job:42"), &json!(["ben"]), &json!([])));
    assert!(room["cursor"].is_string());
    // Nothing is replayed, and a command needs no room.
    assert_eq!(ben.does(json!({"action": "ping"})).await, json!({}));
    let sent = ben.does(json!({"action": "send_message", "content": "hi"})).await;
    assert_eq!(sent["message"]["seq"], 2);
    // The trailing slash is optional.
    let mut ann = s.opens("/ws/job_chat/42", &token("ann")).await.unwrap();
    assert_eq!(ann.next().await["room"]["present"], json!(["ann", "ben"]));
    s.stop().await;
}

#[tokio::test]
async fn the_general_socket_is_in_no_room_yet() {
    let s = Stage::new().await;
    let mut ann = s.opens("/ws/", &token("ann")).await.unwrap();
    let ready = ann.next().await;
    assert_eq!((&ready["type"], ready.get("room")), (&json!("ready"), None));
    assert_eq!(ann.fails(json!({"action": "send_message", "content": "hi"})).await, "invalid_argument");
    let opened = ann.does(json!({"action": "subscribe", "rooms": [{"room": "job:42"}, "job:43"]})).await;
    assert_eq!(opened["rooms"][0]["snapshot"]["room"]["key"], "job:42");
    assert_eq!(opened["rooms"][1], json!({"room": "job:43", "gone": true}));
    s.stop().await;
}

#[tokio::test]
async fn the_token_is_taken_from_where_it_may_be() {
    let s = Stage::new().await;
    let (good, bad) = (token("ann"), "bad");
    let offer = format!("chat.v1, bearer.{good}");
    let mut ann = connect(s.address, "/ws/", &[("sec-websocket-protocol", &offer)]).await.unwrap();
    assert_eq!(ann.protocol.as_deref(), Some("chat.v1"), "the token is not echoed");
    ann.until("ready").await;
    let plain = s.opens("/ws/", &good).await.unwrap();
    assert_eq!(plain.protocol, None);

    let in_query = format!("/ws/job_chat/42/?token={good}");
    connect(s.address, &in_query, &[]).await.unwrap().until("ready").await;
    // The first one found counts, also when it is a bad one.
    let refused = connect(s.address, &in_query, &[("authorization", "Bearer bad")]).await.unwrap_err();
    assert_eq!(refused.status, 401);
    // On the general socket a query is not looked at: the first frame must bring the token.
    let mut ann = connect(s.address, &format!("/ws/?token={bad}"), &[]).await.unwrap();
    assert_eq!(ann.ask(json!({"action": "authenticate", "token": good})).await["type"], "reply");
    s.stop().await;

    let settings = Settings { query_tokens: true, room_query_tokens: false, ..limits(|_| ()) };
    let s = Stage::with(settings).await;
    connect(s.address, &format!("/ws/?token={good}"), &[]).await.unwrap().until("ready").await;
    assert_eq!(connect(s.address, "/ws/?token=", &[]).await.unwrap_err().status, 401);
    let mut unknown = connect(s.address, &in_query, &[]).await.unwrap();
    unknown.send(r#"{"action":"ping"}"#).await;
    assert_eq!(unknown.closed().await.code, 3500);
    s.stop().await;
}

#[tokio::test]
async fn the_first_frame_brings_a_token_or_ends_it() {
    let s = Stage::new().await;
    let mut ann = connect(s.address, "/ws/job_chat/42/", &[]).await.unwrap();
    ann.send(json!({"action": "authenticate", "token": token("ann")}).to_string()).await;
    assert_eq!(ann.next().await["type"], "ready");

    let refused = |path: &'static str, frame: String| {
        let address = s.address;
        async move {
            let mut peer = connect(address, path, &[]).await.unwrap();
            peer.send(frame).await;
            peer.rest().await
        }
    };
    let authenticate = |token: &str| json!({"action": "authenticate", "token": token}).to_string();
    let unauthorized = Closed { code: 3500, reason: "unauthorized".into() };
    for frame in [
        authenticate("bad"),
        authenticate(""),
        authenticate(&token_for("ann", Duration::ZERO)),
        json!({"action": "authenticate", "token": 5}).to_string(),
        json!({"action": "send_message", "content": "hi"}).to_string(),
        "{".into(),
    ] {
        let (said, closed) = refused("/ws/job_chat/42/", frame.clone()).await;
        assert_eq!((said.len(), &closed), (1, &unauthorized), "{frame}");
        assert_eq!(said[0]["type"], "error");
    }
    let hidden = refused("/ws/job_chat/42/", authenticate(&token("eve"))).await;
    let missing = refused("/ws/job_chat/43/", authenticate(&token("eve"))).await;
    assert_eq!(hidden, missing);
    assert_eq!((&hidden.0[0]["code"], &hidden.1), (&json!("not_found"), &unauthorized));
    s.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let s = Stage::with(limits(|l| l.auth_timeout = Duration::from_millis(300))).await;
    let mut peer = connect(s.address, "/ws/", &[]).await.unwrap();
    let (said, closed) = peer.rest().await;
    assert_eq!((said.len(), closed.code), (1, 3500));
    assert_eq!(said[0]["code"], "unauthorized");
    s.stop().await;
}

#[tokio::test]
async fn a_wrong_token_of_every_kind_is_refused_before_the_upgrade() {
    let s = Stage::new().await;
    let grant = || Grant::user(&user("ann"), SystemClock.now(), Duration::from_mins(1));
    for (what, token) in [
        ("empty", String::new()),
        ("garbage", "a.b.c".into()),
        ("unsigned", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.".into()),
        ("damaged", token("ann") + "A"),
        ("expired", token_for("ann", Duration::ZERO)),
        ("not yet", signed(&grant().with("nbf", 9_999_999_999_u64))),
        ("of another key", grant().sign(&SigningKey::hs256("another secret that is long enough").unwrap())),
        ("endless", signed(&grant().with("exp", Value::Null))),
        ("of a time that is none", signed(&grant().with("exp", "tomorrow"))),
        ("refresh", signed(&grant().with("token_type", "refresh"))),
        ("nobody", signed(&grant().with("sub", ""))),
        ("of a list of users", signed(&grant().with("sub", json!(["ann"])))),
        ("long", "x".repeat(20_000)),
    ] {
        for path in ["/ws/", "/ws/job_chat/42/"] {
            let refused = s.opens(path, &token).await.unwrap_err();
            assert_eq!(refused.code(), (401, "unauthorized".into()), "{what}");
            assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
            assert_eq!(refused.json()["retry"], "fresh");
            let mut late = connect(s.address, path, &[]).await.unwrap();
            late.send(json!({"action": "authenticate", "token": token, "ref": 1}).to_string()).await;
            let (said, closed) = late.rest().await;
            let error = (&said[0]["code"], &said[0]["ref"]);
            assert_eq!((said.len(), error, closed.code), (1, (&json!("unauthorized"), &json!(1)), 3500), "{what}");
        }
        assert_eq!(s.asks(&token, "GET", "/api/chatrooms/", None).await.code().0, 401, "{what}");
    }
    s.stop().await;
}

#[tokio::test]
async fn a_hidden_room_and_a_missing_one_are_refused_alike() {
    let s = Stage::new().await;
    let hidden = s.opens("/ws/job_chat/42/", &token("eve")).await.unwrap_err();
    let missing = s.opens("/ws/job_chat/43/", &token("eve")).await.unwrap_err();
    let no_name = s.opens("/ws/job_chat/a%20b/", &token("eve")).await.unwrap_err();
    let too_long = s.opens(&format!("/ws/job_chat/{}/", "x".repeat(200)), &token("eve")).await.unwrap_err();
    assert_eq!(hidden.code(), (404, "not_found".into()));
    for other in [missing, no_name, too_long] {
        assert_eq!((other.status, other.body), (404, hidden.body.clone()));
    }
    assert_eq!(s.opens("/ws/elsewhere/", &token("ann")).await.unwrap_err().code().0, 404);
    s.stop().await;
}

#[tokio::test]
async fn a_name_that_no_room_can_have_is_refused_as_late_as_the_token_comes() {
    let s = Stage::new().await;
    let too_long = format!("/ws/job_chat/{}/", "x".repeat(200));
    let mut refused = Vec::new();
    for path in ["/ws/job_chat/42/", "/ws/job_chat/43/", "/ws/job_chat/a%20b/", &too_long] {
        let mut late = connect(s.address, path, &[]).await.unwrap_or_else(|refused| panic!("{path}: {refused:?}"));
        late.send(json!({"action": "authenticate", "token": token("eve"), "ref": 1}).to_string()).await;
        refused.push(late.rest().await);
    }
    let (said, closed) = &refused[0];
    assert_eq!((said.len(), &said[0]["code"], closed.code), (1, &json!("not_found"), 3500));
    assert!(refused.iter().all(|other| *other == refused[0]), "{refused:?}");
    s.stop().await;
}

#[tokio::test]
async fn one_list_governs_web_pages() {
    let settings = Settings { origins: Origins::and(["https://app.example.com"]), ..limits(|_| ()) };
    let s = Stage::with(settings).await;
    let authorization = format!("Bearer {}", token("ann"));
    let from = |origin: &'static str| {
        let (address, authorization) = (s.address, authorization.clone());
        async move { connect(address, "/ws/", &[("authorization", &authorization), ("origin", origin)]).await }
    };
    for allowed in ["https://app.example.com", "http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:1"] {
        assert!(from(allowed).await.is_ok(), "{allowed}");
    }
    for refused in ["https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"] {
        assert_eq!(from(refused).await.unwrap_err().code(), (403, "forbidden".into()), "{refused}");
    }
    s.stop().await;
}

#[tokio::test]
async fn there_is_no_place_for_one_too_many() {
    let s = Stage::with(limits(|l| l.sockets_per_user = 2)).await;
    let first = s.enters("ann").await;
    let _second = s.enters("ann").await;
    let refused = s.opens("/ws/", &token("ann")).await.unwrap_err();
    assert_eq!(refused.code(), (503, "busy".into()));
    assert_eq!(refused.header("retry-after"), Some("2"));
    let _ben = s.enters("ben").await;
    // Where the token comes in a frame, the socket is open already.
    let mut late = connect(s.address, "/ws/", &[]).await.unwrap();
    late.send(json!({"action": "authenticate", "token": token("ann")}).to_string()).await;
    assert_eq!(late.closed().await, Closed { code: 3502, reason: "too_many_connections".into() });
    // A place that is left is free again.
    drop(first);
    while s.opens("/ws/", &token("ann")).await.is_err() {
        tokio::task::yield_now().await;
    }
    s.stop().await;

    for change in [
        |l: &mut chat_ws::ServerLimits| l.sockets_total = Some(1),
        |l: &mut chat_ws::ServerLimits| l.sockets_per_address = Some(1),
    ] {
        let s = Stage::with(limits(change)).await;
        let _ann = s.enters("ann").await;
        let refused = s.opens("/ws/", &token("ben")).await.unwrap_err();
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")));
        s.stop().await;
    }
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_told_what_is_missing() {
    let s = Stage::new().await;
    let plain = s.get("ann", "/ws/").await;
    assert_eq!(plain.code(), (426, "invalid_argument".into()));
    assert_eq!(s.post("ann", "/ws/", json!({})).await.status, 405);
    s.stop().await;
}

#[tokio::test]
async fn a_token_is_refreshed_in_band_and_a_socket_does_not_outlive_it() {
    let (s, clock) = Stage::timeless(|_| ()).await;
    let valid = Duration::from_secs(3);
    let short = token_at(clock.now(), "ann", valid);
    let mut long = s.opens("/ws/job_chat/42/", &short).await.unwrap();
    assert_eq!(long.fails(json!({"action": "authenticate", "token": "bad"})).await, "unauthorized");
    assert_eq!(long.fails(json!({"action": "authenticate", "token": token("ben")})).await, "unauthorized");
    assert_eq!(long.does(json!({"action": "authenticate", "token": token("ann")})).await, json!({}));
    let mut other = s.opens("/ws/job_chat/42/", &short).await.unwrap();
    other.until("ready").await;
    // It is over for both, and one has another by now.
    clock.advance(valid);
    let (said, closed) = other.rest().await;
    assert_eq!(closed, Closed { code: 3003, reason: "token_expired".into() });
    assert_eq!(said.last().unwrap()["type"], "closing");
    assert_eq!(long.does(json!({"action": "ping"})).await, json!({}));
    s.stop().await;
}

#[tokio::test]
async fn the_host_has_a_socket_too() {
    let s = Stage::new().await;
    let mut host = s.joins(&service()).await;
    let sent = json!({"action": "send_message", "room": "job:42", "message_type": "system", "content": "moved"});
    assert_eq!(host.does(sent).await["message"]["sender"], json!(null));
    let made = host.does(json!({"action": "create_room", "key": "job:43", "participants": ["ann"]})).await;
    assert_eq!(made["key"], "job:43");
    s.stop().await;
}
