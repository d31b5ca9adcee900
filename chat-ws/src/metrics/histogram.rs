//! How long things took.

use std::time::Duration;

use super::{Counter, text::Text};

/// Upper bounds in microseconds, as the label shows them beside.
const BOUNDS: [(u64, &str); 14] = [
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];

/// Durations, counted by size.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [Counter; BOUNDS.len() + 1],
    micros: Counter,
}

impl Histogram {
    pub(super) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|(bound, _)| *bound < micros)].add(1);
        self.micros.add(micros);
    }

    /// Writes its samples, if there are any.
    #[allow(clippy::cast_precision_loss, reason = "a sum of times needs no more than 53 bits")]
    pub(super) fn render(&self, text: &mut Text, name: &str, label: (&str, &str)) {
        let mut below = 0;
        let counts: Vec<u64> = self.buckets.iter().map(Counter::get).collect();
        if counts.iter().all(|count| *count == 0) {
            return;
        }
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        for (bound, count) in bounds.zip(counts) {
            below += count;
            text.sample(&format!("{name}_bucket"), &[label, ("le", bound)], below);
        }
        text.sample(&format!("{name}_sum"), &[label], self.micros.get() as f64 / 1e6);
        text.sample(&format!("{name}_count"), &[label], below);
    }
}
