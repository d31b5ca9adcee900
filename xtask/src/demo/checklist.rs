//! The testing checklist of the chat that this engine replaces, played by two people who talk about a job.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::server::Server;

use super::{app::App, person::Person, transcript::Transcript};

/// Who plays.
struct Stage<'a> {
    server: &'a mut Server,
    transcript: &'a mut Transcript,
    app: App,
    client_token: String,
    cleaner_token: String,
}

/// Plays it; the first thing that is not as it must be ends it.
pub(super) fn play(server: &mut Server, transcript: &mut Transcript) -> Result<()> {
    let app = App::new(server.url(), &server.token("app", Some("service"))?);
    let (client_token, cleaner_token) = (server.token("client1", None)?, server.token("cleaner1", None)?);
    let mut stage = Stage { server, transcript, app, client_token, cleaner_token };
    stage.a_room_is_made()?;
    let (mut client, mut cleaner) = stage.both_open_the_chat()?;
    stage.messages_go_both_ways(&mut client, &mut cleaner)?;
    stage.typing_shows_and_ends(&mut client, &mut cleaner)?;
    stage.ticks_follow_a_message(&mut client, &mut cleaner)?;
    let cleaner = stage.unread_is_counted(&mut client, cleaner)?;
    stage.a_lost_connection_is_resumed(&mut client, cleaner)?;
    stage.several_chats_at_once()?;
    stage.the_server_is_killed(&mut client)
}

impl Stage<'_> {
    fn a_room_is_made(&mut self) -> Result<()> {
        self.transcript.scene("The marketplace makes a chat for a job");
        let room = json!({ "key": "job:42", "name": "Two rooms, Friday", "participants": [
            { "user_id": "client1", "name": "Clara" }, { "user_id": "cleaner1", "name": "Kim" }] });
        let (status, made) = self.app.post("/api/chatrooms/", &room)?;
        ensure!(status == 201, "the room was not made: {status} {made}");
        self.transcript.does("app", "POST /api/chatrooms/ with the key job:42, for client1 and cleaner1: 201");
        let (status, again) = self.app.post("/api/chatrooms/", &room)?;
        ensure!(status == 200 && again["id"] == made["id"], "asking twice made another room: {status} {again}");
        self.transcript.does("app", "the same again: 200, the same room");
        self.proves("a job has one chat, however often it is asked for");
        Ok(())
    }

    fn both_open_the_chat(&mut self) -> Result<(Person, Person)> {
        self.transcript.scene("Both open it");
        let mut client = self.enters("client1")?;
        let cleaner = self.enters("cleaner1")?;
        let joined = client.hears_that("user_joined", |event| event["user_id"] == "cleaner1")?;
        ensure!(joined["present"] == json!(["cleaner1", "client1"]), "who is present: {joined}");
        self.transcript.hears("client1", "cleaner1 is here");
        Ok((client, cleaner))
    }

    fn messages_go_both_ways(&mut self, client: &mut Person, cleaner: &mut Person) -> Result<()> {
        self.transcript.scene("Messages, both ways");
        let talk = [
            ("client1", "Hello! Can you come on Friday at nine?"),
            ("cleaner1", "Nine is fine. Is there parking?"),
            ("client1", "Behind the house 🅿️\nThe gate code is 4711."),
        ];
        let (mut seen_by_client, mut seen_by_cleaner) = (Vec::new(), Vec::new());
        for (n, (who, text)) in (1..).zip(talk) {
            let (from, to) =
                if who == "client1" { (&mut *client, &mut *cleaner) } else { (&mut *cleaner, &mut *client) };
            let begun = Instant::now();
            from.says(text, &format!("talk-{n}"))?;
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            self.transcript.does(who, &format!("{}   stored and answered in {took:.1} ms", json!(text)));
            let heard = to.hears("chat_message")?["message"].clone();
            self.transcript.hears(to.name, &format!("#{} {}: {}", heard["seq"], heard["sender"], heard["content"]));
            let own = from.hears("chat_message")?["message"].clone();
            let (left, right) = if who == "client1" { (own, heard) } else { (heard, own) };
            seen_by_client.push(left);
            seen_by_cleaner.push(right);
        }
        ensure!(seen_by_client == seen_by_cleaner, "they saw different things");
        ensure!(places(&seen_by_client) == [1, 2, 3], "the messages are not numbered 1, 2, 3");
        ensure!(
            seen_by_client.iter().zip(talk).all(|(message, (_, text))| message["content"] == text),
            "a text changed"
        );
        let (_, page) = App::new(self.server.url(), &self.cleaner_token).get("/api/chatrooms/job:42/messages/")?;
        let mut stored = list(&page)?;
        stored.reverse();
        ensure!(stored == seen_by_client, "history says something else: {page}");
        self.proves("both see the same messages, in the same order, and so does the history");
        Ok(())
    }

    fn typing_shows_and_ends(&mut self, client: &mut Person, cleaner: &mut Person) -> Result<()> {
        self.transcript.scene("Typing");
        let begun = Instant::now();
        client.does(json!({ "action": "typing_start" }))?;
        self.transcript.does("client1", "types, and stops without a word");
        cleaner.hears_that("typing", |event| event["typing"] == json!(["client1"]))?;
        self.transcript.hears("cleaner1", "client1 is typing …");
        cleaner.hears_that("typing", |event| event["typing"] == json!([]))?;
        let took = begun.elapsed().as_secs_f64();
        self.transcript.hears("cleaner1", &format!("nobody is typing   after {took:.1} s"));
        ensure!(took > 2.5, "typing ended after {took:.1} s");
        self.proves("typing shows at once, and ends by itself after 3 s");
        Ok(())
    }

    fn ticks_follow_a_message(&mut self, client: &mut Person, cleaner: &mut Person) -> Result<()> {
        self.transcript.scene("Ticks");
        let sent = client.says("See you on Friday.", "ticks")?["message"].clone();
        self.transcript.does("client1", "\"See you on Friday.\"   ✓");
        cleaner.hears_that("chat_message", |event| event["message"]["id"] == sent["id"])?;
        for (action, event, ticks) in
            [("message_delivered", "message_delivered", "✓✓"), ("read_message", "message_read", "✓✓ read")]
        {
            cleaner.does(json!({ "action": action, "message_id": sent["id"] }))?;
            self.transcript.does("cleaner1", action);
            let told = client.hears_that(event, |told| told["user_id"] == "cleaner1")?;
            ensure!(told["seq"] == sent["seq"] && told["message_id"] == sent["id"], "of another message: {told}");
            self.transcript.hears("client1", &format!("#{} {ticks}", told["seq"]));
        }
        let (_, readers) = self.app.get(&format!("/api/messages/{}/readers/", text(&sent["id"])?))?;
        let readers: Vec<_> = list(&readers)?.iter().map(|reader| reader["user_id"].clone()).collect();
        ensure!(readers == ["cleaner1"], "the readers are {readers:?}");
        self.proves("a message is sent, delivered, read, and its author sees each");
        Ok(())
    }

    fn unread_is_counted(&mut self, client: &mut Person, cleaner: Person) -> Result<Person> {
        self.transcript.scene("Unread");
        cleaner.loses_connection()?;
        client.hears_that("user_left", |event| event["user_id"] == "cleaner1")?;
        self.transcript.does("cleaner1", "closes the chat");
        for n in 1..=3 {
            client.says(&format!("One more thing, number {n}"), &format!("unread-{n}"))?;
        }
        let last = client.says("Never mind that one", "unread-4")?["message"].clone();
        client.does(json!({ "action": "delete_message", "message_id": last["id"] }))?;
        self.transcript.does("client1", "sends 4 messages, and deletes the last");
        ensure!(self.unread_of_cleaner()? == 3, "unread is not 3");
        self.transcript.hears("cleaner1", "3 unread in the list of chats");
        let mut cleaner = self.enters("cleaner1")?;
        cleaner.does(json!({ "action": "read_message", "seq": last["seq"] }))?;
        ensure!(self.unread_of_cleaner()? == 0, "unread is not 0 after reading");
        self.transcript.does("cleaner1", "opens the chat and reads: 0 unread");
        self.proves("unread is exact: 3 of 4, for one was deleted, and 0 after reading");
        Ok(cleaner)
    }

    fn a_lost_connection_is_resumed(&mut self, client: &mut Person, mut cleaner: Person) -> Result<()> {
        self.transcript.scene("A connection is lost");
        let before = client.says("I am at the door", "door")?["message"].clone();
        cleaner.hears_that("chat_message", |event| event["message"]["id"] == before["id"])?;
        let cursor = cleaner.cursor().context("a cursor")?.to_owned();
        cleaner.loses_connection()?;
        self.transcript.does("cleaner1", "is in the lift: the connection breaks");
        let missed = (1..=3)
            .map(|n| Ok(client.says(&format!("Are you there? ({n})"), &format!("lift-{n}"))?["message"].clone()))
            .collect::<Result<Vec<_>>>()?;
        client.does(
            json!({ "action": "edit_message", "message_id": before["id"], "content": "I am at the back door" }),
        )?;
        client.does(json!({ "action": "delete_message", "message_id": missed[1]["id"] }))?;
        let again = client.says("Are you there? (3)", "lift-3")?;
        ensure!(
            again["duplicate"] == true && again["message"]["id"] == missed[2]["id"],
            "a retry posted twice: {again}"
        );
        self.transcript.does("client1", "sends 3, edits an older one, deletes one, and repeats a send");
        let mut cleaner = self.enters("cleaner1")?;
        let resumed = cleaner.does(json!({ "action": "subscribe", "room": "job:42", "cursor": cursor }))?;
        let changes = resumed["rooms"][0]["changes"].as_array().context("changes")?.clone();
        for change in &changes {
            let message = &change["message"];
            self.transcript
                .hears("cleaner1", &format!("{} #{} {}", text(&change["type"])?, message["seq"], message["content"]));
        }
        ensure!(resumed["rooms"][0]["more"] == false, "there is more: {resumed}");
        let told = |kind: &str, message: &Value| {
            changes.iter().filter(|change| change["type"] == kind && change["message"]["id"] == message["id"]).count()
        };
        ensure!(told("chat_message", &missed[0]) == 1 && told("chat_message", &missed[2]) == 1, "a message is missing");
        ensure!(
            told("message_edited", &before) == 1 && told("message_deleted", &missed[1]) == 1,
            "a change is missing"
        );
        ensure!(changes.len() == 4, "something came twice: {changes:?}");
        let mut heads = changes.iter().map(|change| change["rev"].as_u64());
        ensure!(heads.by_ref().is_sorted(), "the changes are out of order");
        self.proves("a lost connection resumes from its cursor: no gap, nothing twice, edits and deletes included");
        self.proves("a send that is repeated posts once");
        Ok(())
    }

    fn several_chats_at_once(&mut self) -> Result<()> {
        self.transcript.scene("Several chats at once");
        let jobs = [42, 43, 44];
        for job in [43, 44] {
            let room = json!({ "key": format!("job:{job}"), "participants": ["client1", "cleaner1"] });
            let (status, made) = self.app.post("/api/chatrooms/", &room)?;
            ensure!(status == 201, "the room was not made: {made}");
        }
        let (mut all, _) = Person::connect(self.server.url(), "client1", &self.client_token, None)?;
        let rooms: Vec<_> = jobs.iter().map(|job| json!({ "room": format!("job:{job}") })).collect();
        let opened = all.does(json!({ "action": "subscribe", "rooms": rooms }))?;
        let ids: Vec<_> =
            opened["rooms"].as_array().context("rooms")?.iter().map(|room| room["room"].clone()).collect();
        self.transcript.does("client1", "opens the chats of the jobs 42, 43 and 44 on one socket");
        let mut cleaners = Vec::new();
        for job in jobs {
            cleaners.push(Person::connect(self.server.url(), "cleaner1", &self.cleaner_token, Some(job))?.0);
        }
        for round in 1..=2 {
            for (cleaner, job) in cleaners.iter_mut().zip(jobs) {
                cleaner.says(&format!("Job {job}, message {round}"), &format!("many-{round}"))?;
            }
        }
        self.transcript.does("cleaner1", "writes 2 messages into each, in turns");
        for round in 1..=2 {
            for (id, job) in ids.iter().zip(jobs) {
                let heard = all.hears("chat_message")?;
                let expected = format!("Job {job}, message {round}");
                ensure!(
                    heard["room"] == *id && heard["message"]["content"] == expected,
                    "a message went astray: {heard}"
                );
                self.transcript.hears("client1", &format!("{expected:?}"));
            }
        }
        self.proves("several chats run on one socket, and no message goes astray");
        Ok(())
    }

    fn the_server_is_killed(&mut self, client: &mut Person) -> Result<()> {
        self.transcript.scene("The server is killed");
        let last = client.says("Still there after this?", "kill")?["message"].clone();
        let path = "/api/chatrooms/job:42/messages/?limit=200";
        let (_, before) = self.app.get(path)?;
        self.server.kill_and_start()?;
        self.transcript.does("nobody", "kill −9, right after the answer; the server starts again on its file");
        let (_, after) = self.app.get(path)?;
        ensure!(before == after, "the history is another one");
        let stored = list(&after)?;
        let expected: Vec<u64> = (1..=stored.len() as u64).rev().collect();
        ensure!(places(&stored) == expected && stored[0]["id"] == last["id"], "the history has a hole: {after}");
        self.transcript.hears("app", &format!("all {} messages of job 42, up to the last", stored.len()));
        let cursor = {
            client.hears_that("chat_message", |event| event["message"]["id"] == last["id"])?;
            client.cursor().context("a cursor")?.to_owned()
        };
        let (mut client, _) = Person::connect(self.server.url(), "client1", &self.client_token, None)?;
        let resumed = client.does(json!({ "action": "subscribe", "room": "job:42", "cursor": cursor }))?;
        ensure!(resumed["rooms"][0]["same"] == true, "something was missed: {resumed}");
        self.transcript.hears("client1", "resumed: nothing was missed");
        self.proves("what was answered is still there after kill −9, and clients go on where they were");
        Ok(())
    }

    // ---- what scenes are made of --------------------------------------------------------------------------------

    fn enters(&self, name: &'static str) -> Result<Person> {
        let token = if name == "client1" { &self.client_token } else { &self.cleaner_token };
        let (person, ready) = Person::connect(self.server.url(), name, token, Some(42))?;
        ensure!(ready["user_id"] == name && ready["room"]["key"] == "job:42", "another room: {ready}");
        self.transcript.does(name, "opens /ws/job_chat/42/");
        Ok(person)
    }

    fn unread_of_cleaner(&self) -> Result<u64> {
        let (_, room) = App::new(self.server.url(), &self.cleaner_token).get("/api/chatrooms/job:42/")?;
        room["unread_count"].as_u64().context("a count")
    }

    fn proves(&mut self, what: &str) {
        self.transcript.proves(what.to_owned());
    }
}

fn list(page: &Value) -> Result<Vec<Value>> {
    Ok(page["results"].as_array().with_context(|| format!("no list: {page}"))?.clone())
}

fn places(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|message| message["seq"].as_u64()).collect()
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("a text")
}
