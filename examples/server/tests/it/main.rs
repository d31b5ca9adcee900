//! The real binary as a process of its own, over real sockets, on real files.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod crowded;
mod deploying;
mod files;
mod folder;
mod load;
mod maintenance;
mod program;
mod serving;
mod settings;
mod stopping;
mod wire;
