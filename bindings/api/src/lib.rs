//! The engine as other languages see it: one flat facade, with conversions and nothing else.
//!
//! [`Session`] lists every method once; the `facade!` macro makes of that list the scaffolding for Kotlin, Swift and
//! Python (feature `uniffi`), the methods of the Node addon (feature `napi`), and the TypeScript declarations.
//! Values cross in one faithful form: the JSON that the wire shows. Node gets it as it is; the typed languages get the
//! records of [`record`], which a test holds against what the core says.

#![cfg_attr(
    not(all(feature = "napi", feature = "uniffi")),
    allow(dead_code, unused_imports, reason = "a crate of one language takes its own part alone")
)]

mod carry;
mod connection;
mod engine;
mod error;
mod events;
#[macro_use]
mod facade;
#[cfg(feature = "napi")]
pub mod node;
mod permit;
pub mod record;
mod runtime;
mod session;
#[cfg(test)]
mod tests;
mod value;

pub use connection::Connection;
pub use engine::ChatEngine;
pub use error::{ChatError, ErrorCode, ErrorDetails, Retry};
pub use events::Events;
pub use permit::{Attempt, Question, Verdict};
#[cfg(feature = "uniffi")]
pub use permit::{HookFailed, PermissionHook};
#[cfg(feature = "uniffi")]
pub use runtime::leave;
pub use session::Session;
pub use value::{Json, Time};

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!("chat_engine");
