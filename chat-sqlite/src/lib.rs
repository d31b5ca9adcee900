//! The SQLite store of chat-core: everything in one file, and nothing to run beside it.
//!
//! One thread writes. It takes what waits, applies it in one transaction, syncs once, and answers everybody. A few
//! threads read, each from one snapshot; what the writes of others wait for comes first, and where there are two threads
//! or more, long reads never have all of them. What is short is done by whoever asks, as long as short things were short
//! lately; so a slow disk holds up these threads, and seldom a runtime. Nobody else may have the file open for writing: a lock
//! file says so.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("chat.db");
//! let store = chat_sqlite::SqliteStore::open(&path)?;
//! # Ok(())
//! # }
//! ```
//!
//! `schema.sql` beside this crate's sources says what the tables mean.

mod database;
mod failure;
mod lock;
mod maintenance;
mod names;
mod open;
mod pace;
mod place;
mod readers;
mod rows;
mod schema;
mod sql;
mod store;
mod transfer;
mod unread;
mod whole;
mod writer;

pub use maintenance::{Damage, MaintenanceError, Progress, Verified, backup, verify};
pub use open::{OpenError, Options, Synchronous};
pub use store::SqliteStore;
pub use transfer::{Exported, Imported, export, import};
