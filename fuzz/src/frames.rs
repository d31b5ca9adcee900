//! Frames of the wire: whatever a client sends is answered, and everybody else sees a history without a gap.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{
    Cursor, Error, Result, RoomRef, Timestamp,
    wire::{Closing, Connection, Identity, Output, Setup, TokenVerifier},
};
use chat_testkit::{START, cast::key};
use serde_json::{Map, Value};

use crate::stage::{Stage, known, proper, run};

/// Tells a connection every line of the input. The first one says whose it is: `PLACE NAME`, where the place is `room`
/// or `all`, and the name one of the cast, `host`, or nobody's: then a token must come first.
///
/// A line that is a JSON object without a `ref` gets one. Then: each `ref` is answered once; nothing is answered that
/// was not asked; every frame is an object that begins with its type; every error is one that the docs list; and bob,
/// who has the room open, is told of each change in turn.
///
/// # Panics
/// If that does not hold.
pub fn frames(input: &[u8]) {
    run(async {
        let stage = Stage::set().await;
        let mut watcher = Watcher::enter(&stage).await;
        let mut lines = input.split(|byte| *byte == b'\n');
        let mut peer = Peer::open(&stage, &String::from_utf8_lossy(lines.next().unwrap_or_default()));
        for (number, line) in lines.enumerate() {
            peer.says(&stage, number, line).await;
            watcher.looks().await;
        }
        peer.falls_silent().await;
        watcher.looks().await;
        drop((peer, watcher));
        stage.ends().await;
    });
}

/// The token is the name.
struct Names;

#[async_trait]
impl TokenVerifier for Names {
    async fn verify(&self, token: &str) -> Result<Identity> {
        known(token).ok_or(Error::Unauthorized { reason: "nobody has this name" })
    }
}

fn connect(stage: &Stage, in_room: bool, who: Option<Identity>) -> Connection {
    let setup = Setup {
        room: in_room.then(|| RoomRef::Key(key("job:42"))),
        heartbeat: Duration::from_secs(25),
        frame_bytes: 128 * 1024,
        auth_timeout: Duration::from_secs(10),
    };
    Connection::open(stage.engine.clone(), Arc::new(Names), setup, who, Timestamp::from_millis(START))
}

/// Everything that a connection says until it waits for something.
async fn hear(connection: &mut Connection) -> (Vec<Value>, Option<Closing>) {
    let (mut frames, mut closing) = (Vec::new(), None);
    let quiet = Duration::from_secs(1);
    while closing.is_none() {
        let Ok(end) = tokio::time::timeout(quiet, connection.output(&mut frames)).await else { break };
        closing = end;
    }
    (frames.iter().flat_map(Output::texts).map(read).collect(), closing)
}

fn read(frame: &Bytes) -> Value {
    let value: Value = serde_json::from_slice(frame).expect("a frame is JSON");
    assert!(frame.starts_with(br#"{"type":""#), "a frame begins with its type: {value}");
    if value["type"] == "error" {
        proper(&value);
    }
    value
}

/// Who sends the input.
struct Peer {
    connection: Connection,
    closing: Option<Closing>,
    /// How often each `ref` was sent and not answered. Those that we gave begin with `#`.
    asked: BTreeMap<String, i64>,
    /// Whether something was sent that may have a `ref`, and may have none.
    unread: bool,
}

impl Peer {
    fn open(stage: &Stage, first: &str) -> Self {
        let (place, name) = first.split_once(' ').unwrap_or((first, "alice"));
        let connection = connect(stage, place == "room", known(name));
        Self { connection, closing: None, asked: BTreeMap::new(), unread: false }
    }

    async fn says(&mut self, stage: &Stage, number: usize, line: &[u8]) {
        while self.closing.is_none() && !self.connection.has_room() {
            self.listen().await;
        }
        let Ok(text) = std::str::from_utf8(line) else { return self.connection.receive_binary() };
        let mut text = stage.told(text);
        match serde_json::from_str::<Map<String, Value>>(&text) {
            Ok(mut object) => {
                let name = object.entry("ref").or_insert_with(|| format!("#{number}").into());
                *self.asked.entry(name.to_string()).or_default() += 1;
                text = Value::Object(object).to_string();
            }
            // What goes too deep for us may be good enough for the server, which skips what it does not know.
            Err(_) => self.unread = true,
        }
        self.connection.receive(&text);
        if number.is_multiple_of(4) {
            self.listen().await;
        }
    }

    async fn listen(&mut self) {
        let (frames, closing) = hear(&mut self.connection).await;
        self.closing = closing.or(self.closing);
        for frame in frames.iter().filter(|frame| frame["type"] == "reply" || frame["type"] == "error") {
            if let Some(name) = frame.get("ref") {
                let open = self.asked.entry(name.to_string()).or_default();
                *open -= 1;
                assert!(*open >= 0 || self.unread, "answered more often than asked: {frame}");
            }
        }
    }

    async fn falls_silent(&mut self) {
        if self.closing.is_none() {
            self.listen().await;
        }
        let waits = self.asked.iter().find(|(name, open)| name.starts_with("\"#") && **open > 0);
        if let (None, Some((name, _))) = (self.closing, waits) {
            panic!("{name} was never answered");
        }
    }
}

/// Bob, who has the room open all the time.
struct Watcher {
    connection: Connection,
    /// The last change of the room that he was told; nothing once he is out.
    at: Option<u64>,
    room: String,
}

impl Watcher {
    async fn enter(stage: &Stage) -> Self {
        let mut connection = connect(stage, true, known("bob"));
        let ready = hear(&mut connection).await.0.remove(0);
        let cursor: Cursor = serde_json::from_value(ready["room"]["cursor"].clone()).expect("`ready` has a cursor");
        Self { connection, at: Some(cursor.rev), room: stage.room.to_string() }
    }

    async fn looks(&mut self) {
        let Some(mut at) = self.at else { return };
        let (frames, closing) = hear(&mut self.connection).await;
        for frame in frames {
            assert_ne!(frame["type"], "resync", "nothing was dropped");
            let Some(rev) = frame["rev"].as_u64().filter(|_| frame["room"] == *self.room) else { continue };
            let follows = frame["prev"].as_u64().unwrap_or(rev - 1);
            assert_eq!(follows, at, "a gap or a double before {frame}");
            at = rev;
        }
        self.at = closing.is_none().then_some(at);
    }
}
