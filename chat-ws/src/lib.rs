//! Serves a chat engine over WebSocket and HTTP, on one port, with your own login.
//!
//! [`ChatServer`] is the server as a value: nest its [`router`](ChatServer::router) in an axum app of your own, or let
//! [`serve`] listen. Who is there is said by an [`Authenticator`]: your own, or the ready-made [`JwtAuthenticator`].
//! Every limit is in [`ServerLimits`]; which web pages may come, in [`Origins`]; all of it in [`Settings`].
//!
//! The chat itself is `chat-core`'s; what clients send and get is its `wire::Connection`. This crate carries it: `ws` and
//! `sse` are two links that know no chat, the one RFC 6455, the other streams of events; `drive` joins a link with a
//! connection, `http` has the requests.

mod auth;
mod connect;
mod drive;
mod http;
mod lifecycle;
mod limits;
mod link;
mod metrics;
mod origin;
mod patient;
mod rate;
mod serve;
mod server;
mod slots;
mod sse;
mod ws;

pub use auth::{
    AuthError, Authenticator, Credentials, Grant, Identity, JwtAuthenticator, JwtSettings, KeyError, MAX_LEEWAY,
    MIN_SECRET_BYTES, SigningKey, VerifyingKey,
};
pub use limits::{ServerLimits, SettingError};
pub use metrics::MetricsAccess;
pub use origin::Origins;
pub use serve::{listen, serve};
pub use server::{ChatServer, Settings};
#[doc(hidden)]
pub use ws::echo_router;
