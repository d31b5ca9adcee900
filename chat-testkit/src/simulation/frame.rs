//! What the server says, as a client reads it.

use chat_core::Event;
use serde_json::Value;

/// One frame.
#[derive(Debug)]
pub(super) enum Frame {
    Ready,
    Reply { of: u64, ok: Value },
    Error { of: Option<u64>, code: String, retry: bool },
    Event(Box<Event>),
}

impl Frame {
    /// Reads a frame; every frame must be one of these.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bad = |error: serde_json::Error| format!("a frame that is none ({error}): {}", text(bytes));
        if bytes.starts_with(br#"{"type":"ready""#) {
            return Ok(Self::Ready);
        }
        let answer = bytes.starts_with(br#"{"type":"reply""#) || bytes.starts_with(br#"{"type":"error""#);
        if !answer {
            return serde_json::from_slice(bytes).map(|event| Self::Event(Box::new(event))).map_err(bad);
        }
        let mut value: Value = serde_json::from_slice(bytes).map_err(bad)?;
        let of = value["ref"].as_u64();
        match (of, value["code"].as_str()) {
            (_, Some(code)) => Ok(Self::Error { of, code: code.to_owned(), retry: value["retry"] != "never" }),
            (Some(of), None) => Ok(Self::Reply { of, ok: value["ok"].take() }),
            (None, None) => Err(format!("an answer to nothing: {}", text(bytes))),
        }
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
