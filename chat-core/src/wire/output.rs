//! What a connection sends.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::Burst;

/// Text frames on their way to the peer, one or more.
#[derive(Clone, Debug)]
pub enum Output {
    /// A frame for this connection alone: `ready`, an answer, `closing`.
    Own(Bytes),
    /// Events, shared with everybody who gets them.
    Events(Arc<Burst>),
}

impl Output {
    /// The frames, in order: each is the JSON of one text frame.
    pub fn texts(&self) -> impl Iterator<Item = &Bytes> {
        let (own, events) = match self {
            Self::Own(text) => (Some(text), None),
            Self::Events(burst) => (None, Some(burst.frames())),
        };
        own.into_iter().chain(events.into_iter().flatten().map(|frame| frame.json()))
    }
}
