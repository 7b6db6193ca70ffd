//! Waiting for a condition, with a deadline that turns a hang into a message.

use std::thread;
use std::time::{Duration, Instant};

/// How long any single step may take before it counts as a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at a condition that nobody announces.
const GLANCE: Duration = Duration::from_millis(5);

/// Returns as soon as `condition` holds; panics with `what` when patience ends.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < PATIENCE,
            "after {PATIENCE:?} still not: {what}"
        );
        thread::park_timeout(GLANCE);
    }
}

/// For claims that something does not happen: `condition` holds all through `span`.
pub(crate) fn holds_for(span: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < span {
        assert!(
            condition(),
            "after {:?} no longer: {what}",
            started.elapsed()
        );
        thread::park_timeout(GLANCE);
    }
}
