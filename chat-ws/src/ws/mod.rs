//! RFC 6455, without chat: the upgrade, and a socket that reads frames one by one and writes them in batches.

mod batch;
mod echo;
mod socket;
mod transport;
mod upgrade;

pub use echo::echo_router;
pub(crate) use upgrade::Upgrade;
