//! What is stored is what was given: every text, every number, every name, to the byte.

use chat_core::{
    Attachment, ClientId, HistoryMode, Level, MAX_INTEGER, MemberSettings, MessageType, Metadata, Role, RoomKey,
    RoomKind, RoomState, Timestamp, UserId,
    store::{
        ChangeBody, MemberChange, MemberWrite, NewRoom, OperationName, Post, RoomSelector, RoomSettings, Viewer,
        Visible, Write,
    },
};
use serde_json::json;

use crate::{
    Story,
    cast::{alice, bob, everybody, key, room_id, user},
    commits::{self, CommitExt, plain},
    difference, picture,
};

use super::Backend;

/// Texts that a store may stumble over.
fn texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        "\0",
        "a\0b",
        "line\r\nline\ttab",
        "'; DROP TABLE message; --",
        "%_\\\"`$1 ?1 :name",
        "e\u{301} é ﬁ",
        "👩‍👩‍👧‍👦 \u{202e}right\u{202c} \u{200b}",
        "\u{feff}bom \u{fffd} \u{10ffff}",
        "null",
        "1e999",
        "{\"json\": [",
    ];
    texts.map(str::to_owned).into_iter().chain(["x".repeat(1 << 20), "ä".repeat(1 << 16)]).collect()
}

fn metadata() -> Metadata {
    let nested = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let value = json!({
        "": "empty key", "z": 1, "a": [true, null, -1, 1.5, 1e300, i64::MIN, u64::MAX], "nested": nested,
        "text": texts()[..13].to_vec(), "'\"": {"b": {}, "a": []},
    });
    value.as_object().cloned().expect("an object")
}

/// Content, metadata, files, and what a message answers.
pub async fn messages_come_back_to_the_byte(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let attachment = |size, name: &str| Attachment {
        id: Some(name.into()),
        name: name.into(),
        content_type: "image/png".into(),
        size,
        url: format!("/files/{name}"),
        width: Some(u32::MAX),
        height: None,
        more: metadata(),
    };
    let attachments = vec![attachment(0, "a.png"), attachment(MAX_INTEGER, "ä 'b'.png")];
    let kinds = [MessageType::Text, MessageType::Image, MessageType::File, MessageType::System, MessageType::Custom];
    let mut expected = Vec::new();
    for (text, kind) in texts().iter().zip(kinds.into_iter().cycle()) {
        let post = Post {
            message_type: kind,
            metadata: Some(metadata()),
            attachments: attachments.clone(),
            reply_to: Some(story.fresh()),
            client_id: Some(ClientId::new("ä".repeat(64)).expect("128 bytes")),
            ..plain(story.fresh(), Some(&bob()), text)
        };
        let done = story.apply(story.writes([Write::Post(Box::new(post.clone()))])).await;
        let ChangeBody::Posted(message) = &done.changes[0].body else { panic!("not posted: {done:?}") };
        let said = (&message.content, &message.metadata, &message.attachments, message.reply_to, &message.client_id);
        assert!(said == (&Some(post.content), &post.metadata, &post.attachments, post.reply_to, &post.client_id));
        assert_eq!((message.message_type, message.id), (kind, post.id));
        assert!(store.message(Viewer::Host, post.id).await == Ok(Some(message.as_ref().clone())), "read alone");
        expected.push(message.as_ref().clone());
    }
    assert!(story.messages(Viewer::User(&bob())).await == expected, "read as a page");
    let empty = Post { metadata: Some(Metadata::new()), ..plain(story.fresh(), None, "") };
    story.apply(story.writes([Write::Post(Box::new(empty.clone()))])).await;
    let read = store.message(Viewer::Host, empty.id).await.expect("the store answers").expect("it is there");
    assert_eq!((read.metadata, read.content.as_deref()), (Some(Metadata::new()), Some("")), "empty is not absent");
}

/// Every setting of a room and of a member, and the ends of time.
pub async fn rooms_and_members_come_back_to_the_byte(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let (longest, kinds) = ("k".repeat(128), [RoomKind::Direct, RoomKind::Group, RoomKind::Channel]);
    let states = [RoomState::Open, RoomState::Frozen, RoomState::Archived].into_iter().cycle();
    for (number, (kind, state)) in (2..).zip(kinds.into_iter().zip(states)) {
        let settings = RoomSettings {
            name: Some(texts().swap_remove(number as usize)),
            topic: Some(String::new()),
            avatar: Some("x".repeat(4_096)),
            metadata: Some(metadata()),
            state,
            history: if number == 2 { HistoryMode::All } else { HistoryMode::SinceJoined },
        };
        let key = (number == 3).then(|| RoomKey::new(&longest).expect("a valid key"));
        let new = NewRoom { key: key.clone(), pair: None, kind, settings: settings.clone() };
        let commit = commits::commit(room_id(number), [Write::CreateRoom(Box::new(new))]).at(Timestamp::MAX);
        let done = story.apply(commit).await;
        let ChangeBody::Room(made) = &done.changes[0].body else { panic!("not made: {done:?}") };
        let view = store.view(&RoomSelector::Id(room_id(number)), &[]).await.expect("the store answers");
        assert_eq!(view.map(|view| view.room).as_ref(), Some(&**made));
        let chat_core::Room { name, topic, avatar, metadata, state, history, .. } = (**made).clone();
        assert_eq!(RoomSettings { name, topic, avatar, metadata, state, history }, settings);
        assert_eq!((&made.key, made.kind, made.created_at, made.last_at), (&key, kind, Timestamp::MAX, Timestamp::MAX));
    }
    for (role, level) in Role::ALL.into_iter().zip([Level::All, Level::Mentions, Level::None].into_iter().cycle()) {
        let (name, avatar) = (Some(texts().swap_remove(8)), Some(String::new()));
        let change = MemberChange::Update { role, name, avatar, muted_until: Some(Timestamp::MAX) };
        let update = Write::Member(Box::new(MemberWrite { user: bob(), change }));
        let settings = MemberSettings { pinned: true, hidden: false, level, private_reading: true };
        story.apply(story.writes([update, Write::Settings(bob(), settings)])).await;
        let member = story.member(&bob()).await.expect("bob is in the room");
        assert_eq!((member.role, member.settings), (role, settings));
        assert_eq!((member.name, member.avatar), (Some(texts().swap_remove(8)), Some(String::new())));
        assert_eq!(member.muted_until, Some(Timestamp::MAX));
    }
    let early = commits::commit(room_id(9), [commits::create()]).at(Timestamp::from_millis(0));
    assert_eq!(story.apply(early).await.changes[0].at, Timestamp::from_millis(0));
}

/// Names that look alike are different people, and rooms, and operations.
pub async fn names_that_look_alike_are_different(backend: &dyn Backend) {
    let store = backend.open().await;
    let people: Vec<UserId> =
        ["bob", "Bob", "bob ", " bob", "é", "e\u{301}", "ß", "ss", "1", "01", "1.0"].map(user).to_vec();
    let longest = [user(&"ä".repeat(64)), user(&format!("{}b", "ä".repeat(63)))];
    let people = [people, longest.to_vec()].concat();
    let story = Story::begin(&store, &people).await;
    assert_eq!(story.head().await.members, 1 + people.len() as u64);
    for (number, person) in (1..).zip(&people) {
        let say = [commits::say(story.fresh(), person, person.as_str())];
        story.apply(story.writes(say).by(person).named("op", number)).await;
        assert_eq!(story.member(person).await.map(|member| member.user).as_ref(), Some(person));
    }
    for (number, person) in (1..).zip(&people) {
        let operation = store.operation(story.room(), Some(person), &ClientId::new("op").expect("a name")).await;
        assert_eq!(operation.map(|operation| operation.map(|operation| operation.digest)), Ok(Some(number)));
    }
    let mut sorted = people.clone();
    sorted.push(alice());
    sorted.sort();
    let listed = store.participants(Viewer::Host, story.room(), None, 100).await.expect("the store answers");
    let listed: Vec<_> = listed.into_iter().flatten().map(|member| member.user).collect();
    assert_eq!(listed, sorted, "in order of their bytes");
    for (number, name) in (2..).zip(["job:1", "Job:1", "job:01", "job.1", "1", "1.0"]) {
        story.apply(commits::commit(room_id(number), [commits::create_keyed(key(name))])).await;
    }
}

/// Numbers that fill all 64 bits.
pub async fn digests_have_64_bits(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for digest in [0, 1, i64::MAX as u64, 1 << 63, u64::MAX] {
        let name = ClientId::new(format!("op {digest}")).expect("a name");
        let operation = Some(OperationName { scope: story.room(), by: None, name: name.clone(), digest });
        let commit = chat_core::store::Commit { operation, ..story.writes([commits::rename("a name")]) };
        story.apply(commit).await;
        let kept = store.operation(story.room(), None, &name).await.expect("the store answers");
        assert_eq!(kept.map(|operation| operation.digest), Some(digest));
    }
}

/// The id of a message is used once, in the whole store: a second use fails and changes nothing.
pub async fn a_message_id_is_used_once(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let other = Story::elsewhere(&store, 2, &[bob()]).await;
    let used = story.says(&bob(), "one").await.id;
    let deleted = story.says(&bob(), "two").await.id;
    story.deletes(&bob(), deleted).await;
    let before = picture(&*store, &everybody()).await;
    for story in [&story, &other] {
        for id in [used, deleted] {
            let again = story.writes([commits::rename("lost"), commits::say(id, &alice(), "again")]);
            assert!(story.try_apply(again).await.is_err());
        }
        let id = story.fresh();
        let twice = story.writes([commits::say(id, &alice(), "once"), commits::say(id, &alice(), "twice")]);
        assert!(story.try_apply(twice).await.is_err());
    }
    assert_eq!(difference(&before, &picture(&*store, &everybody()).await), None);
}

/// A place from which somebody may see that does not exist yet is one all the same.
pub async fn one_may_see_from_a_place_that_is_to_come(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[]).await;
    story.joins_seeing(&bob(), Visible::From(3)).await;
    for text in ["one", "two", "three"] {
        story.says(&alice(), text).await;
    }
    assert_eq!(story.messages(Viewer::User(&bob())).await.len(), 1);
    assert_eq!(story.unread(&bob()).await, 1);
    story.joins_seeing(&bob(), Visible::From(MAX_INTEGER)).await;
    assert_eq!((story.messages(Viewer::User(&bob())).await.len(), story.unread(&bob()).await), (0, 0));
}
