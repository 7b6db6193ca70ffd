//! How a candidate that was away comes back: its weight among the others grows from a tenth to all.

use std::time::{Duration, Instant};

const FIRST_WEIGHT: f32 = 0.1;

/// The time in which a candidate warms up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// When it came back.
    pub since: Instant,
    /// How long it takes; at most a minute.
    pub over: Duration,
}

impl Ramp {
    /// When it is over.
    pub fn end(self) -> Instant {
        self.since + self.over
    }

    /// In one word: 48 bits of milliseconds from `epoch` to its beginning, 16 bits for its length.
    pub(super) fn bits(self, epoch: Instant) -> u64 {
        let since = self.since.saturating_duration_since(epoch).as_millis() as u64;
        let over = self.over.as_millis() as u64;
        since << 16 | over.min(u64::from(u16::MAX))
    }

    /// What the candidate weighs `since_epoch`, when one that is fully up weighs one.
    pub(super) fn weight(bits: u64, since_epoch: Duration) -> f32 {
        let (since, over) = (bits >> 16, bits & u64::from(u16::MAX));
        let age = (since_epoch.as_millis() as u64).saturating_sub(since);
        let risen = age as f32 / over.max(1) as f32;
        (FIRST_WEIGHT + (1.0 - FIRST_WEIGHT) * risen).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_rises_linearly_from_a_tenth_to_one() {
        let epoch = Instant::now();
        let ramp = Ramp {
            since: epoch + Duration::from_secs(3),
            over: Duration::from_secs(10),
        };
        let weight = |seconds| Ramp::weight(ramp.bits(epoch), Duration::from_secs(seconds));
        for (seconds, expected) in [(0, 0.1), (3, 0.1), (8, 0.55), (13, 1.0), (99, 1.0)] {
            assert!((weight(seconds) - expected).abs() < 0.001, "{seconds} s");
        }
        assert_eq!(ramp.end(), epoch + Duration::from_secs(13));
    }
}
