//! Files that cannot be served, each refused with the word that says why, and left as it is.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    folder::Folder,
    program::{SECRET, Server, ends},
    wire::{ask, history, make_room, token},
};

/// Makes a file with a room in it.
async fn make(folder: &Folder) -> String {
    let db = folder.db("chat.db");
    let server = Server::on(&db).await;
    make_room(&server, &["ann", "ben"]).await;
    server.stop().await;
    folder.file("chat.db")
}

/// Serving `path` must be refused with these words, and change nothing.
async fn refused(path: &str, words: &str) {
    let before = fs::read(path).unwrap();
    let ended = ends(&["--listen", "127.0.0.1:0", "--db", &format!("sqlite:{path}")]).await;
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{}", ended.err);
    assert!(ended.err.contains(words) && ended.err.contains(path), "{words:?} is not in: {}", ended.err);
    assert!(fs::read(path).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn a_second_opener_is_told_that_it_is_in_use_and_the_first_goes_on() {
    let folder = Folder::new("a_second_opener");
    let server = Server::on(&folder.db("chat.db")).await;
    make_room(&server, &["ann"]).await;
    refused(&folder.file("chat.db"), "already in use").await;
    let body = json!({ "content": "still here" });
    let (status, sent) = ask(&server, &token("ann"), "POST", "/api/chatrooms/job:42/send_message/", &body).await;
    assert_eq!(status, 201, "{sent}");
    server.stop().await;
}

#[tokio::test]
async fn files_of_others_and_of_the_future_are_refused() {
    /// Where SQLite's header keeps the version that a program gives its file, and which program's it is.
    const VERSION: usize = 60;
    const PROGRAM: usize = 68;

    let folder = Folder::new("files_of_others");
    let file = make(&folder).await;
    let good = fs::read(&file).unwrap();
    let mut newer = good.clone();
    newer[VERSION..VERSION + 4].copy_from_slice(&9_999u32.to_be_bytes());
    fs::write(&file, newer).unwrap();
    refused(&file, "newer version").await;
    let mut foreign = good.clone();
    foreign[PROGRAM..PROGRAM + 4].fill(0);
    fs::write(&file, foreign).unwrap();
    refused(&file, "not a chat database").await;
    fs::write(&file, "Dear diary, this is no database at all.\n".repeat(200)).unwrap();
    refused(&file, "not a chat database").await;
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    refused(&file, "damaged").await;
    // The file itself was fine all the time.
    fs::write(&file, good).unwrap();
    Server::on(&folder.db("chat.db")).await.stop().await;
}

#[tokio::test]
async fn what_cannot_be_written_or_reached_is_refused() {
    let folder = Folder::new("what_cannot_be_written");
    let file = make(&folder).await;
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    refused(&file, "cannot be written").await;

    for path in [folder.file("no/such/folder/chat.db"), folder.file("")] {
        let ended = ends(&["--listen", "127.0.0.1:0", "--db", &format!("sqlite:{path}")]).await;
        assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{}", ended.err);
        assert!(ended.err.contains("cannot be opened"), "{}", ended.err);
    }
    assert!(!Path::new(&folder.file("no")).exists());
}

#[cfg(unix)]
#[tokio::test]
async fn where_the_disk_takes_no_more_sends_are_refused_and_nothing_is_lost() {
    let folder = Folder::new("the_disk_takes_no_more");
    make(&folder).await;
    // A limit of 512 KiB for each file stands in for the disk's end. The signal that comes with it is not for us.
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, "sh", env!("CARGO_BIN_EXE_chat-server"), "--listen", "127.0.0.1:0"]);
    command.args(["--db", &folder.db("chat.db")]).env("CHAT_JWT_SECRET", SECRET);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let server = Server::start(&mut command).await;
    let mut acknowledged = Vec::new();
    let refused = loop {
        let body = json!({ "content": format!("{} {}", acknowledged.len(), "x".repeat(16_000)) });
        let (status, said) = ask(&server, &token("ann"), "POST", "/api/chatrooms/job:42/send_message/", &body).await;
        if status != 201 {
            break (status, said);
        }
        acknowledged.push(said);
        assert!(acknowledged.len() < 200, "the limit was never reached");
    };
    assert_eq!((refused.0, &refused.1["code"]), (503, &json!("storage_unavailable")), "{}", refused.1);
    let (status, _) = ask(&server, &token("ann"), "GET", "/api/chatrooms/", &Value::Null).await;
    assert_eq!(status, 200, "what is there can still be read");
    assert_eq!(history(&server, "ben", "job:42").await, acknowledged);
    server.kill().await;

    let server = Server::on(&folder.db("chat.db")).await;
    assert_eq!(history(&server, "ben", "job:42").await, acknowledged);
    let body = json!({ "content": "and on" });
    let (status, said) = ask(&server, &token("ann"), "POST", "/api/chatrooms/job:42/send_message/", &body).await;
    assert_eq!((status, &said["seq"]), (201, &json!(acknowledged.len() + 1)), "{said}");
    server.stop().await;
}
