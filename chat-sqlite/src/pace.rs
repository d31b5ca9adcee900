//! Whether work is done where it is asked for, or by a thread of its own.
//!
//! To wake a thread that sleeps and to be woken by it takes as long as a short read or commit, and finds nothing in the
//! processor's caches. So what is likely to be short is done by whoever asks for it, as long as what was done lately was
//! short. A disk that is slow, or a machine that is busy, is felt by the threads, and seldom by a runtime.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// What may hold up a thread that others wait for.
const SHORT: Duration = Duration::from_micros(500);

/// How many short ones make up for a long one.
const MAKES_UP: u32 = 32;

/// How long it took lately.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Short ones since the last long one, up to twice what makes up for one.
    short: AtomicU32,
}

impl Pace {
    /// Whether the next one is likely to be short as well.
    pub(crate) fn is_brisk(&self) -> bool {
        self.short.load(Ordering::Relaxed) >= MAKES_UP
    }

    /// Does it, and learns from it.
    pub(crate) fn learn<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.took(begun.elapsed());
        done
    }

    /// Two at once may count for one.
    fn took(&self, time: Duration) {
        let short = self.short.load(Ordering::Relaxed);
        let short = if time <= SHORT { (short + 1).min(2 * MAKES_UP) } else { short.saturating_sub(MAKES_UP) };
        self.short.store(short, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Pace {
        /// As if everything had been short for a while.
        pub(crate) fn quicken(&self) {
            self.short.store(2 * MAKES_UP, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_is_brisk_after_many_short_ones_and_until_two_of_them_in_a_row_are_long() {
        let pace = Pace::default();
        for _ in 1..MAKES_UP {
            pace.took(SHORT);
            assert!(!pace.is_brisk());
        }
        for _ in 0..10 * MAKES_UP {
            pace.took(SHORT);
            assert!(pace.is_brisk());
        }
        let long = SHORT + Duration::from_nanos(1);
        pace.took(long);
        assert!(pace.is_brisk());
        pace.took(long);
        assert!(!pace.is_brisk());
        pace.took(long);
        for _ in 0..MAKES_UP {
            assert!(!pace.is_brisk());
            pace.took(SHORT);
        }
        assert!(pace.is_brisk());
    }
}
