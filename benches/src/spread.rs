//! What repeated measurements come to.

use std::fmt;

/// The least, the middle and the greatest of a few measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these; of none it is all zeros.
    pub fn of(measured: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = measured.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
            (Some(min), Some(median), Some(max)) => Self { min: *min, median: *median, max: *max },
            _ => Self { min: 0.0, median: 0.0, max: 0.0 },
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} … {})", short(self.median), short(self.min), short(self.max))
    }
}

/// A number with three digits that count.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1e6 => format!("{:.2} M", value / 1e6),
        v if v >= 1e4 => format!("{:.1} k", value / 1e3),
        v if v >= 1e3 => format!("{:.2} k", value / 1e3),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// How long things took, in microseconds, without keeping each.
#[derive(Clone, Debug)]
pub struct Times {
    counts: Vec<u32>,
    total: u64,
}

/// Longer than this counts as this.
const LONGEST_MICROS: usize = 1 << 18;

impl Default for Times {
    fn default() -> Self {
        Self { counts: vec![0; LONGEST_MICROS + 1], total: 0 }
    }
}

impl Times {
    /// What took longer than this counts as this.
    pub const LONGEST_MS: f64 = LONGEST_MICROS as f64 / 1e3;

    /// Takes one.
    pub fn add(&mut self, took: std::time::Duration) {
        let micros = usize::try_from(took.as_micros()).unwrap_or(LONGEST_MICROS).min(LONGEST_MICROS);
        self.counts[micros] += 1;
        self.total += 1;
    }

    /// Within how many milliseconds this share of them was done.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (micros, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank && seen > 0 {
                return micros as f64 / 1e3;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_middle_is_in_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { min: 1.0, median: 2.0, max: 3.0 });
        assert_eq!(Spread::of([]).median, 0.0);
    }

    #[test]
    fn quantiles_count_what_was_added() {
        let mut times = Times::default();
        (1..=100).for_each(|n| times.add(Duration::from_micros(n * 10)));
        assert_eq!((times.quantile_ms(0.5), times.quantile_ms(0.99)), (0.5, 0.99));
        assert_eq!(Times::default().quantile_ms(0.5), 0.0);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.5, 12.34, 1234.0, 12_345.0, 3_460_000.0].map(short),
            ["0.50", "12.3", "1.23 k", "12.3 k", "3.46 M"]
        );
    }
}
