//! What a frame sets in motion, and what comes of it.

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;

use crate::{
    engine::{Live, Place, Reply, Session},
    model::{Command, Cursor, Error, MessageId, RemoveParticipant, Result, RoomId, RoomRef, Timestamp},
    store::Window,
};

use super::{
    answer::{Answer, Asked, Said},
    frame::Action,
    peer::{Identity, TokenVerifier},
};

pub(super) type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A write that was handed over, and will say what came of it.
pub(super) type Written = Running<Result<Said>>;

/// What a frame sets in motion.
pub(super) enum Job {
    /// A write takes its turn at the committer; others are begun before it is durable.
    Write { place: Place, command: Command },
    /// Everything else runs alone.
    Alone(Alone),
}

/// What runs alone, after what came before and before what comes after.
pub(super) enum Alone {
    /// Opens rooms; it takes the live side with it.
    Subscribe(Vec<(RoomRef, Option<Cursor>)>),
    /// Closes rooms; the same.
    Unsubscribe(Vec<RoomRef>),
    /// Takes a new token.
    Authenticate(String),
    Typing(RoomRef, bool),
    History(RoomRef, Window, Option<usize>),
    GetRoom(RoomRef),
    ListRooms(Option<String>, Option<usize>),
    ListParticipants(RoomRef, Option<String>, Option<usize>),
    Readers(MessageId, Option<String>, Option<usize>),
    Ping,
}

/// What a job that ran alone has come to.
pub(super) enum Done {
    /// An unknown peer's token was checked.
    Identified(Asked, Result<Identity>),
    /// The peer may be here: its first frame, what asked for it, and what it is in.
    Welcome { ready: Bytes, asked: Option<Asked>, live: Box<Live>, room: Option<RoomId> },
    /// The peer may not be here.
    Refused(Option<Asked>, Error),
    /// A command was carried out; the live side comes back, if it went with it.
    Answered(Answer, Option<Box<Live>>),
    /// A known peer's token was checked; when the new one ends.
    Refreshed(Answer, Option<Timestamp>),
}

impl Job {
    /// What `action` sets in motion; `place` is the room it names, or the connection's.
    pub(super) fn of(session: &Session, place: Option<RoomRef>, action: Action) -> Result<Self> {
        let here = |place: Option<RoomRef>| place.ok_or(Error::invalid("room", "must be given"));
        let alone = match action {
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
                return Ok(Self::Write { place, command });
            }
            Action::Leave(client_id) => {
                let user_id = session.user()?.clone();
                let command = Command::RemoveParticipant(RemoveParticipant { user_id, client_id });
                return Ok(Self::Write { place: Place::Room(here(place)?), command });
            }
            Action::Subscribe(rooms) => Alone::Subscribe(rooms),
            Action::SubscribeHere(cursor) => Alone::Subscribe(vec![(here(place)?, cursor)]),
            Action::Unsubscribe(rooms) if rooms.is_empty() => Alone::Unsubscribe(vec![here(place)?]),
            Action::Unsubscribe(rooms) => Alone::Unsubscribe(rooms),
            Action::Authenticate(token) => Alone::Authenticate(token),
            Action::Typing(is_typing) => Alone::Typing(here(place)?, is_typing),
            Action::History(window, limit) => Alone::History(here(place)?, window, limit),
            Action::GetRoom => Alone::GetRoom(here(place)?),
            Action::ListRooms(after, limit) => Alone::ListRooms(after, limit),
            Action::ListParticipants(after, limit) => Alone::ListParticipants(here(place)?, after, limit),
            Action::Readers(message, after, limit) => Alone::Readers(message, after, limit),
            Action::Ping => Alone::Ping,
        };
        Ok(Self::Alone(alone))
    }

    /// For how many messages it counts where a user's are paced.
    pub(super) fn cost(&self) -> u32 {
        match self {
            Self::Write { command, .. } => command.cost(),
            Self::Alone(_) => 0,
        }
    }
}

impl Alone {
    /// Whether it takes the live side with it.
    pub(super) const fn needs_live(&self) -> bool {
        matches!(self, Self::Subscribe(_) | Self::Unsubscribe(_))
    }
}

/// Hands a write over when its turn has come; what is returned says what came of it, once that is durable.
pub(super) async fn begin(session: Session, place: Place, command: Command) -> Result<Written> {
    let shows = Shows::of(&place, &command);
    let pending = session.begin_in_turn(place, command).await?;
    Ok(Box::pin(async move { shows.say(&session, pending.await?).await }))
}

/// What the answer to a write shows; it is as HTTP gives it.
enum Shows {
    Sent,
    Message,
    NewRoom,
    Room(RoomRef),
    Participant,
    Markers,
    My,
    Nothing,
}

impl Shows {
    fn of(place: &Place, command: &Command) -> Self {
        match (command, place) {
            (Command::SendMessage(_), _) => Self::Sent,
            (Command::EditMessage(_) | Command::DeleteMessage(_), _) => Self::Message,
            (Command::CreateRoom(_), _) => Self::NewRoom,
            (Command::UpdateRoom(_), Place::Room(room)) => Self::Room(room.clone()),
            (Command::AddParticipant(_) | Command::UpdateParticipant(_), _) => Self::Participant,
            (Command::Mark(_), _) => Self::Markers,
            (Command::UpdateMe(_), _) => Self::My,
            (Command::UpdateRoom(_) | Command::DeleteRoom | Command::RemoveParticipant(_), _) => Self::Nothing,
        }
    }

    async fn say(self, session: &Session, reply: Reply) -> Result<Said> {
        Ok(match self {
            Self::Sent => Said::Sent(reply.sent()?),
            Self::Message => Said::Message { message: reply.message()? },
            Self::NewRoom => Said::Room(Box::new(session.room(reply.room()?.0).await?)),
            Self::Room(room) => Said::Room(Box::new(session.room(room).await?)),
            Self::Participant => Said::Participant(Box::new(session.shown(&*reply.member()?))),
            Self::Markers => Said::Markers(reply.markers()?),
            Self::My => Said::My(reply.my()?),
            Self::Nothing => Said::Nothing {},
        })
    }
}

/// Runs what runs alone.
pub(super) async fn run(
    session: Session,
    mut live: Option<Box<Live>>,
    verifier: Arc<dyn TokenVerifier>,
    asked: Asked,
    job: Alone,
) -> Done {
    if let Alone::Authenticate(token) = job {
        return authenticate(&session, &*verifier, asked, &token).await;
    }
    let said = carry_out(&session, live.as_deref_mut(), job).await;
    Done::Answered(asked.answer(&said), live)
}

async fn carry_out(session: &Session, live: Option<&mut Live>, job: Alone) -> Result<Said> {
    Ok(match (job, live) {
        (Alone::Subscribe(rooms), Some(live)) => Said::Opened { rooms: live.subscribe(rooms).await? },
        (Alone::Unsubscribe(rooms), Some(live)) => {
            live.unsubscribe(rooms).await?;
            Said::Nothing {}
        }
        (Alone::Typing(room, is_typing), _) => {
            session.typing(room, is_typing).await?;
            Said::Nothing {}
        }
        (Alone::History(room, window, limit), _) => Said::Messages(session.history(room, window, limit).await?),
        (Alone::GetRoom(room), _) => Said::Room(Box::new(session.room(room).await?)),
        (Alone::ListRooms(after, limit), _) => Said::MyRooms(session.rooms(after.as_deref(), limit).await?),
        (Alone::ListParticipants(room, after, limit), _) => {
            Said::Participants(session.participants(room, after.as_deref(), limit).await?)
        }
        (Alone::Readers(message, after, limit), _) => {
            Said::Participants(session.readers(message, after.as_deref(), limit).await?)
        }
        (Alone::Ping | Alone::Authenticate(_) | Alone::Subscribe(_) | Alone::Unsubscribe(_), _) => Said::Nothing {},
    })
}

async fn authenticate(session: &Session, verifier: &dyn TokenVerifier, asked: Asked, token: &str) -> Done {
    match verifier.verify(token).await {
        Ok(identity) if identity.actor == *session.actor() => {
            Done::Refreshed(asked.answer(&Ok(Said::Nothing {})), identity.expires_at)
        }
        Ok(_) => Done::Answered(asked.fail(&Error::Unauthorized { reason: "the token is for somebody else" }), None),
        Err(error) => Done::Answered(asked.fail(&error), None),
    }
}
