//! What the bench program, the load generator and the bare server share: `cargo xtask bench`.
//!
//! A figure is a ratio between two things that ran in the same minute, alternating, three times each: on a shared
//! machine absolute figures drift by half within an hour, ratios hardly do. Over sockets, server and load are
//! processes of their own, each on its own core; `src/bin/bare.rs` and the Node server in `benches/peer` are what the
//! server is held against, and [`raw`] what the library is held against.

pub mod against;
pub mod calls;
pub mod figures;
pub mod http;
pub mod load;
pub mod machine;
pub mod message;
pub mod page;
pub mod peer;
pub mod raw;
pub mod servers;
pub mod soak;
pub mod spread;
pub mod store;
pub mod stored;
pub mod token;

/// That of `chat-server`, for every program of this package: not the allocators are compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
