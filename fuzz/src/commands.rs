//! Sequences of commands: the engine says over SQLite what it says over the store in memory.

use std::{fmt::Debug, sync::Arc, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use chat_core::{
    AddParticipant, CreateRoom, EditMessage, Engine, Error, HistoryMode, MarkKind, MemoryStore, MessageId, Options,
    RemoveParticipant, Role, RoomId, RoomState, SendMessage, Session, Store, UpdateMe, UpdateParticipant, UpdateRoom,
    Window,
};
use chat_sqlite::{SqliteStore, Synchronous, verify};
use chat_testkit::{
    ManualClock, SeededRandom,
    cast::{alice, client_id, everybody, key},
    difference, picture,
};

use crate::stage::{proper_error, somebody, sound};

/// How many commands a sequence has at most.
const COMMANDS: usize = 64;

/// Does what the input says twice: over SQLite, and over its model.
///
/// Then: both answer each command alike, with a result or with an error that is the caller's doing; both show the same
/// to everybody; what is stored is sound, and passes `verify`.
///
/// # Panics
/// If that does not hold.
pub fn commands(input: &[u8]) {
    let Ok(steps) = Unstructured::new(input).arbitrary_iter().and_then(|steps| steps.take(COMMANDS).collect()) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime can be started").block_on(compare(steps));
}

/// One command of somebody.
#[derive(Arbitrary, Debug)]
struct Step {
    who: Who,
    second: bool,
    act: Act,
}

/// The host, or one of the cast.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Who {
    Host,
    Alice,
    User(u8),
}

/// A message of those that were sent: so many before the last one, or none that there is.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Which(u8);

#[derive(Arbitrary, Debug)]
enum Act {
    Send { text: u8, name: Option<u8>, reply: Option<Which>, reads: Option<u8>, sender: Option<u8>, system: bool },
    Edit { which: Which, text: u8, name: Option<u8> },
    Delete(Which),
    Mark { kind: u8, seq: u8 },
    MarkMessage { kind: u8, which: Which },
    Create { keyed: bool, direct: Option<u8>, members: Vec<u8>, name: Option<u8> },
    Update { name: Option<u8>, state: Option<u8>, since_joined: Option<bool> },
    Remove,
    Add { user: u8, role: u8, from: Option<u8>, name: Option<u8> },
    Change { user: u8, role: Option<u8>, muted: Option<bool>, banned: Option<bool> },
    PutOut(u8),
    Leave,
    Mine { pinned: Option<bool>, hidden: Option<bool>, private: Option<bool> },
    Page { at: u8, limit: u8 },
    Time(u16),
}

async fn compare(steps: Vec<Step>) {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("chat.db");
    let options = chat_sqlite::Options { synchronous: Synchronous::Normal, readers: 1, ..Default::default() };
    let stored: Arc<dyn Store> = Arc::new(SqliteStore::open_with(&path, options).expect("it opens"));
    let model: Arc<dyn Store> = Arc::new(MemoryStore::twin_of(&*stored));
    let (mut one, mut other) = (Side::begin(&stored).await, Side::begin(&model).await);
    for step in &steps {
        let (ours, expected) = (one.does(step).await, other.does(step).await);
        assert_eq!(ours, expected, "after {step:?}");
    }
    // Receipts that are gathered are stored before anything is compared.
    for user in everybody() {
        for side in [&one, &other] {
            side.engine.session(&user).unread().await.expect("unread is counted");
        }
    }
    assert_eq!(one.seen().await, other.seen().await);
    let users = everybody();
    let differs = difference(&picture(&*stored, &users).await, &picture(&*model, &users).await);
    assert_eq!(differs, None, "the stores differ");
    sound(&*stored).await;
    one.engine.close().await.expect("it closes");
    other.engine.close().await.expect("it closes");
    assert_eq!(verify(&path, |_| {}).expect("the database is read").damage, []);
}

/// An engine over one of the two stores, and what its commands have made.
struct Side {
    engine: Engine,
    clock: Arc<ManualClock>,
    rooms: [RoomId; 2],
    sent: Vec<MessageId>,
}

impl Side {
    async fn begin(store: &Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::default());
        let random = Arc::new(SeededRandom::new(7));
        let options = Options { clock: clock.clone(), random, marker_delay: Duration::ZERO, ..Options::default() };
        let engine = Engine::open(Arc::clone(store), options);
        let mut rooms = Vec::new();
        for name in ["job:1", "job:2"] {
            let create = CreateRoom::keyed(key(name)).with(AddParticipant::new(alice()).role(Role::Owner));
            let create = create.with(somebody(1)).with(somebody(2));
            rooms.push(engine.host().create_room(create).await.expect("the room is made").info.id);
        }
        Self { engine, clock, rooms: [rooms[0], rooms[1]], sent: Vec::new() }
    }

    fn session(&self, who: Who) -> Session {
        match who {
            Who::Host => self.engine.host(),
            Who::Alice => self.engine.session(&alice()),
            Who::User(number) => self.engine.session(&somebody(number)),
        }
    }

    fn which(&self, Which(back): Which) -> MessageId {
        let sent = self.sent.iter().rev().nth(usize::from(back % 8)).copied();
        sent.unwrap_or(MessageId::from_bytes([7; 16]))
    }

    /// Does a step and says what came of it.
    async fn does(&mut self, step: &Step) -> String {
        let session = self.session(step.who);
        let room = self.rooms[usize::from(step.second)];
        let named = |name: &Option<u8>| name.map(|name| client_id(&format!("op {}", name % 4)));
        match &step.act {
            Act::Send { text, name, reply, reads, sender, system } => {
                let mut send = SendMessage::text(words(*text));
                if *system {
                    send = SendMessage::system(words(*text));
                }
                send.client_id = named(name);
                send.reply_to = reply.map(|which| self.which(which));
                send.read_seq = reads.map(u64::from);
                send.sender = sender.map(somebody);
                let sent = session.send(room, send).await;
                if let Ok(sent) = &sent {
                    self.sent.push(sent.message.id);
                }
                said(&sent)
            }
            Act::Edit { which, text, name } => {
                let edit =
                    EditMessage { client_id: named(name), ..EditMessage::text(self.which(*which), words(*text)) };
                said(&session.edit(edit).await)
            }
            Act::Delete(which) => said(&session.delete(self.which(*which)).await),
            Act::Mark { kind, seq } => said(&session.mark(room, kinds(*kind), u64::from(seq % 16)).await),
            Act::MarkMessage { kind, which } => said(&session.mark_message(kinds(*kind), self.which(*which)).await),
            Act::Create { keyed, direct, members, name } => {
                let mut create = direct.map_or_else(CreateRoom::group, |other| CreateRoom::direct(somebody(other)));
                create.key = keyed.then(|| key("job:1"));
                create.client_id = named(name);
                create.participants.extend(members.iter().take(4).map(|user| AddParticipant::new(somebody(*user))));
                said(&session.get_or_create_room(create).await)
            }
            Act::Update { name, state, since_joined } => {
                let states = [RoomState::Open, RoomState::Frozen, RoomState::Archived];
                let history = |since| if since { HistoryMode::SinceJoined } else { HistoryMode::All };
                let update = UpdateRoom {
                    name: name.map(|name| Some(words(name)).filter(|name| name.len() > 3)),
                    state: state.map(|state| states[usize::from(state % 3)]),
                    history: since_joined.map(history),
                    ..UpdateRoom::default()
                };
                said(&session.update_room(room, update).await)
            }
            Act::Remove => said(&session.delete_room(room).await),
            Act::Add { user, role, from, name } => {
                let mut add = AddParticipant::new(somebody(*user)).role(roles(*role));
                (add.visible_from, add.client_id) = (from.map(u64::from), named(name));
                said(&session.add_participant(room, add).await)
            }
            Act::Change { user, role, muted, banned } => {
                let until =
                    |muted: bool| muted.then(|| chat_core::Timestamp::from_millis(chat_testkit::START + 60_000));
                let update = UpdateParticipant {
                    role: role.map(roles),
                    muted_until: muted.map(until),
                    banned: *banned,
                    ..UpdateParticipant::of(somebody(*user))
                };
                said(&session.update_participant(room, update).await)
            }
            Act::PutOut(user) => {
                let remove = RemoveParticipant { user_id: somebody(*user), client_id: None };
                said(&session.remove_participant(room, remove).await)
            }
            Act::Leave => said(&session.leave(room).await),
            Act::Mine { pinned, hidden, private } => {
                let update = UpdateMe { pinned: *pinned, hidden: *hidden, private_reading: *private, level: None };
                said(&session.update_me(room, update).await)
            }
            Act::Page { at, limit } => {
                let window = [Window::Latest, Window::Before(9), Window::After(u64::from(*at)), Window::Around(3)];
                let window = window[usize::from(at % 4)];
                said(&session.history(room, window, Some(usize::from(limit % 8))).await)
            }
            Act::Time(ms) => {
                self.clock.advance(Duration::from_millis((*ms).into()));
                String::new()
            }
        }
    }

    /// What everybody sees.
    async fn seen(&self) -> String {
        let mut seen = String::new();
        for session in everybody().iter().map(|user| self.engine.session(user)).chain([self.engine.host()]) {
            seen.push_str(&said(&session.rooms(None, None).await));
            for room in self.rooms {
                seen.push_str(&said(&session.history(room, Window::Latest, None).await));
                seen.push_str(&said(&session.participants(room, None, None).await));
            }
        }
        seen
    }
}

fn said<T: Debug>(result: &Result<T, Error>) -> String {
    if let Err(error) = result {
        proper_error(error);
    }
    format!("{result:?}")
}

fn words(text: u8) -> String {
    match text % 8 {
        0 => String::new(),
        1 => " \t\n".to_owned(),
        2 => "a\u{0}b".to_owned(),
        3 => "👩‍👩‍👧 %_\"\\'".to_owned(),
        4 => "x".repeat(20_000),
        _ => format!("text {text}"),
    }
}

fn roles(role: u8) -> Role {
    Role::ALL[usize::from(role) % Role::ALL.len()]
}

const fn kinds(kind: u8) -> MarkKind {
    match kind % 3 {
        0 => MarkKind::Delivered,
        1 => MarkKind::Read,
        _ => MarkKind::Unread,
    }
}
