//! How long a client waits for the store.

use std::cell::Cell;
use std::time::Duration;

/// Before the store has been met.
const AT_FIRST: Duration = Duration::from_millis(250);

/// No less than this, however fast the store is: a pause of the scheduler is no outage.
const AT_LEAST: Duration = Duration::from_millis(100);

/// The same until a body begins: some stores read it first, and a large one takes many times what small
/// ones usually do.
const AT_LEAST_FOR_BODY: Duration = Duration::from_millis(250);

/// No more than this, however slow it is: without the cache the client would have its answer.
const AT_MOST: Duration = Duration::from_secs(1);

/// How many times what it usually takes.
const TIMES: u32 = 8;

/// The weight of the past in what the store usually takes: an eighth of each answer is news.
const INERTIA: u32 = 7;

/// What one worker has learnt of the time that the store takes.
#[derive(Debug)]
pub(super) struct Patience {
    at_least: Duration,
    usual: Cell<Option<Duration>>,
    /// Somebody has lost patience and still waits for the answer: nobody else waits meanwhile.
    is_suspect: Cell<bool>,
}

impl Patience {
    /// For small objects.
    pub(super) fn with_heads() -> Self {
        Self::new(AT_LEAST)
    }

    /// For the first byte of a body.
    pub(super) fn with_bodies() -> Self {
        Self::new(AT_LEAST_FOR_BODY)
    }

    fn new(at_least: Duration) -> Self {
        Self {
            at_least,
            usual: Cell::default(),
            is_suspect: Cell::default(),
        }
    }

    /// How long to wait.
    pub(super) fn limit(&self) -> Duration {
        self.usual.get().map_or(AT_FIRST, |usual| {
            (usual * TIMES).clamp(self.at_least, AT_MOST)
        })
    }

    /// The store has taken so long.
    pub(super) fn took(&self, time: Duration) {
        let usual = self.usual.get().map_or(time, |usual| {
            (usual * INERTIA + time.min(AT_MOST)) / (INERTIA + 1)
        });
        self.usual.set(Some(usual));
    }

    /// Whether the store keeps somebody waiting for too long.
    pub(super) fn is_suspect(&self) -> bool {
        self.is_suspect.get()
    }

    pub(super) fn suspect(&self, is_suspect: bool) {
        self.is_suspect.set(is_suspect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_follows_what_the_store_usually_takes() {
        let patience = Patience::with_heads();
        assert_eq!(patience.limit(), AT_FIRST);
        patience.took(Duration::from_micros(500));
        assert_eq!(patience.limit(), AT_LEAST);
        for _ in 0..100 {
            patience.took(Duration::from_millis(20));
        }
        let limit = patience.limit();
        assert!(limit > Duration::from_millis(150), "{limit:?}");
        for _ in 0..100 {
            patience.took(Duration::from_mins(1));
        }
        assert_eq!(patience.limit(), AT_MOST);
    }

    #[test]
    fn one_slow_answer_is_not_the_rule() {
        let patience = Patience::with_heads();
        for _ in 0..100 {
            patience.took(Duration::from_millis(1));
        }
        patience.took(Duration::from_secs(2));
        assert!(patience.limit() < AT_MOST * 2);
        for _ in 0..50 {
            patience.took(Duration::from_millis(1));
        }
        assert_eq!(patience.limit(), AT_LEAST);
    }

    #[test]
    fn a_large_body_may_take_longer_than_small_ones() {
        let patience = Patience::with_bodies();
        for _ in 0..100 {
            patience.took(Duration::from_millis(1));
        }
        assert_eq!(patience.limit(), AT_LEAST_FOR_BODY);
    }
}
