//! Exact unread counts without counting: from ordinals, in O(log n).
//!
//! A countable message is one that is not a system message. Every message row carries `ord`, how many countable
//! messages were ever posted in the room up to it, and `own_ord`, how many of those its sender posted. What was
//! deleted since is taken off with a tally of deletions per place. With marker `p` and head `H`:
//!
//! ```text
//! unread = (ord(H) − ord(p)) − dead(all, p) − (own(u, H) − own(u, p)) + dead(u, p)
//! ```
//!
//! `dead(w, p)` is how many countable messages, of everybody or of `u`, that stand after `p` were deleted. The tally
//! keeps such numbers for blocks of 64^level places; a sum over the tail is then at most 63 blocks of each level.

use crate::model::Seq;

/// How many bits of a place one level of the tally takes away.
pub const TALLY_BITS: u32 = 6;

/// How many levels the tally has: 64^5 messages, over a billion, are summed in at most 63 × 5 + 1 blocks.
pub const TALLY_LEVELS: u32 = 5;

/// What the formula reads, as of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Countable messages ever posted in the room.
    pub head: u64,
    /// Those up to the marker.
    pub at_marker: u64,
    /// Countable messages ever posted by the reader.
    pub own_head: u64,
    /// Those up to the marker.
    pub own_at_marker: u64,
    /// Countable messages after the marker that are deleted.
    pub dead: u64,
    /// Those by the reader.
    pub own_dead: u64,
}

impl Counts {
    /// Live, countable messages by others after the marker.
    pub const fn unread(&self) -> u64 {
        (self.head - self.at_marker + self.own_dead).saturating_sub(self.dead + (self.own_head - self.own_at_marker))
    }
}

/// The blocks of the tally that a deletion at `seq` adds one to, as `(level, block)`.
pub fn tally_blocks(seq: Seq) -> impl Iterator<Item = (u32, u64)> {
    (0..TALLY_LEVELS).map(move |level| (level, seq >> (TALLY_BITS * level)))
}

/// The blocks whose tallies add up to what was deleted after `p`, as `(level, first, last)` with both ends included.
/// `last` is `None` at the top, where everything that follows counts.
pub fn tally_ranges(p: Seq) -> impl Iterator<Item = (u32, u64, Option<u64>)> {
    (0..TALLY_LEVELS).filter_map(move |level| {
        let first = (p >> (TALLY_BITS * level)) + 1;
        if level + 1 == TALLY_LEVELS {
            return Some((level, first, None));
        }
        // The right siblings: up to the end of the parent block.
        let last = (p >> (TALLY_BITS * (level + 1))) << TALLY_BITS | ((1 << TALLY_BITS) - 1);
        (first <= last).then_some((level, first, Some(last)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_ranges_after_a_place_add_up_to_what_a_scan_counts(
            deleted in proptest::collection::btree_set(1u64..300_000, 0..60),
            p in 0u64..300_000,
        ) {
            let mut tally: BTreeMap<(u32, u64), u64> = BTreeMap::new();
            for seq in &deleted {
                for block in tally_blocks(*seq) {
                    *tally.entry(block).or_default() += 1;
                }
            }
            let sum: u64 = tally_ranges(p)
                .map(|(level, first, last)| tally.range((level, first)..=(level, last.unwrap_or(u64::MAX))).map(|(_, n)| n).sum::<u64>())
                .sum();
            prop_assert_eq!(sum, deleted.iter().filter(|seq| **seq > p).count() as u64);
        }
    }
}
