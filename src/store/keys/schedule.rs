//! When keys are looked up again.

use std::time::Duration;

/// Keys are replaced this long before they expire, or when this part of their life is left.
const MARGIN: Duration = Duration::from_mins(5);
const MARGIN_PART: u32 = 4;

/// The first try after a failure; each that fails doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);

/// The time until keys with so much life are replaced.
pub(super) fn after_success(life: Duration) -> Duration {
    life.saturating_sub(MARGIN.min(life / MARGIN_PART))
        .max(FIRST_RETRY)
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
                after_success(Duration::from_secs(life)),
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
