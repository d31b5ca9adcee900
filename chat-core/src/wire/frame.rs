//! What a client's frame asks for.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    model::{
        AddParticipant, Command, CreateRoom, Cursor, DeleteMessage, EditMessage, Error, MAX_INTEGER, Mark, MarkAt,
        MarkKind, MessageId, RemoveParticipant, Result, RoomRef, SendMessage, Seq, UpdateMe, UpdateParticipant,
        UpdateRoom, UserId,
    },
    store::Window,
};

/// A client's name for one of its frames: the answer bears it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Ref {
    Number(serde_json::Number),
    Text(String),
}

/// The longest `ref` that is a text.
const REF_BYTES: usize = 64;

/// A frame, understood.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) reference: Option<Ref>,
    /// The room that it names.
    pub(super) room: Option<RoomRef>,
    pub(super) action: Result<Action>,
}

/// What a frame asks for.
#[derive(Debug)]
pub(super) enum Action {
    Authenticate(String),
    Ping,
    Write(Command),
    Leave,
    Typing(bool),
    Subscribe(Vec<(RoomRef, Option<Cursor>)>),
    /// Subscribe to the room of the connection.
    SubscribeHere(Option<Cursor>),
    Unsubscribe(Vec<RoomRef>),
    History(Window, Option<usize>),
    ListRooms(Option<String>, Option<usize>),
    GetRoom,
    ListParticipants(Option<String>, Option<usize>),
    Readers(MessageId, Option<String>, Option<usize>),
}

#[derive(Deserialize)]
struct Head {
    action: Option<String>,
    r#ref: Option<serde_json::Value>,
    room: Option<RoomRef>,
}

impl Frame {
    /// Understands a frame; what cannot be understood becomes the error to answer.
    pub(super) fn parse(text: &str) -> Self {
        let head: Head = match parse(text) {
            Ok(head) => head,
            Err(error) => return Self { reference: None, room: None, action: Err(error) },
        };
        let reference = match head.r#ref {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(serde_json::Value::Number(number)) => Ok(Some(Ref::Number(number))),
            Some(serde_json::Value::String(text)) if text.len() <= REF_BYTES => Ok(Some(Ref::Text(text))),
            Some(_) => Err(Error::invalid("ref", "must be a number or a text of at most 64 bytes")),
        };
        let (reference, refused) = match reference {
            Ok(reference) => (reference, None),
            Err(error) => (None, Some(error)),
        };
        let action = match (refused, head.action) {
            (Some(error), _) => Err(error),
            (None, None) => Err(Error::invalid("action", "must be given")),
            (None, Some(action)) => action_of(&action, text),
        };
        Self { reference, room: head.room, action }
    }
}

fn action_of(action: &str, text: &str) -> Result<Action> {
    Ok(match action {
        "send_message" => {
            let send: SendMessage = parse(text)?;
            Action::Write(Command::SendMessage(send))
        }
        "edit_message" => Action::Write(Command::EditMessage(parse::<EditMessage>(text)?)),
        "delete_message" => Action::Write(Command::DeleteMessage(parse::<DeleteMessage>(text)?)),
        "read_message" => mark(MarkKind::Read, text)?,
        "message_delivered" => mark(MarkKind::Delivered, text)?,
        "mark_unread" => mark(MarkKind::Unread, text)?,
        "typing_start" => Action::Typing(true),
        "typing_stop" => Action::Typing(false),
        "create_room" => Action::Write(Command::CreateRoom(parse::<CreateRoom>(text)?)),
        "update_room" => Action::Write(Command::UpdateRoom(parse::<UpdateRoom>(text)?)),
        "delete_room" => Action::Write(Command::DeleteRoom),
        "add_participant" => Action::Write(Command::AddParticipant(parse::<AddParticipant>(text)?)),
        "update_participant" => Action::Write(Command::UpdateParticipant(parse::<UpdateParticipant>(text)?)),
        "remove_participant" => Action::Write(Command::RemoveParticipant(parse::<RemoveParticipant>(text)?)),
        "leave_room" => Action::Leave,
        "update_me" => Action::Write(Command::UpdateMe(parse::<UpdateMe>(text)?)),
        "subscribe" => subscribe(text)?,
        "unsubscribe" => unsubscribe(text)?,
        "history" => history(text)?,
        "list_rooms" => {
            let Paging { cursor, limit } = parse(text)?;
            Action::ListRooms(cursor, limit)
        }
        "get_room" => Action::GetRoom,
        "list_participants" => {
            let Paging { cursor, limit } = parse(text)?;
            Action::ListParticipants(cursor, limit)
        }
        "readers" => {
            let Readers { message_id, cursor, limit } = parse(text)?;
            Action::Readers(message_id, cursor, limit)
        }
        "authenticate" => Action::Authenticate(parse::<Authenticate>(text)?.token),
        "ping" => Action::Ping,
        _ => return Err(Error::invalid("action", "is unknown")),
    })
}

#[derive(Deserialize)]
struct Authenticate {
    token: String,
}

#[derive(Deserialize)]
struct Paging {
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Readers {
    message_id: MessageId,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Place {
    message_id: Option<MessageId>,
    seq: Option<Seq>,
}

fn mark(kind: MarkKind, text: &str) -> Result<Action> {
    let at = match parse::<Place>(text)? {
        Place { message_id: Some(id), .. } => MarkAt::MessageId(id),
        Place { seq: Some(seq), .. } => MarkAt::Seq(seq),
        Place { .. } => return Err(Error::invalid("message_id", "or `seq` must be given")),
    };
    Ok(Action::Write(Command::Mark(Mark { kind, at })))
}

#[derive(Deserialize)]
struct Rooms {
    rooms: Option<Vec<OneRoom>>,
    room: Option<RoomRef>,
    cursor: Option<Cursor>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneRoom {
    Plain(RoomRef),
    From { room: RoomRef, cursor: Option<Cursor> },
}

fn subscribe(text: &str) -> Result<Action> {
    let Rooms { rooms, room, cursor } = parse(text)?;
    Ok(match (rooms, room) {
        (Some(rooms), _) => Action::Subscribe(
            rooms
                .into_iter()
                .map(|room| match room {
                    OneRoom::Plain(room) => (room, None),
                    OneRoom::From { room, cursor } => (room, cursor),
                })
                .collect(),
        ),
        (None, Some(room)) => Action::Subscribe(vec![(room, cursor)]),
        (None, None) => Action::SubscribeHere(cursor),
    })
}

fn unsubscribe(text: &str) -> Result<Action> {
    let Rooms { rooms, room, .. } = parse(text)?;
    let rooms = rooms.into_iter().flatten().map(|room| match room {
        OneRoom::Plain(room) | OneRoom::From { room, .. } => room,
    });
    Ok(Action::Unsubscribe(rooms.chain(room).collect()))
}

#[derive(Deserialize)]
struct History {
    before: Option<Seq>,
    after: Option<Seq>,
    around: Option<Seq>,
    limit: Option<usize>,
}

fn history(text: &str) -> Result<Action> {
    let History { before, after, around, limit } = parse(text)?;
    Ok(Action::History(window(before, after, around)?, limit))
}

/// The window that a request for history names; at most one of the three.
pub(super) fn window(before: Option<Seq>, after: Option<Seq>, around: Option<Seq>) -> Result<Window> {
    if before.max(after).max(around).is_some_and(|seq| seq > MAX_INTEGER) {
        return Err(Error::invalid("before", ", `after` and `around` must be below 2^53"));
    }
    match (before, after, around) {
        (None, None, None) => Ok(Window::Latest),
        (Some(seq), None, None) => Ok(Window::Before(seq)),
        (None, Some(seq), None) => Ok(Window::After(seq)),
        (None, None, Some(seq)) => Ok(Window::Around(seq)),
        _ => Err(Error::invalid("before", ", `after` and `around` exclude each other")),
    }
}

/// Reads JSON; the error names the field, never what stood in it.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| explain(&error))
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let inner = error.inner();
    if inner.classify() != serde_json::error::Category::Data {
        return Error::invalid("frame", format!("must be a JSON object; it is not JSON at column {}", inner.column()));
    }
    let field = match error.path().iter().next() {
        Some(serde_path_to_error::Segment::Map { key }) => known(key),
        _ => None,
    };
    match field {
        Some(field) => Error::invalid(field, "is missing, or not what it must be"),
        None => missing(inner),
    }
}

/// serde names a missing field only in its text; the names are our own.
fn missing(error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let name = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()).and_then(known);
    match name {
        Some(name) => Error::invalid(name, "is missing, or not what it must be"),
        None => Error::invalid("frame", "must be a JSON object"),
    }
}

/// The fields of the protocol, so that an error can name one without repeating what a stranger wrote.
fn known(name: &str) -> Option<&'static str> {
    const FIELDS: [&str; 36] = [
        "action",
        "ref",
        "room",
        "rooms",
        "cursor",
        "content",
        "message_type",
        "client_id",
        "metadata",
        "attachments",
        "reply_to",
        "read_seq",
        "sender",
        "message_id",
        "seq",
        "before",
        "after",
        "around",
        "limit",
        "token",
        "user_id",
        "role",
        "name",
        "avatar",
        "topic",
        "kind",
        "key",
        "history",
        "state",
        "participants",
        "visible_from",
        "muted_until",
        "banned",
        "pinned",
        "hidden",
        "level",
    ];
    FIELDS.into_iter().find(|field| *field == name)
}

/// Who is to be removed when somebody leaves.
pub(super) const fn leaving(user_id: UserId) -> Command {
    Command::RemoveParticipant(RemoveParticipant { user_id, client_id: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Frame::parse(text).action.unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_of_it_repeated() {
        for (frame, said) in [
            ("", "`frame` must be a JSON object; it is not JSON at column 0"),
            ("{\"action\":", "`frame` must be a JSON object; it is not JSON at column 10"),
            ("[]", "`frame` must be a JSON object"),
            ("{}", "`action` must be given"),
            (r#"{"action":"secret"}"#, "`action` is unknown"),
            (r#"{"action":"send_message","content":{"secret":1}}"#, "`content` is missing, or not what it must be"),
            (r#"{"action":"edit_message"}"#, "`message_id` is missing, or not what it must be"),
            (
                r#"{"action":"send_message","message_type":"secret"}"#,
                "`message_type` is missing, or not what it must be",
            ),
            (r#"{"action":"read_message","seq":-1}"#, "`seq` is missing, or not what it must be"),
            (r#"{"action":"ping","ref":[]}"#, "`ref` must be a number or a text of at most 64 bytes"),
            (r#"{"action":"history","before":1,"after":2}"#, "`before` , `after` and `around` exclude each other"),
        ] {
            assert_eq!(error(frame), said, "{frame}");
        }
        assert!(error(&"{\"a\":".repeat(5_000)).starts_with("`frame`"));
    }

    #[test]
    fn the_ref_is_kept_where_the_rest_is_wrong() {
        let frame = Frame::parse(r#"{"ref":7,"action":"nope"}"#);
        assert_eq!(frame.reference, Some(Ref::Number(7.into())));
    }
}
