//! The classes of the Node addon. They are not what a user sees: `bindings/node` wraps them in JavaScript's own forms.
//!
//! Values cross as JSON text, which V8 and serde both read faster than an object can be built property by property, and
//! in which `null`, a missing field, `NaN` and a lone surrogate are what the core's checks expect them to be. Nothing
//! here keeps a Node process alive but a call under way and a server that serves.

#![allow(clippy::needless_pass_by_value, reason = "napi hands over values that it owns")]

mod args;
mod connection;
mod engine;
mod events;
mod permit;
mod promise;
mod pulled;
mod server;

use napi_derive::napi;

pub(crate) use args::Args;
pub(crate) use promise::promise;

/// See [`Session`](crate::Session).
#[napi]
#[derive(Debug)]
pub struct Session(pub(crate) crate::Session);
