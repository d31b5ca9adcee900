//! Every chance in a run, from its seed.

use crate::SeededRandom;

/// Throws that are the same in every run of a seed.
#[derive(Debug)]
pub(super) struct Dice(SeededRandom);

impl Dice {
    /// The throws of `seed`; each `purpose` has its own.
    pub(super) const fn new(seed: u64, purpose: u64) -> Self {
        Self(SeededRandom::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93)))
    }

    /// A number below `end`.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.0.below(end.max(1))
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub(super) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `of`; nothing if there is none.
    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
    }
}
