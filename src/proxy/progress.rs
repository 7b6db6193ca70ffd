//! The bound on a lack of progress, and the looks at a transfer that stands still meanwhile.

use std::time::Duration;

use crate::net::Ticket;

/// How often a transfer that stands still is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The same where another source stands ready.
const BRISK_LOOK: Duration = Duration::from_millis(300);

/// What one attempt has to do with its connection's deadline: renewed whenever bytes move.
pub(super) struct Progress<'a> {
    ticket: &'a Ticket,
    is_brisk: bool,
    /// How long it may stand still.
    within: Duration,
    /// How long it may go on standing still, at the last look.
    left: Duration,
}

/// How a transfer that stands still was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing has moved since a moment ago.
    First,
    /// Nothing has moved since the last look.
    Again,
    /// Nothing has moved for as long as is allowed.
    TooLong,
}

impl<'a> Progress<'a> {
    pub(super) fn new(ticket: &'a Ticket, within: Duration) -> Self {
        Self {
            ticket,
            is_brisk: false,
            within,
            left: within,
        }
    }

    /// The same for a transfer that can go on elsewhere at once.
    pub(super) fn brisk(ticket: &'a Ticket, within: Duration) -> Self {
        Self {
            is_brisk: true,
            ..Self::new(ticket, within)
        }
    }

    /// How often it is looked at.
    fn every(&self) -> Duration {
        if self.is_brisk { BRISK_LOOK } else { LOOK }
    }

    /// Bytes have moved.
    pub(super) fn made(&mut self) {
        self.left = self.within;
        self.ticket.set(self.every().min(self.within));
    }

    /// Nothing is waited for any more.
    pub(super) fn over(&self) {
        self.ticket.clear();
    }

    /// Looks at a transfer; `None` while it moves.
    pub(super) fn look(&mut self) -> Option<Look> {
        if !self.ticket.is_over() {
            return None;
        }
        let first = self.left == self.within;
        self.left = self.left.saturating_sub(self.every());
        if self.left.is_zero() {
            // Who goes on waiting all the same starts anew.
            self.made();
            return Some(Look::TooLong);
        }
        self.ticket.set(self.every().min(self.left));
        Some(if first { Look::First } else { Look::Again })
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::{Duration, Instant};

    use super::{Look, Progress};
    use crate::net::Deadlines;

    #[test]
    fn a_transfer_is_looked_at_every_second_until_it_took_too_long() {
        let start = Instant::now();
        let deadlines = Deadlines::new(start);
        let ticket = deadlines.register(Waker::noop().clone(), start);
        let mut progress = Progress::new(&ticket, Duration::from_millis(2500));
        let mut now = start;
        let mut look = |progress: &mut Progress<'_>, after: u64| {
            now += Duration::from_millis(after);
            deadlines.tick(now);
            progress.look()
        };
        progress.made();
        assert_eq!(look(&mut progress, 900), None);
        progress.made();
        assert_eq!(look(&mut progress, 900), None);
        assert_eq!(look(&mut progress, 100), Some(Look::First));
        assert_eq!(look(&mut progress, 900), None);
        assert_eq!(look(&mut progress, 100), Some(Look::Again));
        assert_eq!(look(&mut progress, 500), Some(Look::TooLong));
        progress.made();
        assert_eq!(look(&mut progress, 1000), Some(Look::First));
        progress.made();
        assert_eq!(look(&mut progress, 1000), Some(Look::First));
    }
}
