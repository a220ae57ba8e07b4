//! How long requests take.

use std::time::Duration;

use super::Counter;

/// Upper ends of the buckets, in microseconds, with the text Prometheus wants (seconds).
pub(crate) const BUCKETS: [(u64, &str); 13] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (30_000_000, "30"),
];

/// Counts of durations by bucket.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// Not cumulative; the last one is above all bounds.
    buckets: [Counter; BUCKETS.len() + 1],
    sum_us: Counter,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|(bound, _)| us <= *bound).unwrap_or(BUCKETS.len());
        self.buckets[bucket].add(1);
        self.sum_us.add(us);
    }

    /// Counts of durations up to each bound and, last, of all.
    pub(crate) fn cumulative(&self) -> [u64; BUCKETS.len() + 1] {
        let mut total = 0;
        std::array::from_fn(|bucket| {
            total += self.buckets[bucket].value();
            total
        })
    }

    pub(crate) fn sum_seconds(&self) -> f64 {
        self.sum_us.value() as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive_and_counts_cumulative() {
        let histogram = Histogram::default();
        for us in [0, 500, 501, 30_000_000, 30_000_001] {
            histogram.observe(Duration::from_micros(us));
        }
        let counts = histogram.cumulative();
        assert_eq!(counts[0], 1);
        assert_eq!(counts[2], 2);
        assert_eq!(counts[3], 3);
        assert_eq!(counts[BUCKETS.len() - 1], 4);
        assert_eq!(counts[BUCKETS.len()], 5);
        assert!((histogram.sum_seconds() - 60.001002).abs() < 1e-9);
    }
}
