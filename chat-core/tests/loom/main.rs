//! The live side under loom: each model is run in every order that its threads can take their locks in.
//!
//! The files are those of the engine; only the locks are others. What would wait for ever, such as a reader whose
//! wake-up was lost, is a deadlock, which loom reports.
#![allow(dead_code, unreachable_pub, reason = "the models need a part of the files")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "../../src/engine/burst.rs"]
mod burst;
#[path = "../../src/engine/hub.rs"]
mod hub;
#[path = "../../src/engine/presence.rs"]
mod presence;
#[path = "../../src/engine/queue.rs"]
mod queue;
#[path = "../../src/engine/subscriber.rs"]
mod subscriber;
#[path = "../../src/engine/typing.rs"]
mod typing;

mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

mod model {
    pub(crate) use chat_core::model::*;
}

mod store {
    pub(crate) use chat_core::store::*;
}

mod opening;
mod taking;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chat_core::model::{Cursor, Event, Position, Rev, RoomId};

use burst::{Burst, Frame};

/// Runs a model in every order, and says how many there are.
fn every_order(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let orders = Arc::new(AtomicUsize::new(0));
    loom::model({
        let orders = Arc::clone(&orders);
        move || {
            orders.fetch_add(1, Ordering::Relaxed);
            model();
        }
    });
    println!("{} orders: {name}", orders.load(Ordering::Relaxed));
}

/// The one room of the models.
fn room() -> RoomId {
    RoomId::from_bytes([7; 16])
}

fn at(rev: Rev) -> Cursor {
    Cursor { epoch: 1, rev, chain: rev }
}

/// Change number `rev` of the room.
fn change(rev: Rev) -> Event {
    Event::Advance { at: Position { room: room(), rev, prev: None, cursor: at(rev) } }
}

/// Changes, told together.
fn burst<const N: usize>(revs: [Rev; N]) -> Arc<Burst> {
    Burst::of(revs.map(|rev| Frame::new(change(rev), None)).into())
}
