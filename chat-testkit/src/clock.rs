//! Clocks that tests turn.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chat_core::{Clock, Timestamp};

/// Where the clocks start, in milliseconds since 1970: noon on 2 January 2026.
pub const START: i64 = 1_767_355_200_000;

/// A clock that stands still until it is turned.
///
/// ```
/// use chat_core::Clock;
/// let clock = chat_testkit::ManualClock::default();
/// clock.advance(std::time::Duration::from_secs(3));
/// assert_eq!(clock.now().to_string(), "2026-01-02T12:00:03.000Z");
/// ```
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self { millis: AtomicI64::new(now.as_millis()) }
    }

    /// Turns it forward.
    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Turns it to `now`, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// A clock that shows [`START`].
    fn default() -> Self {
        Self::new(Timestamp::from_millis(START))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

/// A clock that follows tokio's time from [`START`]: in a test that begins with paused time, waiting turns it.
#[derive(Debug)]
pub struct VirtualClock {
    started: tokio::time::Instant,
}

impl Default for VirtualClock {
    /// Starts now, by tokio's time.
    fn default() -> Self {
        Self { started: tokio::time::Instant::now() }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + millis(self.started.elapsed()))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX - START)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_virtual_clock_follows_paused_time() {
        let clock = VirtualClock::default();
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(START + 2_500));
    }

    #[test]
    fn the_manual_clock_goes_where_it_is_turned() {
        let clock = ManualClock::default();
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), Timestamp::from_millis(START + 60_000));
        clock.set(Timestamp::from_millis(5));
        assert_eq!(clock.now(), Timestamp::from_millis(5));
    }
}
