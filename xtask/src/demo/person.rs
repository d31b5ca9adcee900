//! A person with a socket.

use std::{
    collections::VecDeque,
    net::{Shutdown, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket, client::IntoClientRequest as _};

/// How long anybody waits for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// A person with a socket.
pub(super) struct Person {
    pub(super) name: &'static str,
    socket: WebSocket<TcpStream>,
    /// What came while something else was waited for.
    waiting: VecDeque<Value>,
    references: u64,
    /// The position after the last change that was seen, where the socket is a room's.
    cursor: Option<String>,
}

impl Person {
    /// Opens the chat of a job, or with `None` the socket for many rooms; returns the first frame too.
    pub(super) fn connect(url: &str, name: &'static str, token: &str, job: Option<u32>) -> Result<(Self, Value)> {
        let host = url.strip_prefix("http://").context("not an http address")?;
        let path = job.map_or("/ws/".to_owned(), |job| format!("/ws/job_chat/{job}/"));
        let mut request = format!("ws://{host}{path}").into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let (socket, _) = tungstenite::client(request, stream).context("the upgrade was refused")?;
        let mut person = Self { name, socket, waiting: VecDeque::new(), references: 0, cursor: None };
        let ready = person.read()?;
        ensure!(ready["type"] == "ready", "the first frame is not `ready` but {ready}");
        person.cursor = ready["room"]["cursor"].as_str().map(str::to_owned);
        Ok((person, ready))
    }

    /// Sends a command and returns what it is answered.
    pub(super) fn does(&mut self, mut command: Value) -> Result<Value> {
        self.references += 1;
        command["ref"] = self.references.into();
        self.socket.send(Message::text(command.to_string()))?;
        loop {
            let frame = self.read()?;
            match frame["type"].as_str() {
                Some("reply") if frame["ref"] == command["ref"] => return Ok(frame["ok"].clone()),
                Some("error") if frame["ref"] == command["ref"] => bail!("{command} was refused: {frame}"),
                _ => self.waiting.push_back(frame),
            }
        }
    }

    /// Sends a text under a name, so that it may be sent again.
    pub(super) fn says(&mut self, text: &str, client_id: &str) -> Result<Value> {
        self.does(json!({ "action": "send_message", "content": text, "client_id": client_id }))
    }

    /// The next event of a type; others are passed over.
    pub(super) fn hears(&mut self, kind: &str) -> Result<Value> {
        self.hears_that(kind, |_| true)
    }

    /// The next event of a type that fits; others are passed over.
    pub(super) fn hears_that(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            let frame = match self.waiting.pop_front() {
                Some(frame) => frame,
                None => self.read().with_context(|| format!("{} waits for `{kind}`", self.name))?,
            };
            if let Some(cursor) = frame["cursor"].as_str() {
                self.cursor = Some(cursor.to_owned());
            }
            if frame["type"] == kind && fits(&frame) {
                return Ok(frame);
            }
        }
    }

    /// The position after the last change that this person has seen.
    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The connection breaks, without a word.
    pub(super) fn loses_connection(self) -> Result<()> {
        Ok(self.socket.get_ref().shutdown(Shutdown::Both)?)
    }

    fn read(&mut self) -> Result<Value> {
        loop {
            match self.socket.read()? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(close) => bail!("the server closed: {close:?}"),
                _ => {}
            }
        }
    }
}
