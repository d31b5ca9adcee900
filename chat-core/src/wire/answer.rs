//! Answers as frames.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use crate::model::{Code, Error, Markers, Message, My, MyRoom, Page, Participant, Result, Retry, Sent, Subscribed};

use super::frame::Ref;

#[derive(Serialize)]
struct ReplyFrame<'a> {
    r#type: &'static str,
    r#ref: &'a Ref,
    ok: &'a Said,
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

/// A frame that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) reference: Option<Ref>,
    /// What it asked for.
    pub(super) action: &'static str,
    /// When it came.
    pub(super) at: Instant,
}

/// The answer to a frame.
#[derive(Debug)]
pub(super) struct Answer {
    /// What is said; nothing to success if there was no `ref`.
    pub(super) frame: Option<Bytes>,
    pub(super) failed: Option<Code>,
    pub(super) asked: Asked,
}

/// What success says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Said {
    Nothing {},
    Sent(Sent),
    Message { message: Arc<Message> },
    Messages(Page<Message>),
    Room(Box<MyRoom>),
    MyRooms(Page<MyRoom>),
    Opened { rooms: Vec<Subscribed> },
    Participant(Box<Participant>),
    Participants(Page<Participant>),
    Markers(Markers),
    My(My),
}

impl Asked {
    pub(super) fn fail(self, error: &Error) -> Answer {
        Answer { frame: Some(failure(self.reference.as_ref(), error)), failed: Some(error.code()), asked: self }
    }

    pub(super) fn answer(self, result: &Result<Said>) -> Answer {
        match result {
            Ok(ok) => {
                let reply = |reference| encode(&ReplyFrame { r#type: "reply", r#ref: reference, ok });
                Answer { frame: self.reference.as_ref().map(reply), failed: None, asked: self }
            }
            Err(error) => self.fail(error),
        }
    }
}

/// An error frame.
pub(super) fn failure(reference: Option<&Ref>, error: &Error) -> Bytes {
    encode(&ErrorFrame { r#type: "error", r#ref: reference, body: error.into() })
}

pub(super) fn encode(frame: &impl Serialize) -> Bytes {
    let json = serde_json::to_vec(frame);
    debug_assert!(json.is_ok(), "a frame is plain data");
    json.unwrap_or_default().into()
}
