//! Serving: the line, the page, tokens, people, and that a restart changes nothing.

use serde_json::{Value, json};

use crate::{
    folder::Folder,
    program::{Server, ends, program},
    wire::{Person, ask, ask_for_text, history, make_room, service, token},
};

#[tokio::test]
async fn it_says_one_line_when_it_is_ready_and_all_else_in_the_log() {
    let server = Server::on("memory:").await;
    assert_eq!(server.line, format!("chat-server listens on http://{}\n", server.address));
    let (status, _) = ask(&server, "", "GET", "/readyz", &Value::Null).await;
    assert_eq!(status, 200, "who is told where it is finds it ready");
    let line = server.line.clone();
    server.signal("INT").await;
    let ended = server.ended().await;
    assert_eq!((ended.status, ended.out), (Some(0), line));
    assert!(ended.err.contains("serving") && ended.err.contains("SIGINT: stopping"), "{}", ended.err);
    assert!(!ended.err.contains('\u{1b}'), "no colours where nobody sees them");
}

#[tokio::test]
async fn the_page_is_there_unless_it_is_turned_off() {
    let server = Server::on("memory:").await;
    for (path, holds) in [("/", "<!doctype html>"), ("/page.js", "new WebSocket"), ("/page.css", ":root")] {
        let (status, text) = ask_for_text(&server, "", "GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}");
        assert!(text.contains(holds), "{path}");
    }
    server.stop().await;

    let server =
        Server::start(program(&["--listen", "127.0.0.1:0", "--db", "memory:"]).env("CHAT_PAGE", "false")).await;
    assert_eq!(ask_for_text(&server, "", "GET", "/", &Value::Null).await.0, 404);
    server.stop().await;
}

#[tokio::test]
async fn minted_tokens_open_what_they_should() {
    let server = Server::on("memory:").await;
    let mint = async |args: &[&str]| {
        let minted = ends(&[&["token", "--user"], args].concat()).await;
        assert_eq!((minted.status, minted.out.lines().count()), (Some(0), 1), "{}", minted.err);
        minted.out.trim().to_owned()
    };
    let app = mint(&["app", "--role", "service"]).await;
    let room = json!({ "key": "job:42", "participants": ["ann"] });
    assert_eq!(ask(&server, &app, "POST", "/api/chatrooms/", &room).await.0, 201);

    let ann = mint(&["ann", "--name", "Ann Example"]).await;
    assert_eq!(ask(&server, &ann, "POST", "/api/chatrooms/", &json!({ "key": "job:43" })).await.0, 403);
    let person = Person::opens(server.address, "/ws/job_chat/42/", &ann).await;
    assert_eq!(person.ready["user_id"], "ann");
    let (_, people) = ask(&server, &ann, "GET", "/api/chatrooms/job:42/participants/", &Value::Null).await;
    assert_eq!(people["results"][0]["name"], "Ann Example");

    assert_eq!(ask(&server, &format!("{ann}x"), "GET", "/api/chatrooms/", &Value::Null).await.0, 401);
    server.stop().await;
}

#[tokio::test]
async fn two_people_chat_and_a_restart_changes_nothing() {
    let folder = Folder::new("two_people_chat");
    let db = folder.db("chat.db");
    let server = Server::on(&db).await;
    make_room(&server, &["ann", "ben"]).await;
    let mut ann = Person::enters(server.address, "ann").await;
    let mut ben = Person::enters(server.address, "ben").await;

    ann.does(json!({ "action": "typing_start" })).await;
    assert_eq!(ben.hears("typing").await["typing"], json!(["ann"]));
    let sent = ann.does(json!({ "action": "send_message", "content": "On my way", "client_id": "a-1" })).await;
    let heard = ben.hears("chat_message").await;
    assert_eq!(heard["message"], sent["message"]);
    ben.does(json!({ "action": "read_message", "seq": 1 })).await;
    assert_eq!(ann.hears("message_read").await["user_id"], "ben");
    let (status, reply) =
        ask(&server, &token("ben"), "POST", "/api/chatrooms/job:42/send_message/", &json!({ "content": "Good" })).await;
    assert_eq!(status, 201, "{reply}");
    assert_eq!(ann.hears("chat_message").await["message"], reply);
    let before = everything(&server).await;
    server.stop().await;
    assert_eq!(ann.hears("closing").await["code"], 3000);

    let server = Server::on(&db).await;
    assert_eq!(everything(&server).await, before);
    let mut ann = Person::enters(server.address, "ann").await;
    let again = ann.does(json!({ "action": "send_message", "content": "On my way", "client_id": "a-1" })).await;
    assert_eq!((&again["duplicate"], &again["message"]), (&json!(true), &sent["message"]));
    let cursor = heard["cursor"].clone();
    let resumed = ann.does(json!({ "action": "subscribe", "room": "job:42", "cursor": cursor })).await;
    assert_eq!(resumed["rooms"][0]["changes"][0]["message"], reply);
    server.stop().await;
}

/// What both see of their room.
async fn everything(server: &Server) -> (Vec<Value>, Value, Value, Value) {
    let get = async |token: String, path| ask(server, &token, "GET", path, &Value::Null).await.1;
    (
        history(server, "ann", "job:42").await,
        get(token("ann"), "/api/chatrooms/").await,
        get(token("ben"), "/api/chatrooms/").await,
        get(service(), "/api/chatrooms/job:42/").await,
    )
}
