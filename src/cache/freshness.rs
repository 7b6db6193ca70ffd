//! How long a response is fresh, and how old it is (RFC 9111 §4.2).

use super::control::{ResponseControl, delta_seconds};
use super::storable::is_heuristically_cacheable;
use super::stored::StoredHead;

/// The most that is made of `Last-Modified`, in seconds: a day (§4.2.2).
pub const LONGEST_HEURISTIC: u64 = 24 * 3600;

/// Freshness of a response at one moment, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// `freshness_lifetime` (§4.2.1).
    pub lifetime: u64,
    /// `current_age` (§4.2.3).
    pub age: u64,
}

impl Freshness {
    /// Looks at a response as it is `now`.
    pub fn of(stored: &StoredHead, control: &ResponseControl, now: u64) -> Self {
        Self {
            lifetime: lifetime(stored, control),
            age: Self::age(stored, now),
        }
    }

    /// `current_age` (§4.2.3): what `Age` and `Date` said when it came, whichever is more, and the
    /// time since. A clock that goes backwards makes nothing younger than it came.
    pub fn age(stored: &StoredHead, now: u64) -> u64 {
        let date = stored.time("Date").unwrap_or(stored.response_time);
        let apparent_age = stored.response_time.saturating_sub(date);
        let response_delay = stored.response_time.saturating_sub(stored.request_time);
        let corrected_age = age_value(stored).saturating_add(response_delay);
        let resident_time = now.saturating_sub(stored.response_time);
        apparent_age
            .max(corrected_age)
            .saturating_add(resident_time)
    }

    /// `response_is_fresh` (§4.2).
    pub fn is_fresh(self) -> bool {
        self.lifetime > self.age
    }

    /// Seconds for which it stays fresh.
    pub fn remaining(self) -> u64 {
        self.lifetime.saturating_sub(self.age)
    }

    /// Seconds since it was fresh.
    pub fn staleness(self) -> u64 {
        self.age.saturating_sub(self.lifetime)
    }

    /// Seconds left, negative when it is stale (RFC 9211 §2.4).
    pub fn ttl(self) -> i64 {
        i64::try_from(self.remaining()).unwrap_or(i64::MAX)
            - i64::try_from(self.staleness()).unwrap_or(i64::MAX)
    }
}

/// `freshness_lifetime` (§4.2.1): `s-maxage`, else `max-age`, else `Expires`, else a guess.
fn lifetime(stored: &StoredHead, control: &ResponseControl) -> u64 {
    if let Some(seconds) = control.s_maxage.or(control.max_age) {
        return seconds;
    }
    let date = stored.time("Date").unwrap_or(stored.response_time);
    let mut expiries = stored.fields.values("Expires");
    if let Some(expires) = expiries.next() {
        // A date that cannot be read is in the past (§5.3); of two, neither can be believed.
        let agrees = expiries.all(|other| other == expires);
        let expires = stored.date(expires).filter(|_| agrees).unwrap_or(0);
        return expires.saturating_sub(date);
    }
    heuristic(stored, control, date)
}

/// A tenth of the time that it had not changed for, where guessing is allowed (§4.2.2).
fn heuristic(stored: &StoredHead, control: &ResponseControl, date: u64) -> u64 {
    if !is_heuristically_cacheable(stored.status) && !control.public {
        return 0;
    }
    stored
        .time("Last-Modified")
        .map_or(0, |modified| date.saturating_sub(modified) / 10)
        .min(LONGEST_HEURISTIC)
}

/// `age_value`: the first member of the first `Age` field; one that is no number does not count
/// (§5.1).
fn age_value(stored: &StoredHead) -> u64 {
    stored
        .fields
        .first("Age")
        .and_then(|value| value.split(|&byte| byte == b',').next())
        .and_then(|first| delta_seconds(first.trim_ascii()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{NOW, date, head};
    use super::*;

    fn at(status: u16, fields: &str, now: u64) -> Freshness {
        let stored = head(status, fields, NOW);
        Freshness::of(&stored, &ResponseControl::of(&stored.fields), now)
    }

    fn lifetime_of(fields: &str) -> u64 {
        at(200, fields, NOW).lifetime
    }

    #[test]
    fn s_maxage_beats_max_age_beats_expires_beats_a_guess() {
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 1000));
        assert_eq!(lifetime_of(&modified), 100);
        let expires = format!("{modified}Expires: {}\r\n", date(NOW + 50));
        assert_eq!(lifetime_of(&expires), 50);
        let max_age = format!("{expires}Cache-Control: max-age=40\r\n");
        assert_eq!(lifetime_of(&max_age), 40);
        let shared = format!("{max_age}Cache-Control: s-maxage=30\r\n");
        assert_eq!(lifetime_of(&shared), 30);
        assert_eq!(lifetime_of(""), 0);
    }

    #[test]
    fn expires_counts_from_date_and_an_invalid_one_is_past() {
        let expires = format!(
            "Date: {}\r\nExpires: {}\r\n",
            date(NOW - 20),
            date(NOW + 30)
        );
        assert_eq!(lifetime_of(&expires), 50);
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 100_000));
        for bad in ["0", "-1", "", "tomorrow"] {
            assert_eq!(
                lifetime_of(&format!("{modified}Expires: {bad}\r\n")),
                0,
                "{bad}"
            );
        }
        let two = format!(
            "Expires: {}\r\nExpires: {}\r\n",
            date(NOW + 30),
            date(NOW + 31)
        );
        assert_eq!(lifetime_of(&two), 0);
    }

    #[test]
    fn a_guess_is_capped_and_not_made_of_every_status() {
        let long_ago = format!("Last-Modified: {}\r\n", date(NOW - 400 * 24 * 3600));
        assert_eq!(lifetime_of(&long_ago), LONGEST_HEURISTIC);
        let ahead = format!("Last-Modified: {}\r\n", date(NOW + 100));
        assert_eq!(lifetime_of(&ahead), 0);
        assert_eq!(at(599, &long_ago, NOW).lifetime, 0);
        let public = format!("{long_ago}Cache-Control: public\r\n");
        assert_eq!(at(599, &public, NOW).lifetime, LONGEST_HEURISTIC);
    }

    #[test]
    fn age_is_the_larger_of_what_it_said_and_what_its_date_says() {
        let age = |fields: &str| at(200, fields, NOW + 5).age;
        assert_eq!(age(""), 5);
        assert_eq!(age("Age: 10\r\n"), 15);
        let old = format!("Date: {}\r\n", date(NOW - 20));
        assert_eq!(age(&old), 25);
        assert_eq!(age(&format!("{old}Age: 10\r\n")), 25);
        assert_eq!(age(&format!("{old}Age: 30\r\n")), 35);
        let ahead = format!("Date: {}\r\n", date(NOW + 20));
        assert_eq!(age(&ahead), 5);
    }

    #[test]
    fn the_first_of_several_ages_counts_and_an_invalid_one_does_not() {
        let age = |fields: &str| at(200, fields, NOW).age;
        for (value, seconds) in [("7, 9", 7), ("abc", 0), ("-7", 0), ("7.0", 0), (" 7 ", 7)] {
            assert_eq!(age(&format!("Age: {value}\r\n")), seconds, "{value}");
        }
        assert_eq!(age("Age: 7\r\nAge: 9\r\n"), 7);
    }

    #[test]
    fn a_slow_answer_is_older() {
        let mut stored = head(200, "Age: 3\r\n", NOW);
        stored.request_time = NOW - 4;
        assert_eq!(Freshness::age(&stored, NOW), 7);
    }

    #[test]
    fn it_is_stale_when_age_reaches_the_lifetime() {
        let fields = "Cache-Control: max-age=60\r\n";
        let fresh = at(200, fields, NOW + 59);
        assert!(fresh.is_fresh());
        assert_eq!(
            (fresh.remaining(), fresh.staleness(), fresh.ttl()),
            (1, 0, 1)
        );
        let stale = at(200, fields, NOW + 60);
        assert!(!stale.is_fresh());
        assert_eq!(at(200, fields, NOW + 70).ttl(), -10);
    }

    proptest! {
        #[test]
        fn nothing_becomes_fresher_with_time(
            max_age in 0u64..1 << 33, age in 0u64..1 << 33,
            first in any::<u64>(), later in any::<u64>(),
        ) {
            let fields = format!("Cache-Control: max-age={max_age}\r\nAge: {age}\r\n");
            let (now, then) = (at(200, &fields, first), at(200, &fields, first.saturating_add(later)));
            prop_assert!(then.age >= now.age);
            prop_assert!(then.remaining() <= now.remaining());
            prop_assert!(!then.is_fresh() || now.is_fresh());
            prop_assert_eq!(now.is_fresh(), now.remaining() > 0);
        }

        #[test]
        fn any_times_and_fields_have_a_freshness(
            values in prop::collection::vec(("Age|Date|Expires|Last-Modified|Cache-Control", "[ -~]{0,30}"), 0..6),
            request_time in any::<u64>(), response_time in any::<u64>(), now in any::<u64>(),
        ) {
            let stored = StoredHead {
                status: 200,
                fields: values.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect(),
                request_time,
                response_time,
                ..StoredHead::default()
            };
            let freshness = Freshness::of(&stored, &ResponseControl::of(&stored.fields), now);
            prop_assert_eq!(freshness.is_fresh(), freshness.ttl() > 0);
        }
    }
}
