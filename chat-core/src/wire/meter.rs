//! What a carrier of connections may limit and count about commands.

use std::time::Duration;

use crate::model::{Code, Result, UserId};

/// Paces and counts the commands of connections. One serves them all.
pub trait Meter: Send + Sync + 'static {
    /// A user is about to write something that counts for so many messages, see [`Command::cost`](crate::Command::cost).
    ///
    /// # Errors
    /// `rate_limited`, and the command is answered with that.
    fn pace(&self, user: &UserId, cost: u32) -> Result<()>;

    /// A command was answered, or would have been if it had borne a `ref`: `action` is one of
    /// [`ACTIONS`](super::ACTIONS) or `unknown`, `took` the time since it came.
    fn answered(&self, action: &'static str, failed: Option<Code>, took: Duration);
}
