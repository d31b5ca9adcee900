//! How an engine is set up.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::{Clock, Random},
    model::Limits,
    system::{SystemClock, SystemRandom},
};

use super::PermissionHook;

/// How an engine is set up. The default suits a job chat on one machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Every size and count that has a bound.
    pub limits: Limits,
    /// Tells the time; by default the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Gives the random part of ids; by default the machine's randomness.
    pub random: Arc<dyn Random>,
    /// How long receipts are gathered before they are stored and told. At most, and by default, 25 ms.
    pub marker_delay: Duration,
    /// Asked before each command of a user; nobody by default.
    pub permission: Option<Arc<dyn PermissionHook>>,
    /// How long the permission hook may take for one answer; without one in time the command is not carried out, and
    /// its caller gets `busy`. Default 2 s.
    pub permission_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            marker_delay: Duration::from_millis(25),
            permission: None,
            permission_time: Duration::from_secs(2),
        }
    }
}
