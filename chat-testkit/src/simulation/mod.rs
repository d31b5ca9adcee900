//! The resume simulation: clients and a server on a bad network, in virtual time, from a seed.
//!
//! Each run has a few clients with a [`Gate`](chat_core::Gate) and a [`Replica`](chat_core::Replica) per room, an
//! ordered outbox, and a store of their own that survives them; and one engine over a store that survives it. They
//! speak the protocol through [`wire::Connection`](chat_core::wire::Connection)s over links that delay and break;
//! over an unreliable bus live events are also lost, doubled and late. The server stops and crashes, and older backups
//! are put in its place; the clock is set forward and back; people are removed, banned and come back, get other roles,
//! own a room and leave it at once; one deletes what another edits; tokens end, readers stop reading. When it is over, everybody's picture must be what storage
//! says, and a number of things must have held all the way: see `check`, `log`, `secrecy` and `room`.
//!
//! A harness that has never caught a planted bug proves nothing: a [`Fault`] plants one.

mod act;
mod check;
mod client;
mod clock;
mod dice;
mod disk;
mod faults;
mod frame;
mod link;
mod log;
mod outbox;
mod planted;
mod room;
mod secrecy;
mod server;
mod trace;
mod world;

use std::{
    fmt,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use faults::Fault;
use trace::Trace;
use world::World;

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Of which seed.
    pub seed: u64,
    /// With which planted bug.
    pub fault: Option<Fault>,
    /// What was wrong.
    pub what: String,
    /// What had happened until then.
    pub trace: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, fault, what, trace } = self;
        writeln!(f, "{trace}")?;
        writeln!(f, "seed {seed} with fault {fault:?}: {what}")?;
        write!(f, "to see it again: CHAT_SIM_SEED={seed} cargo test -p chat-testkit --test simulation")
    }
}

/// Runs one seed; a trace is only kept if it is wanted.
///
/// # Errors
/// What went wrong.
pub fn run(seed: u64, fault: Option<Fault>, traced: bool) -> Result<String, Box<Failure>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime can be started");
    runtime.block_on(async {
        let trace = Trace::new(traced);
        let done = async { World::new(seed, fault, trace.clone()).await?.run().await };
        match done.await {
            Ok(()) => Ok(trace.text()),
            Err(what) => Err(Box::new(Failure { seed, fault, what, trace: trace.text() })),
        }
    })
}

/// Runs many seeds on every core until one fails, and runs that one again to say what happened.
pub fn find_failure(seeds: Range<u64>, fault: Option<Fault>) -> Option<Box<Failure>> {
    let next = AtomicU64::new(seeds.start);
    let found: Mutex<Option<Box<Failure>>> = Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if let Err(failure) = run(seed, fault, false) {
                next.store(seeds.end, Ordering::Relaxed);
                found.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    let again = run(found.seed, fault, true).err();
    Some(again.unwrap_or(found))
}
