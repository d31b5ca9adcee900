//! Plays the conversation of the protocol page against the engine: what a client sends there is sent, and what the
//! server says there is compared byte for byte, apart from white space.
//!
//! A block `json,from=NAME` is sent by that connection, a block `json,to=NAME` is what it hears next; frames in between
//! that the page does not show are passed over. `client1` is on the socket of room `job:42`, `client1-app` on the
//! general one. After a change that is meant, `UPDATE_DOCS=1 cargo test -p xtask --test protocol` writes the page anew;
//! read what it wrote.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    Actor, AddParticipant, Clock, CreateRoom, Engine, Error, MemoryStore, Options, Random, Result, RoomRef, Timestamp,
    UserId,
    wire::{Connection, Identity, Output, Setup, TokenVerifier},
};
use serde_json::Value;

#[tokio::test(start_paused = true)]
async fn the_protocol_page_shows_what_the_engine_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/protocol.md");
    let page = std::fs::read_to_string(&path).expect("the protocol page");
    let played = play(&page).await;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, played).expect("the protocol page is written");
        return;
    }
    for (n, (shown, said)) in page.lines().zip(played.lines()).enumerate() {
        assert_eq!(shown, said, "docs/src/protocol.md:{}; see this test's head", n + 1);
    }
    assert_eq!(page, played);
}

/// Plays a page and returns it as it should be.
async fn play(page: &str) -> String {
    let stage = Stage::new().await;
    let mut peers = BTreeMap::new();
    let mut renamed = Renamed::default();
    let (mut played, mut lines) = (String::new(), page.lines());
    while let Some(line) = lines.next() {
        played.push_str(line);
        played.push('\n');
        let Some((direction, name)) = line.strip_prefix("```json,").and_then(|info| info.split_once('=')) else {
            continue;
        };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let peer = peers.entry(name.to_owned()).or_insert_with(|| stage.connect(name));
        stage.clock.0.fetch_add(1_250, Ordering::Relaxed);
        if direction == "from" {
            for line in body {
                let frame = renamed.apply(line);
                peer.connection.receive(&frame);
                played.push_str(&frame);
                played.push('\n');
            }
            peer.settle().await;
        } else {
            let (shown, pretty) = frames(&body);
            for shown in shown {
                let said = peer.hear(&shown).await;
                renamed.learn(&shown, &serde_json::from_str(&said).expect("a frame is JSON"));
                played.push_str(&if pretty { indented(&said) } else { said });
                played.push('\n');
            }
        }
        played.push_str("```\n");
    }
    played
}

/// The frames of a block: one that is spread over lines, or one a line.
fn frames(body: &[&str]) -> (Vec<Value>, bool) {
    match serde_json::from_str(&body.concat()) {
        Ok(frame) => (vec![frame], body.len() > 1),
        Err(_) => (body.iter().map(|line| serde_json::from_str(line).expect("a frame is JSON")).collect(), false),
    }
}

/// A frame over several lines, its keys in the order in which they are sent.
fn indented(json: &str) -> String {
    let (mut out, mut depth, mut in_text, mut escaped) = (String::new(), 0, false, false);
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(c);
            continue;
        }
        let line = |out: &mut String, depth| {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        };
        match c {
            '{' | '[' if matches!(chars.peek(), Some('}' | ']')) => out.extend([c].into_iter().chain(chars.next())),
            '{' | '[' => {
                out.push(c);
                depth += 1;
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
}

/// Ids and cursors that the page shows and the engine now gives otherwise, for what is sent later.
#[derive(Default)]
struct Renamed(BTreeMap<String, String>);

impl Renamed {
    fn learn(&mut self, shown: &Value, said: &Value) {
        match (shown, said) {
            (Value::Object(shown), Value::Object(said)) => {
                shown
                    .iter()
                    .filter_map(|(key, shown)| Some((shown, said.get(key)?)))
                    .for_each(|(a, b)| self.learn(a, b));
            }
            (Value::Array(shown), Value::Array(said)) => shown.iter().zip(said).for_each(|(a, b)| self.learn(a, b)),
            (Value::String(shown), Value::String(said)) if shown != said => {
                self.0.insert(shown.clone(), said.clone());
            }
            _ => {}
        }
    }

    fn apply(&self, frame: &str) -> String {
        let quoted = |text: &String| format!("\"{text}\"");
        self.0.iter().fold(frame.to_owned(), |frame, (shown, said)| frame.replace(&quoted(shown), &quoted(said)))
    }
}

/// An engine in which everything happens the same way every time.
struct Stage {
    engine: Engine,
    clock: Arc<Steps>,
}

impl Stage {
    async fn new() -> Self {
        // 2026-03-02T09:00:00Z
        let clock = Arc::new(Steps(AtomicI64::new(1_772_442_000_000)));
        let random = Arc::new(Counted::default());
        let store = Arc::new(MemoryStore::new(&*random));
        let options = Options { clock: Arc::clone(&clock) as _, random, ..Options::default() };
        let engine = Engine::open(store, options);
        let person = |id: &str, name: &str| AddParticipant::new(user(id)).named(name);
        let key = "job:42".parse().expect("a key");
        let job = CreateRoom::keyed(key).named("Two rooms, Friday").with(person("client1", "Ann"));
        engine.host().create_room(job.with(person("cleaner1", "Ben"))).await.expect("the room is made");
        Self { engine, clock }
    }

    fn connect(&self, name: &str) -> Peer {
        let (user_id, room) = match name.split_once('-') {
            Some((user_id, _)) => (user_id, None),
            None => (name, Some(RoomRef::Key("job:42".parse().expect("a key")))),
        };
        let setup = Setup {
            room,
            heartbeat: Duration::from_secs(25),
            frame_bytes: 128 * 1024,
            auth_timeout: Duration::from_secs(10),
        };
        let identity = Identity { actor: Actor::User(user(user_id)), name: None, avatar: None, expires_at: None };
        let now = self.clock.now();
        let connection = Connection::open(self.engine.clone(), Arc::new(Nobody), setup, Some(identity), now);
        Peer { connection, heard: VecDeque::new() }
    }
}

fn user(id: &str) -> UserId {
    UserId::new(id).expect("a user id")
}

/// One connection, and what it heard that was not looked at yet.
struct Peer {
    connection: Connection,
    heard: VecDeque<String>,
}

impl Peer {
    /// Lets what was sent take effect.
    async fn settle(&mut self) {
        while self.listen(Duration::from_millis(100)).await {}
    }

    /// Takes what comes within `time`; whether anything did.
    async fn listen(&mut self, time: Duration) -> bool {
        let mut out = Vec::new();
        let came = tokio::time::timeout(time, self.connection.output(&mut out)).await.is_ok();
        self.heard.extend(out.iter().flat_map(Output::texts).map(|text| String::from_utf8_lossy(text).into_owned()));
        came
    }

    /// The next frame of the kind that is shown.
    async fn hear(&mut self, shown: &Value) -> String {
        loop {
            while let Some(said) = self.heard.pop_front() {
                let frame: Value = serde_json::from_str(&said).expect("a frame is JSON");
                let is_it = |key| shown.get(key).is_none_or(|shown| frame.get(key) == Some(shown));
                if ["type", "ref", "user_id", "code"].into_iter().all(is_it) {
                    return said;
                }
            }
            let came = self.listen(Duration::from_secs(60)).await;
            assert!(came, "the page shows a frame that never comes: {shown}");
        }
    }
}

/// A clock that moves only when it is told to.
#[derive(Debug)]
struct Steps(AtomicI64);

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Bytes that look random and are the same every time.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *byte = ((n ^ n >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8;
        }
    }
}

/// Knows no token: the page's peers are known from the start.
struct Nobody;

#[async_trait]
impl TokenVerifier for Nobody {
    async fn verify(&self, _token: &str) -> Result<Identity> {
        Err(Error::Unauthorized { reason: "no token is good" })
    }
}
