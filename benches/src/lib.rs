//! What the bench program, the load generator and the bare server share: `cargo xtask bench`.
//!
//! A figure is a ratio between two things that ran in the same minute, alternating, three times each: on a shared
//! machine absolute figures drift by half within an hour, ratios hardly do. Over sockets, server and load are
//! processes of their own, each on its own core; `src/bin/bare.rs` is what the server is held against, and
//! [`raw`] what the library is held against.

pub mod figures;
pub mod http;
pub mod load;
pub mod machine;
pub mod message;
pub mod raw;
pub mod servers;
pub mod spread;
pub mod store;
pub mod stored;
pub mod token;
