//! Common moments for the checks of many backends.

use std::time::{Duration, Instant};

/// Moments at which checks are made. A check that comes alone wakes this process two or three times,
/// and the backend's as often; ten that come together share that.
///
/// There are a hundred rounds in an interval at least, so that a fleet's checks of a backend stay
/// apart, each process having its own.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    first: Instant,
    every: Duration,
}

impl Rounds {
    const MOST_APART: Duration = Duration::from_millis(50);

    /// Rounds for checks at this interval, `first` being one of them.
    pub fn at_interval(interval: Duration, first: Instant) -> Self {
        Self {
            first,
            every: Self::MOST_APART.min(interval / 100),
        }
    }

    /// The round nearest to `moment`: half a hundredth of the interval from it at most.
    pub fn nearest(self, moment: Instant) -> Instant {
        let since = moment.saturating_duration_since(self.first).as_nanos();
        let every = self.every.as_nanos();
        match u64::try_from((since + every / 2) / every.max(1) * every) {
            Ok(nanos @ 1..) => self.first + Duration::from_nanos(nanos),
            _ => moment,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Rounds;

    #[test]
    fn moments_become_the_nearest_round() {
        let first = Instant::now();
        let rounds = Rounds::at_interval(Duration::from_secs(5), first);
        for (millis, round) in [(5000, 5000), (5024, 5000), (5026, 5050), (70_001, 70_000)] {
            let moment = first + Duration::from_millis(millis);
            assert_eq!(rounds.nearest(moment), first + Duration::from_millis(round));
        }
    }

    #[test]
    fn short_intervals_have_as_many_rounds() {
        let first = Instant::now();
        let rounds = Rounds::at_interval(Duration::from_millis(100), first);
        let moment = first + Duration::from_micros(100_600);
        assert_eq!(rounds.nearest(moment), first + Duration::from_millis(101));
    }

    #[test]
    fn an_interval_without_rounds_and_a_moment_before_the_first_stay() {
        let first = Instant::now();
        let none = Rounds::at_interval(Duration::from_nanos(50), first);
        let moment = first + Duration::from_nanos(77);
        assert_eq!(none.nearest(moment), moment);
        let later = Rounds::at_interval(Duration::from_secs(5), moment);
        assert_eq!(later.nearest(first), first);
    }
}
