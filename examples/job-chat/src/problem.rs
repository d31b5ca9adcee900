//! Why a request is refused, and what the page is told of it.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("log in first")]
    NotLoggedIn,
    #[error("the e-mail address or the password is wrong")]
    WrongLogin,
    #[error("only pages of this address may ask")]
    AnotherOrigin,
    /// Missing, or somebody else's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("only the {0} of the job may do that")]
    OnlyThe(&'static str),
    #[error("the job is {status}; that is possible once it is {needed}")]
    WrongStatus { status: &'static str, needed: &'static str },
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    #[error("the chat failed")]
    Chat(#[from] chat_core::Error),
    #[error("a password could not be hashed")]
    Hash(argon2::password_hash::Error),
    #[error("the work was interrupted")]
    Interrupted,
}

impl Problem {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::WrongLogin => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::OnlyThe(_) | Self::AnotherOrigin => StatusCode::FORBIDDEN,
            Self::WrongStatus { .. } => StatusCode::CONFLICT,
            Self::Chat(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(_) | Self::Hash(_) | Self::Interrupted => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = ?self, "a request failed");
        }
        (status, Json(json!({ "message": self.to_string() }))).into_response()
    }
}
