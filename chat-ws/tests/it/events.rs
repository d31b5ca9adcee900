//! The other end of a stream: events read by hand, frames brought in numbered requests.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    stage::Stage,
    wire::{Closed, PATIENCE, Reply, request},
};

/// The client's end of a stream.
pub(crate) struct Events {
    address: SocketAddr,
    token: String,
    reading: BufReader<TcpStream>,
    /// What was read of the stream and is not a whole event yet.
    text: String,
    said: VecDeque<Said>,
    /// All that was read, as it came.
    pub(crate) raw: String,
    pub(crate) head: String,
    /// The connection's id, once `ready` was read.
    pub(crate) id: String,
    /// The number of the last request.
    brought: u64,
}

/// What a stream says.
#[derive(Debug)]
pub(crate) enum Said {
    Frame(Value),
    Comment,
    Close(Closed),
}

impl Events {
    /// Opens a stream; otherwise the answer that refused it.
    pub(crate) async fn open(s: &Stage, path: &str, token: &str) -> Result<Self, Reply> {
        Self::at(s.address, path, token).await
    }

    pub(crate) async fn at(address: SocketAddr, path: &str, token: &str) -> Result<Self, Reply> {
        Self::over(TcpStream::connect(address).await.unwrap(), path, token).await
    }

    /// The same for somebody who takes little at a time.
    pub(crate) async fn narrow(address: SocketAddr, path: &str, token: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        Self::over(socket.connect(address).await.unwrap(), path, token).await.unwrap_or_else(|_| panic!("it opens"))
    }

    async fn over(mut stream: TcpStream, path: &str, token: &str) -> Result<Self, Reply> {
        let address = stream.peer_addr().unwrap();
        let ask = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut reading = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = timeout(PATIENCE, reading.read_line(&mut head)).await.expect("a head in time").unwrap();
            assert!(read > 0, "{head}");
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        if status != 200 {
            let mut reply = Reply { status, head, body: String::new() };
            let length = reply.header("content-length").unwrap().parse().unwrap();
            let mut body = vec![0; length];
            reading.read_exact(&mut body).await.unwrap();
            reply.body = String::from_utf8(body).unwrap();
            return Err(reply);
        }
        let (token, said) = (token.to_owned(), VecDeque::new());
        let (text, raw, id) = (String::new(), String::new(), String::new());
        Ok(Self { address, token, reading, text, said, raw, head, id, brought: 0 })
    }

    /// What the stream says next; nothing when it has ended without a word.
    pub(crate) async fn hear(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.said.pop_front() {
                if let Said::Frame(frame) = &said
                    && frame["type"] == "ready"
                {
                    self.id = frame["connection_id"].as_str().unwrap().to_owned();
                }
                return Some(said);
            }
            let chunk = timeout(PATIENCE, self.chunk()).await.expect("an event in time")?;
            self.text.push_str(&chunk);
            self.raw.push_str(&chunk);
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                self.said.push_back(understood(event));
                self.text = rest.to_owned();
            }
        }
    }

    /// The next chunk of the response.
    async fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reading.read_line(&mut size).await.ok()?;
        let size = usize::from_str_radix(size.trim_end(), 16).ok().filter(|size| *size > 0)?;
        let mut chunk = vec![0; size + 2];
        self.reading.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(size);
        Some(String::from_utf8(chunk).unwrap())
    }

    /// The next frame for which `wanted` holds.
    pub(crate) async fn find(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            match self.hear().await {
                Some(Said::Frame(frame)) if wanted(&frame) => return frame,
                Some(Said::Frame(_) | Said::Comment) => {}
                ended => panic!("a frame was expected: {ended:?}"),
            }
        }
    }

    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["type"] == kind).await
    }

    /// All frames up to the end, and how it ended.
    pub(crate) async fn rest(&mut self) -> (Vec<Value>, Closed) {
        let mut frames = Vec::new();
        loop {
            match self.hear().await {
                Some(Said::Frame(frame)) => frames.push(frame),
                Some(Said::Comment) => {}
                Some(Said::Close(closed)) => {
                    assert!(self.hear().await.is_none(), "`close` is the last word");
                    return (frames, closed);
                }
                None => return (frames, Closed { code: 0, reason: String::new() }),
            }
        }
    }

    /// Brings frames in the next request.
    pub(crate) async fn bring(&mut self, frames: &str) -> Reply {
        self.brought += 1;
        self.bring_as(&self.token, self.brought, frames.as_bytes()).await
    }

    /// Brings frames in a request of any number, with any token.
    pub(crate) async fn bring_as(&self, token: &str, number: u64, frames: &[u8]) -> Reply {
        let authorization = format!("Bearer {token}");
        let path = format!("/events/frames/{}/", self.id);
        let body = [format!("{number}\n").as_bytes(), frames].concat();
        request(self.address, "POST", &path, &[("authorization", &authorization)], &body).await
    }

    /// Brings a command under a `ref`, and waits for its answer.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Value {
        frame["ref"] = "?".into();
        assert_eq!(self.bring(&frame.to_string()).await.status, 202);
        self.find(|answer| answer["ref"] == "?").await
    }

    /// The same, and what `ok` says.
    pub(crate) async fn does(&mut self, frame: Value) -> Value {
        let answer = self.ask(frame.clone()).await;
        assert_eq!(answer["type"], "reply", "{frame} -> {answer}");
        answer["ok"].clone()
    }
}

/// An event as WHATWG has it, as far as the server uses that.
fn understood(event: &str) -> Said {
    if event == ":" {
        return Said::Comment;
    }
    if let Some(data) = event.strip_prefix("event: close\ndata: ") {
        let close: Value = serde_json::from_str(data).unwrap();
        let code = u16::try_from(close["code"].as_u64().unwrap()).unwrap();
        assert_eq!(close, json!({"code": code, "reason": close["reason"]}));
        return Said::Close(Closed { code, reason: close["reason"].as_str().unwrap().to_owned() });
    }
    Said::Frame(serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
}
