//! The room that the laws begin with, and what must hold of a store whatever was done to it.

use std::{sync::Arc, time::Duration};

use chat_core::{
    Actor, AddParticipant, Code, CreateRoom, Cursor, Engine, Error, MemoryStore, Message, Options, Role, RoomId,
    SendMessage, Store, UserId, Window,
    store::{CatchUpLimits, Missed, RoomRow, RoomSelector, Viewer},
    wire::Identity,
};
use chat_testkit::{
    SeededRandom, VirtualClock,
    cast::{alice, bob, everybody, key, mallory},
};
use serde_json::Value;

/// What inputs say in place of something that must never be repeated in an error: `<secret>`.
const SECRET: &str = "s3cr3t-Zq9w";

/// More than any input makes of anything.
const ALL: usize = 1 << 20;

/// Runs a law in time that stands still while there is something to do, and jumps while there is nothing.
pub(crate) fn run<T>(law: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime can be started").block_on(law)
}

/// An engine in memory with the room `job:42`: alice owns it, bob is a member and has said hello; mallory is not in.
/// Its ids are the same every time.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) room: RoomId,
    pub(crate) hello: Arc<Message>,
    pub(crate) cursor: Cursor,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let random = Arc::new(SeededRandom::new(1));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(&*random));
        let options = Options { clock: Arc::new(VirtualClock::default()), random, ..Options::default() };
        let engine = Engine::open(Arc::clone(&store), options);
        let create = CreateRoom::keyed(key("job:42")).with(AddParticipant::new(alice()).role(Role::Owner)).with(bob());
        let room = engine.host().create_room(create).await.expect("the room is made").info.id;
        let hello = engine.session(&bob()).send(room, SendMessage::text("hello")).await.expect("it is sent").message;
        let cursor = engine.host().room(room).await.expect("the room is there").cursor;
        Self { engine, store, room, hello, cursor }
    }

    /// An input with what it cannot know in place of `<room>`, `<message>`, `<cursor>` and `<secret>`.
    pub(crate) fn told(&self, text: &str) -> String {
        if !text.contains('<') {
            return text.to_owned();
        }
        text.replace("<room>", &self.room.to_string())
            .replace("<message>", &self.hello.id.to_string())
            .replace("<cursor>", &self.cursor.to_string())
            .replace("<secret>", SECRET)
    }

    /// What must hold of the store holds, and the engine closes.
    pub(crate) async fn ends(self) {
        let patience = Duration::from_secs(60);
        // What was begun, such as receipts that are gathered, is stored.
        tokio::time::sleep(Duration::from_secs(1)).await;
        sound(&*self.store).await;
        let closed = tokio::time::timeout(patience, self.engine.close()).await;
        closed.expect("the engine closes").expect("the store closes");
    }
}

/// Whom a name is: somebody of the cast, or `host`.
pub(crate) fn known(name: &str) -> Option<Identity> {
    let actor = match name {
        "host" => Actor::Host,
        _ => Actor::User(everybody().into_iter().find(|user| user.as_str() == name)?),
    };
    Some(Identity { actor, name: None, avatar: None, expires_at: None })
}

/// Checks an error as clients get it: a code that the docs list and that is the client's own doing, its retry class,
/// words, and nothing that the client wrote.
pub(crate) fn proper(error: &Value) {
    let code = Code::ALL.into_iter().find(|code| error["code"] == code.as_str());
    let code = code.unwrap_or_else(|| panic!("no code that is known: {error}"));
    assert!(!matches!(code, Code::StorageUnavailable | Code::Draining | Code::Busy), "the server's own fault: {error}");
    assert_eq!(error["retry"], serde_json::to_value(code.retry()).expect("a word"), "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty() && !message.contains(SECRET), "no words, or the client's own: {error}");
}

/// Checks an error of the engine in the same way.
pub(crate) fn proper_error(error: &Error) {
    proper(&serde_json::to_value(chat_core::wire::ErrorBody::from(error)).expect("an error is plain data"));
}

/// What must hold of a store, whatever was done: histories and changes without a hole, numbers that a scan confirms.
pub(crate) async fn sound(store: &dyn Store) {
    for RoomRow { room, .. } in store.rooms(Viewer::Host, None, ALL).await.expect("the store lists its rooms") {
        let history = store
            .history(Viewer::Host, &RoomSelector::Id(room.id), Window::After(0), ALL)
            .await
            .expect("the store answers");
        let messages = history.expect("the room is there").messages;
        assert!(messages.iter().map(|message| message.seq).eq(1..=room.last_seq), "a hole in the history");
        let mut at = Cursor { epoch: store.epoch(), rev: 0, chain: 0 };
        while at.rev < room.last_rev {
            let one = CatchUpLimits { changes: 1, messages: 0, members: 0, bytes: usize::MAX };
            let step = store.catch_up(Viewer::Host, &[(room.id, Some(at))], one).await;
            let step = step.expect("the store answers").remove(0).expect("the room is there");
            assert!(matches!(step.missed, Missed::Changes { .. }), "a true position is not believed");
            assert_eq!(step.cursor.rev, at.rev + 1, "a hole in the changes");
            at = step.cursor;
        }
        assert_eq!(at, room.cursor(store.epoch()), "the changes lead elsewhere than to the present");
        let members = store.participants(Viewer::Host, room.id, None, ALL).await.expect("the store answers");
        let members = members.expect("the room is there");
        assert_eq!(members.len() as u64, room.members, "the number of participants");
        for member in members {
            let reads = (member.read_seq, member.delivered_seq, room.last_seq);
            assert!(reads.0 <= reads.1 && reads.1 <= reads.2, "read, delivered, posted: {reads:?}");
        }
    }
    for user in everybody() {
        let mut total = 0;
        for RoomRow { room, member, unread, .. } in
            store.rooms(Viewer::User(&user), None, ALL).await.expect("the store lists rooms")
        {
            let floor = member.expect("who lists a room is in it").unread_floor();
            let seen = store.history(Viewer::User(&user), &RoomSelector::Id(room.id), Window::After(0), ALL).await;
            let seen = seen.expect("the store answers").expect("the room is theirs").messages;
            let counts = |message: &&Message| {
                let theirs = message.sender.as_ref() == Some(&user);
                message.seq > floor && !theirs && !message.is_deleted() && message.message_type.countable()
            };
            assert_eq!(unread, seen.iter().filter(counts).count() as u64, "unread of {user}, by a scan");
            total += unread;
        }
        assert_eq!(store.unread(&user).await.expect("the store counts"), total, "unread of {user}, in all");
    }
    let hidden = store.room(Viewer::User(&mallory()), &RoomSelector::Key(key("job:42"))).await.expect("it answers");
    if let Some(row) = hidden {
        assert!(row.member.is_some_and(|member| member.is_active()), "a room is shown to who is not in it");
    }
}

/// A user of the cast by number.
pub(crate) fn somebody(number: u8) -> UserId {
    let cast = everybody();
    cast[usize::from(number) % cast.len()].clone()
}
