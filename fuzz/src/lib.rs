//! Laws that hold whatever bytes come. A fuzzer looks for bytes that break one; the tests replay the corpus, which is
//! what it found worth keeping.
//!
//! Each law panics where it is broken. `libfuzzer/` beside this crate makes a fuzz target of each; it is a workspace
//! of its own, so that nothing else needs a fuzzer to be built.

mod commands;
mod cursors;
mod frames;
mod imports;
mod requests;
mod stage;
mod tokens;

pub use commands::commands;
pub use cursors::cursors;
pub use frames::frames;
pub use imports::imports;
pub use requests::requests;
pub use tokens::tokens;
