//! How quickly a candidate has answered of late, in one word.
//!
//! ```text
//!  63 ................. 32   31 ............................ 0
//!  µs (f32), 0: no answer    when, in ms since the table was made
//! ```
//!
//! The average gives every moment of the past a weight that falls exponentially, and takes a peak at
//! once: slow is believed immediately, fast again only by and by.

use std::time::Duration;

/// What is this old weighs a third.
const TIME_CONSTANT_MILLIS: f32 = 10_000.0;
/// What a failure counts as: nobody should be preferred for failing quickly.
const PENALTY: Duration = Duration::from_secs(1);

/// A moving average of latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Latency(u64);

impl Latency {
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// With an answer that came after `took`, at the `at`th millisecond.
    pub(super) fn answered(self, took: Duration, at: u32) -> Self {
        let took = (took.as_micros() as f32).max(1.0);
        let average = match self.latest() {
            Some(latest) if took < latest => {
                let weight = self.weight(at);
                latest * weight + took * (1.0 - weight)
            }
            _ => took,
        };
        Self(u64::from(average.to_bits()) << 32 | u64::from(at))
    }

    /// With a request that failed.
    pub(super) fn failed(self, took: Duration, at: u32) -> Self {
        self.answered(took.max(PENALTY), at)
    }

    /// The average in µs when it last changed; none before the first answer.
    pub(super) fn latest(self) -> Option<f32> {
        let micros = f32::from_bits((self.0 >> 32) as u32);
        (micros > 0.0).then_some(micros)
    }

    /// The average in µs with the silence since then counted as nothing.
    pub(super) fn faded(self, at: u32) -> Option<f32> {
        self.latest().map(|latest| latest * self.weight(at))
    }

    /// What the past still weighs at a moment. Clocks of two threads may be a moment apart.
    fn weight(self, at: u32) -> f32 {
        let age = at.wrapping_sub(self.0 as u32).cast_signed().max(0);
        (-(age as f32) / TIME_CONSTANT_MILLIS).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn a_peak_is_believed_at_once_and_forgotten_slowly() {
        let mut latency = Latency::default();
        assert_eq!(latency.latest(), None);
        latency = latency.answered(MILLI, 0).answered(100 * MILLI, 1);
        assert_eq!(latency.latest(), Some(100_000.0));
        for at in 1..=10_001 {
            latency = latency.answered(MILLI, at);
        }
        let after = latency.latest().unwrap_or_default();
        assert!((35_000.0..40_000.0).contains(&after), "{after}");
    }

    #[test]
    fn a_failure_is_never_fast() {
        let failed = Latency::default().failed(MILLI, 7);
        assert_eq!(failed.latest(), Some(1e6));
    }

    #[test]
    fn a_clock_that_wraps_or_is_a_little_behind_does_no_harm() {
        let latency = Latency::default().answered(MILLI, u32::MAX);
        assert_eq!(latency.faded(u32::MAX - 5), Some(1000.0));
        assert!(latency.faded(9_999).is_some_and(|micros| micros < 400.0));
    }

    proptest! {
        #[test]
        fn an_average_lies_between_its_answers(
            answers in prop::collection::vec((1u64..10_000_000, 0u32..60_000), 1..50)
        ) {
            let mut latency = Latency::default();
            let mut at = 0;
            for (micros, pause) in &answers {
                at += pause;
                latency = latency.answered(Duration::from_micros(*micros), at);
            }
            let average = latency.latest().unwrap_or_default();
            let fastest = answers.iter().map(|(micros, _)| *micros).min().unwrap_or_default();
            let slowest = answers.iter().map(|(micros, _)| *micros).max().unwrap_or_default();
            prop_assert!(average >= fastest as f32 * 0.99 && average <= slowest as f32 * 1.01);
            prop_assert!(latency.faded(at + 1000) <= latency.latest());
        }
    }
}
