//! The application's own word on what its users do, asked before the engine decides.
//!
//! The engine's rules know rooms and roles; the application knows more, such as that the job is over or the bill is not
//! paid. Its answer travels with the command to the committer, which decides by the engine's own rules first: so a
//! hook only ever forbids, and what is hidden from the caller is `not_found` whatever it says.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    model::{Command, Error, Member, Result, RoomInfo, RoomRef, UserId},
    store::{RoomSelector, Store, Viewer},
};

use super::lane::Place;

/// The application's own word on what its users do; see [`Options::permission`](super::Options::permission).
///
/// It is asked once for each [`Command`] of a user, wherever it comes from, and never for the host's. What the user may
/// not know of it is not asked about. Reading and typing are not asked about either: who may read is who is in the
/// room, so take away the membership.
///
/// It can only forbid: what the engine's own rules refuse stays refused. It is no lock: the room may change between
/// its answer and the command.
///
/// ```
/// use chat_core::{Attempt, Command, Denial, PermissionHook};
///
/// #[derive(Debug)]
/// struct NoLinks;
///
/// #[async_trait::async_trait]
/// impl PermissionHook for NoLinks {
///     async fn permit(&self, attempt: Attempt<'_>) -> Result<(), Denial> {
///         match attempt.command {
///             Command::SendMessage(send) if send.content.contains("://") => Err(Denial::forbidden("no links here")),
///             _ => Ok(()),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait PermissionHook: fmt::Debug + Send + Sync + 'static {
    /// Whether the user may. It may be dropped at any await, when its time is over or the caller has gone.
    ///
    /// # Errors
    /// The command is not carried out, and its caller hears why.
    async fn permit(&self, attempt: Attempt<'_>) -> Result<(), Denial>;
}

/// What somebody is about to do.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Who.
    pub user: &'a UserId,
    /// What. Its fields are as they came: sizes and values are not checked yet.
    pub command: &'a Command,
    /// Where; nowhere yet for [`Command::CreateRoom`].
    pub room: Option<&'a RoomInfo>,
}

/// Why a command may not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It is not allowed. The caller gets `forbidden` with this reason, cut after 256 characters; put nothing into it
    /// that a user wrote.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// It cannot be said now. The caller gets `busy`, and may repeat it later.
    #[error("the permission hook could not answer")]
    Unavailable,
}

impl Denial {
    /// Not allowed, for this reason.
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::Forbidden(reason.into())
    }
}

/// How many questions may be open at a time; the next ones wait within their own time.
const OPEN: usize = 256;

/// The longest reason, in characters.
const REASON: usize = 256;

/// Who could not be asked about may try again after so long.
const AGAIN_MS: u64 = 1_000;

/// The hook, and what keeps it in bounds.
#[derive(Debug)]
pub(super) struct Permissions {
    hook: Arc<dyn PermissionHook>,
    /// How long an answer may take, with waiting for one's turn.
    time: Duration,
    turns: Semaphore,
}

/// A command's place, and whether the hook lets it be done there.
pub(super) struct Asked {
    /// The very room that the hook was asked about, where it was.
    pub(super) place: Place,
    pub(super) verdict: Result<()>,
}

impl Permissions {
    pub(super) fn new(hook: Arc<dyn PermissionHook>, time: Duration) -> Self {
        Self { hook, time, turns: Semaphore::new(OPEN) }
    }

    /// Asks whether `user` may. Without a clear yes in time the answer is no.
    pub(super) async fn ask(&self, store: &dyn Store, user: &UserId, place: Place, command: &Command) -> Asked {
        let room = match &place {
            Place::New => Ok(Some(None)),
            Place::Room(room) => seen(store, user, room.into()).await.map(|room| room.map(Some)),
            Place::OfMessage(id) => match store.message(Viewer::User(user), *id).await {
                Ok(Some(message)) => seen(store, user, RoomSelector::Id(message.room)).await.map(|room| room.map(Some)),
                Ok(None) => Ok(None),
                Err(error) => Err(error.into()),
            },
        };
        match room {
            Ok(Some(room)) => {
                let verdict = self.answer(Attempt { user, command, room: room.as_ref() }).await;
                let place = match (place, room) {
                    // The key might lead to another room by the time it is decided.
                    (Place::Room(_), Some(room)) => Place::Room(RoomRef::Id(room.id)),
                    (place, _) => place,
                };
                Asked { place, verdict }
            }
            // Nothing was asked; should the user come into the room before it is decided, they may try again.
            Ok(None) => Asked { place, verdict: Err(Error::Busy { retry_after_ms: AGAIN_MS }) },
            Err(error) => Asked { place, verdict: Err(error) },
        }
    }

    async fn answer(&self, attempt: Attempt<'_>) -> Result<()> {
        let answer = async {
            let _turn = self.turns.acquire().await.map_err(|_closed| Denial::Unavailable)?;
            self.hook.permit(attempt).await
        };
        // A hook that panics must not take down the connection of whoever tried something.
        match timeout(self.time, AssertUnwindSafe(answer).catch_unwind()).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(Denial::Forbidden(reason)))) => {
                Err(Error::Denied { reason: reason.chars().take(REASON).collect() })
            }
            Ok(Ok(Err(Denial::Unavailable)) | Err(_)) | Err(_) => Err(Error::Busy { retry_after_ms: AGAIN_MS }),
        }
    }
}

/// The room, if the user may know of it.
async fn seen(store: &dyn Store, user: &UserId, room: RoomSelector) -> Result<Option<RoomInfo>> {
    let view = store.view(&room, std::slice::from_ref(user)).await?;
    let inside = |member: &Option<Member>| member.as_ref().is_some_and(Member::is_active);
    Ok(view.filter(|view| view.members.iter().any(inside)).map(|view| view.room.info()))
}
