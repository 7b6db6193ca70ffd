//! When keys are looked up again.

use std::time::Duration;

/// Keys are replaced at most this long before they expire, or when at most this part of their life is
/// left: a fifth of it is spread, since a fleet gets its keys at the same time.
const MARGIN: Duration = Duration::from_mins(5);
const MARGIN_PART: u32 = 4;

/// The first try after a failure; each that fails doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);

/// The time until keys with so much life are replaced; `spread` is from 0 to 1.
pub(super) fn after_success(life: Duration, spread: f64) -> Duration {
    let margin = MARGIN.min(life / MARGIN_PART).mul_f64(1.0 - spread * 0.2);
    life.saturating_sub(margin).max(FIRST_RETRY)
}

/// The time until the next try after so many failures in a row. `spread`, from 0 to 1, keeps a
/// fleet out of step.
pub(super) fn after_failures(failures: u32, spread: f64) -> Duration {
    let pause = FIRST_RETRY.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1));
    pause.min(LAST_RETRY).mul_f64(0.8 + spread * 0.4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lives_are_renewed_five_minutes_early_and_short_ones_in_their_last_quarter() {
        for (life, pause) in [
            (6 * 3_600, 6 * 3_600 - 300),
            (3_600, 3_300),
            (1_200, 900),
            (900, 675),
            (4, 3),
            (1, 1),
            (0, 1),
        ] {
            assert_eq!(
                after_success(Duration::from_secs(life), 0.0),
                Duration::from_secs(pause),
                "{life}"
            );
        }
    }

    #[test]
    fn a_fleet_does_not_ask_for_keys_at_once() {
        for (life, pause) in [(3_600, 3_360), (1_000, 800)] {
            assert_eq!(
                after_success(Duration::from_secs(life), 1.0),
                Duration::from_secs(pause),
                "{life}"
            );
        }
    }

    #[test]
    fn failures_are_tried_again_less_and_less_often() {
        let pauses: Vec<u64> = (1..=9)
            .map(|failures| after_failures(failures, 0.5).as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(after_failures(u32::MAX, 1.0), Duration::from_secs(72));
        assert_eq!(after_failures(1, 0.0), Duration::from_millis(800));
    }
}
