//! Rooms as JSON Lines: out of a database, and into one.
//!
//! A line is `{"room": {…}}`, `{"participant": {…}}` or `{"message": {…}}`; see `line.rs` for their fields. What an
//! export writes, an import reads, and the next export writes again, byte for byte. The history of changes, the names
//! of operations and clients' cursors do not go along: clients begin anew.

mod export;
mod import;
mod line;
mod plan;

pub use export::{Exported, export};
pub use import::{Imported, import};
