//! The other end: requests, and sockets of people.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use chat_core::{Clock as _, SystemClock, UserId};
use chat_ws::{Grant, SigningKey};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::program::{PATIENCE, SECRET, Server};

const VALID: Duration = Duration::from_mins(5);

/// A token of a person.
pub(crate) fn token(user: &str) -> String {
    sign(&Grant::user(&UserId::new(user).unwrap(), SystemClock.now(), VALID))
}

/// A token of the application.
pub(crate) fn service() -> String {
    sign(&Grant::service(SystemClock.now(), VALID))
}

fn sign(grant: &Grant) -> String {
    grant.sign(&SigningKey::hs256(SECRET).unwrap())
}

/// One request; what is answered must be JSON or nothing.
pub(crate) async fn ask(server: &Server, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = ask_for_text(server, token, method, path, body).await;
    let json = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
    (status, json)
}

/// One request.
pub(crate) async fn ask_for_text(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> (u16, String) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    let answer = async {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer in HTTP");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Makes the room `job:42` for these people.
pub(crate) async fn make_room(server: &Server, people: &[&str]) {
    let room = json!({ "key": "job:42", "participants": people });
    let (status, made) = ask(server, &service(), "POST", "/api/chatrooms/", &room).await;
    assert_eq!(status, 201, "{made}");
}

/// A room's whole history, oldest first.
pub(crate) async fn history(server: &Server, user: &str, room: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map_or(0, |message| message["seq"].as_u64().unwrap());
        let path = format!("/api/chatrooms/{room}/messages/?after={after}&limit=200");
        let (status, mut page) = ask(server, &token(user), "GET", &path, &Value::Null).await;
        assert_eq!(status, 200, "{page}");
        all.append(page["results"].as_array_mut().unwrap());
        if page["next"].is_null() {
            return all;
        }
    }
}

/// A person with a socket.
pub(crate) struct Person {
    socket: WebSocketStream<TcpStream>,
    /// What came while something else was waited for.
    waiting: VecDeque<Value>,
    references: u64,
    /// The first frame.
    pub(crate) ready: Value,
}

impl Person {
    /// Opens the chat of job 42.
    pub(crate) async fn enters(address: SocketAddr, user: &str) -> Self {
        Self::opens(address, "/ws/job_chat/42/", &token(user)).await
    }

    pub(crate) async fn opens(address: SocketAddr, path: &str, token: &str) -> Self {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(request, stream).await.expect("the socket opens");
        let mut person = Self { socket, waiting: VecDeque::new(), references: 0, ready: Value::Null };
        person.ready = person.next().await.expect("a first frame");
        assert_eq!(person.ready["type"], "ready");
        person
    }

    /// Sends a command and waits for what it is answered.
    pub(crate) async fn does(&mut self, mut command: Value) -> Value {
        self.references += 1;
        command["ref"] = self.references.into();
        self.write(&command).await.unwrap();
        loop {
            let frame = self.next().await.expect("an answer");
            if frame["ref"] == command["ref"] {
                assert_eq!(frame["type"], "reply", "{frame}");
                return frame["ok"].clone();
            }
            self.waiting.push_back(frame);
        }
    }

    /// The next event of a type; others are passed over.
    pub(crate) async fn hears(&mut self, kind: &str) -> Value {
        loop {
            let frame = match self.waiting.pop_front() {
                Some(frame) => frame,
                None => self.next().await.unwrap_or_else(|| panic!("the socket ended before {kind}")),
            };
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Sends a frame; whether it left.
    pub(crate) async fn write(&mut self, frame: &Value) -> Result<(), ()> {
        self.socket.send(Message::text(frame.to_string())).await.map_err(|_| ())
    }

    /// The next frame; `None` at the end, however it came.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a frame in time")? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
