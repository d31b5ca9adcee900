//! The load: many cheap sockets in one thread, each message checked at every receiver.
//!
//! A message costs a receiver about 0.15 µs: one read takes what has come for a socket, headers are parsed in
//! place, the numbers in the text are compared with those that must come next. Nothing is allocated on the way.

mod outcome;
mod pages;
mod rooms;
mod socket;
mod sockets;
mod storm;

pub use outcome::Outcome;
pub use pages::{Pages, PagesPlan};
pub use rooms::{RoomsPlan, run as run_rooms};
pub use sockets::{Seat, Sockets};
pub use storm::{Storm, StormPlan, source};
