//! How long a connection to a backend may stay idle before it is no longer trusted: shorter than
//! the backend's own time-out, so that it does not close what is being used again.

use std::time::{Duration, Instant};

/// A connection is let go of this long before the time-out that the backend announced.
const MARGIN: Duration = Duration::from_secs(1);

/// What was seen closed earlier than this says nothing: a backend that closes after each response,
/// or ends, closes everything.
const SHORTEST_LEARNED: Duration = Duration::from_secs(1);

/// How long what was seen is believed.
const BELIEVED_FOR: Duration = Duration::from_mins(1);

/// What is known of a backend's idle time-out.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleTimeout {
    configured: Duration,
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    within: Duration,
    until: Instant,
}

impl IdleTimeout {
    /// Nothing is known but what is configured for all.
    pub(super) fn new(configured: Duration) -> Self {
        Self {
            configured,
            seen: None,
        }
    }

    /// How long a connection may stay idle from `now` on, when its last response announced
    /// `Keep-Alive: timeout=` so long.
    pub(super) fn keep(&self, announced: Option<Duration>, now: Instant) -> Duration {
        let announced = announced.map(|timeout| timeout.saturating_sub(MARGIN).max(timeout / 2));
        let seen = self.seen.filter(|seen| now < seen.until);
        [announced, seen.map(|seen| seen.within)]
            .into_iter()
            .flatten()
            .fold(self.configured, Duration::min)
    }

    /// The backend has closed a connection that was idle for so long.
    pub(super) fn closed_after(&mut self, age: Duration, now: Instant) {
        if age < SHORTEST_LEARNED || age >= self.configured {
            return;
        }
        let within = age / 4 * 3;
        let known = self.seen.filter(|seen| now < seen.until);
        self.seen = Some(Seen {
            // Whoever ends closes everything, old and new: the oldest comes closest to the truth.
            within: known.map_or(within, |known| known.within.max(within)),
            until: now + BELIEVED_FOR,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::IdleTimeout;

    const CONFIGURED: Duration = Duration::from_secs(30);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn an_announced_time_out_is_kept_with_a_margin() {
        let (timeout, now) = (IdleTimeout::new(CONFIGURED), Instant::now());
        assert_eq!(timeout.keep(None, now), CONFIGURED);
        assert_eq!(timeout.keep(Some(seconds(5)), now), seconds(4));
        assert_eq!(timeout.keep(Some(seconds(1)), now), seconds(1) / 2);
        assert_eq!(timeout.keep(Some(seconds(0)), now), seconds(0));
        assert_eq!(timeout.keep(Some(seconds(300)), now), CONFIGURED);
    }

    #[test]
    fn what_was_closed_early_is_kept_for_less_time_for_a_while() {
        let mut timeout = IdleTimeout::new(CONFIGURED);
        let now = Instant::now();
        timeout.closed_after(seconds(8), now);
        assert_eq!(timeout.keep(None, now), seconds(6));
        assert_eq!(timeout.keep(Some(seconds(3)), now), seconds(2));
        timeout.closed_after(seconds(4), now);
        assert_eq!(timeout.keep(None, now), seconds(6), "the oldest counts");
        assert_eq!(timeout.keep(None, now + seconds(61)), CONFIGURED);
    }

    #[test]
    fn what_was_closed_at_once_says_nothing() {
        let mut timeout = IdleTimeout::new(CONFIGURED);
        let now = Instant::now();
        timeout.closed_after(seconds(0), now);
        timeout.closed_after(seconds(30), now);
        assert_eq!(timeout.keep(None, now), CONFIGURED);
    }
}
