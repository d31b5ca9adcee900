//! The commands for a file: verify, backup, export, import.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    folder::Folder,
    load::Load,
    program::{Ended, Server, ends, program},
    wire::{Person, ask, history, make_room, service, token},
};

/// Words that stand in the file once, and must stand in no output.
const SECRET_WORDS: &str = "the key is under the third flower pot";

/// A command on a file; it must end well.
async fn done(args: &[&str]) -> Ended {
    let ended = ends(args).await;
    assert_eq!(ended.status, Some(0), "{args:?}: {}", ended.err);
    ended
}

/// A command on a file; it must fail, with these words.
async fn fails(args: &[&str], words: &[&str]) -> Ended {
    let ended = ends(args).await;
    assert_eq!(ended.status, Some(1), "{args:?}: {ended:?}");
    for words in words {
        assert!(ended.err.contains(words), "{words:?} is not in: {}", ended.err);
    }
    ended
}

/// Fills a server with everything that an export has to carry.
async fn furnish(server: &Server) {
    make_room(server, &["ann", "ben", "cyd"]).await;
    let path = "/api/chatrooms/job:42/send_message/";
    let send = async |user: &str, body: Value| {
        let (status, sent) = ask(server, &token(user), "POST", path, &body).await;
        assert_eq!(status, 201, "{sent}");
        sent
    };
    let first =
        send("ann", json!({ "content": SECRET_WORDS, "client_id": "a-1", "metadata": { "n": [1.5, null] } })).await;
    let file =
        json!({ "name": "plan.pdf", "content_type": "application/pdf", "size": 9, "url": "/files/9", "pages": 2 });
    send("ben", json!({ "message_type": "file", "attachments": [file], "reply_to": first["id"] })).await;
    let edited = send("ben", json!({ "content": "Tomorow" })).await;
    let deleted = send("ann", json!({ "content": "Oops" })).await;
    send("ann", json!({ "content": "Zeile 1\nZeile 2 \u{202e}\u{1f9f9}" })).await;
    let own = |message: &Value| format!("/api/messages/{}/", message["id"].as_str().unwrap());
    let (status, _) = ask(server, &token("ben"), "PATCH", &own(&edited), &json!({ "content": "Tomorrow" })).await;
    assert_eq!(status, 200);
    let (status, _) = ask(server, &token("ann"), "DELETE", &own(&deleted), &Value::Null).await;
    assert!(status < 300, "{status}");
    let note = json!({ "content": "The job was moved", "message_type": "system" });
    assert_eq!(ask(server, &service(), "POST", path, &note).await.0, 201);

    let mut ben = Person::enters(server.address, "ben").await;
    ben.does(json!({ "action": "read_message", "seq": 5 })).await;
    ben.does(json!({ "action": "mark_unread", "seq": 2 })).await;
    ben.does(json!({ "action": "update_me", "pinned": true })).await;
    let mut cyd = Person::enters(server.address, "cyd").await;
    cyd.does(json!({ "action": "message_delivered", "seq": 4 })).await;
    cyd.does(json!({ "action": "leave_room" })).await;
    let direct = json!({ "kind": "direct", "participants": ["ben"] });
    assert_eq!(ask(server, &token("ann"), "POST", "/api/chatrooms/", &direct).await.0, 201);
    let channel = json!({ "kind": "channel", "name": "News", "participants": [{ "user_id": "ann", "role": "owner" }] });
    assert_eq!(ask(server, &service(), "POST", "/api/chatrooms/", &channel).await.0, 201);
}

/// What people see: their rooms, without what belongs to one incarnation, and the history of the job.
async fn seen(server: &Server) -> Vec<Value> {
    let mut seen = Vec::new();
    for user in ["ann", "ben"] {
        let (_, mut rooms) = ask(server, &token(user), "GET", "/api/chatrooms/", &Value::Null).await;
        seen.append(rooms["results"].as_array_mut().unwrap());
        seen.append(&mut history(server, user, "job:42").await);
    }
    for one in &mut seen {
        let one = one.as_object_mut().unwrap();
        // Imported histories are counted anew.
        one.retain(|field, _| !matches!(&**field, "cursor" | "rev"));
        if let Some(last) = one.get_mut("last_message").and_then(Value::as_object_mut) {
            last.remove("rev");
        }
    }
    seen
}

#[tokio::test]
async fn verify_passes_what_was_written_and_finds_a_flipped_bit() {
    let folder = Folder::new("verify");
    let (db, file) = (folder.db("chat.db"), folder.file("chat.db"));
    let server = Server::on(&db).await;
    furnish(&server).await;
    let beside = done(&["verify", "--db", &db]).await;
    assert_eq!(beside.out, "sound: 3 rooms, 6 members, 6 messages\n");
    assert!(beside.err.contains("6 of 6 messages"), "{}", beside.err);
    server.stop().await;
    assert_eq!(done(&["verify", "--db", &db]).await.out, beside.out);

    let mut bytes = fs::read(&file).unwrap();
    let place = bytes.windows(SECRET_WORDS.len()).position(|part| part == SECRET_WORDS.as_bytes()).unwrap();
    bytes[place + 4] ^= 1;
    fs::write(&file, bytes).unwrap();
    let found = fails(&["verify", "--db", &db], &["not what was written", "put a backup in its place"]).await;
    assert!(found.out.contains("message 1 of room"), "{}", found.out);
    assert!(!format!("{found:?}").contains("flower"), "what people wrote is in no output");

    fails(&["verify", "--db", &folder.db("none.db")], &["none.db"]).await;
    assert!(!Path::new(&folder.file("none.db")).exists());
    folder.write("diary.db", "Dear diary");
    fails(&["verify", "--db", &folder.db("diary.db")], &["not a chat database"]).await;
}

#[tokio::test]
async fn a_backup_while_others_write_is_one_moment_of_it() {
    let folder = Folder::new("a_backup_while_others_write");
    let (db, copy) = (folder.db("chat.db"), folder.file("copy.db"));
    let server = Server::on(&db).await;
    make_room(&server, &Load::people()).await;
    let mut load = Load::default();
    let end = async |server: Server| {
        let backup = done(&["backup", &copy, "--db", &db]).await;
        assert!(backup.err.contains("pages"), "{}", backup.err);
        server.stop().await;
    };
    load.until(server, 300, end).await;

    let server = Server::on(&db).await;
    load.check(&server).await;
    let all = history(&server, "eve", "job:42").await;
    let cursor = ask(&server, &token("eve"), "GET", "/api/chatrooms/job:42/", &Value::Null).await.1["cursor"].clone();
    server.stop().await;
    done(&["verify", "--db", &format!("sqlite:{copy}")]).await;
    let server = Server::on(&format!("sqlite:{copy}")).await;
    let kept = history(&server, "eve", "job:42").await;
    assert!(kept.len() >= 300, "it lacks what was acknowledged before it began: {}", kept.len());
    assert_eq!(kept, all[..kept.len()]);
    // Who was ahead of the copy is not told that nothing is missing.
    let mut eve = Person::enters(server.address, "eve").await;
    let resumed = eve.does(json!({ "action": "subscribe", "room": "job:42", "cursor": cursor })).await;
    assert!(resumed["rooms"][0]["snapshot"].is_object(), "{resumed}");
    server.stop().await;

    let before = fs::read(&copy).unwrap();
    fails(&["backup", &copy, "--db", &db], &["copy.db", "there already"]).await;
    assert!(fs::read(&copy).unwrap() == before);
}

#[tokio::test]
async fn what_is_exported_and_imported_is_exported_the_same() {
    let folder = Folder::new("exported_and_imported");
    let (db, lines) = (folder.db("chat.db"), folder.file("rooms.jsonl"));
    let server = Server::on(&db).await;
    furnish(&server).await;
    let before = seen(&server).await;
    done(&["export", &lines, "--db", &db]).await;
    fails(&["import", &lines, "--db", &db], &["already in use"]).await;
    server.stop().await;
    let exported = fs::read_to_string(&lines).unwrap();
    assert_eq!(done(&["export", "--db", &db]).await.out, exported);
    assert!(!exported.contains("Oops"), "nothing that was deleted comes back");

    let moved = folder.db("moved.db");
    let imported = done(&["import", &lines, "--db", &moved]).await;
    assert!(imported.out.starts_with("3 rooms with ") && imported.out.contains("; 0 were there"), "{}", imported.out);
    assert_eq!(done(&["export", "--db", &moved]).await.out, exported);
    done(&["verify", "--db", &moved]).await;
    let server = Server::on(&moved).await;
    assert_eq!(seen(&server).await, before);
    // It is a chat like any other: it goes on where it was, and a send of before is known.
    let body = json!({ "content": "Next", "client_id": "b-9" });
    let (status, sent) = ask(&server, &token("ben"), "POST", "/api/chatrooms/job:42/send_message/", &body).await;
    assert_eq!((status, &sent["seq"]), (201, &json!(7)), "{sent}");
    server.stop().await;

    let again = done(&["import", &lines, "--db", &moved]).await;
    assert!(again.out.starts_with("0 rooms") && again.out.contains("; 3 were there"), "{}", again.out);
    fails(&["export", &lines, "--db", &moved], &["rooms.jsonl"]).await;
    assert_eq!(fs::read_to_string(&lines).unwrap(), exported, "what is there is left as it is");
    fails(&["import", &folder.file("none.jsonl"), "--db", &moved], &["none.jsonl"]).await;
}

#[tokio::test]
async fn a_chat_comes_over_from_elsewhere() {
    // What a script of a few lines can write from another chat's tables.
    const LINES: &str = r#"
        {"room":{"key":"job:42","name":"Kitchen","created_at":"2024-05-01T08:00:00Z"}}
        {"participant":{"user_id":"7","name":"Ann","read_seq":1}}
        {"participant":{"user_id":"8"}}
        {"message":{"sender":"7","content":"Hello","created_at":"2024-05-01T08:00:01Z"}}
        {"message":{"sender":"8","content":"Hi","created_at":"2024-05-01T08:00:02.5Z"}}
    "#;
    let folder = Folder::new("a_chat_comes_over");
    let db = folder.db("chat.db");
    let mut import = program(&["import", "--db", &db]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(LINES.as_bytes()).await.unwrap();
    let ended = import.wait_with_output().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

    let server = Server::on(&db).await;
    let (_, room) = ask(&server, &token("7"), "GET", "/api/chatrooms/job:42/", &Value::Null).await;
    assert_eq!((&room["unread_count"], &room["created_at"]), (&json!(1), &json!("2024-05-01T08:00:00.000Z")));
    let said = history(&server, "8", "job:42").await;
    let line = |message: &Value| json!([message["seq"], message["sender"], message["content"], message["created_at"]]);
    assert_eq!(
        said.iter().map(line).collect::<Vec<_>>(),
        [json!([1, "7", "Hello", "2024-05-01T08:00:01.000Z"]), json!([2, "8", "Hi", "2024-05-01T08:00:02.500Z"])]
    );
    server.stop().await;
}

#[tokio::test]
async fn an_import_that_cannot_be_names_the_line() {
    const ROOM: &str = r#"{"room":{"key":"job:1","created_at":"2024-05-01T08:00:00Z"}}"#;
    const PERSON: &str = r#"{"participant":{"user_id":"ann"}}"#;
    let folder = Folder::new("an_import_that_cannot_be");
    let wrong = [
        (vec!["{"], "line 1: ", "JSON"),
        (vec![ROOM, "nonsense"], "line 2: ", "JSON"),
        (vec![ROOM, "", r#"{"parrot":{}}"#], "line 3: ", "`room`, `participant` or `message`"),
        (vec![r#"{"room":{"key":"job:1"}}"#], "line 1: ", "`created_at` is missing"),
        (vec![r#"{"room":{"created_at":"yesterday"}}"#], "line 1: ", "created_at"),
        (vec![r#"{"room":{"created_at":"2024-05-01T08:00:00Z","colour":1}}"#], "line 1: ", "colour"),
        (vec![PERSON], "line 1: ", "after its room"),
        (vec![r#"{"message":{"content":"x","created_at":"2024-05-01T08:00:00Z"}}"#], "line 1: ", "after its room"),
        (vec![ROOM, r#"{"participant":{"user_id":""}}"#], "line 2: ", "user_id"),
        (vec![ROOM, PERSON, PERSON], "line 3: ", ""),
        (
            vec![ROOM, PERSON, r#"{"message":{"sender":"ann","created_at":"2024-05-01T08:00:00Z"}}"#],
            "line 3: ",
            "content",
        ),
        (
            vec![
                ROOM,
                PERSON,
                r#"{"message":{"sender":"ann","content":"a\u0000b","created_at":"2024-05-01T08:00:00Z"}}"#,
            ],
            "line 3: ",
            "content",
        ),
        (vec![r#"{"export":{"version":99}}"#], "line 1: ", "version"),
    ];
    for (number, (lines, line, words)) in wrong.into_iter().enumerate() {
        let path = folder.write("rooms.jsonl", &lines.join("\n"));
        let db = folder.db(&format!("{number}.db"));
        let failed = fails(&["import", &path, "--db", &db], &[line, words, "rooms.jsonl"]).await;
        assert_eq!(failed.out, "", "{lines:?}");
        // Of the room with the bad line there is nothing.
        let verified = done(&["verify", "--db", &db]).await;
        assert_eq!(verified.out, "sound: 0 rooms, 0 members, 0 messages\n", "{lines:?}");
    }
}
