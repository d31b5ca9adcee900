//! What a client's frame asks for.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};
use tokio::time::Instant;

use crate::{
    model::{
        AddParticipant, ClientId, Command, CreateRoom, Cursor, DeleteMessage, EditMessage, Error, Mark, MarkAt,
        MarkKind, MessageId, RemoveParticipant, Result, RoomRef, SendMessage, Seq, UpdateMe, UpdateParticipant,
        UpdateRoom,
    },
    store::Window,
};

use super::{answer::Asked, json::from_json};

/// Everything that a client can ask for.
pub const ACTIONS: [&str; 25] = [
    "authenticate",
    "ping",
    "send_message",
    "edit_message",
    "delete_message",
    "read_message",
    "message_delivered",
    "mark_unread",
    "typing_start",
    "typing_stop",
    "create_room",
    "update_room",
    "delete_room",
    "get_room",
    "list_rooms",
    "leave_room",
    "add_participant",
    "update_participant",
    "remove_participant",
    "list_participants",
    "update_me",
    "subscribe",
    "unsubscribe",
    "history",
    "readers",
];

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
    pub(super) asked: Asked,
    /// The room that it names.
    pub(super) room: Option<RoomRef>,
    pub(super) action: Result<Action>,
    /// How long it was.
    pub(super) bytes: usize,
}

/// What a frame asks for.
#[derive(Debug)]
pub(super) enum Action {
    Authenticate(String),
    Ping,
    Write(Command),
    Leave(Option<ClientId>),
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
struct Head<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    r#ref: Option<Ref>,
    room: Option<RoomRef>,
}

/// What is still looked for where the head is wrong: each part that is right.
#[derive(Deserialize)]
struct Remains {
    action: Option<serde_json::Value>,
    r#ref: Option<serde_json::Value>,
}

impl Frame {
    /// Understands a frame; what cannot be understood becomes the error to answer.
    pub(super) fn parse(text: &str) -> Self {
        let Head { action, r#ref: reference, room } = match parse(text) {
            Ok(head) => head,
            Err(error) => return Self::wrong(text, error),
        };
        if reference.as_ref().is_some_and(Ref::is_too_long) {
            let error = Error::invalid("ref", "must be a number, or a text of at most 64 bytes");
            return Self { room, action: Err(error), asked: asked(None, name_of(&action)), bytes: text.len() };
        }
        let asked = asked(reference, name_of(&action));
        Self { asked, room, action: action_of(&action, text), bytes: text.len() }
    }

    /// A binary frame, which the protocol does not have.
    pub(super) fn binary() -> Self {
        let error = Error::invalid("frame", "must be a text frame");
        Self { asked: asked(None, UNKNOWN), room: None, action: Err(error), bytes: 0 }
    }

    /// The error is answered under the frame's `ref`, if that much is right.
    fn wrong(text: &str, error: Error) -> Self {
        let Remains { action, r#ref } = parse(text).unwrap_or(Remains { action: None, r#ref: None });
        let reference = r#ref.and_then(|reference| Ref::deserialize(reference).ok());
        let name = action.as_ref().and_then(|action| action.as_str()).map_or(UNKNOWN, name_of);
        let asked = asked(reference.filter(|reference| !reference.is_too_long()), name);
        Self { asked, room: None, action: Err(error), bytes: text.len() }
    }

    /// Whether it must wait until what came before it is done. Writes need not: they take their turns.
    pub(super) const fn waits(&self) -> bool {
        !matches!(self.action, Err(_) | Ok(Action::Write(_) | Action::Leave(_)))
    }
}

fn asked(reference: Option<Ref>, action: &'static str) -> Asked {
    Asked { reference, action, at: Instant::now() }
}

impl Ref {
    fn is_too_long(&self) -> bool {
        matches!(self, Self::Text(text) if text.len() > REF_BYTES)
    }
}

/// The name of what is no action.
const UNKNOWN: &str = "unknown";

fn name_of(action: &str) -> &'static str {
    ACTIONS.into_iter().find(|known| *known == action).unwrap_or(UNKNOWN)
}

fn action_of(action: &str, text: &str) -> Result<Action> {
    Ok(match action {
        "send_message" => Action::Write(Command::SendMessage(parse::<SendMessage>(text)?)),
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
        "leave_room" => Action::Leave(parse::<Operation>(text)?.client_id),
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
struct Operation {
    client_id: Option<ClientId>,
}

#[derive(Deserialize)]
struct Paging {
    cursor: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Readers {
    message_id: MessageId,
    cursor: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
}

/// How many entries are wanted: any whole number, clamped.
fn limit<'de, D: Deserializer<'de>>(number: D) -> Result<Option<usize>, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = Option<usize>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }
        fn visit_unit<E>(self) -> Result<Option<usize>, E> {
            Ok(None)
        }
        fn visit_u64<E>(self, number: u64) -> Result<Option<usize>, E> {
            Ok(Some(usize::try_from(number).unwrap_or(usize::MAX)))
        }
        fn visit_i64<E>(self, number: i64) -> Result<Option<usize>, E> {
            Ok(Some(usize::try_from(number).unwrap_or(0)))
        }
        /// What no integer can hold; `as` saturates.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "that is the clamping")]
        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Option<usize>, E> {
            if number.fract() == 0.0 { Ok(Some(number as usize)) } else { Err(E::custom("must be whole")) }
        }
    }

    number.deserialize_any(Whole)
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
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
}

fn history(text: &str) -> Result<Action> {
    let History { before, after, around, limit } = parse(text)?;
    Ok(Action::History(Window::named(before, after, around)?, limit))
}

fn parse<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T> {
    from_json("frame", text.as_bytes())
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
            ("", "`frame` must be a JSON object"),
            ("{\"action\":", "`frame` must be a JSON object; line 1, column 10 is no JSON"),
            (r#"["ping",1,null]"#, "`frame` must be a JSON object"),
            (r#"{"action":"ping"} {"#, "`frame` must be one JSON object, and nothing after it"),
            ("{}", "`action` is missing, or not what it must be"),
            (r#"{"action":"secret"}"#, "`action` is unknown"),
            (r#"{"action":"send_message","content":{"secret":1}}"#, "`content` is missing, or not what it must be"),
            (r#"{"action":"edit_message"}"#, "`message_id` is missing, or not what it must be"),
            (
                r#"{"action":"send_message","message_type":"secret"}"#,
                "`message_type` is missing, or not what it must be",
            ),
            (r#"{"action":"read_message","seq":-1}"#, "`seq` is missing, or not what it must be"),
            (r#"{"action":"ping","ref":[]}"#, "`ref` is missing, or not what it must be"),
            (r#"{"action":"history","before":1,"after":2}"#, "`before` and `after` and `around` exclude each other"),
            (r#"{"action":"history","limit":1.5}"#, "`limit` is missing, or not what it must be"),
            (
                r#"{"action":"update_me","private_reading":"secret"}"#,
                "`private_reading` is missing, or not what it must be",
            ),
        ] {
            assert_eq!(error(frame), said, "{frame}");
        }
        assert!(error(&"{\"a\":".repeat(5_000)).starts_with("`frame`"));
        let long = |bytes: usize| format!(r#"{{"action":"ping","ref":"{}"}}"#, "r".repeat(bytes));
        assert!(Frame::parse(&long(64)).action.is_ok());
        assert_eq!(error(&long(65)), "`ref` must be a number, or a text of at most 64 bytes");
    }

    #[test]
    fn the_ref_is_kept_where_the_rest_is_wrong() {
        for frame in [
            r#"{"ref":7,"action":"nope"}"#,
            r#"{"ref":7,"action":5}"#,
            r#"{"ref":7}"#,
            r#"{"ref":7,"action":"ping","room":5}"#,
            r#"{"ref":7,"action":"send_message","content":[]}"#,
        ] {
            assert_eq!(Frame::parse(frame).asked.reference, Some(Ref::Number(7.into())), "{frame}");
        }
    }

    #[test]
    fn every_action_is_known_and_has_its_name() {
        for action in ACTIONS {
            let frame = Frame::parse(&format!(r#"{{"action":"{action}"}}"#));
            assert_eq!(frame.asked.action, action);
            assert_ne!(frame.action.err().map(|error| error.to_string()).as_deref(), Some("`action` is unknown"));
        }
        assert_eq!(Frame::parse(r#"{"action":"secret"}"#).asked.action, "unknown");
    }

    #[test]
    fn a_page_may_be_asked_for_with_any_whole_number() {
        for (asked, limit) in [
            ("0", Some(0)),
            ("-5", Some(0)),
            ("-1e30", Some(0)),
            ("7", Some(7)),
            ("99999999999999999999999", Some(usize::MAX)),
            ("1e30", Some(usize::MAX)),
            ("null", None),
        ] {
            let frame = Frame::parse(&format!(r#"{{"action":"list_rooms","limit":{asked}}}"#));
            assert!(matches!(frame.action, Ok(Action::ListRooms(None, found)) if found == limit), "{asked}: {frame:?}");
        }
    }
}
