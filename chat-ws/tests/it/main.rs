//! The server over real sockets.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod connecting;
mod events;
mod http;
mod input;
mod living;
mod observing;
mod permissions;
mod slow;
mod speaking;
mod stage;
mod streaming;
mod wire;
