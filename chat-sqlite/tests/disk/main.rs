//! The store on a disk that loses its power, fails, or is full.
//!
//! SQLite's calls to the operating system pass through `vfs`, which hands every write, sync, truncation and deletion to
//! the `disk` that a test registers for its folder. A disk remembers them, so that `power` can build what a machine
//! would find after a cut at any point; and it can fail one of them, or all for a while, which `faults` does.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod disk;
mod faults;
mod life;
mod power;
mod vfs;
