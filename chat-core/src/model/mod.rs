//! The vocabulary: plain data that the engine, the wire, the stores and the bindings all speak.
//!
//! Nothing here does anything. A value that has been constructed is valid; what is invalid cannot be
//! constructed, also not through serde.

mod command;
mod cursor;
mod error;
mod event;
mod id;
mod limits;
mod message;
mod metadata;
mod participant;
mod reply;
mod room;
mod text;
mod time;

pub use command::*;
pub use cursor::*;
pub use error::*;
pub use event::*;
pub use id::*;
pub use limits::*;
pub use message::*;
pub use metadata::*;
pub use participant::*;
pub use reply::*;
pub use room::*;
pub use text::*;
pub use time::*;
