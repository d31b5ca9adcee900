//! The protocol as a value: text frames in, text frames and "close with this code" out, no sockets.
//!
//! Any back end can carry it over a WebSocket of its own; `chat-ws` is one user of it. `docs/src/protocol.md` is the
//! contract in words.
//!
//! The way of a frame: [`Connection::receive`] understands it (`frame`); the connection begins what it asks for, in
//! order (`job`); what comes of it is answered (`answer`) and leaves through [`Connection::output`], together with what
//! is live.

mod answer;
mod close;
mod connection;
mod frame;
mod job;
mod json;
mod meter;
mod output;
mod peer;
mod ready;

pub use answer::ErrorBody;
pub use close::CloseCode;
pub use connection::{Closing, Connection, Setup};
pub use frame::ACTIONS;
pub use json::from_json;
pub use meter::Meter;
pub use output::Output;
pub use peer::{Identity, TokenVerifier};

/// The WebSocket subprotocol; its absence means the same.
pub const SUBPROTOCOL: &str = "chat.v1";
