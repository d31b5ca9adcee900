//! What can go wrong, as a caller can act on it.

use serde::{Deserialize, Serialize};

/// The result of everything the engine does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the engine refused or failed.
///
/// Every error has a stable [`Code`] and a [`Retry`] class, the same in Rust, on the wire and in every binding. No
/// text that a user wrote appears in one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something in the request is not what it must be.
    #[error("`{field}` {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it must be.
        problem: String,
    },
    /// Something in the request is larger than its limit.
    #[error("`{field}` has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Which field.
        field: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The caller sees it, but may not do that.
    #[error("not allowed: {reason}")]
    Forbidden {
        /// What would have to be different.
        reason: &'static str,
    },
    /// The application's own permission hook does not allow it.
    #[error("not allowed: {reason}")]
    Denied {
        /// What the hook said.
        reason: String,
    },
    /// It is not there, or the caller may not know that it is.
    #[error("{what} not found")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The operation's name was used before, for something else.
    #[error("`client_id` was used before with other content; use a new one")]
    OperationConflict,
    /// The request does not fit the present state.
    #[error("conflict: {reason}")]
    Conflict {
        /// What stands in the way.
        reason: &'static str,
    },
    /// A count is at its limit.
    #[error("{what} is at its limit of {limit}")]
    LimitReached {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Too many requests; the same again after the delay.
    #[error("too many requests; try again in {retry_after_ms} ms")]
    RateLimited {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// No valid token, or one that has expired.
    #[error("unauthorized: {reason}")]
    Unauthorized {
        /// What was wrong with it.
        reason: &'static str,
    },
    /// Too much is under way; the same again a little later.
    #[error("busy; try again in {retry_after_ms} ms")]
    Busy {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The storage cannot answer now. Whether a write was applied may be unknown: repeat it under the same `client_id`.
    #[error("storage unavailable: {reason}")]
    StorageUnavailable {
        /// What the storage said.
        reason: String,
    },
    /// The application has suspended the engine: it has let go of its storage until it is resumed.
    #[error("the engine is suspended; resume it first")]
    Suspended,
    /// The engine is closing or closed.
    #[error("the engine is closing")]
    Draining,
}

/// An error's stable name: the same on every surface, never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// A field is missing, malformed or out of range.
    InvalidArgument,
    /// The message is larger than the limit.
    MessageTooLarge,
    /// Another field, or the frame or body, is larger than its limit.
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
    /// The engine is suspended.
    Suspended,
    /// The engine is closing.
    Draining,
}

impl Code {
    /// Every code, in the order the docs list them.
    pub const ALL: [Self; 14] = [
        Self::InvalidArgument,
        Self::MessageTooLarge,
        Self::TooLarge,
        Self::Forbidden,
        Self::NotFound,
        Self::OperationConflict,
        Self::Conflict,
        Self::LimitReached,
        Self::RateLimited,
        Self::Unauthorized,
        Self::Busy,
        Self::StorageUnavailable,
        Self::Suspended,
        Self::Draining,
    ];

    /// The code as the wire shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::MessageTooLarge => "message_too_large",
            Self::TooLarge => "too_large",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::OperationConflict => "operation_conflict",
            Self::Conflict => "conflict",
            Self::LimitReached => "limit_reached",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Busy => "busy",
            Self::StorageUnavailable => "storage_unavailable",
            Self::Suspended => "suspended",
            Self::Draining => "draining",
        }
    }

    /// Whether repeating the request can help.
    pub const fn retry(self) -> Retry {
        match self {
            Self::RateLimited | Self::Busy | Self::StorageUnavailable | Self::Suspended | Self::Draining => {
                Retry::Later
            }
            Self::Conflict | Self::Unauthorized => Retry::Fresh,
            _ => Retry::Never,
        }
    }
}

/// Whether repeating a failed request can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// The same request again, after the delay.
    Later,
    /// After reading the present state, or with a new token.
    Fresh,
}

impl Error {
    /// A field that is not what it must be.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// A field past its limit.
    pub const fn too_large(field: &'static str, size: usize, limit: usize) -> Self {
        Self::TooLarge { field, size, limit }
    }

    /// The error for what is missing or hidden; the two cannot be told apart.
    pub const fn not_found(what: &'static str) -> Self {
        Self::NotFound { what }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid { .. } => Code::InvalidArgument,
            Self::TooLarge { field, .. } => {
                if matches!(field.as_bytes(), b"content") {
                    Code::MessageTooLarge
                } else {
                    Code::TooLarge
                }
            }
            Self::Forbidden { .. } | Self::Denied { .. } => Code::Forbidden,
            Self::NotFound { .. } => Code::NotFound,
            Self::OperationConflict => Code::OperationConflict,
            Self::Conflict { .. } => Code::Conflict,
            Self::LimitReached { .. } => Code::LimitReached,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Unauthorized { .. } => Code::Unauthorized,
            Self::Busy { .. } => Code::Busy,
            Self::StorageUnavailable { .. } => Code::StorageUnavailable,
            Self::Suspended => Code::Suspended,
            Self::Draining => Code::Draining,
        }
    }

    /// Whether repeating the request can help.
    pub const fn retry(&self) -> Retry {
        self.code().retry()
    }

    /// How long to wait before repeating it, where [`Retry::Later`] says so.
    pub const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_ms } | Self::Busy { retry_after_ms } => Some(*retry_after_ms),
            Self::StorageUnavailable { .. } | Self::Suspended | Self::Draining => Some(1_000),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_the_same_through_serde_and_as_str() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
