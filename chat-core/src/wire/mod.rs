//! The protocol as a value: text frames in, text frames and "close with this code" out, no sockets.
//!
//! Any back end can carry it over a WebSocket of its own; `chat-ws` is one user of it. `docs/src/protocol.md` is the
//! contract in words.

mod answer;
mod close;
mod connection;
mod frame;
mod job;

pub use answer::ErrorBody;
pub use close::CloseCode;
pub use connection::{Closing, Connection, Identity, Setup, TokenVerifier};

/// The WebSocket subprotocol; its absence means the same.
pub const SUBPROTOCOL: &str = "chat.v1";
