//! Answers as frames.

use bytes::Bytes;
use serde::Serialize;

use crate::model::{Code, Error, Retry};

use super::frame::Ref;

#[derive(Serialize)]
struct ReplyFrame<'a, T> {
    r#type: &'static str,
    r#ref: &'a Ref,
    ok: &'a T,
}

#[derive(Serialize)]
struct ErrorFrame<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#ref: Option<&'a Ref>,
    #[serde(flatten)]
    body: ErrorBody,
}

/// An error as the socket and HTTP show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// The stable code.
    pub code: Code,
    /// What was wrong, for developers.
    pub message: String,
    /// Whether to try again.
    pub retry: Retry,
    /// When, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl From<&Error> for ErrorBody {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
            retry: error.retry(),
            retry_after_ms: error.retry_after_ms(),
        }
    }
}

/// The answer to a frame that succeeded; nothing if it bore no `ref`.
pub(super) fn reply<T: Serialize>(reference: Option<&Ref>, ok: &T) -> Option<Bytes> {
    reference.map(|reference| encode(&ReplyFrame { r#type: "reply", r#ref: reference, ok }))
}

/// The answer to a frame that failed.
pub(super) fn error(reference: Option<&Ref>, error: &Error) -> Bytes {
    encode(&ErrorFrame { r#type: "error", r#ref: reference, body: error.into() })
}

pub(super) fn encode(frame: &impl Serialize) -> Bytes {
    let json = serde_json::to_vec(frame);
    debug_assert!(json.is_ok(), "a frame is plain data");
    json.unwrap_or_default().into()
}
