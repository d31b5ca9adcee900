//! The document says what `chat-core` really reads and writes.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    AddParticipant, Attachment, CreateRoom, EditMessage, Engine, Level, Markers, MemberSettings, MemoryStore, Message,
    MessageType, Metadata, My, MyRoom, Options, Page, Participant, Retry, Role, RoomInfo, SendMessage, Timestamp,
    UpdateMe, UpdateParticipant, UpdateRoom, wire::ErrorBody,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::{AuthError, Authenticator, ChatServer, Credentials, Identity, Settings};

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Authenticator for Nobody {
    async fn authenticate(&self, _: Credentials<'_>) -> Result<Identity, AuthError> {
        Err(AuthError::Missing)
    }
}

async fn document() -> Value {
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
    let chat = ChatServer::new(engine.clone(), Arc::new(Nobody), Settings::default()).unwrap();
    let document = serde_json::to_value(api(&chat.shared).1).unwrap();
    engine.close().await.unwrap();
    document
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// The schema has the fields of the full value, and demands none that the bare one lacks.
#[track_caller]
fn fits(document: &Value, name: &str, full: &impl Serialize, bare: &impl Serialize) {
    let schema = &document["components"]["schemas"][name];
    let (full, bare) = (serde_json::to_value(full).unwrap(), serde_json::to_value(bare).unwrap());
    assert_eq!(keys(&schema["properties"]), keys(&full), "{name}");
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(bare.get(required.as_str().unwrap()).is_some(), "{name} demands {required}");
    }
}

fn metadata() -> Metadata {
    json!({"a": 1}).as_object().unwrap().clone()
}

fn message(full: bool) -> Message {
    let id = "0190a1b2-0000-7000-8000-000000000000";
    let some = |text: &str| full.then(|| text.to_owned());
    let (at, user) = (full.then_some(Timestamp::from_millis(1)), full.then(|| "ann".parse().unwrap()));
    Message {
        id: id.parse().unwrap(),
        room: id.parse().unwrap(),
        seq: 1,
        rev: 1,
        sender: user.clone(),
        content: some("x"),
        message_type: MessageType::Text,
        created_at: Timestamp::from_millis(1),
        client_id: full.then(|| "c".parse().unwrap()),
        edited_at: at,
        version: full.then_some(2),
        reply_to: full.then(|| id.parse().unwrap()),
        metadata: full.then(metadata),
        attachments: if full { vec![attachment()] } else { Vec::new() },
        deleted_at: at,
        deleted_by: user,
    }
}

fn attachment() -> Attachment {
    serde_json::from_value(json!({
        "id": "f", "name": "a.png", "content_type": "image/png", "size": 1, "url": "/a.png", "width": 1, "height": 1
    }))
    .unwrap()
}

fn my() -> My {
    My { role: Role::Owner, read_seq: 0, delivered_seq: 0, marker_seq: 0, settings: MemberSettings::default() }
}

fn room(full: bool) -> MyRoom {
    MyRoom {
        info: RoomInfo {
            id: "0190a1b2-0000-7000-8000-000000000000".parse().unwrap(),
            key: None,
            kind: Default::default(),
            name: None,
            topic: None,
            avatar: None,
            metadata: None,
            state: Default::default(),
            created_at: Timestamp::from_millis(1),
            history: Default::default(),
        },
        unread_count: 0,
        last_message: full.then(|| message(true)),
        last_seq: 0,
        participants_count: 0,
        my: full.then(my),
        cursor: chat_core::Cursor { epoch: 1, rev: 1, chain: 1 },
    }
}

fn participant(full: bool) -> Participant {
    let at = full.then_some(Timestamp::from_millis(1));
    Participant {
        user_id: "ann".parse().unwrap(),
        name: None,
        avatar: None,
        role: Role::Owner,
        joined_at: Timestamp::from_millis(1),
        read_seq: 0,
        delivered_seq: 0,
        visible_from: full.then_some(2),
        online: full.then_some(true),
        last_seen: at,
        muted_until: at,
    }
}

#[tokio::test]
async fn what_is_given_is_described() {
    let document = document().await;
    fits(&document, "Message", &message(true), &message(false));
    fits(&document, "Attachment", &attachment(), &json!({"name": "", "content_type": "", "size": 1, "url": ""}));
    fits(&document, "Room", &room(true), &room(false));
    fits(&document, "My", &my(), &my());
    fits(&document, "Participant", &participant(true), &participant(false));
    let markers = Markers { read_seq: 1, delivered_seq: 1, marker_seq: 1, unread_count: 1 };
    fits(&document, "Markers", &markers, &markers);
    let unread = mine::Unread { unread_count: 1 };
    fits(&document, "Unread", &unread, &unread);
    let page = Page { results: vec![1], next: None };
    fits(&document, "Page_Message", &page, &page);
    let error = |retry_after_ms| ErrorBody {
        code: chat_core::Code::Busy,
        message: String::new(),
        retry: Retry::Later,
        retry_after_ms,
    };
    fits(&document, "Error", &error(Some(1)), &error(None));
}

#[tokio::test]
async fn what_is_taken_is_described() {
    let document = document().await;
    let text = || Some("x".to_owned());
    let (nothing, client_id) = (json!({}), Some("c".parse().unwrap()));
    let send = SendMessage {
        metadata: Some(metadata()),
        attachments: vec![attachment()],
        reply_to: Some("0190a1b2-0000-7000-8000-000000000000".parse().unwrap()),
        read_seq: Some(1),
        sender: Some("ann".parse().unwrap()),
        client_id: client_id.clone(),
        ..SendMessage::text("x")
    };
    fits(&document, "SendMessage", &send, &nothing);
    let edit = EditMessage {
        metadata: Some(None),
        attachments: Some(Vec::new()),
        client_id: client_id.clone(),
        ..EditMessage::text("0190a1b2-0000-7000-8000-000000000000".parse().unwrap(), "x")
    };
    fits(&document, "EditMessage", &without(&edit, "message_id"), &nothing);
    let create = CreateRoom {
        key: Some("job:1".parse().unwrap()),
        name: text(),
        topic: text(),
        avatar: text(),
        metadata: Some(metadata()),
        participants: vec![AddParticipant::new("ann".parse().unwrap())],
        client_id: client_id.clone(),
        ..CreateRoom::group()
    };
    fits(&document, "CreateRoom", &create, &nothing);
    let update = UpdateRoom {
        name: Some(text()),
        topic: Some(text()),
        avatar: Some(text()),
        metadata: Some(None),
        state: Some(Default::default()),
        history: Some(Default::default()),
        client_id: client_id.clone(),
    };
    fits(&document, "UpdateRoom", &update, &nothing);
    let add = AddParticipant {
        name: text(),
        avatar: text(),
        visible_from: Some(1),
        client_id: client_id.clone(),
        ..AddParticipant::new("ann".parse().unwrap())
    };
    fits(&document, "AddParticipant", &add, &json!({"user_id": "ann"}));
    let update = UpdateParticipant {
        role: Some(Role::Owner),
        name: Some(text()),
        avatar: Some(text()),
        muted_until: Some(None),
        banned: Some(true),
        client_id,
        ..UpdateParticipant::of("ann".parse().unwrap())
    };
    fits(&document, "UpdateParticipant", &without(&update, "user_id"), &nothing);
    let update =
        UpdateMe { pinned: Some(true), hidden: Some(true), level: Some(Level::All), private_reading: Some(true) };
    fits(&document, "UpdateMe", &update, &nothing);
    fits(&document, "Place", &json!({"seq": 1}), &json!({"seq": 1}));
}

#[tokio::test]
async fn a_body_may_be_absent_where_nothing_of_it_is_demanded() {
    let document = document().await;
    let required = |path: &str, method: &str| document["paths"][path][method]["requestBody"]["required"].clone();
    assert_eq!(required("/api/chatrooms/", "post"), false);
    assert_eq!(required("/api/chatrooms/{id}/", "patch"), false);
    assert_eq!(required("/api/chatrooms/{id}/mark_read/", "post"), true);
}

/// What the path says, the body need not.
fn without(value: &impl Serialize, field: &str) -> Value {
    let mut value = serde_json::to_value(value).unwrap();
    value.as_object_mut().unwrap().remove(field);
    value
}

#[tokio::test]
async fn every_operation_says_how_it_can_fail_and_every_reference_leads_somewhere() {
    let document = document().await;
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{method} {path}");
            if path.starts_with("/api/") {
                assert!(operation["security"][0]["bearer"].is_array(), "{method} {path}");
                for status in ["400", "401", "403", "404", "409", "413", "429", "503"] {
                    assert!(operation["responses"].get(status).is_some(), "{method} {path} {status}");
                }
            }
        }
    }
    let text = document.to_string();
    let mut references: Vec<_> =
        text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    references.sort_unstable();
    references.dedup();
    assert!(references.len() > 20);
    for reference in references {
        assert!(document["components"]["schemas"].get(reference).is_some(), "{reference}");
    }
}
