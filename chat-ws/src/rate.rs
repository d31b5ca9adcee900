//! How much one user may write: a token bucket each, in a map of bounded size.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chat_core::{Timestamp, UserId};

/// Users that are remembered at most. Somebody who has been forgotten begins with a full bucket, as everybody does who
/// has not sent for a while; so forgetting gives away one burst at most.
const USERS: usize = 100_000;

/// What adding up fractions may be wrong by.
const ROUNDING: f64 = 1e-6;

/// A bucket per user.
#[derive(Debug)]
pub(crate) struct Rates {
    per_ms: f64,
    burst: f64,
    users: usize,
    buckets: Mutex<HashMap<UserId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Rates {
    pub(crate) fn new(per_second: f64, burst: u32) -> Self {
        Self::bounded(per_second, burst, USERS)
    }

    fn bounded(per_second: f64, burst: u32, users: usize) -> Self {
        let burst = f64::from(burst.max(1));
        Self { per_ms: per_second / 1_000.0, burst, users, buckets: Mutex::default() }
    }

    /// Takes what counts for so many sends. What counts for more than a bucket holds takes a full one.
    ///
    /// # Errors
    /// In how many milliseconds there is enough again.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a wait is positive; `as` saturates")]
    pub(crate) fn take(&self, user: &UserId, cost: u32, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.users && !buckets.contains_key(user) {
            self.forget(&mut buckets, now);
        }
        let bucket = buckets.entry(user.clone()).or_insert(Bucket { tokens: self.burst, at: now });
        bucket.tokens = self.filled(bucket, now);
        bucket.at = now;
        let cost = f64::from(cost).min(self.burst);
        let missing = cost - bucket.tokens;
        if missing <= ROUNDING {
            bucket.tokens -= cost;
            Ok(())
        } else {
            Err(((missing - ROUNDING) / self.per_ms).ceil() as u64)
        }
    }

    /// What is in a bucket at `now`. A clock that went back fills nothing.
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a lifetime are exact in 53 bits")]
    fn filled(&self, bucket: &Bucket, now: Timestamp) -> f64 {
        let passed = now.as_millis().saturating_sub(bucket.at.as_millis()).max(0);
        (passed as f64).mul_add(self.per_ms, bucket.tokens).min(self.burst)
    }

    /// Makes room: forgets those who would start full anyway; if there are none, everybody.
    fn forget(&self, buckets: &mut HashMap<UserId, Bucket>, now: Timestamp) {
        buckets.retain(|_, bucket| self.filled(bucket, now) < self.burst);
        if buckets.len() >= self.users {
            buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let rates = Rates::new(2.0, 3);
        let ann = user("ann");
        for _ in 0..3 {
            assert_eq!(rates.take(&ann, 1, at(0)), Ok(()));
        }
        assert_eq!(rates.take(&ann, 1, at(0)), Err(500));
        assert_eq!(rates.take(&ann, 1, at(499)), Err(1));
        assert_eq!(rates.take(&ann, 1, at(500)), Ok(()));
        assert_eq!(rates.take(&user("ben"), 1, at(500)), Ok(()));
        for _ in 0..3 {
            assert_eq!(rates.take(&ann, 1, at(1_000_000)), Ok(()));
        }
        assert!(rates.take(&ann, 1, at(1_000_000)).is_err());
        assert!(rates.take(&ann, 1, at(5)).is_err(), "a clock that goes back fills nothing");
    }

    #[test]
    fn what_counts_for_more_waits_longer_and_takes_no_more_than_a_bucket_holds() {
        let rates = Rates::new(2.0, 3);
        let ann = user("ann");
        assert_eq!(rates.take(&ann, 2, at(0)), Ok(()));
        assert_eq!(rates.take(&ann, 2, at(0)), Err(500));
        assert_eq!(rates.take(&ann, 1, at(0)), Ok(()));
        assert_eq!(rates.take(&ann, 1_000, at(0)), Err(1_500));
        assert_eq!(rates.take(&ann, 1_000, at(1_500)), Ok(()));
        assert_eq!(rates.take(&ann, 1, at(1_500)), Err(500));
    }

    #[test]
    fn the_map_never_outgrows_its_bound() {
        let rates = Rates::bounded(1.0, 2, 10);
        for n in 0..1_000 {
            let _ = rates.take(&user(&n.to_string()), 1, at(n));
            assert!(rates.buckets.lock().unwrap().len() <= 10);
        }
    }
}
