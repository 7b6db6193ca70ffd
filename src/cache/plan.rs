//! What to do with a request, the store having been looked at and the backend not yet asked
//! (RFC 9111 §4).

use super::authorization::{Access, may_read};
use super::cache_status::Forward;
use super::control::ResponseControl;
use super::freshness::Freshness;
use super::presented::{Bypass, Presented};
use super::range::{RangeSelection, select_range};
use super::stored::{Answer, Selected, StoredHead};
use super::validation::Validation;

/// How a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan<'s> {
    /// By a backend, with its answer passed on and not looked at.
    Bypass(Bypass),
    /// By a backend, asked with the client's own head; the answer goes to [`super::conclude`].
    Miss {
        /// Why.
        why: Forward,
        /// What is stored and could not be used or asked about.
        stored: Option<&'s StoredHead>,
    },
    /// From the store, with nobody asked.
    Hit {
        /// The response.
        stored: &'s StoredHead,
        /// How it answers.
        answer: Answer,
        /// Seconds that it stays fresh, negative if it is stale.
        ttl: i64,
    },
    /// By a backend, asked whether what is stored holds; the answer goes to [`super::conclude`].
    Validate {
        /// Why.
        why: Forward,
        /// The response asked about.
        stored: &'s StoredHead,
        /// How to ask.
        validation: Validation,
    },
    /// By 504: the client wants nobody asked (§5.2.1.7).
    OnlyIfCached,
}

/// Decides how a request is answered, `now` in seconds since 1970.
pub fn plan<'s>(presented: &Presented, selected: Selected<'s>, now: u64) -> Plan<'s> {
    let wants_no_forward = presented.control().only_if_cached;
    let plan = match selected {
        Selected::Response(stored) => plan_stored(presented, stored, now),
        Selected::OtherVariant => miss(Forward::VaryMiss),
        Selected::Nothing => miss(Forward::UriMiss),
    };
    match plan {
        Plan::Hit { .. } => plan,
        _ if wants_no_forward => Plan::OnlyIfCached,
        _ => plan,
    }
}

fn miss<'s>(why: Forward) -> Plan<'s> {
    Plan::Miss { why, stored: None }
}

fn plan_stored<'s>(presented: &Presented, stored: &'s StoredHead, now: u64) -> Plan<'s> {
    let Some(answer) = answer(presented, stored) else {
        return Plan::Bypass(Bypass::Range);
    };
    let control = ResponseControl::of(&stored.fields);
    let freshness = Freshness::of(stored, &control, now);
    let access = may_read(presented.credentials(), stored, false);
    let obstacle = obstacle(presented, &control, freshness);
    let why = match (access, obstacle) {
        (Access::Serve, None) => {
            return Plan::Hit {
                stored,
                answer,
                ttl: freshness.ttl(),
            };
        }
        (Access::Bypass, _) | (_, None) => Forward::Request,
        (_, Some(why)) => why,
    };
    let validation = Validation::of(presented, stored).filter(|_| access != Access::Bypass);
    match validation {
        Some(validation) => Plan::Validate {
            why,
            stored,
            validation,
        },
        None => Plan::Miss {
            why,
            stored: Some(stored),
        },
    }
}

/// How a stored response answers a request, if it may: `None` for a range that is the backend's to
/// answer. Conditions come first, then the range (RFC 9110 §13.2.2).
pub(super) fn answer(presented: &Presented, stored: &StoredHead) -> Option<Answer> {
    let conditions = presented.conditions();
    if conditions.are_not_modified(stored) {
        return Some(Answer::NotModified);
    }
    let range = presented
        .range()
        .filter(|_| stored.status == 200 && conditions.allow_range(stored));
    let Some(range) = range else {
        return Some(Answer::Whole);
    };
    match select_range(range, stored.body_length) {
        RangeSelection::Part(part) => Some(Answer::Part(part)),
        RangeSelection::Unsatisfiable | RangeSelection::Other => None,
    }
}

/// What keeps a stored response from being used unasked, credentials aside.
fn obstacle(
    presented: &Presented,
    control: &ResponseControl,
    freshness: Freshness,
) -> Option<Forward> {
    let asked = presented.control();
    let is_refused = asked.no_cache
        || presented.conditions().for_origin
        || asked
            .max_age
            .is_some_and(|most| is_older(freshness.age, most))
        || asked
            .min_fresh
            .is_some_and(|least| freshness.remaining() < least);
    if control.no_cache {
        return Some(Forward::Stale);
    }
    if !freshness.is_fresh() {
        let is_allowed = asked
            .max_stale
            .is_some_and(|most| freshness.staleness() <= most);
        if !is_allowed || control.forbids_stale() {
            return Some(Forward::Stale);
        }
    }
    is_refused.then_some(Forward::Request)
}

/// Ages are whole seconds; but whoever says 0, as a reload does, wants it asked about.
fn is_older(age: u64, most: u64) -> bool {
    age > most || most == 0
}

/// How a stored response answers although it is stale, when a backend gave 500, 502, 503 or 504 or
/// none could be reached (RFC 9111 §4.2.4, §4.3.3): only if it says `stale-if-error` (RFC 5861 §4),
/// nothing forbids it, and this request may read it without having been let in.
pub fn stale_if_error(presented: &Presented, stored: &StoredHead, now: u64) -> Option<Answer> {
    let control = ResponseControl::of(&stored.fields);
    let freshness = Freshness::of(stored, &control, now);
    let is_allowed = control
        .stale_if_error
        .is_some_and(|most| freshness.staleness() <= most)
        && !control.forbids_stale()
        && !presented.control().no_cache
        && !presented.conditions().for_origin
        && presented.control().max_age.is_none()
        && presented.control().min_fresh.is_none();
    if !is_allowed || may_read(presented.credentials(), stored, false) != Access::Serve {
        return None;
    }
    answer(presented, stored)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{NOW, date, head, request};
    use super::*;

    const COOKIE: &str = "Cookie: a=b\r\n";

    fn presented(fields: &str) -> Presented {
        let (request, bytes) = request("GET", "/b/k", fields);
        Presented::of(&request, &bytes, "http").unwrap()
    }

    fn stored(fields: &str) -> StoredHead {
        let mut stored = head(200, fields, NOW);
        stored.body_length = 100;
        stored
    }

    /// The plan in a word.
    fn word(asked: &str, answer: &str, age: u64) -> &'static str {
        let stored = stored(answer);
        match plan(&presented(asked), Selected::Response(&stored), NOW + age) {
            Plan::Bypass(_) => "bypass",
            Plan::Miss {
                why: Forward::Stale,
                ..
            } => "miss stale",
            Plan::Miss { .. } => "miss",
            Plan::Hit {
                answer: Answer::Whole,
                ..
            } => "hit",
            Plan::Hit {
                answer: Answer::NotModified,
                ..
            } => "hit 304",
            Plan::Hit {
                answer: Answer::Part(_),
                ..
            } => "hit 206",
            Plan::Validate {
                why: Forward::Stale,
                ..
            } => "validate stale",
            Plan::Validate { .. } => "validate",
            Plan::OnlyIfCached => "504",
        }
    }

    #[test]
    fn fresh_is_served_and_stale_is_validated() {
        let fields = "ETag: \"a\"\r\nCache-Control: max-age=60\r\n";
        assert_eq!(word("", fields, 59), "hit");
        assert_eq!(word("", fields, 60), "validate stale");
        assert_eq!(word("", "Cache-Control: max-age=60\r\n", 60), "miss stale");
        assert_eq!(
            word(
                "",
                "ETag: \"a\"\r\nCache-Control: no-cache, max-age=60\r\n",
                0
            ),
            "validate stale"
        );
    }

    #[test]
    fn directives_of_the_request_count() {
        let fields = "ETag: \"a\"\r\nCache-Control: max-age=60\r\n";
        for (directives, age, expected) in [
            ("no-cache", 0, "validate"),
            ("max-age=10", 10, "hit"),
            ("max-age=10", 11, "validate"),
            ("max-age=0", 0, "validate"),
            ("min-fresh=10", 50, "hit"),
            ("min-fresh=10", 51, "validate"),
            ("max-stale", 1000, "hit"),
            ("max-stale=10", 70, "hit"),
            ("max-stale=10", 71, "validate stale"),
            ("max-stale=x", 61, "validate stale"),
            ("no-store", 0, "hit"),
            ("only-if-cached", 0, "hit"),
            ("only-if-cached", 61, "504"),
            ("only-if-cached, max-stale", 61, "hit"),
        ] {
            let asked = format!("Cache-Control: {directives}\r\n");
            assert_eq!(word(&asked, fields, age), expected, "{directives} {age}");
        }
        assert_eq!(word("Pragma: no-cache\r\n", fields, 0), "validate");
    }

    #[test]
    fn stale_use_can_be_forbidden() {
        for directive in [
            "must-revalidate",
            "proxy-revalidate",
            "s-maxage=60",
            "no-cache",
        ] {
            let fields = format!("ETag: \"a\"\r\nCache-Control: max-age=60, {directive}\r\n");
            let word = word("Cache-Control: max-stale\r\n", &fields, 61);
            assert_eq!(word, "validate stale", "{directive}");
        }
    }

    #[test]
    fn credentials_are_asked_for_each_time_unless_sharing_is_allowed() {
        let tagged = "ETag: \"a\"\r\nCache-Control: max-age=60\r\n";
        assert_eq!(word(COOKIE, tagged, 0), "validate");
        assert_eq!(word(COOKIE, "Cache-Control: max-age=60\r\n", 0), "miss");
        let shared = "ETag: \"a\"\r\nCache-Control: max-age=60, public\r\n";
        assert_eq!(word(COOKIE, shared, 0), "hit");
        assert_eq!(word(COOKIE, shared, 60), "validate stale");
        let revalidated = "ETag: \"a\"\r\nCache-Control: max-age=60, must-revalidate\r\n";
        assert_eq!(word(COOKIE, revalidated, 59), "hit");
        assert_eq!(word(COOKIE, revalidated, 60), "validate stale");
        let only = format!("{COOKIE}Cache-Control: only-if-cached\r\n");
        assert_eq!(word(&only, tagged, 0), "504");
    }

    #[test]
    fn nobody_without_credentials_gets_what_was_stored_for_some() {
        let mut private = stored("ETag: \"a\"\r\nCache-Control: max-age=60\r\n");
        private.with_credentials = true;
        let plan = plan(&presented(""), Selected::Response(&private), NOW);
        assert!(matches!(plan, Plan::Validate { .. }), "{plan:?}");
    }

    #[test]
    fn nothing_stored_is_a_miss() {
        let asked = presented("");
        assert_eq!(plan(&asked, Selected::Nothing, NOW), miss(Forward::UriMiss));
        assert_eq!(
            plan(&asked, Selected::OtherVariant, NOW),
            miss(Forward::VaryMiss)
        );
        let only = presented("Cache-Control: only-if-cached\r\n");
        assert_eq!(plan(&only, Selected::Nothing, NOW), Plan::OnlyIfCached);
    }

    #[test]
    fn conditions_come_before_ranges() {
        let fields = "ETag: \"a\"\r\nCache-Control: max-age=60\r\n";
        for (asked, expected) in [
            ("If-None-Match: \"a\"\r\nRange: bytes=0-1\r\n", "hit 304"),
            ("If-None-Match: \"b\"\r\nRange: bytes=0-1\r\n", "hit 206"),
            ("If-Range: \"a\"\r\nRange: bytes=0-1\r\n", "hit 206"),
            ("If-Range: \"b\"\r\nRange: bytes=0-1\r\n", "hit"),
            ("Range: bytes=100-\r\n", "bypass"),
            ("Range: bytes=0-1,5-6\r\n", "bypass"),
            ("Range: lines=0-1\r\n", "bypass"),
            (
                "Range: bytes=100-\r\nCache-Control: only-if-cached\r\n",
                "504",
            ),
            ("If-Match: \"a\"\r\n", "validate"),
            ("If-Unmodified-Since: x\r\n", "validate"),
        ] {
            assert_eq!(word(asked, fields, 0), expected, "{asked}");
        }
    }

    #[test]
    fn an_error_is_worse_than_stale_only_where_it_says_so() {
        let allowed = |asked: &str, directives: &str, age: u64| {
            let stored = stored(&format!("Cache-Control: max-age=60, {directives}\r\n"));
            stale_if_error(&presented(asked), &stored, NOW + age).is_some()
        };
        assert!(allowed("", "stale-if-error=10", 70));
        assert!(!allowed("", "stale-if-error=10", 71));
        assert!(!allowed("", "x", 61));
        assert!(!allowed("", "stale-if-error=10, must-revalidate", 61));
        assert!(!allowed(
            "Cache-Control: no-cache\r\n",
            "stale-if-error=10",
            61
        ));
        assert!(!allowed(COOKIE, "stale-if-error=10", 61));
        assert!(allowed(COOKIE, "stale-if-error=10, public", 61));
    }

    proptest! {
        #[test]
        fn a_hit_is_allowed_fresh_or_asked_for_stale(
            asked in "(no-cache|max-age=[0-9]{1,2}|min-fresh=[0-9]{1,2}|max-stale(=[0-9]{1,2})?|x)(, only-if-cached)?",
            answered in prop::sample::subsequence(vec!["max-age=50", "s-maxage=40", "public", "must-revalidate", "no-cache"], 0..5),
            credentials in any::<(bool, bool)>(),
            age in 0u64..120,
            modified in 0u64..2000,
        ) {
            let cookie = if credentials.0 { COOKIE } else { "" };
            let asked = presented(&format!("Cache-Control: {asked}\r\n{cookie}"));
            let mut stored = stored(&format!(
                "ETag: \"a\"\r\nLast-Modified: {}\r\nCache-Control: {}\r\n", date(NOW - modified), answered.join(",")
            ));
            stored.with_credentials = credentials.1;
            let control = ResponseControl::of(&stored.fields);
            if let Plan::Hit { ttl, .. } = plan(&asked, Selected::Response(&stored), NOW + age) {
                prop_assert!(!control.no_cache && !asked.control().no_cache);
                prop_assert!(ttl > 0 || (asked.control().max_stale.is_some() && !control.forbids_stale()));
                prop_assert!(control.allows_sharing() || credentials == (false, false));
            }
        }
    }
}
