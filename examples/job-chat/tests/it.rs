//! The program as its page uses it, over HTTP: who may do what, and what the chat is told of it.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The program, on files of its own; dropping it kills it.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(data: &Path, web: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_job-chat"))
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--web")
            .arg(web)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("job-chat listens on ").expect("its address").to_owned();
        Self { child, url }
    }

    /// Somebody who has not logged in.
    fn stranger(&self) -> Visitor<'_> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Visitor { agent: config.into(), program: self, header: ("x-nothing", String::new()) }
    }

    /// Somebody who has.
    fn visitor(&self, who: &str) -> Visitor<'_> {
        let mut visitor = self.stranger();
        let (status, cookie, _) = visitor.log_in(&format!("{who}@test.com"), "testpass123");
        assert_eq!(status, 200, "{who}");
        visitor.header = ("cookie", cookie.split(';').next().unwrap().to_owned());
        visitor
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

struct Visitor<'a> {
    agent: ureq::Agent,
    program: &'a Program,
    header: (&'static str, String),
}

impl Visitor<'_> {
    fn log_in(&self, email: &str, password: &str) -> (u16, String, Value) {
        let login = json!({ "email": email, "password": password });
        let mut answer = self.agent.post(format!("{}/api/login", self.program.url)).send_json(login).unwrap();
        let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        (answer.status().as_u16(), cookie.unwrap_or_default(), answer.body_mut().read_json().unwrap())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let (name, value) = &self.header;
        let mut answer = self.agent.get(format!("{}{path}", self.program.url)).header(*name, value).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    fn post(&self, path: &str) -> (u16, Value) {
        let (name, value) = &self.header;
        let request = self.agent.post(format!("{}{path}", self.program.url)).header(*name, value);
        let mut answer = request.send_empty().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default())
    }

    fn give(&self, job: u32, cleaner: &str) -> (u16, Value) {
        let (name, value) = &self.header;
        let request = self.agent.put(format!("{}/api/jobs/{job}/cleaner", self.program.url)).header(*name, value);
        let mut answer = request.send_json(json!({ "cleaner": cleaner })).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// The same person before the chat, with the token that the application grants.
    fn in_chat(&self) -> Self {
        let (_, granted) = self.post("/api/chat-token");
        let header = ("authorization", format!("Bearer {}", granted["token"].as_str().unwrap()));
        Visitor { agent: self.agent.clone(), header, ..*self }
    }

    /// What the chat of a job says, oldest first; system messages only.
    fn notes(&self, job: u32) -> Vec<String> {
        let (status, page) = self.in_chat().get(&format!("/chat/api/chatrooms/job:{job}/messages/"));
        assert_eq!(status, 200, "{page}");
        let messages = page["results"].as_array().unwrap().iter().rev();
        let notes = messages.filter(|message| message["message_type"] == "system");
        notes.map(|note| note["content"].as_str().unwrap().to_owned()).collect()
    }
}

/// The program on a fresh folder.
fn fresh() -> (TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), folder.path());
    (folder, program)
}

#[test]
fn a_page_of_another_origin_cannot_have_its_visitor_ask() {
    let (_folder, program) = fresh();
    let client = program.visitor("client1");
    let (name, cookie) = &client.header;
    let ask = |site: &str| {
        let request = client.agent.post(format!("{}/api/logout", program.url)).header(*name, cookie);
        request.header("sec-fetch-site", site).send_empty().unwrap().status().as_u16()
    };
    assert_eq!(["same-site", "cross-site"].map(ask), [403, 403]);
    assert_eq!(client.get("/api/me").0, 200, "still logged in");
    assert_eq!(ask("same-origin"), 204);
    assert_eq!(client.get("/api/me").0, 401);
}

#[test]
fn a_login_gives_a_cookie_and_from_it_tokens_for_the_chat() {
    let (_folder, program) = fresh();
    let stranger = program.stranger();
    for path in ["/api/me", "/api/jobs", "/api/cleaners"] {
        assert_eq!(stranger.get(path).0, 401, "{path}");
    }
    assert_eq!(stranger.post("/api/chat-token").0, 401);
    assert_eq!(stranger.get("/api/nothing").0, 404);
    assert_eq!(stranger.get("/chat/api/chatrooms/").0, 401);
    let wrong = stranger.log_in("client1@test.com", "testpass124");
    let unknown = stranger.log_in("nobody@test.com", "testpass123");
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, unknown, "who is there is not told");

    let (_, cookie, person) = stranger.log_in("client1@test.com", "testpass123");
    assert_eq!(person, json!({ "id": "client1", "name": "Clara Novak", "role": "client" }));
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    let client = program.visitor("client1");
    assert_eq!(client.get("/api/me").1, person);
    let (_, rooms) = client.in_chat().get("/chat/api/chatrooms/");
    let mut keys: Vec<_> = rooms["results"].as_array().unwrap().iter().map(|room| room["key"].clone()).collect();
    keys.sort_by_key(Value::to_string);
    assert_eq!(keys, ["job:41", "job:42", "job:43", "job:44", "job:46"], "one for each of her jobs");

    assert_eq!(client.post("/api/logout").0, 204);
    assert_eq!(client.get("/api/me").0, 401);
}

#[test]
fn a_job_goes_step_by_step_and_its_chat_is_told() {
    let (_folder, program) = fresh();
    let (client, cleaner) = (program.visitor("client1"), program.visitor("cleaner1"));
    assert_eq!(cleaner.post("/api/jobs/43/start").0, 409, "not before it is confirmed");
    assert_eq!(client.post("/api/jobs/43/confirm").0, 403, "that is the cleaner's");
    assert_eq!(program.visitor("cleaner2").post("/api/jobs/43/confirm").0, 404, "nor another cleaner's");
    assert_eq!(client.notes(43), Vec::<String>::new());
    for (step, status) in [("confirm", "confirmed"), ("start", "started"), ("finish", "finished")] {
        let (answer, job) = cleaner.post(&format!("/api/jobs/43/{step}"));
        assert_eq!((answer, &job["status"]), (200, &json!(status)));
        assert_eq!(cleaner.post(&format!("/api/jobs/43/{step}")).0, 409, "not twice");
    }
    let told = ["Kim Osei confirmed the job", "Kim Osei started the job", "Kim Osei finished the job"];
    assert_eq!(client.notes(43), told);
}

#[test]
fn whoever_loses_a_job_loses_its_chat() {
    let (_folder, program) = fresh();
    let (client, before, after) =
        (program.visitor("client1"), program.visitor("cleaner1"), program.visitor("cleaner2"));
    assert_eq!(before.notes(42), ["Kim Osei confirmed the job"]);
    assert_eq!(after.get("/api/jobs/42").0, 404);
    assert_eq!(before.give(42, "cleaner2").0, 403);
    assert_eq!(client.give(42, "client2").0, 404, "client2 does not clean");

    let (status, job) = client.give(42, "cleaner2");
    assert_eq!((status, &job["status"], &job["cleaner"]["id"]), (200, &json!("requested"), &json!("cleaner2")));
    assert_eq!(before.get("/api/jobs/42").0, 404);
    assert_eq!(before.in_chat().get("/chat/api/chatrooms/job:42/messages/").0, 404);
    assert_eq!(after.notes(42), ["Kim Osei confirmed the job", "Clara Novak gave the job to Lina Sato"]);
    assert_eq!(client.give(41, "cleaner2").0, 409, "that job has begun");
}

#[test]
fn after_a_crash_it_goes_on_where_it_was_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), folder.path());
    let client = program.visitor("client1");
    let (header, before) = (client.header.clone(), client.notes(41));
    assert_eq!(before, ["Kim Osei confirmed the job", "Kim Osei started the job"]);
    drop(program);

    let program = Program::start(folder.path(), folder.path());
    let client = Visitor { header, ..program.stranger() };
    assert_eq!(client.get("/api/me").1["id"], "client1", "the session outlives the process");
    assert_eq!(client.notes(41), before);
}

#[test]
fn the_page_is_served_under_a_strict_policy_or_it_is_said_how_to_build_it() {
    let (folder, program) = fresh();
    let page = |program: &Program, path: &str| {
        let mut answer = program.stranger().agent.get(format!("{}{path}", program.url)).call().unwrap();
        let header = |name| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let (policy, keep) = (header("content-security-policy"), header("cache-control"));
        (answer.status().as_u16(), policy, keep, answer.body_mut().read_to_string().unwrap())
    };
    let (status, _, _, text) = page(&program, "/");
    assert_eq!(status, 503);
    assert!(text.contains("npm ci"), "{text}");
    drop(program);

    let web = folder.path().join("web");
    std::fs::create_dir_all(web.join("assets")).unwrap();
    std::fs::write(web.join("index.html"), "the page").unwrap();
    std::fs::write(web.join("assets/a.js"), "a script").unwrap();
    let program = Program::start(folder.path(), &web);
    for path in ["/", "/jobs/42/chat", "/login"] {
        let (status, policy, keep, text) = page(&program, path);
        assert_eq!((status, &*keep, &*text), (200, "no-cache", "the page"), "{path}");
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    }
    let (_, _, keep, text) = page(&program, "/assets/a.js");
    assert_eq!((&*keep, &*text), ("public, max-age=31536000, immutable", "a script"));
}
