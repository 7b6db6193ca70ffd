//! How far a backend's idle connections are trusted.
//!
//! They are left before the backend's own time-out, so that it does not close what is being used
//! again. A request that could not be repeated needs more: a backend that is known to keep
//! connections, or a connection that has stood for a while, for some close them behind each
//! response without a word.

use std::time::{Duration, Instant};

/// A connection is let go of this long before the time-out that the backend announced.
const MARGIN: Duration = Duration::from_secs(1);

/// What was seen closed earlier than this says nothing: a backend that closes after each response,
/// or ends, closes everything.
const SHORTEST_LEARNED: Duration = Duration::from_secs(1);

/// A connection that has been idle for so long was not closed behind its last response.
const SETTLED: Duration = Duration::from_millis(100);

/// How long what was seen is believed.
const BELIEVED_FOR: Duration = Duration::from_mins(1);

/// What is known of how a backend keeps idle connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    configured: Duration,
    seen: Option<Seen>,
    /// A connection has carried another request.
    proved: bool,
    /// Until when no connection is trusted with what cannot be repeated.
    distrusted: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    within: Duration,
    until: Instant,
}

impl Keeping {
    /// Nothing is known but what is configured for all.
    pub(super) fn new(configured: Duration) -> Self {
        Self {
            configured,
            seen: None,
            proved: false,
            distrusted: None,
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
        if age < SHORTEST_LEARNED {
            self.broke(now);
            return;
        }
        if age >= self.configured {
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

    /// A connection that was idle has carried another request.
    pub(super) fn held(&mut self) {
        self.proved = true;
    }

    /// A connection that seemed idle was closed when it was to be used.
    pub(super) fn broke(&mut self, now: Instant) {
        self.proved = false;
        self.distrusted = Some(now + BELIEVED_FOR);
    }

    /// Whether a connection idle for `age` may carry a request that cannot be repeated.
    pub(super) fn is_trusted(&self, age: Duration, now: Instant) -> bool {
        let is_distrusted = self.distrusted.is_some_and(|until| now < until);
        !is_distrusted && (self.proved || age >= SETTLED)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Keeping;

    const CONFIGURED: Duration = Duration::from_secs(30);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn an_announced_time_out_is_kept_with_a_margin() {
        let (timeout, now) = (Keeping::new(CONFIGURED), Instant::now());
        assert_eq!(timeout.keep(None, now), CONFIGURED);
        assert_eq!(timeout.keep(Some(seconds(5)), now), seconds(4));
        assert_eq!(timeout.keep(Some(seconds(1)), now), seconds(1) / 2);
        assert_eq!(timeout.keep(Some(seconds(0)), now), seconds(0));
        assert_eq!(timeout.keep(Some(seconds(300)), now), CONFIGURED);
    }

    #[test]
    fn what_was_closed_early_is_kept_for_less_time_for_a_while() {
        let mut timeout = Keeping::new(CONFIGURED);
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
        let mut timeout = Keeping::new(CONFIGURED);
        let now = Instant::now();
        timeout.closed_after(seconds(0), now);
        timeout.closed_after(seconds(30), now);
        assert_eq!(timeout.keep(None, now), CONFIGURED);
    }

    #[test]
    fn what_cannot_be_repeated_needs_a_connection_that_stood_or_a_backend_that_keeps_them() {
        let mut keeping = Keeping::new(CONFIGURED);
        let (now, moment) = (Instant::now(), Duration::from_millis(5));
        assert!(!keeping.is_trusted(moment, now));
        assert!(keeping.is_trusted(seconds(1), now));
        keeping.held();
        assert!(keeping.is_trusted(moment, now));
        keeping.closed_after(moment, now);
        assert!(!keeping.is_trusted(seconds(1), now));
        keeping.held();
        assert!(
            !keeping.is_trusted(seconds(1), now),
            "some are kept, some not"
        );
        assert!(keeping.is_trusted(moment, now + seconds(61)));
    }
}
