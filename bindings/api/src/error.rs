//! What can go wrong, as other languages catch it.

use serde::{Deserialize, Serialize};

use crate::carry;

/// Why a call failed: the core's error with its stable code and retry class. User text never appears in one.
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The only kind; `code` says which error it is.
    #[error("{reason}")]
    Failed {
        /// The stable code.
        code: ErrorCode,
        /// What was wrong and what would be right, for developers.
        reason: String,
        /// Whether repeating the call can help.
        retry: Retry,
        /// When to repeat it, in milliseconds, where that is known.
        retry_after_ms: Option<i64>,
        /// Which field and which limit it was about.
        details: ErrorDetails,
    },
}

/// Which field and which limit an error is about. What does not apply is absent.
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetails {
    /// The field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The limit: bytes, or a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
}

/// An error's stable name: the same in every language and on the wire, never renamed.
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A field is missing, malformed or out of range.
    InvalidArgument,
    /// The message is larger than the limit.
    MessageTooLarge,
    /// Another field is larger than its limit.
    TooLarge,
    /// The caller sees it, but may not do that.
    Forbidden,
    /// Missing, or hidden from the caller.
    NotFound,
    /// A `client_id` was reused for something else.
    OperationConflict,
    /// The request does not fit the present state.
    Conflict,
    /// A count is at its limit.
    LimitReached,
    /// Too many requests.
    RateLimited,
    /// No valid token.
    Unauthorized,
    /// Too much is under way.
    Busy,
    /// The storage cannot answer now.
    StorageUnavailable,
    /// The engine is suspended: it has let go of its storage until it is resumed.
    Suspended,
    /// The engine is closing or closed.
    Draining,
}

/// Whether repeating a failed call can help.
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same call will fail again.
    Never,
    /// The same call again, after the delay.
    Later,
    /// After reading the present state, or with a new token.
    Fresh,
}

impl ChatError {
    /// An argument that is not what it must be.
    pub(crate) fn invalid(field: &str, problem: &str) -> Self {
        Self::Failed {
            code: ErrorCode::InvalidArgument,
            reason: format!("`{field}` {problem}"),
            retry: Retry::Never,
            retry_after_ms: None,
            details: ErrorDetails { field: Some(field.into()), ..ErrorDetails::default() },
        }
    }

    /// Something below the chat does not work.
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        chat_core::Error::StorageUnavailable { reason: reason.into() }.into()
    }
}

impl From<chat_core::Error> for ChatError {
    fn from(error: chat_core::Error) -> Self {
        use chat_core::Error as Core;
        let count = |n: &usize| i64::try_from(*n).ok();
        let details = match &error {
            Core::Invalid { field, .. } => ErrorDetails { field: Some((*field).into()), ..ErrorDetails::default() },
            Core::TooLarge { field, size, limit } => {
                ErrorDetails { field: Some((*field).into()), size: count(size), limit: count(limit) }
            }
            Core::LimitReached { what, limit } => {
                ErrorDetails { field: Some((*what).into()), size: None, limit: count(limit) }
            }
            _ => ErrorDetails::default(),
        };
        Self::Failed {
            // A test goes through all codes.
            code: carry::carry(&error.code()).unwrap_or(ErrorCode::StorageUnavailable),
            retry: carry::carry(&error.retry()).unwrap_or(Retry::Never),
            retry_after_ms: error.retry_after_ms().and_then(|ms| i64::try_from(ms).ok()),
            reason: error.to_string(),
            details,
        }
    }
}
