//! Who is at the other end of a connection.

use async_trait::async_trait;

use crate::{
    engine::{Live, Session},
    model::{Result, RoomId, Timestamp},
    rules::Actor,
};

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A user, or the host's own back end.
    pub actor: Actor,
    /// The name to show.
    pub name: Option<String>,
    /// The picture to show.
    pub avatar: Option<String>,
    /// When the token ends; a connection does not outlive it.
    pub expires_at: Option<Timestamp>,
}

/// Checks the tokens that come in frames.
#[async_trait]
pub trait TokenVerifier: Send + Sync + 'static {
    /// Whom the token is for.
    ///
    /// # Errors
    /// `unauthorized`; or `busy`, where it cannot be said now.
    async fn verify(&self, token: &str) -> Result<Identity>;
}

/// Who is at the other end.
pub(super) enum Peer {
    /// Nobody knows yet.
    Unknown,
    /// Known; its first frame is said or on its way. The live side may be with a job.
    Known { session: Session, live: Option<Box<Live>>, room: Option<RoomId> },
}
