//! For authors of stores and of applications on chat-core: what their tests need.
//!
//! * [`store_conformance!`] runs the suite that every store must pass; [`conformance`] has its cases, and
//!   [`model_matches`] tells random stories to a store and to its model.
//! * [`ManualClock`], [`VirtualClock`] and [`SeededRandom`] make an engine run the same way twice.
//! * [`cast`] has people with names, [`Story`] tells what they do in a room, [`dump`](dump()) shows what has become
//!   of it as text.
//! * [`picture()`] is everything that can be read of a store, [`difference`] where two of them part.
//! * [`simulation`] lets clients and a server of the engine meet on a bad network, from a seed.
//! * [`Hooked`] makes any store fail ([`FailAfter`]) or wait ([`Gate`]) at a chosen point.

pub mod cast;
mod clock;
pub mod commits;
pub mod conformance;
mod dump;
mod hostile;
mod model;
mod picture;
mod random;
pub mod simulation;
mod story;

pub use clock::{ManualClock, START, VirtualClock};
pub use dump::dump;
pub use hostile::{Around, Call, FailAfter, Fails, Gate, Hooked};
pub use model::model_matches;
pub use picture::{difference, picture};
pub use random::SeededRandom;
pub use story::Story;

use std::future::Future;

/// Runs a test on a runtime with two threads, so that what should happen at once can.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("a runtime can be started").block_on(test)
}
