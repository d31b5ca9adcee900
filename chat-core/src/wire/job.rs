//! What a frame sets in motion, and what comes of it.

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::{
    engine::{Live, Place, Reply, Session},
    model::{Command, Cursor, Error, Markers, My, Result, RoomId, RoomRef, Sent, Subscribed, Timestamp},
};

use super::{
    answer,
    connection::{Empty, Identity, TokenVerifier},
    frame::{Action, Ref, leaving},
};

/// What a frame sets in motion.
pub(super) enum Job {
    /// A write: begun in order, answered when it is durable, others begun meanwhile.
    Write { place: Place, command: Command },
    /// Opens rooms; it takes the live side with it.
    Subscribe(Vec<(RoomRef, Option<Cursor>)>),
    /// Closes rooms; the same.
    Unsubscribe(Vec<RoomRef>),
    /// Takes a new token.
    Authenticate(String),
    /// Everything else, which runs alone.
    Other(Option<RoomRef>, Action),
}

/// What a job that ran alone has come to.
#[derive(Default)]
pub(super) struct Done {
    pub(super) out: Vec<Bytes>,
    /// The live side, if the job had it.
    pub(super) live: Option<Box<Live>>,
    /// The room that the connection is for.
    pub(super) entered: Option<RoomId>,
    /// An unknown peer's token was checked.
    pub(super) welcome: Option<(Option<Ref>, Result<Identity>)>,
    /// A known peer's token was checked: when the new one ends.
    pub(super) refreshed: Option<Option<Timestamp>>,
    /// The peer may not be here.
    pub(super) refused: Option<Error>,
}

impl Job {
    /// What `action` sets in motion; `place` is the room it names, or the connection's.
    pub(super) fn of(session: &Session, place: Option<RoomRef>, action: Action) -> Result<Self> {
        let here = |place: Option<RoomRef>| place.ok_or(Error::invalid("room", "must be given"));
        Ok(match action {
            Action::Write(command) => {
                let place = match &command {
                    Command::CreateRoom(_) => Place::New,
                    Command::EditMessage(edit) => Place::OfMessage(edit.message_id),
                    Command::DeleteMessage(delete) => Place::OfMessage(delete.message_id),
                    Command::Mark(mark) => match mark.message_id() {
                        Some(id) => Place::OfMessage(id),
                        None => Place::Room(here(place)?),
                    },
                    _ => Place::Room(here(place)?),
                };
                Self::Write { place, command }
            }
            Action::Leave => {
                let user = session.actor().user().ok_or(Error::Forbidden { reason: "the host is no participant" })?;
                Self::Write { place: Place::Room(here(place)?), command: leaving(user.clone()) }
            }
            Action::Subscribe(rooms) => Self::Subscribe(rooms),
            Action::SubscribeHere(cursor) => Self::Subscribe(vec![(here(place)?, cursor)]),
            Action::Unsubscribe(rooms) if rooms.is_empty() => Self::Unsubscribe(vec![here(place)?]),
            Action::Unsubscribe(rooms) => Self::Unsubscribe(rooms),
            Action::Authenticate(token) => Self::Authenticate(token),
            Action::History(..) | Action::GetRoom | Action::ListParticipants(..) | Action::Typing(_) => {
                Self::Other(Some(here(place)?), action)
            }
            Action::Ping | Action::ListRooms(..) | Action::Readers(..) => Self::Other(place, action),
        })
    }

    /// Whether it takes the live side with it.
    pub(super) const fn needs_live(&self) -> bool {
        matches!(self, Self::Subscribe(_) | Self::Unsubscribe(_))
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// Hands a write over; the answer is as HTTP gives it.
pub(super) fn begin(session: &Session, place: Place, command: Command) -> Result<Answer> {
    let (is_send, is_me) = (matches!(command, Command::SendMessage(_)), matches!(command, Command::UpdateMe(_)));
    let updated = match (&command, &place) {
        (Command::UpdateRoom(_), Place::Room(room)) => Some(room.clone()),
        _ => None,
    };
    let removal = matches!(command, Command::RemoveParticipant(_));
    let pending = session.start(place, command)?;
    let session = session.clone();
    Ok(Box::pin(async move {
        let reply = pending.await?;
        if let Some(room) = updated {
            return json(&session.room(room).await?);
        }
        match reply {
            Reply::Message { message, before } if is_send => json(&Sent { message, duplicate: before }),
            Reply::Message { message, .. } => json(&serde_json::json!({ "message": message })),
            Reply::Room { room, .. } => json(&session.room(room).await?),
            Reply::Member(_) if removal => json(&Empty {}),
            Reply::Member(member) => json(&session.shown(&member)),
            Reply::Registers(registers) if is_me => json(&My::from(&registers.member)),
            Reply::Registers(registers) => json(&Markers::of(&registers.member, registers.unread)),
            Reply::Done => json(&Empty {}),
        }
    }))
}

/// The frame that answers a write, when it is durable.
pub(super) async fn answer(reference: Option<Ref>, pending: Answer) -> Option<Bytes> {
    respond(reference.as_ref(), &pending.await)
}

/// Runs what runs alone.
pub(super) async fn run(
    session: Session,
    mut live: Option<Box<Live>>,
    verifier: Arc<dyn TokenVerifier>,
    reference: Option<Ref>,
    job: Job,
) -> Done {
    let reference = reference.as_ref();
    let mut refreshed = None;
    let answer = match job {
        Job::Write { place, command } => match begin(&session, place, command) {
            Ok(pending) => respond(reference, &pending.await),
            Err(error) => Some(answer::error(reference, &error)),
        },
        Job::Subscribe(rooms) => match &mut live {
            Some(live) => respond(reference, &live.subscribe(rooms).await.map(|rooms| Rooms { rooms })),
            None => None,
        },
        Job::Unsubscribe(rooms) => respond(reference, &unsubscribe(&session, live.as_deref_mut(), rooms).await),
        Job::Authenticate(token) => {
            let checked = verifier.verify(&token).await.and_then(|identity| {
                if identity.actor == *session.actor() {
                    Ok(identity.expires_at)
                } else {
                    Err(Error::Unauthorized { reason: "the token is for somebody else" })
                }
            });
            refreshed = checked.as_ref().ok().copied();
            respond(reference, &checked.map(|_| Empty {}))
        }
        Job::Other(place, action) => respond(reference, &other(&session, place, action).await),
    };
    Done { out: answer.into_iter().collect(), live, refreshed, ..Done::default() }
}

#[derive(Serialize)]
struct Rooms {
    rooms: Vec<Subscribed>,
}

async fn unsubscribe(session: &Session, live: Option<&mut Live>, rooms: Vec<RoomRef>) -> Result<Empty> {
    if let Some(live) = live {
        for room in rooms {
            match session.resolve(room).await {
                Ok(room) => live.unsubscribe(room),
                // What is not there is not open.
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Empty {})
}

async fn other(session: &Session, place: Option<RoomRef>, action: Action) -> Result<Value> {
    let here = || place.clone().ok_or(Error::invalid("room", "must be given"));
    match action {
        Action::Typing(is_typing) => {
            session.typing(here()?, is_typing).await?;
            json(&Empty {})
        }
        Action::History(window, limit) => json(&session.history(here()?, window, limit).await?),
        Action::GetRoom => json(&session.room(here()?).await?),
        Action::ListParticipants(after, limit) => json(&session.participants(here()?, after.as_deref(), limit).await?),
        Action::ListRooms(after, limit) => json(&session.rooms(after.as_deref(), limit).await?),
        Action::Readers(message, after, limit) => json(&session.readers(message, after.as_deref(), limit).await?),
        _ => json(&Empty {}),
    }
}

fn respond<T: Serialize>(reference: Option<&Ref>, result: &Result<T>) -> Option<Bytes> {
    match result {
        Ok(ok) => answer::reply(reference, ok),
        Err(error) => Some(answer::error(reference, error)),
    }
}

fn json<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|_| Error::StorageUnavailable { reason: "an answer is no JSON".into() })
}
