//! What is known of one backend's health: pure thresholds, the time is passed in.
//!
//! ```text
//!              check passed                    check failed
//!   unknown ─────────────────▶ up ◀──────────────────────────────▶ down
//!                              │ ▲          check passed             ▲
//!       connect failed, reset… │ │ check passed, or back-off over    │ check failed
//!                              ▼ │                                   │
//!                            ejected ────────────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use crate::balance::Standing;

/// Time out of rotation after the first passive failure; doubles with each that follows.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_mins(1);
/// A backend that stayed in rotation for this long starts again with the first back-off.
const FORGIVEN_AFTER: Duration = Duration::from_mins(1);

/// Ejections in a row that a good check still ends early.
const TRUSTED_EJECTIONS: u32 = 2;

/// The backend went up or down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Whether it is up now.
    pub up: bool,
    /// Why, in words for a log line.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No check has ended yet.
    Unknown,
    Up,
    /// Taken out by a request's failure; checks have not said down.
    Ejected {
        until: Instant,
    },
    Down,
}

/// Health of one backend. It changes only through the methods that take an outcome.
#[derive(Clone, Debug)]
pub struct HealthState {
    phase: Phase,
    /// Passive failures in a row, forgotten after a quiet time.
    ejections: u32,
    last_ejection: Option<Instant>,
}

impl Default for HealthState {
    fn default() -> Self {
        Self {
            phase: Phase::Unknown,
            ejections: 0,
            last_ejection: None,
        }
    }
}

impl HealthState {
    /// Whether requests may go there. Before the first check: only when nothing better is left.
    pub fn standing(&self) -> Standing {
        match self.phase {
            Phase::Up => Standing::Up,
            Phase::Unknown | Phase::Ejected { .. } => Standing::Ejected,
            Phase::Down => Standing::Down,
        }
    }

    /// An active check was answered with 200. It ends an ejection early, but not for a backend
    /// whose checks pass and whose requests fail again and again: that one sits it out.
    pub fn check_passed(&mut self, now: Instant) -> Option<Transition> {
        match self.phase {
            Phase::Ejected { until } if self.ejections > TRUSTED_EJECTIONS && now < until => None,
            _ => self.rise("health check passed"),
        }
    }

    /// An active check failed; one is enough.
    pub fn check_failed(&mut self, reason: &str) -> Option<Transition> {
        let was = std::mem::replace(&mut self.phase, Phase::Down);
        match was {
            // Its ejection was reported already; the outage goes on.
            Phase::Down | Phase::Ejected { .. } => None,
            Phase::Up | Phase::Unknown => Some(fall(reason)),
        }
    }

    /// A request found that the backend cannot be used: no connection, a reset, a malformed
    /// answer. Never a client's own fault, never a status.
    pub fn request_failed(&mut self, now: Instant, reason: &str) -> Option<Transition> {
        match self.phase {
            Phase::Down | Phase::Ejected { .. } => None,
            Phase::Up | Phase::Unknown => {
                let quiet = self
                    .last_ejection
                    .is_none_or(|last| now.saturating_duration_since(last) > FORGIVEN_AFTER);
                self.ejections = if quiet {
                    1
                } else {
                    self.ejections.saturating_add(1)
                };
                self.last_ejection = Some(now);
                self.phase = Phase::Ejected {
                    until: now + back_off(self.ejections),
                };
                Some(fall(reason))
            }
        }
    }

    /// Lets an ejected backend back in when its back-off is over; to be called now and then.
    pub fn tick(&mut self, now: Instant) -> Option<Transition> {
        match self.phase {
            Phase::Ejected { until } if until <= now => self.rise("back-off is over"),
            _ => None,
        }
    }

    /// When [`HealthState::tick`] will have something to do.
    pub fn ejected_until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Ejected { until } => Some(until),
            _ => None,
        }
    }

    fn rise(&mut self, reason: &str) -> Option<Transition> {
        let was = std::mem::replace(&mut self.phase, Phase::Up);
        (was != Phase::Up).then(|| Transition {
            up: true,
            reason: reason.to_owned(),
        })
    }
}

fn fall(reason: &str) -> Transition {
    Transition {
        up: false,
        reason: reason.to_owned(),
    }
}

fn back_off(ejections: u32) -> Duration {
    let doubled = FIRST_BACK_OFF.saturating_mul(1 << ejections.saturating_sub(1).min(16));
    doubled.min(LONGEST_BACK_OFF)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{HealthState, LONGEST_BACK_OFF, Standing};

    fn up() -> HealthState {
        let now = Instant::now();
        let mut state = HealthState::default();
        state.check_passed(now);
        state
    }

    #[test]
    fn one_failing_check_takes_a_backend_out_and_one_good_check_brings_it_in() {
        let now = Instant::now();
        let mut state = up();
        let down = state.check_failed("status 503").unwrap();
        assert_eq!((down.up, down.reason.as_str()), (false, "status 503"));
        assert_eq!(state.standing(), Standing::Down);
        assert!(state.check_passed(now).unwrap().up);
        assert_eq!(state.standing(), Standing::Up);
    }

    #[test]
    fn every_change_is_reported_once() {
        let now = Instant::now();
        let mut state = up();
        assert!(state.check_passed(now).is_none());
        assert!(state.request_failed(now, "connection refused").is_some());
        assert!(state.request_failed(now, "connection refused").is_none());
        assert!(state.check_failed("connection refused").is_none());
        assert!(state.check_passed(now).is_some());
    }

    #[test]
    fn an_unchecked_backend_is_used_only_for_want_of_a_better() {
        assert_eq!(HealthState::default().standing(), Standing::Ejected);
    }

    #[test]
    fn repeated_failures_keep_a_backend_out_for_longer() {
        let mut now = Instant::now();
        let mut state = up();
        let mut waits = Vec::new();
        for _ in 0..8 {
            state.request_failed(now, "reset");
            let until = state.ejected_until().unwrap();
            waits.push((until - now).as_secs());
            now = until;
            assert!(state.tick(now).unwrap().up);
        }
        assert_eq!(waits[..4], [1, 2, 4, 8]);
        assert!(*waits.last().unwrap() <= LONGEST_BACK_OFF.as_secs());
    }

    #[test]
    fn a_good_check_ends_an_ejection_early() {
        let now = Instant::now();
        let mut state = up();
        state.request_failed(now, "reset");
        assert!(state.check_passed(now).unwrap().up);
        assert_eq!(state.standing(), Standing::Up);
    }

    #[test]
    fn a_backend_that_passes_checks_and_fails_requests_sits_its_back_off_out() {
        let now = Instant::now();
        let mut state = up();
        for _ in 0..2 {
            state.request_failed(now, "malformed response");
            assert!(state.check_passed(now).is_some());
        }
        state.request_failed(now, "malformed response");
        assert!(state.check_passed(now).is_none());
        let until = state.ejected_until().unwrap();
        assert!(state.check_passed(until).unwrap().up);
    }

    proptest! {
        #[test]
        fn reports_alternate_and_agree_with_the_standing(
            steps in prop::collection::vec((0u8..4, 0u64..5_000), 0..200)
        ) {
            let mut now = Instant::now();
            let mut state = HealthState::default();
            let mut last_reported: Option<bool> = None;
            for (step, wait) in steps {
                now += Duration::from_millis(wait);
                let transition = match step {
                    0 => state.check_passed(now),
                    1 => state.check_failed("failed"),
                    2 => state.request_failed(now, "reset"),
                    _ => state.tick(now),
                };
                if let Some(transition) = transition {
                    prop_assert_ne!(last_reported, Some(transition.up));
                    last_reported = Some(transition.up);
                }
                let reported_up = last_reported == Some(true);
                prop_assert_eq!(reported_up, state.standing() == Standing::Up);
                if let Some(until) = state.ejected_until() {
                    prop_assert!(until <= now + LONGEST_BACK_OFF);
                }
            }
        }
    }
}
