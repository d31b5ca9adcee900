//! An embeddable chat engine.

mod clock;
mod engine;
mod gate;
pub mod model;
pub mod rules;
pub mod store;
mod system;
pub mod wire;

pub use clock::{Clock, Ids, Random};
pub use engine::{Attempt, Burst, Denial, Engine, Frame, Live, Options, PermissionHook, Session};
pub use gate::{Gate, Step};
pub use model::*;
pub use rules::{Actor, Replica};
pub use store::{MemoryStore, Store, Window};
pub use system::{SystemClock, SystemRandom};
