//! The retry budget: repeating must not multiply the load when backends fail because of it.

use std::time::{Duration, Instant};

use super::route::Reach;

/// Length of the window, one slot a second.
const SLOTS: usize = 10;
const SLOT: Duration = Duration::from_secs(1);

/// One retry for so many requests.
const REQUESTS_PER_RETRY: u64 = 5;

/// Retries in a window that are allowed however few requests there are.
const LEAST: u64 = 10;

/// What one worker has begun and repeated in the last ten seconds.
#[derive(Debug)]
pub(super) struct RetryBudget {
    slots: [Slot; SLOTS],
    now: usize,
    ends: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    requests: u64,
    retries: u64,
}

impl RetryBudget {
    /// A budget nothing of which is spent.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            slots: [Slot::default(); SLOTS],
            now: 0,
            ends: now + SLOT,
        }
    }

    /// Counts a request that begins.
    pub(super) fn requested(&mut self) {
        self.slots[self.now].requests += 1;
    }

    /// Counts a retry, and says how far it may go: beyond the budget only to backends in rotation.
    ///
    /// Those are bounded already: whoever fails is ejected, so each is asked in vain a few times. It
    /// is in a lot that is ejected as a whole that retries would go round and round.
    pub(super) fn reach(&mut self) -> Reach {
        let allowed = self.allows();
        self.slots[self.now].retries += 1;
        if allowed {
            Reach::AnyNotDown
        } else {
            Reach::InRotation
        }
    }

    /// Whether another retry keeps within 20 % of the window's requests, or within ten.
    fn allows(&self) -> bool {
        let (mut requests, mut retries) = (0, 0);
        for slot in &self.slots {
            requests += slot.requests;
            retries += slot.retries;
        }
        retries < LEAST.max(requests / REQUESTS_PER_RETRY)
    }

    /// Moves the window; to be called more often than a slot is long while requests run.
    pub(super) fn tick(&mut self, now: Instant) {
        for _ in 0..SLOTS {
            if now < self.ends {
                return;
            }
            self.now = (self.now + 1) % SLOTS;
            self.slots[self.now] = Slot::default();
            self.ends += SLOT;
        }
        // Nothing is left in the window.
        self.ends = self.ends.max(now + SLOT);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::RetryBudget;

    fn spend_all(budget: &mut RetryBudget) -> u64 {
        let mut spent = 0;
        while budget.allows() {
            budget.reach();
            spent += 1;
        }
        spent
    }

    #[test]
    fn a_fifth_of_the_requests_and_ten_at_least() {
        let mut budget = RetryBudget::new(Instant::now());
        assert_eq!(spend_all(&mut budget), 10);
        for _ in 0..1000 {
            budget.requested();
        }
        assert_eq!(spend_all(&mut budget), 190);
    }

    #[test]
    fn what_is_ten_seconds_ago_is_forgotten() {
        let start = Instant::now();
        let mut budget = RetryBudget::new(start);
        spend_all(&mut budget);
        budget.tick(start + Duration::from_millis(9_900));
        assert!(!budget.allows());
        budget.tick(start + Duration::from_secs(10));
        assert!(budget.allows());
        spend_all(&mut budget);
        budget.tick(start + Duration::from_hours(1));
        assert_eq!(spend_all(&mut budget), 10);
    }

    proptest! {
        #[test]
        fn no_window_has_more_retries_than_were_allowed(
            steps in prop::collection::vec((0u64..300, 0u64..30, 0u64..1500), 1..200)
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut budget = RetryBudget::new(now);
            let mut log: Vec<(Duration, u64, u64)> = Vec::new();
            for (requests, wanted, wait) in steps {
                for _ in 0..requests {
                    budget.requested();
                }
                let mut made = 0;
                for _ in 0..wanted {
                    if budget.allows() {
                        budget.reach();
                        made += 1;
                    }
                }
                log.push((now - start, requests, made));
                if made == 0 {
                    now += Duration::from_millis(wait);
                    budget.tick(now);
                    continue;
                }
                // The window may be a slot longer at its old end than what it counts.
                let since = (now - start).saturating_sub(Duration::from_secs(9));
                let recent = log.iter().filter(|(at, ..)| *at >= since);
                let retries: u64 = recent.map(|(.., retries)| retries).sum();
                let older = (now - start).saturating_sub(Duration::from_secs(10));
                let requests: u64 = log
                    .iter()
                    .filter(|(at, ..)| *at >= older)
                    .map(|(_, requests, _)| requests)
                    .sum();
                prop_assert!(retries <= 10.max(requests / 5), "{retries} for {requests}");
                now += Duration::from_millis(wait);
                budget.tick(now);
            }
        }
    }
}
