//! What is known of one backend's health: pure thresholds, the time is passed in.
//!
//! ```text
//!             check passed                      check failed
//!   unknown ────────────────▶ up ◀── ramp over ── warming ──────▶ down
//!                             │                    │   ▲           │ ▲
//!      connect failed, reset, │                    │   │ check     │ │ check failed
//!      five errors in a row…  ▼                    ▼   │ passed    │ │
//!                             ejected ─────────────────┴───────────┘ │
//!                                │     or its back-off is over       │
//!                                └───────────────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use crate::balance::{Ramp, Standing};

/// Time out of rotation after the first passive failure; doubles with each that follows.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_mins(1);
/// A backend that stayed in rotation for this long starts again with the first back-off.
const FORGIVEN_AFTER: Duration = Duration::from_mins(1);

/// Ejections in a row that a good check still ends early.
const TRUSTED_EJECTIONS: u32 = 2;

/// Server errors in a row that eject.
const MOST_ERRORS: u32 = 5;

/// A backend that comes back warms up for as long as it was away, within these bounds.
const SHORTEST_RAMP: Duration = Duration::from_secs(1);
const LONGEST_RAMP: Duration = Duration::from_secs(10);

/// Whether an answer with this status is one of those of which a row ejects. 503 is none: a server
/// that says that it is busy is alive.
pub(super) fn is_server_error(status: u16) -> bool {
    matches!(status, 500 | 502 | 504)
}

/// Whether an answer with this status ends a row of server errors.
pub(super) fn is_recovery(status: u16) -> bool {
    status < 500
}

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
    /// In rotation after an outage, with less than its share.
    Warming(Ramp),
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
    /// When the present outage began, or the last one.
    fell: Option<Instant>,
    /// When the last outage ended.
    rose: Option<Instant>,
    /// Passive failures in a row, forgotten after a quiet time.
    ejections: u32,
    errors_in_a_row: u32,
}

impl Default for HealthState {
    fn default() -> Self {
        Self {
            phase: Phase::Unknown,
            fell: None,
            rose: None,
            ejections: 0,
            errors_in_a_row: 0,
        }
    }
}

impl HealthState {
    /// Whether requests may go there. Before the first check: only when nothing better is left.
    pub fn standing(&self) -> Standing {
        match self.phase {
            Phase::Up => Standing::Up,
            Phase::Warming(_) => Standing::Warming,
            Phase::Unknown | Phase::Ejected { .. } => Standing::Ejected,
            Phase::Down => Standing::Down,
        }
    }

    /// How its share grows, while it is warming.
    pub fn ramp(&self) -> Option<Ramp> {
        match self.phase {
            Phase::Warming(ramp) => Some(ramp),
            _ => None,
        }
    }

    /// Server errors since an answer that was none.
    pub fn errors_in_a_row(&self) -> u32 {
        self.errors_in_a_row
    }

    /// An active check was answered with 200. It ends an ejection early, but not for a backend
    /// whose checks pass and whose requests fail again and again: that one sits it out.
    pub fn check_passed(&mut self, now: Instant) -> Option<Transition> {
        match self.phase {
            Phase::Ejected { until } if self.ejections > TRUSTED_EJECTIONS && now < until => None,
            _ => self.rise(now, "health check passed"),
        }
    }

    /// An active check failed; one is enough. What requests found is confirmed, so from then on
    /// checks are trusted again to say when it is over.
    pub fn check_failed(&mut self, now: Instant, reason: &str) -> Option<Transition> {
        self.ejections = 0;
        self.fall(now, Phase::Down, reason)
    }

    /// A request that `began` a while ago found that the backend cannot be used: no connection, a
    /// reset, a malformed answer. Never a client's own fault, never a status. One that began before
    /// the backend came back tells of the outage that is over.
    pub fn request_failed(
        &mut self,
        began: Instant,
        now: Instant,
        reason: &str,
    ) -> Option<Transition> {
        if self.rose.is_some_and(|rose| began < rose) {
            return None;
        }
        self.eject(now, reason)
    }

    fn eject(&mut self, now: Instant, reason: &str) -> Option<Transition> {
        if !self.can_be_ejected() {
            return None;
        }
        let is_forgiven = self
            .rose
            .is_none_or(|rose| now.saturating_duration_since(rose) > FORGIVEN_AFTER);
        self.ejections = if is_forgiven {
            1
        } else {
            self.ejections.saturating_add(1)
        };
        let until = now + back_off(self.ejections);
        self.fall(now, Phase::Ejected { until }, reason)
    }

    /// A request was answered with `status`. Five server errors in a row are a failure, if there is
    /// `room` for one more backend out of rotation.
    pub fn answered(
        &mut self,
        now: Instant,
        status: u16,
        room: impl FnOnce() -> bool,
    ) -> Option<Transition> {
        if is_recovery(status) {
            self.errors_in_a_row = 0;
        }
        if !is_server_error(status) || !self.standing().is_in_rotation() {
            return None;
        }
        self.errors_in_a_row = self.errors_in_a_row.saturating_add(1);
        if self.errors_in_a_row < MOST_ERRORS || !room() {
            return None;
        }
        let reason = format!("{MOST_ERRORS} server errors in a row: {status}");
        self.eject(now, &reason)
    }

    /// Lets an ejected backend back in when its back-off is over, and ends a ramp; to be called when
    /// it is [`HealthState::due`].
    pub fn tick(&mut self, now: Instant) -> Option<Transition> {
        match self.phase {
            Phase::Ejected { until } if until <= now => self.rise(now, "back-off is over"),
            Phase::Warming(ramp) if ramp.end() <= now => {
                self.phase = Phase::Up;
                None
            }
            _ => None,
        }
    }

    /// When [`HealthState::tick`] will have something to do.
    pub fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Ejected { until } => Some(until),
            Phase::Warming(ramp) => Some(ramp.end()),
            Phase::Unknown | Phase::Up | Phase::Down => None,
        }
    }

    /// Once ejected, or down, further failures say nothing new.
    fn can_be_ejected(&self) -> bool {
        !matches!(self.phase, Phase::Down | Phase::Ejected { .. })
    }

    fn rise(&mut self, now: Instant, reason: &str) -> Option<Transition> {
        self.phase = match self.phase {
            Phase::Up | Phase::Warming(_) => return None,
            Phase::Unknown => Phase::Up,
            Phase::Ejected { .. } | Phase::Down => {
                let outage = self
                    .fell
                    .map_or(Duration::ZERO, |fell| now.saturating_duration_since(fell));
                Phase::Warming(Ramp {
                    since: now,
                    over: outage.clamp(SHORTEST_RAMP, LONGEST_RAMP),
                })
            }
        };
        self.rose = Some(now);
        Some(Transition {
            up: true,
            reason: reason.to_owned(),
        })
    }

    fn fall(&mut self, now: Instant, to: Phase, reason: &str) -> Option<Transition> {
        let was = std::mem::replace(&mut self.phase, to);
        self.errors_in_a_row = 0;
        match was {
            // Reported already; the outage goes on.
            Phase::Down | Phase::Ejected { .. } => None,
            Phase::Up | Phase::Warming(_) | Phase::Unknown => {
                self.fell = Some(now);
                Some(Transition {
                    up: false,
                    reason: reason.to_owned(),
                })
            }
        }
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

    use super::{HealthState, LONGEST_BACK_OFF, LONGEST_RAMP, SHORTEST_RAMP, Standing};

    fn up(now: Instant) -> HealthState {
        let mut state = HealthState::default();
        state.check_passed(now);
        state
    }

    #[test]
    fn one_failing_check_takes_a_backend_out_and_one_good_check_brings_it_in() {
        let now = Instant::now();
        let mut state = up(now);
        let down = state.check_failed(now, "status 503").unwrap();
        assert_eq!((down.up, down.reason.as_str()), (false, "status 503"));
        assert_eq!(state.standing(), Standing::Down);
        assert!(state.check_passed(now).unwrap().up);
        assert_eq!(state.standing(), Standing::Warming);
    }

    #[test]
    fn every_change_is_reported_once() {
        let now = Instant::now();
        let mut state = up(now);
        assert!(state.check_passed(now).is_none());
        assert!(
            state
                .request_failed(now, now, "connection refused")
                .is_some()
        );
        assert!(
            state
                .request_failed(now, now, "connection refused")
                .is_none()
        );
        assert!(state.check_failed(now, "connection refused").is_none());
        assert!(state.check_passed(now).is_some());
    }

    #[test]
    fn an_unchecked_backend_is_used_only_for_want_of_a_better() {
        assert_eq!(HealthState::default().standing(), Standing::Ejected);
    }

    #[test]
    fn repeated_failures_keep_a_backend_out_for_longer() {
        let mut now = Instant::now();
        let mut state = up(now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            state.request_failed(now, now, "reset");
            let until = state.due().unwrap();
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
        let mut state = up(now);
        state.request_failed(now, now, "reset");
        assert!(state.check_passed(now).unwrap().up);
        assert_eq!(state.standing(), Standing::Warming);
    }

    #[test]
    fn a_backend_that_passes_checks_and_fails_requests_sits_its_back_off_out() {
        let now = Instant::now();
        let mut state = up(now);
        for _ in 0..2 {
            state.request_failed(now, now, "malformed response");
            assert!(state.check_passed(now).is_some());
        }
        state.request_failed(now, now, "malformed response");
        assert!(state.check_passed(now).is_none());
        let until = state.due().unwrap();
        assert!(state.check_passed(until).unwrap().up);
    }

    #[test]
    fn a_check_that_fails_too_makes_checks_trusted_again() {
        let mut now = Instant::now();
        let mut state = up(now);
        for _ in 0..8 {
            now += Duration::from_secs(3);
            assert!(state.request_failed(now, now, "reset").is_some());
            state.check_failed(now, "connection refused");
            assert!(state.check_passed(now).is_some_and(|change| change.up));
        }
    }

    #[test]
    fn news_of_an_outage_that_is_over_says_nothing() {
        let began = Instant::now();
        let later = began + Duration::from_secs(3);
        let mut state = up(began);
        state.check_failed(began, "timed out");
        state.check_passed(later);
        assert_eq!(
            state.request_failed(began, later, "connect timed out"),
            None
        );
        assert!(state.request_failed(later, later, "reset").is_some());
    }

    /// Answers with these statuses, one after the other; whether the last one ejected.
    fn is_ejected_by(statuses: &[u16], room: bool) -> bool {
        let now = Instant::now();
        let mut state = up(now);
        let (last, before) = statuses.split_last().unwrap();
        for status in before {
            assert_eq!(state.answered(now, *status, || room), None);
        }
        state.answered(now, *last, || room).is_some()
    }

    #[test]
    fn five_server_errors_in_a_row_eject() {
        for (statuses, ejected) in [
            (&[500, 502, 504, 500, 500][..], true),
            (&[500, 500, 500, 500], false),
            (&[500, 500, 500, 500, 200, 500], false),
            (&[500, 500, 500, 500, 404, 500], false),
            // Back-pressure neither counts nor mends.
            (&[500, 500, 503, 500, 500, 503, 500], true),
            (&[503, 503, 503, 503, 503, 503], false),
            (&[501, 505, 507, 501, 505, 507], false),
        ] {
            assert_eq!(is_ejected_by(statuses, true), ejected, "{statuses:?}");
            assert!(!is_ejected_by(statuses, false), "{statuses:?} without room");
        }
    }

    #[test]
    fn the_reason_says_what_was_answered() {
        let now = Instant::now();
        let mut state = up(now);
        let transition = (0..5).find_map(|_| state.answered(now, 502, || true));
        let reason = transition.map(|transition| transition.reason);
        assert_eq!(reason.as_deref(), Some("5 server errors in a row: 502"));
    }

    #[test]
    fn a_row_that_found_no_room_ejects_when_there_is_some() {
        let now = Instant::now();
        let mut state = up(now);
        for _ in 0..9 {
            assert_eq!(state.answered(now, 500, || false), None);
        }
        assert!(state.answered(now, 500, || true).is_some());
    }

    #[test]
    fn good_checks_end_ejections_for_errors_early_only_so_often() {
        let now = Instant::now();
        let mut state = up(now);
        for trusted in [true, true, false] {
            for _ in 0..5 {
                state.answered(now, 500, || true);
            }
            assert_eq!(state.check_passed(now).is_some(), trusted);
        }
        assert_eq!(state.due(), Some(now + Duration::from_secs(4)));
    }

    #[test]
    fn a_backend_warms_up_for_as_long_as_it_was_away() {
        for (away, ramp) in [(0, 1000), (400, 1000), (3500, 3500), (60_000, 10_000)] {
            let mut now = Instant::now();
            let mut state = up(now);
            state.check_failed(now, "status 500");
            now += Duration::from_millis(away);
            assert!(state.check_passed(now).is_some());
            let end = now + Duration::from_millis(ramp);
            assert_eq!(state.due(), Some(end));
            assert_eq!(state.tick(now), None);
            assert_eq!(state.standing(), Standing::Warming);
            assert_eq!(state.tick(end), None);
            assert_eq!((state.standing(), state.due()), (Standing::Up, None));
        }
    }

    #[test]
    fn the_first_good_check_needs_no_warming() {
        assert_eq!(up(Instant::now()).standing(), Standing::Up);
    }

    #[test]
    fn a_back_off_is_not_the_quiet_time_that_forgives() {
        let mut now = Instant::now();
        let mut state = up(now);
        for _ in 0..20 {
            state.request_failed(now, now, "reset");
            now = state.due().unwrap();
            state.tick(now);
        }
        state.request_failed(now, now, "reset");
        assert_eq!(state.due(), Some(now + LONGEST_BACK_OFF));
    }

    proptest! {
        #[test]
        fn any_sequence_of_outcomes_keeps_the_thresholds(
            steps in prop::collection::vec((0u8..8, 0u64..5_000, any::<bool>()), 0..200)
        ) {
            let mut now = Instant::now();
            let mut state = HealthState::default();
            let mut last_reported: Option<bool> = None;
            let mut errors = 0;
            for (step, wait, room) in steps {
                now += Duration::from_millis(wait);
                let was_up = state.standing().is_in_rotation();
                let transition = match step {
                    0 => state.check_passed(now),
                    1 => state.check_failed(now, "failed"),
                    2 => state.request_failed(now, now, "reset"),
                    3 | 4 => state.answered(now, 500, || room),
                    5 => state.answered(now, 503, || room),
                    6 if wait < 500 => state.answered(now, 404, || room),
                    _ => state.tick(now),
                };
                match step {
                    3 | 4 if was_up => {
                        errors += 1;
                        prop_assert_eq!(transition.is_some(), errors >= 5 && room);
                    }
                    5 => prop_assert!(transition.is_none()),
                    6 if wait < 500 => {
                        errors = 0;
                        prop_assert!(transition.is_none());
                    }
                    _ => {}
                }
                if let Some(transition) = transition {
                    prop_assert_ne!(last_reported, Some(transition.up));
                    last_reported = Some(transition.up);
                }
                let is_up = state.standing().is_in_rotation();
                if was_up && !is_up {
                    errors = 0;
                }
                prop_assert_eq!(last_reported == Some(true), is_up);
                if let Some(ramp) = state.ramp() {
                    prop_assert!((SHORTEST_RAMP..=LONGEST_RAMP).contains(&ramp.over));
                } else if let Some(until) = state.due() {
                    prop_assert!(until <= now + LONGEST_BACK_OFF);
                }
            }
        }
    }
}
