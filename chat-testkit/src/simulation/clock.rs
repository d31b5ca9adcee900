//! A machine's clock, which somebody sets forward and back.

use std::sync::atomic::{AtomicI64, Ordering};

use chat_core::{Clock, Timestamp};

use crate::VirtualClock;

/// Virtual time, and how far the clock is off.
#[derive(Debug, Default)]
pub(super) struct JumpingClock {
    time: VirtualClock,
    off: AtomicI64,
}

impl JumpingClock {
    /// Sets it by so many milliseconds, forward or back.
    pub(super) fn jump(&self, by: i64) {
        self.off.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.now().as_millis() + self.off.load(Ordering::Relaxed))
    }
}
