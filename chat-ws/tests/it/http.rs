//! PROTOCOL §7: every path, over real connections.

use chat_core::{CreateRoom, SendMessage, UserId};
use serde_json::{Value, json};

use crate::{
    stage::{Stage, service, token},
    wire::request,
};

fn contents(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rooms_are_made_found_changed_and_removed() {
    let s = Stage::new().await;
    let keyed = json!({"key": "job:7", "name": "Job 7", "participants": ["ann", {"user_id": "ben", "name": "Ben"}]});
    let made = s.asks(&service(), "POST", "/api/chatrooms/", Some(keyed.clone())).await;
    assert_eq!((made.status, &made.json()["key"]), (201, &json!("job:7")));
    let found = s.asks(&service(), "POST", "/api/chatrooms", Some(json!({"key": "job:7", "name": "other"}))).await;
    assert_eq!((found.status, &found.json()["name"]), (200, &json!("Job 7")));
    assert_eq!(found.json()["participants_count"], 2);
    assert_eq!(s.post("ann", "/api/chatrooms/", json!({"key": "job:8"})).await.code(), (403, "forbidden".into()));
    let shaped = json!({"key": "0190a1b2-0000-7000-8000-000000000000"});
    assert_eq!(s.asks(&service(), "POST", "/api/chatrooms/", Some(shaped)).await.code().0, 400);
    let own = s.post("ann", "/api/chatrooms/", json!({})).await;
    assert_eq!((own.status, &own.json()["my"]["role"]), (201, &json!("owner")));

    // By id and by key, with and without a slash.
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for path in
        ["/api/chatrooms/job:7/", "/api/chatrooms/job:7", "/api/chatrooms/job%3A7/", &format!("/api/chatrooms/{id}/")]
    {
        assert_eq!(s.get("ann", path).await.json()["id"], *id, "{path}");
    }
    let list = s.get("ann", "/api/chatrooms/").await.json();
    assert_eq!((list["results"].as_array().unwrap().len(), &list["next"]), (3, &json!(null)));

    let patch = |token: String, body: Value| {
        let s = &s;
        async move { s.asks(&token, "PATCH", "/api/chatrooms/job:7/", Some(body)).await }
    };
    assert_eq!(patch(token("ann"), json!({"name": "x"})).await.code(), (403, "forbidden".into()));
    let frozen = patch(service(), json!({"state": "frozen", "topic": "paint"})).await.json();
    assert_eq!((&frozen["state"], &frozen["topic"]), (&json!("frozen"), &json!("paint")));
    assert_eq!(patch(service(), json!({"topic": null})).await.json()["topic"], json!(null));
    assert_eq!(
        patch(service(), json!({"state": "melted"})).await.json()["message"],
        "`state` is missing, or not what it must be"
    );
    assert_eq!(s.post("ann", "/api/chatrooms/job:7/send_message/", json!({"content": "x"})).await.code().0, 403);

    let path = "/api/chatrooms/job:7/";
    assert_eq!(s.asks(&token("ann"), "DELETE", path, None).await.code().0, 403);
    assert_eq!(s.asks(&service(), "DELETE", path, None).await.status, 204);
    assert_eq!(s.get("ann", path).await.code(), (404, "not_found".into()));
    s.stop().await;
}

#[tokio::test]
async fn rooms_come_in_pages() {
    let s = Stage::new().await;
    for n in 0..5 {
        s.post("eve", "/api/chatrooms/", json!({"name": n.to_string()})).await;
    }
    let mut names = Vec::new();
    let mut path = "/api/chatrooms/?limit=2".to_owned();
    loop {
        let page = s.get("eve", &path).await.json();
        names.extend(page["results"].as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/chatrooms/?limit=2&cursor={next}");
    }
    assert_eq!(names, ["4", "3", "2", "1", "0"]);
    assert_eq!(s.get("eve", "/api/chatrooms/?cursor=nonsense").await.code().0, 400);
    let message = s.says("ann", "hi").await["id"].as_str().unwrap().to_owned();
    for path in [
        "/api/chatrooms/".to_owned(),
        "/api/chatrooms/job:42/participants/".to_owned(),
        "/api/messages/".to_owned(),
        format!("/api/messages/{message}/readers/"),
    ] {
        for cursor in ["", "%00", "a%0ab"] {
            let refused = s.get("ann", &format!("{path}?cursor={cursor}")).await;
            assert_eq!(refused.json()["message"], "`cursor` must be what `next` said", "{path} {cursor}");
        }
    }
    s.stop().await;
}

#[tokio::test]
async fn messages_are_sent_once_and_read_in_pages() {
    let s = Stage::new().await;
    let send = "/api/chatrooms/job:42/send_message/";
    let body = json!({"content": "0", "client_id": "c"});
    let first = s.post("ann", send, body.clone()).await;
    let again = s.post("ann", send, body).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json(), again.json());
    assert_eq!(first.json()["sender"], "ann");
    let other = s.post("ann", send, json!({"content": "1", "client_id": "c"})).await;
    assert_eq!(other.code(), (409, "operation_conflict".into()));
    for n in 1..7 {
        s.says("ben", &n.to_string()).await;
    }
    let page = |query: &'static str| {
        let s = &s;
        async move { s.get("ann", &format!("/api/chatrooms/job:42/messages/{query}")).await.json() }
    };
    let latest = page("").await;
    assert_eq!((contents(&latest), &latest["next"]), (vec!["6", "5", "4", "3", "2", "1", "0"], &json!(null)));
    let before = page("?before=5&limit=2").await;
    assert_eq!((contents(&before), &before["next"]), (vec!["3", "2"], &json!("3")));
    assert_eq!(contents(&page("?before=3&limit=2").await), ["1", "0"]);
    let after = page("?after=2&limit=3").await;
    assert_eq!((contents(&after), &after["next"]), (vec!["2", "3", "4"], &json!("5")));
    assert_eq!(contents(&page("?around=4&limit=3").await), ["2", "3", "4"]);
    for (limit, entries) in [("0", 1), ("-7", 1), ("3", 3), ("201", 7), ("99999999999999999999999", 7)] {
        let page = s.get("ann", &format!("/api/chatrooms/job:42/messages?limit={limit}")).await.json();
        assert_eq!(page["results"].as_array().unwrap().len(), entries, "{limit}");
    }
    for query in [
        "limit=many",
        "limit=",
        "limit=1.5",
        "before=x",
        "before=-1",
        "after=9007199254740992",
        "before=1&after=2",
        "limit=1&limit=%ff",
    ] {
        let refused = s.get("ann", &format!("/api/chatrooms/job:42/messages/?{query}")).await;
        assert_eq!(refused.code(), (400, "invalid_argument".into()), "{query}");
    }
    s.stop().await;
}

#[tokio::test]
async fn a_message_is_the_same_object_wherever_it_is_read() {
    let s = Stage::new().await;
    let sent = s.says("ann", "hi").await;
    let id = sent["id"].as_str().unwrap();
    let path = format!("/api/messages/{id}/");
    assert_eq!(s.get("ben", &path).await.json(), sent);
    assert_eq!(s.get("ben", "/api/messages/").await.json()["results"][0], sent);
    assert_eq!(s.get("ben", "/api/messages/?room=job:42").await.json()["results"][0], sent);
    assert_eq!(s.get("ben", "/api/chatrooms/job:42/messages/").await.json()["results"][0], sent);

    let read = s.post("ben", &format!("{path}mark_read/"), json!({})).await;
    assert_eq!((read.status, &read.json()["read_seq"]), (200, &json!(1)));
    let readers = s.get("ann", &format!("{path}readers/")).await.json();
    assert_eq!(readers["results"][0]["user_id"], "ben");

    let patch = |name: &'static str, body: Value| {
        let (s, path) = (&s, path.clone());
        async move { s.asks(&token(name), "PATCH", &path, Some(body)).await }
    };
    assert_eq!(patch("ann", json!({"content": "hello"})).await.json()["content"], "hello");
    assert_eq!(patch("ben", json!({"content": "mine"})).await.code(), (403, "forbidden".into()));
    assert_eq!(patch("eve", json!({"content": "mine"})).await.code(), (404, "not_found".into()));
    // The path says which message; the body cannot.
    let smuggled = json!({"content": "x", "message_id": "0190a1b2-0000-7000-8000-000000000000"});
    assert_eq!(patch("ann", smuggled).await.json()["id"], *id);
    let gone = s.asks(&token("ann"), "DELETE", &path, None).await;
    assert_eq!(gone.status, 200);
    assert!(gone.json().get("content").is_none() && gone.json()["deleted_by"] == "ann");
    assert_eq!(s.asks(&token("ann"), "DELETE", &path, None).await.status, 200);
    s.stop().await;
}

#[tokio::test]
async fn all_messages_of_all_rooms_come_in_pages() {
    let s = Stage::new().await;
    s.asks(&service(), "POST", "/api/chatrooms/", Some(json!({"key": "job:43", "participants": ["ann"]}))).await;
    for n in 0..4 {
        let room = if n % 2 == 0 { "job:42" } else { "job:43" };
        s.post("ann", &format!("/api/chatrooms/{room}/send_message/"), json!({"content": n.to_string()})).await;
    }
    let all = s.get("ann", "/api/messages/?limit=3").await.json();
    assert_eq!(contents(&all), ["3", "2", "1"]);
    let next = all["next"].as_str().unwrap();
    assert_eq!(contents(&s.get("ann", &format!("/api/messages/?limit=3&cursor={next}")).await.json()), ["0"]);
    let one = s.get("ann", "/api/messages/?room=job:43&limit=1").await.json();
    assert_eq!(contents(&one), ["3"]);
    let next = one["next"].as_str().unwrap();
    assert_eq!(contents(&s.get("ann", &format!("/api/messages/?room=job:43&cursor={next}")).await.json()), ["1"]);
    assert_eq!(contents(&s.get("ben", "/api/messages/").await.json()), ["2", "0"], "only what I may see");
    assert_eq!(s.get("ben", "/api/messages/?room=job:43").await.code().0, 404);
    assert_eq!(s.get("ben", "/api/messages/?cursor=x").await.code().0, 400);
    s.stop().await;
}

#[tokio::test]
async fn people_come_and_go() {
    let s = Stage::new().await;
    let path = "/api/chatrooms/job:42/participants/";
    let one = |user: &str| format!("{path}{user}/");
    let people = s.get("ann", path).await.json();
    assert_eq!(people["results"].as_array().unwrap().len(), 2);
    let added =
        s.asks(&service(), "POST", path, Some(json!({"user_id": "eve", "role": "moderator", "name": "Eve"}))).await;
    assert_eq!((added.status, &added.json()["name"]), (201, &json!("Eve")));
    assert_eq!(s.post("ann", path, json!({"user_id": "zoe"})).await.code().0, 403);
    let muted = s.asks(&token("eve"), "PATCH", &one("ben"), Some(json!({"muted_until": "2999-01-01T00:00:00Z"}))).await;
    assert_eq!(muted.json()["muted_until"], "2999-01-01T00:00:00.000Z");
    assert_eq!(s.post("ben", "/api/chatrooms/job:42/send_message/", json!({"content": "x"})).await.code().0, 403);
    let unmuted =
        s.asks(&token("eve"), "PATCH", &one("ben"), Some(json!({"muted_until": null, "user_id": "ann"}))).await;
    assert_eq!((&unmuted.json()["user_id"], unmuted.json().get("muted_until")), (&json!("ben"), None));
    assert_eq!(s.asks(&token("eve"), "PATCH", &one("ben"), Some(json!({"muted_until": "soon"}))).await.code().0, 400);
    assert_eq!(s.asks(&token("eve"), "DELETE", &one("ben"), None).await.status, 204);
    assert_eq!(s.asks(&token("ann"), "DELETE", &one("ann"), None).await.status, 204, "one leaves");
    assert_eq!(s.get("ann", path).await.code().0, 404);
    assert_eq!(s.asks(&service(), "DELETE", &one("nobody"), None).await.code().0, 404);
    let paged = s.asks(&service(), "GET", &format!("{path}?limit=1"), None).await.json();
    assert_eq!((&paged["results"][0]["user_id"], &paged["next"]), (&json!("eve"), &json!(null)));
    s.stop().await;
}

#[tokio::test]
async fn reading_moves_markers_and_unread_follows() {
    let s = Stage::new().await;
    for n in 0..3 {
        s.says("ann", &n.to_string()).await;
    }
    let unread = || async { s.get("ben", "/api/chatrooms/job:42/").await.json()["unread_count"].as_u64().unwrap() };
    assert_eq!(unread().await, 3);
    let read = s.post("ben", "/api/chatrooms/job:42/mark_read/", json!({"seq": 2})).await.json();
    assert_eq!((&read["read_seq"], &read["unread_count"]), (&json!(2), &json!(1)));
    let all = s.post("ben", "/api/chatrooms/job:42/mark_read/", json!({"seq": 1_000})).await.json();
    assert_eq!((&all["read_seq"], &all["unread_count"]), (&json!(3), &json!(0)));
    let back = s.post("ben", "/api/chatrooms/job:42/mark_unread/", json!({"seq": 2})).await.json();
    assert_eq!((&back["read_seq"], &back["marker_seq"], &back["unread_count"]), (&json!(3), &json!(1), &json!(2)));
    assert_eq!(unread().await, 2);
    for body in [json!({}), json!({"seq": -1}), json!({"seq": "1"}), json!({"seq": 1.5}), json!({"seq": null})] {
        let refused = s.post("ben", "/api/chatrooms/job:42/mark_read/", body.clone()).await;
        assert_eq!(refused.json()["message"], "`seq` is missing, or not what it must be", "{body}");
        assert_eq!(refused.status, 400);
    }
    s.stop().await;
}

#[tokio::test]
async fn what_is_ones_own_is_changed_and_counted() {
    let s = Stage::new().await;
    let other = CreateRoom::keyed("job:43".parse().unwrap()).with("ann".parse::<UserId>().unwrap());
    let other = s.engine.host().create_room(other.with("ben".parse::<UserId>().unwrap())).await.unwrap();
    for n in 0..3 {
        s.says("ann", &n.to_string()).await;
    }
    let ann = s.engine.session(&"ann".parse().unwrap());
    ann.send(other.info.id, SendMessage::text("hi")).await.unwrap();
    assert_eq!(s.get("ben", "/api/unread/").await.json(), json!({"unread_count": 4}));
    let received = s.post("ben", "/api/chatrooms/job:42/mark_delivered/", json!({"seq": 2})).await.json();
    assert_eq!((&received["delivered_seq"], &received["read_seq"]), (&json!(2), &json!(0)));
    assert_eq!(received["unread_count"], 3);
    let set = s.asks(&token("ben"), "PATCH", "/api/chatrooms/job:42/me/", Some(json!({"pinned": true}))).await;
    assert_eq!((set.status, &set.json()["pinned"], &set.json()["hidden"]), (200, &json!(true), &json!(false)));
    assert_eq!(s.get("ben", "/api/chatrooms/job:42/").await.json()["my"], set.json());
    s.stop().await;
}

#[tokio::test]
async fn missing_and_hidden_are_the_same_answer_everywhere() {
    let s = Stage::new().await;
    s.engine.host().create_room(CreateRoom::keyed("job:43".parse().unwrap())).await.unwrap();
    let hidden = s.says("ann", "secret").await["id"].as_str().unwrap().to_owned();
    let missing = "0190a1b2-0000-7000-8000-000000000000";
    for (method, path, body) in [
        ("GET", "/api/chatrooms/{room}/", None),
        ("PATCH", "/api/chatrooms/{room}/", Some(json!({"name": "x"}))),
        ("DELETE", "/api/chatrooms/{room}/", None),
        ("GET", "/api/chatrooms/{room}/messages/", None),
        ("POST", "/api/chatrooms/{room}/send_message/", Some(json!({"content": "x"}))),
        ("GET", "/api/chatrooms/{room}/participants/", None),
        ("POST", "/api/chatrooms/{room}/participants/", Some(json!({"user_id": "eve"}))),
        ("PATCH", "/api/chatrooms/{room}/participants/ann/", Some(json!({"role": "owner"}))),
        ("DELETE", "/api/chatrooms/{room}/participants/eve/", None),
        ("POST", "/api/chatrooms/{room}/mark_read/", Some(json!({"seq": 1}))),
        ("POST", "/api/chatrooms/{room}/mark_unread/", Some(json!({"seq": 1}))),
        ("GET", "/api/messages/?room={room}", None),
        ("GET", "/api/messages/{message}/", None),
        ("PATCH", "/api/messages/{message}/", Some(json!({"content": "x"}))),
        ("DELETE", "/api/messages/{message}/", None),
        ("POST", "/api/messages/{message}/mark_read/", None),
        ("GET", "/api/messages/{message}/readers/", None),
    ] {
        let fill = |room: &str, message: &str| path.replace("{room}", room).replace("{message}", message);
        let theirs = s.asks(&token("eve"), method, &fill("job:42", &hidden), body.clone()).await;
        assert_eq!(theirs.code(), (404, "not_found".into()), "{method} {path}");
        for nothing in [fill("job:44", missing), fill("no%20name", "no-id"), fill(missing, "%ff")] {
            let none = s.asks(&token("eve"), method, &nothing, body.clone()).await;
            assert_eq!((none.status, &none.body), (404, &theirs.body), "{method} {nothing}");
        }
    }
    s.stop().await;
}

#[tokio::test]
async fn bodies_are_json_of_the_right_shape_and_size() {
    let s = Stage::new().await;
    let authorization = format!("Bearer {}", token("ann"));
    let send = |body: Vec<u8>| {
        let (address, authorization) = (s.address, authorization.clone());
        async move {
            let path = "/api/chatrooms/job:42/send_message/";
            request(address, "POST", path, &[("authorization", &authorization)], &body).await
        }
    };
    for (body, message) in [
        ("{", "`body` must be a JSON object; line 1, column 1 is no JSON"),
        ("nonsense", "`body` must be a JSON object"),
        ("{\"content\":\"x\"} trailing", "`body` must be one JSON object, and nothing after it"),
        ("[\"x\"]", "`body` must be a JSON object"),
        (" null", "`body` must be a JSON object"),
        ("{\"content\":5}", "`content` is missing, or not what it must be"),
        (
            "{\"content\":\"x\",\"secret\":1,\"metadata\":{\"secret\":1},\"reply_to\":\"s3cret\"}",
            "`reply_to` is missing, or not what it must be",
        ),
        ("{\"content\":\"x\",\"content\":\"y\"}", "`content` is given twice"),
        ("{\"content\":\"a\\u0000\"}", "`content` must not contain control characters other than \\n and \\t"),
        ("\u{feff}{}", "`body` must be a JSON object"),
    ] {
        let refused = send(body.into()).await;
        assert_eq!(refused.code(), (400, "invalid_argument".into()), "{body}");
        assert_eq!(refused.json()["message"], message, "{body}");
    }
    assert_eq!(send("{\"a\":".repeat(5_000).into()).await.code().0, 400);
    assert_eq!(send(b"{\"content\":\"\xff\"}".to_vec()).await.code().0, 400);
    let sized = |bytes: usize| {
        let frame = r#"{"content":"x","unknown":""}"#;
        frame.replace("\"\"", &format!("\"{}\"", "y".repeat(bytes - frame.len()))).into_bytes()
    };
    assert_eq!(send(sized(128 * 1024)).await.status, 201);
    assert_eq!(send(sized(128 * 1024 + 1)).await.code(), (413, "too_large".into()));
    let long = json!({"content": "x".repeat(16_385)}).to_string();
    let refused = send(long.into()).await;
    assert_eq!(refused.code(), (400, "message_too_large".into()));
    assert_eq!(refused.json()["message"], "`content` has 16385 bytes; the limit is 16384");
    s.stop().await;
}

#[tokio::test]
async fn a_chunked_body_is_bounded_too() {
    use tokio::io::AsyncWriteExt;
    let s = Stage::new().await;
    let mut stream = tokio::net::TcpStream::connect(s.address).await.unwrap();
    let head = format!(
        "POST /api/chatrooms/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\n\r\n",
        token("ann")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..3 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    assert_eq!(crate::wire::answer(&mut stream).await.code(), (413, "too_large".into()));
    s.stop().await;
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_say_so_in_json() {
    let s = Stage::new().await;
    assert_eq!(s.get("ann", "/api/nothing/").await.code(), (404, "not_found".into()));
    assert_eq!(s.get("ann", "/api/chatrooms/job:42/nothing/").await.code(), (404, "not_found".into()));
    let wrong = s.asks(&token("ann"), "PUT", "/api/chatrooms/job:42/", Some(json!({}))).await;
    assert_eq!(wrong.code(), (405, "invalid_argument".into()));
    let allow = wrong.header("allow").unwrap();
    assert!(["GET", "PATCH", "DELETE"].iter().all(|method| allow.contains(method)), "{allow}");
    let none = request(s.address, "GET", "/api/chatrooms/", &[], b"").await;
    assert_eq!(none.code(), (401, "unauthorized".into()));
    s.stop().await;
}

#[tokio::test]
async fn browsers_are_told_what_pages_may_do() {
    let s = Stage::new().await;
    let ask = |origin: &'static str| {
        let address = s.address;
        async move {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "PATCH"),
                ("access-control-request-headers", "authorization,content-type"),
            ];
            request(address, "OPTIONS", "/api/chatrooms/job:42/", &headers, b"").await
        }
    };
    let allowed = ask("http://localhost:5173").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(ask("https://evil.example").await.status, 403);

    let authorization = format!("Bearer {}", token("ann"));
    let from = |origin: &'static str| {
        let (address, authorization) = (s.address, authorization.clone());
        async move {
            request(address, "GET", "/api/chatrooms/", &[("authorization", &authorization), ("origin", origin)], b"")
                .await
        }
    };
    let page = from("http://localhost:5173").await;
    assert_eq!((page.status, page.header("access-control-allow-origin")), (200, Some("http://localhost:5173")));
    let evil = from("https://evil.example").await;
    assert_eq!(evil.code(), (403, "forbidden".into()));
    assert_eq!(evil.header("access-control-allow-origin"), None);
    s.stop().await;
}
