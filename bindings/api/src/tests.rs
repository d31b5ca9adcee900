//! What must hold between the facade and the core; and the TypeScript declarations, written from the same list.

use std::{fmt::Write as _, path::Path};

use chat_core as core;
use serde_json::{Value, json};
use ts_rs::{Config, TS};

use crate::{ChatError, ErrorCode, ErrorDetails, Retry, carry, record, session};

/// A method as TypeScript declares it.
pub(crate) struct Method {
    pub(crate) docs: Vec<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) args: Vec<(&'static str, String)>,
    pub(crate) returns: String,
}

pub(crate) fn type_of<T: TS>() -> String {
    T::name(&config())
}

fn config() -> Config {
    Config::new().with_large_int("number")
}

#[test]
fn every_code_and_retry_class_has_a_counterpart() {
    for code in core::Code::ALL {
        let ours: ErrorCode = carry::carry(&code).unwrap();
        assert_eq!(json!(ours), json!(code));
        let _: Retry = carry::carry(&code.retry()).unwrap();
    }
}

/// Compiles only while every command is named here, with the method that is its counterpart.
fn method_of(command: &core::Command) -> &'static str {
    use core::Command as C;
    match command {
        C::SendMessage(_) => "send",
        C::EditMessage(_) => "edit",
        C::DeleteMessage(_) => "delete",
        C::Mark(_) => "mark_read",
        C::CreateRoom(_) => "create_room",
        C::UpdateRoom(_) => "update_room",
        C::DeleteRoom => "delete_room",
        C::AddParticipant(_) => "add_participant",
        C::UpdateParticipant(_) => "update_participant",
        C::RemoveParticipant(_) => "remove_participant",
        C::UpdateMe(_) => "update_me",
    }
}

#[test]
fn every_command_has_a_method() {
    let (message, user) = (core::MessageId::from_bytes([7; 16]), core::UserId::new("ann").unwrap());
    let commands = [
        core::Command::SendMessage(core::SendMessage::text("hi")),
        core::Command::EditMessage(core::EditMessage::text(message, "hi")),
        core::Command::DeleteMessage(core::DeleteMessage { message_id: message, client_id: None }),
        core::Command::Mark(core::Mark { kind: core::MarkKind::Read, at: core::MarkAt::Seq(1) }),
        core::Command::CreateRoom(core::CreateRoom::group()),
        core::Command::UpdateRoom(core::UpdateRoom::default()),
        core::Command::DeleteRoom,
        core::Command::AddParticipant(core::AddParticipant::new(user.clone())),
        core::Command::UpdateParticipant(core::UpdateParticipant::of(user.clone())),
        core::Command::RemoveParticipant(core::RemoveParticipant { user_id: user, client_id: None }),
        core::Command::UpdateMe(core::UpdateMe::default()),
    ];
    let methods: Vec<_> = session::declarations().iter().map(|method| method.name).collect();
    for command in &commands {
        assert!(methods.contains(&method_of(command)), "no method for {command:?}");
    }
}

/// What a session of the core can do under another name here.
const RENAMED: [(&str, &str); 3] =
    [("get_or_create_room", "create_room"), ("mark", "mark_read"), ("mark_message", "mark_message_read")];

#[test]
fn everything_a_session_does_or_reads_has_a_method() {
    // Rust has no list of a type's methods; its source has.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../chat-core/src/engine/session.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let of_core: Vec<_> =
        source.split("\n    pub async fn ").skip(1).filter_map(|rest| rest.split('(').next()).collect();
    assert!(of_core.contains(&"history") && of_core.contains(&"send"), "{of_core:?}");
    let methods: Vec<_> = session::declarations().iter().map(|method| method.name).collect();
    for name in of_core {
        let ours = RENAMED.iter().find(|(core, _)| *core == name).map_or(name, |(_, ours)| ours);
        assert!(methods.contains(&ours), "no method for `{name}` of the core's session");
    }
}

/// Compiles only while every event of the core has a counterpart here.
fn is_told(event: &core::Event) -> bool {
    use core::Event as E;
    matches!(
        event,
        E::ChatMessage { .. }
            | E::MessageEdited { .. }
            | E::MessageDeleted { .. }
            | E::ParticipantAdded { .. }
            | E::ParticipantUpdated { .. }
            | E::ParticipantRemoved { .. }
            | E::RoomUpdated { .. }
            | E::Advance { .. }
            | E::MessageRead { .. }
            | E::MessageDelivered { .. }
            | E::Typing { .. }
            | E::UserJoined { .. }
            | E::UserLeft { .. }
            | E::Presence { .. }
            | E::RoomAdded { .. }
            | E::RoomRemoved { .. }
            | E::Marker { .. }
            | E::Resync { .. }
            | E::Closing { .. }
    )
}

const ID: &str = "0190a1b2-0000-7000-8000-000000000000";
const AT: &str = "2026-01-02T03:04:05.678Z";

fn message() -> Value {
    json!({
        "id": ID, "room": ID, "seq": 9_007_199_254_740_991_u64, "rev": 4, "sender": "ann", "content": "a 🚀 \u{7f}",
        "message_type": "image", "created_at": AT, "client_id": "m-1", "edited_at": AT, "version": 2, "reply_to": ID,
        "metadata": {"deep": {"n": [1, null, 1.5]}},
        "attachments": [{"id": "f", "name": "a.png", "content_type": "image/png", "size": 12, "url": "/a.png",
            "width": 3, "height": 4, "blur": "x"}],
        "deleted_at": AT, "deleted_by": "ben"
    })
}

fn participant() -> Value {
    json!({
        "user_id": "ann", "name": null, "avatar": "/a.png", "role": "owner", "joined_at": AT, "read_seq": 1,
        "delivered_seq": 2, "visible_from": 2, "online": true, "last_seen": AT, "muted_until": AT
    })
}

fn room_info() -> Value {
    json!({
        "id": ID, "key": "job:42", "kind": "channel", "name": "n", "topic": null, "avatar": null,
        "metadata": {"a": 1}, "state": "frozen", "created_at": AT, "history": "since_joined"
    })
}

fn room(cursor: &str) -> Value {
    let my = json!({
        "role": "member", "read_seq": 1, "delivered_seq": 2, "marker_seq": 0, "pinned": true, "hidden": false,
        "level": "mentions", "private_reading": true
    });
    let own = json!({
        "unread_count": 3, "last_message": message(), "last_seq": 5, "participants_count": 2, "my": my,
        "cursor": cursor
    });
    both(room_info(), own)
}

fn both(mut left: Value, right: Value) -> Value {
    if let (Value::Object(left), Value::Object(right)) = (&mut left, right) {
        left.extend(right);
    }
    left
}

/// One of each event, in the core's JSON, with everything in it that can be.
fn events(cursor: &str) -> Vec<Value> {
    let log =
        |kind: &str, more: Value| both(json!({"type": kind, "room": ID, "rev": 4, "prev": 2, "cursor": cursor}), more);
    let people = json!({"participant": participant()});
    let user = |kind: &str, more: Value| both(json!({"type": kind, "room": ID, "user_id": "ann"}), more);
    vec![
        log("chat_message", json!({"message": message(), "read_seq": 3})),
        log("message_edited", json!({"message": message()})),
        log("message_deleted", json!({"message": message()})),
        log("participant_added", people.clone()),
        log("participant_updated", people.clone()),
        log("participant_removed", people),
        log("room_updated", json!({"room_info": room_info()})),
        log("advance", json!({})),
        user("message_read", json!({"message_id": ID, "seq": 3})),
        user("message_delivered", json!({"message_id": ID, "seq": 3})),
        user("typing", json!({"is_typing": true, "typing": ["ann"]})),
        user("user_joined", json!({"present": ["ann"]})),
        user("user_left", json!({"present": []})),
        json!({"type": "presence", "user_id": "ann", "online": false, "last_seen": AT}),
        json!({"type": "room_added", "room": ID, "room_info": room_info()}),
        json!({"type": "room_removed", "room": ID}),
        json!({"type": "marker", "room": ID, "read_seq": 1, "delivered_seq": 2, "marker_seq": 0, "unread_count": 4}),
        json!({"type": "resync", "room": ID, "reason": "too_slow"}),
        json!({"type": "closing", "code": 3000, "retry_after_ms": 50}),
    ]
}

fn cursor() -> String {
    core::Cursor { epoch: 1, rev: 2, chain: 3 }.to_string()
}

/// What the core says reaches a record whole: nothing is lost, nothing renamed.
fn crosses<C, R>(json: &Value)
where
    C: serde::de::DeserializeOwned + serde::Serialize,
    R: serde::de::DeserializeOwned + serde::Serialize,
{
    let core: C = serde_json::from_value(json.clone()).unwrap();
    let record: R = carry::carry(&core).unwrap();
    assert_eq!(bare(json!(core)), bare(json!(record)));
}

/// Without what is null, false or empty, which records show and the core leaves out.
fn bare(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(key, value)| (key, bare(value)));
            let empty = |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || *value == json!([]);
            Value::Object(kept.filter(|(_, value)| !empty(value)).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(bare).collect()),
        other => other,
    }
}

#[test]
fn every_event_crosses_whole() {
    let events = events(&cursor());
    for event in &events {
        let core: core::Event = serde_json::from_value(event.clone()).unwrap();
        assert!(is_told(&core));
        assert_eq!(json!(core), *event, "the sample has everything that the core has");
        crosses::<core::Event, record::Event>(event);
    }
    let declared = record::Event::decl(&config());
    for event in &events {
        assert!(declared.contains(event["type"].as_str().unwrap()));
    }
}

#[test]
fn every_object_crosses_whole() {
    crosses::<core::Message, record::Message>(&message());
    crosses::<core::Participant, record::Participant>(&participant());
    crosses::<core::MyRoom, record::Room>(&room(&cursor()));
    crosses::<core::Sent, record::Sent>(&json!({"message": message(), "duplicate": true}));
    crosses::<core::Page<core::Message>, record::MessagePage>(&json!({"results": [message()], "next": "7"}));
    let markers = json!({"read_seq": 1, "delivered_seq": 2, "marker_seq": 0, "unread_count": 4});
    crosses::<core::Markers, record::Markers>(&markers);
    let base = json!({
        "room": ID, "markers": [{"user_id": "ann", "read_seq": 1, "delivered_seq": 1}], "present": ["ann"],
        "typing": ["ann"], "rev": 4, "cursor": cursor()
    });
    let snapshot = json!({"room": room(&cursor()), "participants": [participant()], "messages": [message()]});
    for sync in
        [json!({"same": true}), json!({"changes": events(&cursor()), "more": true}), json!({"snapshot": snapshot})]
    {
        crosses::<core::Subscribed, record::Opened>(&both(base.clone(), sync));
    }
    crosses::<core::Subscribed, record::Opened>(&json!({"room": ID, "gone": true}));
}

#[test]
fn an_error_carries_its_code_field_and_limit() {
    let error = ChatError::from(core::Error::too_large("content", 20_000, 16_384));
    let ChatError::Failed { code, retry, details, .. } = error;
    assert_eq!((code, retry), (ErrorCode::MessageTooLarge, Retry::Never));
    let field = Some("content".into());
    assert_eq!(details, ErrorDetails { field, size: Some(20_000), limit: Some(16_384) });
}

#[test]
fn what_is_wrong_with_an_argument_is_named_and_nothing_of_it_repeated() {
    for (json, said) in [
        (r#"{"content":{"secret":1}}"#, "`content` is missing, or not what it must be"),
        (r#"{"read_seq":-1}"#, "`read_seq` is missing, or not what it must be"),
        (r#"{"client_id":"se\u0000cret"}"#, "`client_id` is missing, or not what it must be"),
        (r#"7"#, "`message` is missing, or not what it must be"),
        (r#"[{"content":"secret"}]"#, "`message` is missing, or not what it must be"),
        (r#"{"content":"\ud800"}"#, "`content` is missing, or not what it must be"),
    ] {
        let error = carry::read::<core::SendMessage>(json, "message").unwrap_err();
        assert_eq!(error.to_string(), said, "{json}");
    }
}

/// `bindings/node/generated.d.cts`, from the records and the list of methods. `UPDATE_TYPES=1` writes it anew.
#[test]
fn the_typescript_declarations_are_those_of_the_facade() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/generated.d.cts");
    let declared = declarations();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        std::fs::write(&path, &declared).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == declared, "bindings/node/generated.d.cts is not what the facade says; UPDATE_TYPES=1 writes it");
}

fn declarations() -> String {
    let mut text = String::from("// Written by `UPDATE_TYPES=1 cargo test -p chat-api`; a test compares it.\n");
    macro_rules! declare {
        ($($ty:ty),* $(,)?) => { $( declare(&mut text, <$ty as TS>::docs(), &<$ty as TS>::decl(&config())); )* };
    }
    declare!(
        crate::Time,
        crate::Json,
        ErrorCode,
        Retry,
        ErrorDetails,
        record::MessageType,
        record::Role,
        record::RoomKind,
        record::RoomState,
        record::HistoryMode,
        record::Level,
        record::ResyncReason,
        record::Attachment,
        record::Message,
        record::Sent,
        record::MessagePage,
        record::Participant,
        record::ParticipantPage,
        record::My,
        record::Markers,
        record::Marker,
        record::Room,
        record::RoomInfo,
        record::RoomPage,
        record::Paging,
        record::History,
        record::SendMessage,
        record::EditMessage,
        record::CreateRoom,
        record::UpdateRoom,
        record::AddParticipant,
        record::UpdateParticipant,
        record::UpdateMe,
        record::Event,
        record::OpenRoom,
        record::Opened,
        record::Snapshot,
    );
    // Beside its fields it has whatever else the application says, for which ts-rs has no word.
    let fields = record::Attachment::decl(&config());
    let all = format!("{} & {};", fields.trim_end_matches(';'), type_of::<crate::Json>());
    let mut text = text.replace(&fields, &all);
    text.push_str("\n/** What one user, or the application itself, may do. */\nexport interface SessionMethods {\n");
    for Method { docs, name, args, returns } in session::declarations() {
        let docs: Vec<_> = docs.iter().map(|line| line.trim()).collect();
        let argument = |(name, ty): &(&str, String)| match ty.strip_suffix(" | null") {
            Some(ty) => format!("{}?: {ty} | null", camel(name)),
            None => format!("{}: {ty}", camel(name)),
        };
        let args: Vec<_> = args.iter().map(argument).chain(["options?: CallOptions".into()]).collect();
        let returns = if returns == "null" { "void" } else { &returns };
        let _ =
            writeln!(text, "  /** {} */\n  {}({}): Promise<{returns}>;", docs.join(" "), camel(name), args.join(", "));
    }
    text.push_str(
        "}\n\n/** How to make one call. */\nexport interface CallOptions {\n  /** Stops waiting; what was begun may \
         still take effect, so repeat it under the same `client_id` to be sure. */\n  signal?: AbortSignal;\n}\n",
    );
    text
}

fn declare(text: &mut String, docs: Option<String>, declaration: &str) {
    let _ = write!(text, "\n{}export {declaration}\n", docs.unwrap_or_default());
}

/// A Rust name as JavaScript writes it.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn an_update_takes_away_only_what_it_has() {
    use crate::carry::Carried as _;
    let mut update: record::UpdateParticipant = serde_json::from_value(json!({"user_id": "ann"})).unwrap();
    update.clear = vec![record::Field::MutedUntil];
    assert_eq!(update.clone().into_core("update").unwrap().muted_until, Some(None));
    update.clear.push(record::Field::Topic);
    let ChatError::Failed { code, reason, details, .. } = update.into_core("update").unwrap_err();
    assert_eq!((code, details.field.as_deref()), (ErrorCode::InvalidArgument, Some("clear")));
    assert_eq!(reason, "`clear` may name Name Avatar MutedUntil");
}
