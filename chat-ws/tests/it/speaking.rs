//! PROTOCOL §3 and §4 over real sockets: every command, and who hears of it.

use serde_json::{Value, json};

use crate::{
    stage::{Stage, service, token},
    wire::Closed,
};

#[tokio::test]
async fn every_command_has_its_answer() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let sent =
        ann.does(json!({"action": "send_message", "content": "hi", "client_id": "c1", "metadata": {"a": 1}})).await;
    assert_eq!((&sent["duplicate"], &sent["message"]["client_id"]), (&json!(false), &json!("c1")));
    let again =
        ann.does(json!({"action": "send_message", "content": "hi", "client_id": "c1", "metadata": {"a": 1}})).await;
    assert_eq!((&again["duplicate"], &again["message"]["id"]), (&json!(true), &sent["message"]["id"]));
    let other = json!({"action": "send_message", "content": "other", "client_id": "c1"});
    assert_eq!(ann.fails(other).await, "operation_conflict");
    let id = &sent["message"]["id"];
    let edited = ann.does(json!({"action": "edit_message", "message_id": id, "content": "hello"})).await;
    assert_eq!((&edited["message"]["content"], &edited["message"]["version"]), (&json!("hello"), &json!(2)));
    for (action, fields) in [("typing_start", json!({})), ("typing_stop", json!({})), ("ping", json!({}))] {
        assert_eq!(ann.does(json!({"action": action})).await, fields);
    }
    for action in ["read_message", "message_delivered"] {
        let markers = ann.does(json!({"action": action, "message_id": id})).await;
        assert_eq!((&markers["read_seq"], &markers["unread_count"]), (&json!(1), &json!(0)));
    }
    assert_eq!(ann.does(json!({"action": "mark_unread", "seq": 1})).await["marker_seq"], 0);
    assert_eq!(ann.does(json!({"action": "history"})).await["results"][0]["id"], *id);
    assert_eq!(ann.does(json!({"action": "get_room"})).await["key"], "job:42");
    assert_eq!(ann.does(json!({"action": "list_rooms"})).await["results"][0]["key"], "job:42");
    assert_eq!(ann.does(json!({"action": "list_participants"})).await["results"][1]["user_id"], "ben");
    assert_eq!(ann.does(json!({"action": "readers", "message_id": id})).await["results"], json!([]));
    assert_eq!(ann.does(json!({"action": "update_me", "pinned": true})).await["pinned"], true);
    let deleted = ann.does(json!({"action": "delete_message", "message_id": id})).await;
    assert!(deleted["message"]["deleted_at"].is_string() && deleted["message"].get("content").is_none());
    let made = ann.does(json!({"action": "create_room", "name": "tea", "participants": ["eve"]})).await;
    let room = &made["id"];
    assert_eq!(made["my"]["role"], "owner");
    assert_eq!(ann.does(json!({"action": "update_room", "room": room, "topic": "green"})).await["topic"], "green");
    assert_eq!(ann.does(json!({"action": "add_participant", "room": room, "user_id": "ben"})).await["role"], "member");
    let promoted = json!({"action": "update_participant", "room": room, "user_id": "ben", "role": "admin"});
    assert_eq!(ann.does(promoted).await["role"], "admin");
    assert_eq!(ann.does(json!({"action": "remove_participant", "room": room, "user_id": "eve"})).await, json!({}));
    assert_eq!(ann.does(json!({"action": "subscribe", "room": room})).await["rooms"][0]["room"], *room);
    assert_eq!(ann.does(json!({"action": "unsubscribe", "room": room})).await, json!({}));
    assert_eq!(ann.fails(json!({"action": "leave_room", "room": room})).await, "conflict", "the last owner stays");
    let mut ben = s.joins(&token("ben")).await;
    assert_eq!(ben.does(json!({"action": "leave_room", "room": room})).await, json!({}));
    s.stop().await;
}

#[tokio::test]
async fn what_one_does_the_others_hear() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    let mut ben = s.enters("ben").await;
    let joined = ann.find(|frame| frame["type"] == "user_joined" && frame["user_id"] == "ben").await;
    assert_eq!((&joined["user_id"], &joined["present"]), (&json!("ben"), &json!(["ann", "ben"])));

    ann.send(json!({"action": "typing_start"}).to_string()).await;
    assert_eq!(ben.until("typing").await["typing"], json!(["ann"]));
    ann.send(json!({"action": "send_message", "content": "hi"}).to_string()).await;
    let mut types = true;
    let own = ann.until("chat_message").await;
    let seen = ben
        .find(|frame| {
            types &= frame["typing"] != json!([]);
            frame["type"] == "chat_message"
        })
        .await;
    assert_eq!(own, seen, "everybody gets the very same");
    assert_eq!(seen["message"]["content"], "hi");
    assert!(seen["cursor"].is_string() && seen["rev"].is_u64());
    // A send ends typing, where it has not ended by itself.
    if types {
        assert_eq!(ben.until("typing").await["typing"], json!([]));
    }

    let id = &seen["message"]["id"];
    ben.send(json!({"action": "read_message", "message_id": id}).to_string()).await;
    let read = ann.until("message_read").await;
    assert_eq!((&read["user_id"], &read["seq"], &read["message_id"]), (&json!("ben"), &json!(1), id));
    ann.send(json!({"action": "edit_message", "message_id": id, "content": "hello"}).to_string()).await;
    assert_eq!(ben.until("message_edited").await["message"]["content"], "hello");
    ann.send(json!({"action": "delete_message", "message_id": id}).to_string()).await;
    assert_eq!(ben.until("message_deleted").await["message"]["id"], *id);

    drop(ben);
    assert_eq!(ann.until("user_left").await["present"], json!(["ann"]));
    s.stop().await;
}

#[tokio::test]
async fn commands_of_one_socket_take_effect_in_order() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    for n in 0..500 {
        let frame = json!({"action": "send_message", "content": n.to_string(), "ref": n});
        ann.send(frame.to_string()).await;
    }
    let (mut answers, mut events): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    while answers.len() < 500 || events.len() < 500 {
        let frame = ann.next().await;
        match frame["type"].as_str() {
            Some("reply") => answers.push(frame),
            Some("chat_message") => events.push(frame),
            Some("user_joined" | "presence") => {}
            _ => panic!("{frame}"),
        }
    }
    for (n, event) in events.iter().enumerate() {
        assert_eq!((&event["message"]["seq"], &event["message"]["content"]), (&json!(n + 1), &json!(n.to_string())));
    }
    let refs: Vec<_> = answers.iter().map(|answer| answer["ref"].as_u64().unwrap()).collect();
    let mut sorted = refs.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 500, "each exactly once");
    s.stop().await;
}

#[tokio::test]
async fn who_was_away_resumes_from_a_cursor() {
    let s = Stage::new().await;
    let mut ben = s.joins(&token("ben")).await;
    let cursor = ben.does(json!({"action": "subscribe", "room": "job:42"})).await["rooms"][0]["cursor"].clone();
    drop(ben);
    let sent = s.says("ann", "one").await;
    s.says("ann", "two").await;
    let id = sent["id"].as_str().unwrap();
    assert_eq!(s.asks(&token("ann"), "DELETE", &format!("/api/messages/{id}/"), None).await.status, 200);
    let mut ben = s.joins(&token("ben")).await;
    let back = ben.does(json!({"action": "subscribe", "rooms": [{"room": "job:42", "cursor": cursor}]})).await;
    let changes = back["rooms"][0]["changes"].as_array().unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| change["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message_deleted", "chat_message"], "each in the place where it came");
    let cursor = &back["rooms"][0]["cursor"];
    let same = ben.does(json!({"action": "subscribe", "room": "job:42", "cursor": cursor})).await;
    assert_eq!(same["rooms"][0]["same"], true);
    s.stop().await;
}

#[tokio::test]
async fn who_is_removed_is_told_and_hears_nothing_more() {
    let s = Stage::new().await;
    let mut ben = s.enters("ben").await;
    let removed = s.asks(&service(), "DELETE", "/api/chatrooms/job:42/participants/ben/", None).await;
    assert_eq!(removed.status, 204);
    s.says("ann", "between us").await;
    let (said, closed) = ben.rest().await;
    assert_eq!(closed, Closed { code: 3501, reason: "removed".into() });
    let kinds: Vec<_> = said.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert!(kinds.ends_with(&["room_removed", "closing"]), "{kinds:?}");
    assert!(!kinds.contains(&"chat_message"), "{kinds:?}");
    assert_eq!(s.opens("/ws/job_chat/42/", &token("ben")).await.unwrap_err().status, 404);
    s.stop().await;
}

#[tokio::test]
async fn every_write_takes_a_name_and_can_be_repeated_under_it() {
    let s = Stage::new().await;
    let id = s.says("ann", "hi").await["id"].clone();
    let (host, ann, ben) = (0, 1, 2);
    let mut peers = [s.joins(&service()).await, s.enters("ann").await, s.joins(&token("ben")).await];
    for (who, frame) in [
        (ann, json!({"action": "send_message", "content": "x"})),
        (ann, json!({"action": "edit_message", "message_id": id, "content": "y"})),
        (ann, json!({"action": "read_message", "seq": 1})),
        (ann, json!({"action": "message_delivered", "seq": 1})),
        (ann, json!({"action": "mark_unread", "seq": 1})),
        (ann, json!({"action": "update_me", "hidden": true})),
        (ann, json!({"action": "delete_message", "message_id": id})),
        (host, json!({"action": "create_room", "key": "job:43"})),
        (host, json!({"action": "update_room", "room": "job:42", "topic": "paint"})),
        (host, json!({"action": "add_participant", "room": "job:42", "user_id": "eve"})),
        (host, json!({"action": "update_participant", "room": "job:42", "user_id": "eve", "role": "moderator"})),
        (host, json!({"action": "remove_participant", "room": "job:42", "user_id": "eve"})),
        (ben, json!({"action": "leave_room", "room": "job:42"})),
    ] {
        let mut frame = frame;
        frame["client_id"] = json!(format!("the {}", frame["action"]));
        let (mut first, mut again) = (peers[who].does(frame.clone()).await, peers[who].does(frame.clone()).await);
        // A send says whether it is a repetition.
        (first["duplicate"], again["duplicate"]) = (Value::Null, Value::Null);
        assert_eq!(first, again, "{frame}");
    }
    s.stop().await;
}

#[tokio::test]
async fn without_a_ref_success_is_silent_and_failure_is_not() {
    let s = Stage::new().await;
    let mut ann = s.enters("ann").await;
    for frame in [
        json!({"action": "send_message", "content": "x", "ref": null}),
        json!({"action": "history"}),
        json!({"action": "subscribe"}),
        json!({"action": "ping"}),
        json!({"action": "typing_start"}),
        json!({"action": "authenticate", "token": token("ann")}),
        json!({"action": "delete_message", "message_id": "0190a1b2-0000-7000-8000-000000000000"}),
    ] {
        ann.send(frame.to_string()).await;
    }
    let mut heard = Vec::new();
    loop {
        let frame = ann.next().await;
        // Where nothing ran for a while, typing has ended by itself.
        if frame["typing"] == json!([]) {
            continue;
        }
        heard.push(frame["type"].as_str().unwrap().to_owned());
        if frame["type"] == "error" {
            assert_eq!((frame.get("ref"), &frame["code"]), (None, &json!("not_found")));
            break;
        }
    }
    heard.retain(|kind| !["user_joined", "presence"].contains(&&**kind));
    assert_eq!(heard, ["chat_message", "typing", "error"]);
    s.stop().await;
}

#[tokio::test]
async fn a_general_socket_outlives_its_rooms() {
    let s = Stage::new().await;
    let mut ben = s.joins(&token("ben")).await;
    ben.does(json!({"action": "subscribe", "room": "job:42"})).await;
    let participants = "/api/chatrooms/job:42/participants/";
    assert_eq!(s.asks(&service(), "DELETE", &format!("{participants}ben/"), None).await.status, 204);
    assert_eq!(ben.until("room_removed").await, json!({"type": "room_removed", "room": s.room.to_string()}));
    s.says("ann", "between us").await;
    assert_eq!(ben.fails(json!({"action": "history", "room": "job:42"})).await, "not_found");
    assert_eq!(s.asks(&service(), "POST", participants, Some(json!({"user_id": "ben"}))).await.status, 201);
    let added = ben.find(|frame| frame["type"] != "presence").await;
    assert_eq!((&added["type"], &added["room_info"]["key"]), (&json!("room_added"), &json!("job:42")));
    let opened = ben.does(json!({"action": "subscribe", "room": "job:42"})).await;
    assert_eq!(opened["rooms"][0]["snapshot"]["messages"][0]["content"], "between us");
    s.stop().await;
}
