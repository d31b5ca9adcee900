//! Who is there: the trait a host implements with its own login, and what comes ready-made.

mod claims;
mod jwt;
mod key;
mod mint;
mod token;

use std::fmt;

use async_trait::async_trait;
use axum::http::HeaderMap;
use chat_core::Error;

pub use chat_core::wire::Identity;
pub use jwt::{JwtAuthenticator, JwtSettings, MAX_LEEWAY};
pub use key::{KeyError, MIN_SECRET_BYTES, SigningKey, VerifyingKey};
pub use mint::Grant;
pub(crate) use token::find_token;

/// What came with a request, or in an `authenticate` frame.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The token, wherever it was found. An empty one is passed on: it is wrong, not absent.
    pub token: Option<&'a str>,
    /// The request's headers, for those who look for a cookie of their own; empty for a token that came in a frame.
    pub headers: &'a HeaderMap,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("token", &self.token.map(|_| "…")).finish_non_exhaustive()
    }
}

/// Says who is there. Implement it with your own login; [`JwtAuthenticator`] is ready-made.
///
/// It is asked once per HTTP request, once per WebSocket upgrade, and for each token that comes in a frame. Its time is
/// limited to [`ServerLimits::auth_timeout`](crate::ServerLimits::auth_timeout).
///
/// ```
/// use chat_ws::{AuthError, Authenticator, Credentials, Identity};
/// use chat_core::{Actor, UserId};
///
/// #[derive(Debug)]
/// struct MySessions;
///
/// #[async_trait::async_trait]
/// impl Authenticator for MySessions {
///     async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
///         let cookie = credentials.headers.get("cookie").ok_or(AuthError::Missing)?;
///         let name = cookie.to_str().ok().and_then(|text| text.strip_prefix("user="));
///         let user = name.and_then(|name| UserId::new(name).ok()).ok_or(AuthError::Refused("no such session"))?;
///         Ok(Identity { actor: Actor::User(user), name: None, avatar: None, expires_at: None })
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Whom the credentials belong to.
    ///
    /// # Errors
    /// [`AuthError::Missing`] where there are none: a WebSocket then waits for an `authenticate` frame, an HTTP request
    /// is answered with 401. Everything else ends the attempt.
    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError>;
}

/// Why nobody was recognised. Its words reach the client; they must not repeat what the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// There were no credentials.
    #[error("no token")]
    Missing,
    /// They are wrong: 401, `unauthorized`.
    #[error("{0}")]
    Refused(&'static str),
    /// Whoever knows cannot be asked now: 503, `busy`.
    #[error("cannot be checked now")]
    Unavailable,
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::Unauthorized { reason: "no token" },
            AuthError::Refused(reason) => Self::Unauthorized { reason },
            AuthError::Unavailable => Self::Busy { retry_after_ms: 1_000 },
        }
    }
}
