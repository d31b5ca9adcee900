//! The server over real sockets.

mod connecting;
mod http;
mod input;
mod living;
mod observing;
mod speaking;
mod stage;
mod wire;
