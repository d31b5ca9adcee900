//! The application's permission hook: what it is asked, what its answers do, and what becomes of it when it fails.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    AddParticipant, Attempt, Code, CreateRoom, Denial, EditMessage, Error, HistoryMode, MarkKind, MemoryStore,
    MessageId, Options, PermissionHook, RemoveParticipant, Role, RoomId, RoomRef, SendMessage, Store, UpdateMe,
    UpdateParticipant, UpdateRoom,
};
use futures_util::{FutureExt as _, future::join_all};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    held::{Call, Held},
    stage::{Stage, give_up_after, user, waiting},
    wire,
};

/// Answers by what a message says, and remembers what it was asked.
#[derive(Debug, Default)]
struct Rule {
    asked: Mutex<Vec<String>>,
    /// How many questions are open.
    open: watch::Sender<usize>,
    /// Whether those who must wait may go on.
    go: watch::Sender<bool>,
    /// Whether nothing is allowed any more.
    over: watch::Sender<bool>,
}

struct Open<'a>(&'a Rule);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

#[async_trait]
impl PermissionHook for Rule {
    async fn permit(&self, attempt: Attempt<'_>) -> Result<(), Denial> {
        self.open.send_modify(|open| *open += 1);
        let _open = Open(self);
        let command = serde_json::to_value(attempt.command).unwrap();
        let key = attempt.room.map(|room| room.key.as_ref().unwrap().to_string());
        let place = key.unwrap_or_else(|| "nowhere".into());
        let asked = format!("{} {} {place}", attempt.user, command["action"].as_str().unwrap());
        self.asked.lock().unwrap().push(asked);
        match command["content"].as_str() {
            _ if *self.over.borrow() => Err(Denial::forbidden("the job is over")),
            Some("no") => Err(Denial::forbidden("the job is over")),
            Some("long") => Err(Denial::forbidden("é".repeat(5_000))),
            Some("unknown") => Err(Denial::Unavailable),
            Some("panic") => panic!("as the test wants it"),
            Some("never") => pending().await,
            Some("wait") => {
                self.go.subscribe().wait_for(|go| *go).await.unwrap();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Rule {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    async fn open(&self, wanted: usize) {
        self.open.subscribe().wait_for(|open| *open == wanted).await.unwrap();
    }
}

async fn on(store: Arc<dyn Store>) -> (Stage, Arc<Rule>) {
    let rule = Arc::new(Rule::default());
    let options = Options { permission: Some(Arc::clone(&rule) as _), ..Options::default() };
    let create = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann")).with(user("ben"));
    (Stage::over(store, options, create).await, rule)
}

async fn stage() -> (Stage, Arc<Rule>) {
    on(Arc::new(MemoryStore::default())).await
}

#[tokio::test]
async fn it_is_asked_for_every_command_of_a_user_and_for_none_of_the_hosts() {
    let (s, rule) = stage().await;
    let max = AddParticipant::new(user("max")).role(Role::Owner);
    s.host().add_participant(s.room, max).await.unwrap();
    s.host().send(s.room, SendMessage::system("no")).await.unwrap();
    assert_eq!(rule.asked(), [""; 0], "the host is not asked about");

    let max = s.of("max");
    let message = max.send(s.room, SendMessage::text("hi")).await.unwrap().message;
    max.edit(EditMessage::text(message.id, "ho")).await.unwrap();
    max.mark_message(MarkKind::Read, message.id).await.unwrap();
    max.delete(message.id).await.unwrap();
    max.mark(s.room, MarkKind::Delivered, 1).await.unwrap();
    max.update_me(s.room, UpdateMe { pinned: Some(true), ..UpdateMe::default() }).await.unwrap();
    max.update_room(s.room, UpdateRoom { name: Some(Some("n".into())), ..UpdateRoom::default() }).await.unwrap();
    max.add_participant(s.room, user("eve")).await.unwrap();
    let admin = UpdateParticipant { role: Some(Role::Admin), ..UpdateParticipant::of(user("eve")) };
    max.update_participant(s.room, admin).await.unwrap();
    max.remove_participant(s.room, RemoveParticipant { user_id: user("eve"), client_id: None }).await.unwrap();
    s.of("ben").leave(s.room).await.unwrap();
    max.delete_room(s.room).await.unwrap();
    max.create_room(CreateRoom::group()).await.unwrap();
    let expected = [
        "max send_message job:42",
        "max edit_message job:42",
        "max mark job:42",
        "max delete_message job:42",
        "max mark job:42",
        "max update_me job:42",
        "max update_room job:42",
        "max add_participant job:42",
        "max update_participant job:42",
        "max remove_participant job:42",
        "ben remove_participant job:42",
        "max delete_room job:42",
        "max create_room nowhere",
    ];
    assert_eq!(rule.asked(), expected);
}

#[tokio::test]
async fn reading_and_typing_are_not_asked_about() {
    let (s, rule) = stage().await;
    let mut ben = s.opens("ben").await;
    s.of("ben").typing(s.room, true).await.unwrap();
    s.of("ben").room(s.room).await.unwrap();
    s.of("ben").participants(s.room, None, None).await.unwrap();
    assert!(ben.next().await.is_some());
    assert_eq!(rule.asked(), [""; 0]);
}

#[tokio::test]
async fn what_it_forbids_is_forbidden_for_its_reason_and_not_stored() {
    let (s, _rule) = stage().await;
    let mut ben = s.opens("ben").await;
    waiting(&mut ben);
    let denied = s.of("ann").send(s.room, SendMessage::text("no")).await.unwrap_err();
    assert_eq!(denied, Error::Denied { reason: "the job is over".into() });
    assert_eq!((denied.code(), denied.to_string()), (Code::Forbidden, "not allowed: the job is over".into()));
    let denied = s.of("ann").send(s.room, SendMessage::text("long")).await.unwrap_err();
    assert_eq!(denied, Error::Denied { reason: "é".repeat(256) });
    assert_eq!(s.texts().await, [""; 0]);
    assert!(waiting(&mut ben).is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_fails_or_never_answers_forbids_for_now() {
    let (s, rule) = stage().await;
    for text in ["panic", "unknown", "never"] {
        let error = s.of("ann").send(s.room, SendMessage::text(text)).await.unwrap_err();
        assert_eq!(error, Error::Busy { retry_after_ms: 1_000 }, "{text}");
    }
    rule.open(0).await;
    assert_eq!(s.texts().await, [""; 0]);
    s.says("ann", "and on it goes").await;
    assert_eq!(s.texts().await, ["and on it goes"]);
}

#[tokio::test]
async fn it_allows_nothing_that_the_engine_forbids() {
    let (s, _rule) = stage().await;
    let error = s.of("ann").update_room(s.room, UpdateRoom::default()).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
    let error = s.of("ann").send(s.room, SendMessage::system("no")).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
}

#[tokio::test]
async fn what_is_hidden_looks_missing_and_is_not_asked_about() {
    let (s, rule) = stage().await;
    let old = s.says("ann", "before").await;
    let since_joined = UpdateRoom { history: Some(HistoryMode::SinceJoined), ..UpdateRoom::default() };
    s.host().update_room(s.room, since_joined).await.unwrap();
    s.host().add_participant(s.room, user("new")).await.unwrap();
    rule.asked();
    rule.over.send_replace(true);
    let (eve, missing, nothing) = (s.of("eve"), RoomId::from_bytes([9; 16]), MessageId::from_bytes([9; 16]));
    let send = |room: RoomRef| eve.send(room, SendMessage::text("x"));
    let not_there = send(missing.into()).await.unwrap_err();
    assert_eq!(not_there, Error::not_found("room"));
    for hidden in [RoomRef::Id(s.room), "job:42".parse().unwrap(), "job:43".parse().unwrap()] {
        assert_eq!(send(hidden).await.unwrap_err(), not_there);
    }
    for who in [eve.clone(), s.of("new")] {
        for id in [old.id, nothing] {
            let edit = who.edit(EditMessage::text(id, "x")).await;
            assert_eq!(edit.unwrap_err(), Error::not_found("message"));
        }
    }
    assert_eq!(rule.asked(), [""; 0]);
    // Who answers a message is asked about in the room, and learns nothing of the message.
    let new = s.of("new");
    let reply = |id| new.send(s.room, SendMessage::text("x").in_reply_to(id));
    assert_eq!(reply(old.id).await.unwrap_err(), reply(nothing).await.unwrap_err());
}

#[tokio::test]
async fn who_comes_in_too_late_to_be_asked_about_tries_again() {
    let store = Held::new();
    let (s, rule) = on(Arc::clone(&store) as _).await;
    let eve = s.of("eve");
    let before = store.calls(Call::View);
    store.hold(Call::View);
    let mut sending = Box::pin(eve.send(s.room, SendMessage::text("x")));
    assert!(sending.as_mut().now_or_never().is_none());
    store.reached(Call::View, before + 1).await;
    // What was read says that eve is not in the room. Now she comes in, and only then it is decided.
    let host = s.host();
    let mut adding = Box::pin(host.add_participant(s.room, user("eve")));
    assert!(adding.as_mut().now_or_never().is_none());
    store.reached(Call::View, before + 2).await;
    store.release(Call::View);
    let (sent, added) = tokio::join!(sending, adding);
    added.unwrap();
    assert_eq!(sent.unwrap_err(), Error::Busy { retry_after_ms: 1_000 });
    assert_eq!(rule.asked(), [""; 0]);
    assert_eq!(s.texts().await, [""; 0]);
}

#[tokio::test]
async fn what_was_done_before_is_found_again_though_it_is_forbidden_now() {
    let (s, rule) = stage().await;
    let named = || SendMessage::text("hi").with_client_id("m-1".parse().unwrap());
    let sent = s.of("ann").send(s.room, named()).await.unwrap();
    rule.over.send_replace(true);
    let again = s.of("ann").send(s.room, named()).await.unwrap();
    assert!(again.duplicate && again.message == sent.message);
    assert_eq!(s.of("ann").send(s.room, SendMessage::text("hi")).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(s.texts().await, ["hi"]);

    rule.over.send_replace(false);
    let named = || CreateRoom { client_id: Some("r-1".parse().unwrap()), ..CreateRoom::group() };
    let made = s.of("ann").create_room(named()).await.unwrap();
    rule.over.send_replace(true);
    assert_eq!(s.of("ann").create_room(named()).await.unwrap().info.id, made.info.id);
    assert_eq!(s.of("ann").create_room(CreateRoom::group()).await.unwrap_err().code(), Code::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn a_connection_keeps_its_order_and_holds_up_nobody_else() {
    let (s, rule) = stage().await;
    let mut ann = wire::connect(&s, true, Some("ann"));
    let mut ben = wire::connect(&s, true, Some("ben"));
    wire::until(&mut ann, |frame| frame["type"] == "ready").await;
    wire::until(&mut ben, |frame| frame["type"] == "ready").await;
    for (content, number) in [("wait", 1), ("two", 2), ("no", 3), ("four", 4)] {
        ann.receive(&json!({"action": "send_message", "content": content, "ref": number}).to_string());
    }
    let answers = async {
        let mut answers = Vec::new();
        while answers.len() < 4 {
            answers.extend(wire::frames(&mut ann).await.0.into_iter().filter(|frame| frame["ref"].is_u64()));
        }
        answers.into_iter().find(|answer| answer["type"] == "error").unwrap()
    };
    let others = async {
        rule.open(1).await;
        wire::ask(&mut ben, json!({"action": "send_message", "content": "meanwhile", "ref": 1})).await;
        rule.go.send_replace(true);
    };
    let (denied, ()) = tokio::join!(answers, others);
    assert_eq!((&denied["ref"], &denied["code"], &denied["retry"]), (&json!(3), &json!("forbidden"), &json!("never")));
    assert_eq!(denied["message"], "not allowed: the job is over");
    assert_eq!(s.texts().await, ["meanwhile", "wait", "two", "four"]);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_takes_the_question_along_and_nothing_is_stored() {
    let (s, rule) = stage().await;
    let ann = s.of("ann");
    // More than may be open at a time.
    for _ in 0..300 {
        assert!(give_up_after(3, ann.send(s.room, SendMessage::text("wait"))).await.is_none());
    }
    assert_eq!(rule.asked().len(), 300);
    rule.open(0).await;
    rule.go.send_replace(true);
    s.says("ann", "next").await;
    assert_eq!(s.texts().await, ["next"]);
}

#[tokio::test(start_paused = true)]
async fn so_many_questions_are_open_at_a_time_and_the_others_wait_or_are_refused() {
    let (s, rule) = stage().await;
    let ann = s.of("ann");
    let send = |text: &'static str| ann.send(s.room, SendMessage::text(text));
    let sends = join_all((0..300).map(|_| send("wait")));
    let go = async {
        rule.open(256).await;
        assert_eq!(rule.asked().len(), 256);
        rule.go.send_replace(true);
    };
    let (sent, ()) = tokio::join!(sends, go);
    assert!(sent.iter().all(Result::is_ok));
    let sent = join_all((0..300).map(|_| send("never"))).await;
    assert!(sent.into_iter().all(|sent| sent.unwrap_err() == Error::Busy { retry_after_ms: 1_000 }));
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_about_the_very_room_that_the_command_is_done_in() {
    let (s, rule) = stage().await;
    let ann = s.of("ann");
    let by_key: RoomRef = "job:42".parse().unwrap();
    let sending = ann.send(by_key.clone(), SendMessage::text("wait"));
    let replacing = async {
        rule.open(1).await;
        s.host().delete_room(s.room).await.unwrap();
        let another = CreateRoom::keyed("job:42".parse().unwrap()).with(user("ann"));
        s.host().create_room(another).await.unwrap();
        rule.go.send_replace(true);
    };
    let (sent, ()) = tokio::join!(sending, replacing);
    assert_eq!(sent.unwrap_err(), Error::not_found("room"));
    assert_eq!(s.of("ann").room(by_key).await.unwrap().last_message, None);
}

#[tokio::test(start_paused = true)]
async fn an_engine_closes_while_questions_are_open() {
    let (s, rule) = stage().await;
    let ann = s.of("ann");
    let sending = ann.send(s.room, SendMessage::text("wait"));
    let closing = async {
        rule.open(1).await;
        tokio::time::timeout(Duration::from_secs(1), s.engine.close()).await.unwrap().unwrap();
        rule.go.send_replace(true);
    };
    let (sent, ()) = tokio::join!(sending, closing);
    assert_eq!(sent.unwrap_err(), Error::Draining);
}
