//! People who send as fast as they can, until the server is gone, and what must be true afterwards.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    program::Server,
    wire::{Person, ask, history, token},
};

const SENDERS: [&str; 4] = ["ann", "ben", "cyd", "dan"];
/// In the room, and reads nothing.
const READER: &str = "eve";
/// How many sends of one person wait for their answers.
const WINDOW: usize = 16;

/// Everybody who sends, what they were told, and what they do not know.
#[derive(Default)]
pub(crate) struct Load {
    /// The answer to each send, by its name.
    acknowledged: BTreeMap<String, (String, u64)>,
    /// Each sender's sends without an answer; they are repeated under their names.
    unknown: BTreeMap<&'static str, VecDeque<String>>,
    /// How many sends have got a name.
    named: u64,
}

impl Load {
    /// Everybody who must be in the room.
    pub(crate) fn people() -> Vec<&'static str> {
        [&SENDERS[..], &[READER]].concat()
    }

    /// All send, until so many sends were acknowledged, and `end` has then ended the server.
    pub(crate) async fn until<T>(
        &mut self,
        server: Server,
        acknowledged: u64,
        end: impl AsyncFnOnce(Server) -> T,
    ) -> T {
        let (answers, mut answered) = mpsc::channel(64);
        let mut running = Vec::new();
        for sender in SENDERS {
            let person = Person::enters(server.address, sender).await;
            let open = self.unknown.remove(sender).unwrap_or_default();
            let names = Names { sender, next: self.named };
            self.named += 1_000_000;
            // spawns: a sender; it ends with the server, and is waited for below.
            running.push(tokio::spawn(send(person, open, names, answers.clone())));
        }
        drop(answers);
        for _ in 0..acknowledged {
            self.note(answered.recv().await.expect("the server runs until it is ended"));
        }
        let noting = async {
            while let Some(answer) = answered.recv().await {
                self.note(answer);
            }
        };
        let (ended, ()) = tokio::join!(end(server), noting);
        for (task, sender) in running.into_iter().zip(SENDERS) {
            self.unknown.insert(sender, task.await.unwrap());
        }
        ended
    }

    fn note(&mut self, (name, message): (String, Value)) {
        let place = (message["id"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap());
        let first = self.acknowledged.entry(name).or_insert_with(|| place.clone());
        assert_eq!(*first, place, "one send was answered in two ways");
    }

    /// Every acknowledged message is there, where it was said to be; nothing is there twice; there is no hole; unread
    /// is what a count says. Returns how many messages there are.
    pub(crate) async fn check(&self, server: &Server) -> usize {
        let stored = history(server, READER, "job:42").await;
        let mut found = BTreeMap::new();
        for (message, seq) in stored.iter().zip(1..) {
            assert_eq!(message["seq"], json!(seq), "a hole, or two in one place");
            let name = message["client_id"].as_str().unwrap().to_owned();
            assert_eq!(message["content"], json!(words(&name)));
            let before = found.insert(name, (message["id"].as_str().unwrap().to_owned(), seq));
            assert_eq!(before, None, "posted twice");
        }
        for (name, place) in &self.acknowledged {
            assert_eq!(found.get(name), Some(place), "{name} was acknowledged, and is lost or elsewhere");
        }
        for person in Self::people() {
            let (_, room) = ask(server, &token(person), "GET", "/api/chatrooms/job:42/", &Value::Null).await;
            let own = stored.iter().rfind(|message| message["sender"] == person);
            let read = own.map_or(0, |message| message["seq"].as_u64().unwrap());
            let unread = stored.len() as u64 - read;
            assert_eq!(room["unread_count"], json!(unread), "unread of {person}");
            assert_eq!(room["last_seq"], json!(stored.len()));
        }
        stored.len()
    }
}

/// The names that one sender gives.
struct Names {
    sender: &'static str,
    next: u64,
}

impl Names {
    fn give(&mut self) -> String {
        self.next += 1;
        format!("{}-{}", self.sender, self.next)
    }
}

fn words(name: &str) -> String {
    format!("This is {name}, and it says so.")
}

/// Sends, repeated ones first, until the socket ends. Returns what has no answer.
async fn send(
    mut person: Person,
    mut repeat: VecDeque<String>,
    mut names: Names,
    answers: mpsc::Sender<(String, Value)>,
) -> VecDeque<String> {
    let mut open = VecDeque::new();
    loop {
        while open.len() < WINDOW {
            let name = repeat.pop_front().unwrap_or_else(|| names.give());
            let command = json!({ "action": "send_message", "content": words(&name), "client_id": name, "ref": name });
            open.push_back(name);
            if person.write(&command).await.is_err() {
                open.append(&mut repeat);
                return open;
            }
        }
        match person.next().await {
            Some(frame) if frame["type"] == "reply" => {
                let name = frame["ref"].as_str().unwrap();
                let place = open.iter().position(|open| open == name).expect("an answer to what was asked");
                open.remove(place);
                let answer = (name.to_owned(), frame["ok"]["message"].clone());
                answers.send(answer).await.unwrap();
            }
            Some(frame) if frame["type"] == "error" => {
                assert_eq!(frame["code"], "draining", "{frame}");
                open.append(&mut repeat);
                return open;
            }
            Some(_) => {}
            None => {
                open.append(&mut repeat);
                return open;
            }
        }
    }
}
