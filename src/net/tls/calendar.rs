//! Days, as certificates count them.

use jiff::Timestamp;

/// The UTC day of a moment in seconds since 1970: `2026-01-02`.
pub(super) fn day(unix_seconds: u64) -> String {
    let moment = i64::try_from(unix_seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    // RFC 5280 §4.1.2.5: a certificate without an end says 9999-12-31.
    let moment = moment.unwrap_or(Timestamp::MAX);
    moment.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn moments_are_days_in_utc() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(1_767_398_399), "2026-01-02");
        assert!(day(u64::MAX).starts_with("9999-"));
    }
}
