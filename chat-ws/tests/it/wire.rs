//! The other end: a WebSocket client, and HTTP by hand.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderName},
};

/// How long anything may take before a test fails: a limit, however slow the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The status and the code, where it is an error.
    pub(crate) fn code(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// One request on a connection of its own.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    // A server that has heard enough may close before it has heard all.
    let _ = stream.write_all(body).await;
    answer(&mut stream).await
}

/// The answer on a connection that ends with it.
pub(crate) async fn answer(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut part = vec![0; 16 * 1024];
    loop {
        match timeout(PATIENCE, stream.read(&mut part)).await.expect("an answer in time") {
            Ok(0) | Err(_) => break,
            Ok(n) => bytes.extend_from_slice(&part[..n]),
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

/// Waits until the metrics have this line.
pub(crate) async fn counted(address: SocketAddr, line: &str) {
    let counting = async {
        while !request(address, "GET", "/metrics", &[], b"").await.body.lines().any(|counted| counted == line) {}
    };
    timeout(PATIENCE, counting).await.unwrap_or_else(|_| panic!("the metrics do not say {line:?}"));
}

/// The client's end of a WebSocket.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) protocol: Option<String>,
}

/// How a socket ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// Opens a WebSocket; otherwise the answer that refused it.
pub(crate) async fn connect(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Peer, Reply> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match timeout(PATIENCE, client_async(request, stream)).await.expect("an answer in time") {
        Ok((socket, response)) => {
            let protocol = response.headers().get("sec-websocket-protocol");
            Ok(Peer { socket, protocol: protocol.map(|value| value.to_str().unwrap().to_owned()) })
        }
        Err(Error::Http(response)) => {
            let head = response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
            Err(Reply {
                status: response.status().as_u16(),
                head: head.collect::<Vec<_>>().join("\n"),
                body: String::from_utf8(response.body().clone().unwrap_or_default()).unwrap(),
            })
        }
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Opens a WebSocket with a token, over a connection that is there.
pub(crate) async fn connect_over(stream: TcpStream, path: &str, token: &str) -> Peer {
    let mut request = format!("ws://{}{path}", stream.peer_addr().unwrap()).into_client_request().unwrap();
    request.headers_mut().append("authorization", format!("Bearer {token}").parse().unwrap());
    let (socket, _) = timeout(PATIENCE, client_async(request, stream)).await.expect("an answer in time").unwrap();
    Peer { socket, protocol: None }
}

impl Peer {
    pub(crate) async fn send(&mut self, frame: impl Into<String>) {
        self.socket.send(Message::text(frame.into())).await.unwrap();
    }

    /// Sends a command under a `ref`, and waits for its answer.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Value {
        frame["ref"] = "?".into();
        self.send(frame.to_string()).await;
        self.find(|answer| answer["ref"] == "?").await
    }

    /// The same, and what `ok` says.
    pub(crate) async fn does(&mut self, frame: Value) -> Value {
        let answer = self.ask(frame.clone()).await;
        assert_eq!(answer["type"], "reply", "{frame} -> {answer}");
        answer["ok"].clone()
    }

    /// The same, and with which code it failed.
    pub(crate) async fn fails(&mut self, frame: Value) -> String {
        let answer = self.ask(frame.clone()).await;
        assert_eq!(answer["type"], "error", "{frame} -> {answer}");
        answer["code"].as_str().unwrap().to_owned()
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.message().await {
            Ok(frame) => frame,
            Err(closed) => panic!("a frame was expected, and the socket closed: {closed:?}"),
        }
    }

    /// The next frame of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["type"] == kind).await
    }

    /// The next frame for which `wanted` holds.
    pub(crate) async fn find(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// All frames up to the end, and how it ended.
    pub(crate) async fn rest(&mut self) -> (Vec<Value>, Closed) {
        let mut frames = Vec::new();
        loop {
            match self.message().await {
                Ok(frame) => frames.push(frame),
                Err(closed) => return (frames, closed),
            }
        }
    }

    /// How it ended, whatever came before.
    pub(crate) async fn closed(&mut self) -> Closed {
        self.rest().await.1
    }

    async fn message(&mut self) -> Result<Value, Closed> {
        let nothing = || Closed { code: 0, reason: String::new() };
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a frame in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or_else(nothing, |frame| Closed {
                        code: frame.code.into(),
                        reason: frame.reason.to_string(),
                    }));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(nothing()),
            }
        }
    }
}
