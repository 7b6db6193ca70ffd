//! Latency histograms with fixed buckets: a handful of cells a worker, no floats on a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::cell::{Cell, add};

/// Upper bounds of the buckets, inclusive, ascending; one more bucket takes everything above.
/// They span an in-memory answer on the same machine to the longest wait a client tolerates.
pub const BOUNDS: [Duration; 16] = [
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// Nanoseconds, capped at the 584 years that a `u64` holds.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// One worker's side of a histogram.
#[derive(Debug)]
pub(super) struct HistogramCells {
    buckets: [Cell; BUCKETS],
    sum: Cell,
    /// The smallest value plus one, so that zero means "none yet" and `Default` is right.
    least: Cell,
}

impl HistogramCells {
    pub(super) const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum: AtomicU64::new(0),
            least: AtomicU64::new(0),
        }
    }

    pub(super) fn observe(&self, value: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < value);
        add(&self.buckets[bucket], 1);
        let value = nanos(value);
        add(&self.sum, value);
        let least = self.least.load(Ordering::Relaxed);
        if least == 0 || value < least - 1 {
            self.least.store(value.saturating_add(1), Ordering::Relaxed);
        }
    }

    pub(super) fn add_to(&self, total: &mut Distribution) {
        for (sum, cell) in total.buckets.iter_mut().zip(&self.buckets) {
            *sum += cell.load(Ordering::Relaxed);
        }
        total.sum = total.sum.wrapping_add(self.sum.load(Ordering::Relaxed));
        let least = self.least.load(Ordering::Relaxed).checked_sub(1);
        total.least = match (total.least, least) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// A histogram summed over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many values fell into each bucket (not cumulative); the last is above all bounds.
    buckets: [u64; BUCKETS],
    /// Sum of the values, nanoseconds.
    sum: u64,
    /// Smallest value, nanoseconds.
    least: Option<u64>,
}

impl Distribution {
    /// How many values were seen.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all values.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// Values a bucket, not cumulative, in the order of [`BOUNDS`] and one for those above.
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// The smallest value.
    pub fn min(&self) -> Option<Duration> {
        self.least.map(Duration::from_nanos)
    }

    /// The mean.
    pub fn mean(&self) -> Option<Duration> {
        self.sum.checked_div(self.count()).map(Duration::from_nanos)
    }

    /// The value that `per_mille` thousandths of all values do not exceed, interpolated within
    /// its bucket; the last bound when it lies above all bounds. Exact to the bucket's width.
    pub fn quantile(&self, per_mille: u32) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = u128::from(count) * u128::from(per_mille.min(1000));
        let rank = (wanted.div_ceil(1000) as u64).max(1);
        let mut below = 0;
        for (index, (bound, inside)) in BOUNDS.iter().zip(self.buckets).enumerate() {
            if below + inside >= rank {
                let lower = index
                    .checked_sub(1)
                    .map_or(Duration::ZERO, |before| BOUNDS[before]);
                let share = u128::from(rank - below);
                let width = bound.saturating_sub(lower).as_nanos() * share / u128::from(inside);
                let estimate = lower + Duration::from_nanos(width as u64);
                return Some(self.min().map_or(estimate, |least| estimate.max(least)));
            }
            below += inside;
        }
        BOUNDS.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distribution(values: &[Duration]) -> Distribution {
        let cells = HistogramCells::new();
        for value in values {
            cells.observe(*value);
        }
        let mut total = Distribution::default();
        cells.add_to(&mut total);
        total
    }

    #[test]
    fn a_value_on_a_bound_belongs_below_it() {
        for (index, bound) in BOUNDS.iter().enumerate() {
            assert_eq!(distribution(&[*bound]).buckets[index], 1);
            let above = *bound + Duration::from_nanos(1);
            assert_eq!(distribution(&[above]).buckets[index + 1], 1);
        }
    }

    #[test]
    fn nothing_seen_has_no_mean_and_no_quantile() {
        let nothing = Distribution::default();
        assert_eq!(
            (nothing.min(), nothing.mean(), nothing.quantile(990)),
            (None, None, None)
        );
    }

    #[test]
    fn zero_is_a_value_like_any_other() {
        let zeros = distribution(&[Duration::ZERO, Duration::from_secs(1)]);
        assert_eq!(zeros.min(), Some(Duration::ZERO));
        assert_eq!(zeros.mean(), Some(Duration::from_millis(500)));
    }

    #[test]
    fn what_is_above_all_bounds_counts_as_the_last() {
        assert_eq!(
            distribution(&[Duration::from_secs(90)]).quantile(990),
            BOUNDS.last().copied()
        );
    }

    proptest! {
        #[test]
        fn a_quantile_lies_in_the_bucket_of_the_true_one(
            mut micros in prop::collection::vec(0_u64..20_000_000, 1..200),
            per_mille in 1_u32..=1000,
        ) {
            let values: Vec<_> = micros.iter().map(|each| Duration::from_micros(*each)).collect();
            let seen = distribution(&values);
            micros.sort_unstable();
            let rank = (micros.len() * per_mille as usize).div_ceil(1000).max(1);
            let truth = Duration::from_micros(micros[rank - 1]);
            let bucket = BOUNDS.partition_point(|bound| *bound < truth);
            let estimate = seen.quantile(per_mille).expect("values were seen");
            prop_assert_eq!(BOUNDS.partition_point(|bound| *bound < estimate), bucket);
            prop_assert_eq!(seen.count(), values.len() as u64);
            prop_assert_eq!(seen.min(), Some(Duration::from_micros(micros[0])));
        }
    }
}
