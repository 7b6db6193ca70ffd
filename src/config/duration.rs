//! Spans of time as people write them: the Go syntax (`1m30s`, `1.5s`, `100ms`) and a bare number
//! of seconds (`5`, `0.5`).

use std::time::Duration;

use super::error::Problem;

/// Unit names with their nanoseconds. Both spellings of the micro sign are in use.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Digits of a fraction that can still matter: an hour has 3.6e12 ns.
const FRACTION_DIGITS: usize = 15;

/// Reads a span of time. At most 2^63 ns (292 years), as in Go; anything below a nanosecond is
/// cut. Signs are refused.
pub fn parse(text: &str) -> Result<Duration, Problem> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Problem::new(
            "a duration is missing; write it like 5s, 1m30s or 0.5",
        ));
    }
    if rest.starts_with('-') {
        return Err(Problem::new("a duration cannot be negative"));
    }
    let mut total: u128 = 0;
    let mut bare = false;
    while !rest.is_empty() {
        if bare {
            return Err(not_a_duration());
        }
        let (number, after) = take_while(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = take_while(after, |c| !c.is_ascii_digit() && c != '.');
        bare = unit.is_empty();
        total = total.saturating_add(nanoseconds(number, if bare { "s" } else { unit })?);
        rest = after;
    }
    // `5m30` could mean seconds or be a slip; a bare number stands alone.
    if bare && text.trim().contains(|c: char| c.is_alphabetic()) {
        return Err(Problem::new(
            "a unit is missing at the end; write it like 5s, 1m30s or 0.5",
        ));
    }
    match i64::try_from(total) {
        Ok(nanos) => Ok(Duration::from_nanos(nanos.unsigned_abs())),
        Err(_) => Err(Problem::new("a duration cannot be longer than 292 years")),
    }
}

/// Writes a span of time so that [`parse`] reads the same span back: `1m30s`, `1.5s`, `100ms`.
pub fn format(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 {
        return match duration.subsec_nanos() {
            0 => "0s".to_owned(),
            nanos if nanos >= 1_000_000 => decimal(0, nanos, 1_000_000) + "ms",
            nanos if nanos >= 1_000 => decimal(0, nanos, 1_000) + "us",
            nanos => format!("{nanos}ns"),
        };
    }
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let hours = if hours == 0 {
        String::new()
    } else {
        format!("{hours}h")
    };
    let minutes = if minutes == 0 {
        String::new()
    } else {
        format!("{minutes}m")
    };
    let rest = match decimal(rest, duration.subsec_nanos(), 1_000_000_000) {
        zero if zero == "0" => String::new(),
        rest => rest + "s",
    };
    hours + &minutes + &rest
}

fn decimal(whole: u64, part: u32, unit: u32) -> String {
    let (whole, part) = (whole + u64::from(part / unit), part % unit);
    let width = unit.ilog10() as usize;
    let text = format!("{whole}.{part:0width$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn nanoseconds(number: &str, unit: &str) -> Result<u128, Problem> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(not_a_duration());
    }
    let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(Problem::new(format!(
            "`{unit}` is not a unit of time; use ns, us, ms, s, m or h"
        )));
    };
    let scale = u128::from(*scale);
    // More digits than a u128 holds are far beyond the limit that the caller checks.
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().unwrap_or(u128::MAX)
    };
    let digits = &fraction[..fraction.len().min(FRACTION_DIGITS)];
    let part: u128 = if digits.is_empty() {
        0
    } else {
        digits.parse().unwrap_or(0)
    };
    let part = part * scale / 10_u128.pow(digits.len() as u32);
    Ok(whole.saturating_mul(scale).saturating_add(part))
}

fn take_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !keep(c)).unwrap_or(text.len()))
}

fn not_a_duration() -> Problem {
    Problem::new("not a duration; write it like 5s, 1m30s, 100ms or 0.5")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn go_syntax_and_bare_seconds_are_read() {
        for (text, nanos) in [
            ("5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("100ms", 100_000_000),
            ("1h", 3_600_000_000_000),
            ("1h0m0.5s", 3_600_500_000_000),
            ("7us", 7_000),
            ("7µs", 7_000),
            ("7μs", 7_000),
            ("3ns", 3),
            ("0.3ns", 0),
            ("5", 5_000_000_000),
            ("0.5", 500_000_000),
            ("0", 0),
            ("0s", 0),
            (" 10s ", 10_000_000_000),
            (
                "1.0000000000000000000000000000000000000000000001s",
                1_000_000_000,
            ),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "missing"),
            ("-5s", "negative"),
            ("5d", "`d` is not a unit"),
            ("5 s", "` s` is not a unit"),
            ("s", "not a duration"),
            (".", "not a duration"),
            (".s", "not a duration"),
            ("1.2.3s", "not a duration"),
            ("+5s", "not a duration"),
            ("1m30", "unit is missing"),
            ("292y", "`y` is not a unit"),
            ("2562048h", "292 years"),
            ("99999999999999999999999999999999999999999999h", "292 years"),
            ("1e3", "not a unit"),
        ] {
            let problem = parse(text).expect_err(text).to_string();
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for text in [
            "5s", "1m30s", "1.5s", "100ms", "1h", "10m", "1h5s", "1.5ms", "2us", "9ns",
        ] {
            assert_eq!(format(parse(text).expect(text)), text);
        }
        assert_eq!(format(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in 0..=i64::MAX.unsigned_abs()) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_answered(text in r"\PC*|[-+0-9.hmsuµn ]{0,20}") {
            let _ = parse(&text);
        }
    }
}
