//! Another reading of RFC 9111, the crate `http-cache-semantics`, compared with ours where it is
//! right. It is not asked where it differs from the RFC, or we from it on purpose:
//!
//! - statuses that it does not know, which may be stored with an explicit lifetime (§3);
//! - HEAD and POST, which it stores; here GET alone is stored;
//! - `proxy-revalidate`, which it takes for "stale at once" (§5.2.2.8 forbids stale use only), and
//!   which it does not take `s-maxage` to imply (§5.2.2.10);
//! - `max-age=0` of a request, which it takes to allow what is less than a second old;
//! - `max-stale`: it serves in spite of `no-cache` (§5.2.2.4), and not at exactly so many seconds
//!   (§5.2.1.2 says "no more than");
//! - a `Date` before the answer came, which it does not count into the age (§4.2.3);
//! - `Pragma` beside `Cache-Control`, or in a response (§5.4 gives both no meaning);
//! - `immutable`, to which it gives a lifetime (RFC 8246 does not);
//! - directives in capitals or repeated, which it does not compare as such (§5.2);
//! - answers to `Authorization`, which are stored here and ruled on by `may_read`;
//! - what could never be used, which it stores;
//! - the cap of a guess, of which it has none.

use std::time::{Duration, SystemTime};

use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::prelude::*;

use super::{Exchange, NOW, date};
use crate::cache::stored::{Selected, StoredHead};
use crate::cache::{Bounds, Plan, check_storable, plan};

const BOUNDS: Bounds = Bounds {
    smallest_body: 0,
    unknown_length: false,
};

fn at(unix: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(unix)
}

/// Lines of a head, and the same for the oracle.
struct Pair {
    asked: Vec<(&'static str, String)>,
    status: u16,
    answered: Vec<(&'static str, String)>,
}

impl Pair {
    fn exchange(&self) -> Exchange {
        let text = |lines: &[(&str, String)]| {
            let lines = lines
                .iter()
                .map(|(name, value)| [name, ": ", value, "\r\n"].concat());
            lines.collect::<String>()
        };
        Exchange::new(
            "GET",
            &text(&self.asked),
            self.status,
            &text(&self.answered),
        )
    }

    fn oracle_request(lines: &[(&'static str, String)]) -> http::Request<()> {
        let mut request = http::Request::get("http://a/b/k");
        for (name, value) in lines {
            request = request.header(*name, value);
        }
        request.body(()).unwrap()
    }

    fn oracle(&self) -> CachePolicy {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in &self.answered {
            response = response.header(*name, value);
        }
        CachePolicy::new_options(
            &Self::oracle_request(&self.asked),
            &response.body(()).unwrap(),
            at(NOW),
            CacheOptions::default(),
        )
    }
}

prop_compose! {
    fn response_control()(
        max_age in prop::option::of(0u64..200),
        s_maxage in prop::option::of(0u64..200),
        flags in prop::sample::subsequence(vec!["public", "private", "no-store", "no-cache", "must-revalidate", "x=y"], 0..3),
    ) -> Vec<String> {
        let mut all: Vec<String> = flags.into_iter().map(str::to_owned).collect();
        all.extend(max_age.map(|seconds| format!("max-age={seconds}")));
        all.extend(s_maxage.map(|seconds| format!("s-maxage={seconds}")));
        all
    }
}

prop_compose! {
    fn answers()(
        status in prop::sample::select(vec![200u16, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]),
        control in response_control(),
        age in prop::option::of(0u64..100),
        expires in prop::option::of(-100i64..200),
        modified in prop::option::of(0u64..100_000),
        etag in any::<bool>(),
        vary in any::<bool>(),
    ) -> (u16, Vec<(&'static str, String)>) {
        let mut fields = vec![("date", date(NOW)), ("content-length", "0".to_owned())];
        if !control.is_empty() {
            fields.push(("cache-control", control.join(", ")));
        }
        fields.extend(age.map(|age| ("age", age.to_string())));
        fields.extend(expires.map(|ahead| ("expires", date(NOW.saturating_add_signed(ahead)))));
        fields.extend(modified.map(|before| ("last-modified", date(NOW - before))));
        if etag {
            fields.push(("etag", "\"a\"".to_owned()));
        }
        if vary {
            fields.push(("vary", "foo".to_owned()));
        }
        (status, fields)
    }
}

/// Directives of a request; none that the oracle does not know.
fn request_control() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some("no-cache".to_owned())),
        Just(Some("no-store".to_owned())),
        (1u64..200).prop_map(|seconds| Some(format!("max-age={seconds}"))),
        (0u64..200).prop_map(|seconds| Some(format!("min-fresh={seconds}"))),
        (0u64..200).prop_map(|seconds| Some(format!("max-stale={seconds}"))),
    ]
}

fn with_control(control: Option<String>, foo: bool) -> Vec<(&'static str, String)> {
    let mut fields = vec![("foo", foo.to_string())];
    fields.extend(control.map(|control| ("cache-control", control)));
    fields
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_oracle_stores_what_we_store_and_what_it_stores_besides_is_useless(
        control in request_control(), (status, answered) in answers(),
    ) {
        let pair = Pair { asked: with_control(control, true), status, answered };
        let exchange = pair.exchange();
        let received = exchange.received();
        let stored = StoredHead::of(&received);
        let ours = check_storable(&exchange.presented, &received, &stored, BOUNDS);
        let theirs = pair.oracle();
        prop_assert!(ours.is_err() || theirs.is_storable(), "{:?}", ours);
        if theirs.is_storable() && !theirs.is_stale(at(NOW)) {
            prop_assert_eq!(ours, Ok(()));
        }
    }

    #[test]
    fn the_oracle_serves_unasked_what_we_serve_unasked(
        (status, answered) in answers(), control in request_control(),
        foo in any::<bool>(), later in 0u64..20_000, soon in 0u64..300, is_soon in any::<bool>(),
    ) {
        let now = NOW + if is_soon { soon } else { later };
        let oracle_errs_on_stale = control.as_ref().is_some_and(|control| control.contains("max-stale"))
            && answered.iter().any(|(_, value)| value.contains("s-maxage") || value.contains("no-cache"));
        let pair = Pair { asked: with_control(None, true), status, answered };
        let exchange = pair.exchange();
        let received = exchange.received();
        let mut stored = StoredHead::of(&received);
        let is_stored = check_storable(&exchange.presented, &received, &stored, BOUNDS).is_ok();
        if !is_stored || oracle_errs_on_stale {
            return Ok(());
        }

        let asked = with_control(control, foo);
        let next = Pair { asked: asked.clone(), status: 200, answered: Vec::new() }.exchange();
        let (first, bytes) = &exchange.request;
        stored.variant = crate::cache::Vary::of(&stored.fields).variant(first, bytes).unwrap();
        let mut all = crate::cache::StoredResponses::default();
        all.insert(stored, first, bytes);
        let (request, bytes) = &next.request;
        let selected = all.select(next.presented.key(), request, bytes);
        prop_assert!(selected != Selected::Nothing);
        let plan = plan(&next.presented, selected, now);
        if let Plan::Hit { ttl, .. } = plan {
            let bound = next.presented.control().max_stale.unwrap_or(u64::MAX);
            if ttl.checked_neg().is_some_and(|stale| u64::try_from(stale) == Ok(bound)) {
                return Ok(());
            }
        }
        let ours = matches!(plan, Plan::Hit { .. });
        let request = Pair::oracle_request(&asked);
        let theirs = matches!(pair.oracle().before_request(&request, at(now)), BeforeRequest::Fresh(_));
        prop_assert_eq!(ours, theirs);
    }
}
