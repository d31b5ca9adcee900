//! Random stories on a store and on its model: whatever was not thought of.

use std::sync::Arc;

use chat_core::{
    Level, MemberSettings, MemoryStore, MessageType, Random, Role, RoomId, RoomKind, RoomState, Store, SystemRandom,
    UserId,
    store::{
        Applied, Commit, CommitError, Edit, Guard, MarkerMove, MarkerTo, MemberChange, MemberWrite, NO_ROOM, NewRoom,
        OperationName, Post, RoomSelector, RoomSettings, Visible, Write,
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestError, TestRunner},
};

use crate::{
    cast::{client_id, everybody, key, message_id, room_id},
    commits::{at, plain},
    conformance::Backend,
    difference, picture,
};

/// How many stories are told; `PROPTEST_CASES` asks for more.
const STORIES: u32 = 40;

/// How many rooms, keys, pairs and names a story has.
const ROOMS: u64 = 3;
const NAMES: u8 = 4;

/// Whether a store does and shows what the memory store does and shows, over random stories of many commits.
///
/// `place` gives an empty place each time. `CHAT_MODEL_SEED` repeats a run. Not to be called within a runtime.
///
/// # Panics
/// If the two differ: with the seed, the shortest story that shows it, and what differs.
pub fn model_matches<B: Backend>(place: impl Fn() -> B) {
    let seed = std::env::var("CHAT_MODEL_SEED").map_or_else(|_| any_seed(), |text| text.parse().expect("a number"));
    let default = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { STORIES };
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..default };
    let told = TestRunner::new(config).run(&story(), |batches| match crate::run(compare(&place(), &batches)) {
        None => Ok(()),
        Some(why) => Err(TestCaseError::fail(why)),
    });
    match told {
        Ok(()) => println!("{cases} stories, as the model tells them; CHAT_MODEL_SEED={seed}"),
        Err(TestError::Fail(why, batches)) => {
            panic!(
                "not as the model:\n{why}\n\nafter this story: {batches:#?}\nto see it again: CHAT_MODEL_SEED={seed}"
            )
        }
        Err(TestError::Abort(why)) => panic!("the stories could not be told: {why}"),
    }
}

fn any_seed() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Tells a story to both, and says where they differ.
async fn compare(place: &dyn Backend, batches: &[Vec<Step>]) -> Option<String> {
    let store = place.open().await;
    let model: Arc<dyn Store> = Arc::new(MemoryStore::twin_of(&*store));
    let mut posted = Vec::new();
    for batch in batches {
        let mut commits = Vec::new();
        for step in batch {
            commits.push(step.commit(&*model, &mut posted).await);
        }
        let (ours, expected) = (store.commit(commits.clone()).await, model.commit(commits).await);
        if ours.len() != expected.len() {
            return Some(format!("{} answers to {} commits", ours.len(), expected.len()));
        }
        for (ours, expected) in ours.iter().zip(&expected) {
            if !same(ours, expected) {
                return Some(format!("answered: {ours:?}\nexpected: {expected:?}"));
            }
        }
    }
    let users = everybody();
    let differs = difference(&picture(&*store, &users).await, &picture(&*model, &users).await);
    let operations = operations(&*store).await != operations(&*model).await;
    let kept = match (differs, place.is_durable()) {
        (None, true) => {
            store.close().await.expect("the store closes");
            drop(store);
            let again = place.open().await;
            let differs = difference(&picture(&*again, &users).await, &picture(&*model, &users).await);
            again.close().await.expect("the store closes");
            differs.map(|differs| format!("opened again:\n{differs}"))
        }
        (differs, _) => differs,
    };
    kept.or(operations.then(|| "other operations are remembered".to_owned()))
}

/// Two failures are the same whatever they say.
fn same(ours: &Result<Applied, CommitError>, expected: &Result<Applied, CommitError>) -> bool {
    let failed = |result: &Result<Applied, CommitError>| matches!(result, Err(CommitError::Failed(_)));
    ours == expected || (failed(ours) && failed(expected))
}

/// What is remembered under every name that a story can use.
async fn operations(store: &dyn Store) -> Vec<Option<chat_core::store::Operation>> {
    let mut operations = Vec::new();
    for scope in (1..=ROOMS).map(room_id).chain([NO_ROOM]) {
        for actor in everybody().iter().map(Some).chain([None]) {
            for name in 0..NAMES {
                let operation = store.operation(scope, actor, &client_id(&format!("op {name}"))).await;
                operations.push(operation.expect("the store remembers"));
            }
        }
    }
    operations
}

/// One commit, in small numbers.
#[derive(Clone, Debug)]
struct Step {
    room: u64,
    actor: Option<Who>,
    at: u64,
    guard: Relies,
    /// The name of the operation, and its digest.
    named: Option<(u8, u64)>,
    acts: Vec<Act>,
}

/// Somebody of the cast.
#[derive(Clone, Copy, Debug)]
struct Who(usize);

/// What a commit relies on.
#[derive(Clone, Copy, Debug)]
enum Relies {
    Nothing,
    /// What was so before the batch.
    TheRoom,
    AMember(Who),
    /// What never was.
    SomethingOld,
}

/// One write.
#[derive(Clone, Debug)]
enum Act {
    Create {
        key: Option<u64>,
        pair: Option<(Who, Who)>,
        kind: RoomKind,
    },
    Rename(Option<String>, RoomState),
    DeleteRoom,
    Join(Who, Role, Visible),
    Update(Who, Role, Option<u64>),
    End(Who, bool),
    Post {
        sender: Option<Who>,
        kind: MessageType,
        text: String,
        answers: bool,
        reads: bool,
    },
    /// The message so many before the last one.
    Edit(usize, Option<String>),
    Delete(usize),
    Mark {
        who: Who,
        delivered: Option<u64>,
        read: Option<u64>,
        marker: Option<MarkerTo>,
    },
    Settings(Who, bool),
}

impl Who {
    fn user(self) -> UserId {
        everybody().swap_remove(self.0)
    }
}

impl Step {
    async fn commit(&self, model: &dyn Store, posted: &mut Vec<chat_core::MessageId>) -> Commit {
        let room = room_id(self.room);
        let writes: Vec<_> = self.acts.iter().map(|act| act.write(posted)).collect();
        let makes = matches!(writes.first(), Some(Write::CreateRoom(_)));
        let named = |(name, digest)| OperationName {
            scope: if makes { NO_ROOM } else { room },
            by: self.actor.map(Who::user),
            name: client_id(&format!("op {name}")),
            digest,
        };
        Commit {
            room,
            actor: self.actor.map(Who::user),
            at: at(self.at),
            guard: self.guard.guard(model, room).await,
            operation: self.named.map(named),
            writes,
        }
    }
}

impl Relies {
    async fn guard(self, model: &dyn Store, room: RoomId) -> Guard {
        match self {
            Self::Nothing => Guard::default(),
            Self::SomethingOld => Guard { policy: Some(0), members: Vec::new() },
            Self::TheRoom => {
                let view = model.view(&RoomSelector::Id(room), &[]).await.expect("the model answers");
                Guard { policy: view.map(|view| view.room.policy_rev), members: Vec::new() }
            }
            Self::AMember(who) => {
                let user = who.user();
                let view = model.view(&RoomSelector::Id(room), std::slice::from_ref(&user)).await;
                let member = view.expect("the model answers").and_then(|mut view| view.members.remove(0));
                Guard { policy: None, members: vec![(user, member.map_or(0, |member| member.rev))] }
            }
        }
    }
}

impl Act {
    fn write(&self, posted: &mut Vec<chat_core::MessageId>) -> Write {
        let recent = |back: &usize| posted.iter().rev().nth(*back).copied().unwrap_or(message_id(1));
        let member = |who: &Who, change| Write::Member(Box::new(MemberWrite { user: who.user(), change }));
        match self {
            Self::Create { key: number, pair, kind } => {
                let pair = pair.map(|(a, b)| (a.user().min(b.user()), a.user().max(b.user())));
                let key = number.map(|number| key(&format!("job:{number}")));
                Write::CreateRoom(Box::new(NewRoom { key, pair, kind: *kind, settings: RoomSettings::default() }))
            }
            Self::Rename(name, state) => {
                let settings = RoomSettings { name: name.clone(), state: *state, ..RoomSettings::default() };
                Write::UpdateRoom(Box::new(settings))
            }
            Self::DeleteRoom => Write::DeleteRoom,
            Self::Join(who, role, visible) => {
                let (name, avatar) = (Some(format!("{role:?}")), None);
                member(who, MemberChange::Join { role: *role, name, avatar, visible: *visible })
            }
            Self::Update(who, role, muted) => {
                let (avatar, muted_until) = (Some("a picture".to_owned()), muted.map(at));
                member(who, MemberChange::Update { role: *role, name: None, avatar, muted_until })
            }
            Self::End(who, banned) => member(who, MemberChange::End { banned: *banned }),
            Self::Post { sender, kind, text, answers, reads } => {
                let reply_to = answers.then(|| recent(&0));
                let id = message_id(1_000 + posted.len() as u64);
                posted.push(id);
                let plain = plain(id, sender.map(Who::user).as_ref(), text);
                Write::Post(Box::new(Post { message_type: *kind, reply_to, reads: *reads, ..plain }))
            }
            Self::Edit(back, content) => {
                let (metadata, attachments) = (content.is_none().then_some(None), None);
                Write::Edit(Box::new(Edit { id: recent(back), content: content.clone(), metadata, attachments }))
            }
            Self::Delete(back) => Write::Delete(recent(back)),
            Self::Mark { who, delivered, read, marker } => {
                Write::Mark(MarkerMove { user: who.user(), delivered: *delivered, read: *read, marker: *marker })
            }
            Self::Settings(who, hidden) => {
                let settings = MemberSettings { hidden: *hidden, level: Level::Mentions, ..MemberSettings::default() };
                Write::Settings(who.user(), settings)
            }
        }
    }
}

// ---- how stories are made up ----------------------------------------------------------------------------------------

/// Batches of commits. The rooms are there from the first one on, more often than not.
fn story() -> impl Strategy<Value = Vec<Vec<Step>>> {
    (beginning(), prop::collection::vec(prop::collection::vec(step(), 1..6), 1..16))
        .prop_map(|(beginning, rest)| [beginning].into_iter().chain(rest).collect())
}

fn beginning() -> impl Strategy<Value = Vec<Step>> {
    let room = |room| {
        prop::collection::vec(member(), 0..4).prop_flat_map(move |mut acts| {
            let create = Act::Create { key: Some(room), pair: None, kind: RoomKind::Group };
            acts.insert(0, create);
            Just(Step { room, actor: None, at: 0, guard: Relies::Nothing, named: None, acts })
        })
    };
    (room(1), room(2)).prop_map(|(one, other)| vec![one, other])
}

fn step() -> impl Strategy<Value = Step> {
    let acts = prop_oneof![
        8 => prop::collection::vec(act(), 1..4),
        1 => (create(), prop::collection::vec(act(), 0..3)).prop_map(|(create, mut acts)| {
            acts.insert(0, create);
            acts
        }),
        1 => prop::collection::vec(act(), 0..2).prop_map(|mut acts| {
            acts.push(Act::DeleteRoom);
            acts
        }),
    ];
    let guard = prop_oneof![
        5 => Just(Relies::Nothing),
        2 => Just(Relies::TheRoom),
        2 => who().prop_map(Relies::AMember),
        1 => Just(Relies::SomethingOld),
    ];
    let named = prop::option::weighted(0.3, (0..NAMES, 0..2u64));
    (1..=ROOMS, prop::option::of(who()), 0..60u64, guard, named, acts)
        .prop_map(|(room, actor, at, guard, named, acts)| Step { room, actor, at, guard, named, acts })
}

fn act() -> impl Strategy<Value = Act> {
    let marker = prop_oneof![
        place().prop_map(MarkerTo::AtLeast),
        (place(), prop::option::of(place())).prop_map(|(to, then)| MarkerTo::Set(to, then)),
    ];
    let mark = (who(), prop::option::of(place()), prop::option::of(place()), prop::option::of(marker));
    prop_oneof![
        6 => post(),
        3 => member(),
        2 => (0..6usize, prop::option::of(text())).prop_map(|(back, content)| Act::Edit(back, content)),
        2 => (0..6usize).prop_map(Act::Delete),
        3 => mark.prop_map(|(who, delivered, read, marker)| Act::Mark { who, delivered, read, marker }),
        1 => (who(), any::<bool>()).prop_map(|(who, hidden)| Act::Settings(who, hidden)),
        1 => (prop::option::of(text()), state()).prop_map(|(name, state)| Act::Rename(name, state)),
    ]
}

fn post() -> impl Strategy<Value = Act> {
    let kind =
        prop::sample::select(vec![MessageType::Text, MessageType::Text, MessageType::Custom, MessageType::System]);
    (prop::option::weighted(0.9, who()), kind, text(), any::<bool>(), any::<bool>())
        .prop_map(|(sender, kind, text, answers, reads)| Act::Post { sender, kind, text, answers, reads })
}

fn member() -> impl Strategy<Value = Act> {
    let role = || prop::sample::select(Role::ALL.to_vec());
    let visible = prop_oneof![Just(Visible::SinceJoined), Just(Visible::From(1)), (1..6u64).prop_map(Visible::From)];
    prop_oneof![
        3 => (who(), role(), visible).prop_map(|(who, role, visible)| Act::Join(who, role, visible)),
        1 => (who(), role(), prop::option::of(0..99u64)).prop_map(|(who, role, muted)| Act::Update(who, role, muted)),
        1 => (who(), any::<bool>()).prop_map(|(who, banned)| Act::End(who, banned)),
    ]
}

fn create() -> impl Strategy<Value = Act> {
    let kind = prop::sample::select(vec![RoomKind::Direct, RoomKind::Group, RoomKind::Channel]);
    (prop::option::of(1..=ROOMS), prop::option::weighted(0.3, (who(), who())), kind)
        .prop_map(|(key, pair, kind)| Act::Create { key, pair, kind })
}

fn who() -> impl Strategy<Value = Who> {
    (0..everybody().len()).prop_map(Who)
}

fn place() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..12u64, 1 => Just(u64::MAX)]
}

fn state() -> impl Strategy<Value = RoomState> {
    prop::sample::select(vec![RoomState::Open, RoomState::Frozen, RoomState::Archived])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,8}", Just("'; DROP TABLE message; --".to_owned()), Just("👩‍👩‍👧 %_\"\\".to_owned())]
}
