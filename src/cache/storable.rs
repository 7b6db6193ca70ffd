//! Which responses may be stored (RFC 9111 §3), and which are worth it.

use super::control::ResponseControl;
use super::freshness::Freshness;
use super::presented::Presented;
use super::stored::{Received, StoredHead};
use super::vary::Vary;
use crate::http::{BodyFraming, Method};

/// What the operator and the store can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The smallest body that is stored.
    pub smallest_body: u64,
    /// Whether a chunked body is taken, whose length is known only at its end.
    pub unknown_length: bool,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStorable {
    /// Only what GET is answered with is.
    Method,
    /// 1xx, 206 and 304 are no whole response; with `must-understand`, a status that is not known
    /// here neither (§3).
    Status,
    /// `no-store`, of the request (§5.2.1.5) or the response (§5.2.2.5).
    NoStore,
    /// `private` (§5.2.2.7).
    Private,
    /// `Vary: *`, which no request matches (§4.1), or one that names a secret.
    Vary,
    /// It sets a cookie that is for one client, or may be: the request showed credentials, or
    /// nothing but a guess makes it cacheable (§7.3).
    Cookie,
    /// Its length is not known, or ends with the connection, where a cut one looks whole (§3.3).
    Length,
    /// Too small to be worth it.
    Small,
    /// Its head fills the bounds of one, and an answer from the store has more in it.
    Head,
    /// It could never be used: neither fresh, nor to be validated, or not for those who may.
    Useless,
}

/// Whether a response to a GET may be stored, as the head it would be stored as.
///
/// RFC 9111 §3 would not store answers to requests with `Authorization` unless `Cache-Control`
/// allows sharing. They are stored here, and [`super::may_read`] rules who gets them.
pub fn check(
    presented: &Presented,
    received: &Received<'_>,
    stored: &StoredHead,
    bounds: Bounds,
) -> Result<(), NotStorable> {
    if presented.method() != Method::Get {
        return Err(NotStorable::Method);
    }
    may_store(presented, stored)?;
    let length = match received.head.framing() {
        BodyFraming::None => 0,
        BodyFraming::Length(length) => length,
        BodyFraming::Chunked if bounds.unknown_length => bounds.smallest_body,
        BodyFraming::Chunked | BodyFraming::UntilClose => return Err(NotStorable::Length),
    };
    if length < bounds.smallest_body {
        return Err(NotStorable::Small);
    }
    Ok(())
}

/// The same for a head that has its body already: after an update (§4.3.4).
pub(super) fn may_store(presented: &Presented, stored: &StoredHead) -> Result<(), NotStorable> {
    let control = ResponseControl::of(&stored.fields);
    if stored.status < 200 || matches!(stored.status, 206 | 304) {
        return Err(NotStorable::Status);
    }
    // §5.2.2.3: who understands the status, and `must-understand`, need not mind `no-store`.
    if control.must_understand && !is_understood(stored.status) {
        return Err(NotStorable::Status);
    }
    if presented.control().no_store || (control.no_store && !control.must_understand) {
        return Err(NotStorable::NoStore);
    }
    if !stored.fits() {
        return Err(NotStorable::Head);
    }
    if control.private {
        return Err(NotStorable::Private);
    }
    let vary = Vary::of(&stored.fields);
    if vary == Vary::Anything || vary.names_secret() {
        return Err(NotStorable::Vary);
    }
    let is_explicit = control.has_lifetime() || control.public || stored.fields.has("Expires");
    if stored.fields.has("Set-Cookie") && (presented.credentials() || !is_explicit) {
        return Err(NotStorable::Cookie);
    }
    if !is_explicit && !is_heuristically_cacheable(stored.status) {
        return Err(NotStorable::Useless);
    }
    let is_read_as_it_is = control.allows_sharing() || !presented.credentials();
    let lifetime = Freshness::of(stored, &control, stored.response_time).remaining();
    let is_fresh = is_read_as_it_is && lifetime > 0 && !control.no_cache;
    if !is_fresh && !stored.can_be_validated() {
        return Err(NotStorable::Useless);
    }
    Ok(())
}

/// Statuses that may be cached without an explicit lifetime (RFC 9110 §15.1); not 206, which is
/// never stored here.
pub fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(
        status,
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Statuses whose requirements on caches are met here, which is what `must-understand` asks for.
fn is_understood(status: u16) -> bool {
    is_heuristically_cacheable(status) || matches!(status, 302 | 303 | 307)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Exchange, NOW, date};
    use super::*;

    const BOUNDS: Bounds = Bounds {
        smallest_body: 100,
        unknown_length: false,
    };
    const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 SignedHeaders=host\r\n";

    fn check_of(method: &str, asked: &str, status: u16, fields: &str) -> Result<(), NotStorable> {
        let exchange = Exchange::new(method, asked, status, fields);
        let received = exchange.received();
        check(
            &exchange.presented,
            &received,
            &StoredHead::of(&received),
            BOUNDS,
        )
    }

    fn with_length(asked: &str, status: u16, fields: &str) -> Result<(), NotStorable> {
        check_of(
            "GET",
            asked,
            status,
            &format!("Content-Length: 100\r\n{fields}"),
        )
    }

    #[test]
    fn an_object_with_a_validator_is_stored() {
        assert_eq!(with_length("", 200, "ETag: \"a\"\r\n"), Ok(()));
        assert_eq!(with_length(SIGNED, 200, "ETag: \"a\"\r\n"), Ok(()));
        assert_eq!(
            with_length("Range: bytes=0-\r\n", 200, "ETag: \"a\"\r\n"),
            Ok(())
        );
    }

    #[test]
    fn what_forbids_it() {
        use NotStorable::*;
        const TAG: &str = "ETag: \"a\"\r\n";
        for (asked, status, fields, why) in [
            ("", 206, "Content-Range: bytes 0-99/200\r\n", Status),
            ("", 304, "", Status),
            ("Cache-Control: no-store\r\n", 200, "", NoStore),
            ("", 200, "Cache-Control: no-store, max-age=60\r\n", NoStore),
            ("", 200, "Cache-Control: private, max-age=60\r\n", Private),
            (
                "",
                200,
                "Cache-Control: private=\"x\", max-age=60\r\n",
                Private,
            ),
            ("", 200, "Vary: *\r\n", Vary),
            ("", 200, "Vary: Accept, Cookie\r\n", Vary),
            ("", 200, "Set-Cookie: a=b\r\n", Cookie),
            (
                SIGNED,
                200,
                "Set-Cookie: a=b\r\nCache-Control: max-age=60\r\n",
                Cookie,
            ),
            (
                "",
                599,
                "Cache-Control: must-understand, max-age=60\r\n",
                Status,
            ),
        ] {
            assert_eq!(
                with_length(asked, status, &format!("{TAG}{fields}")),
                Err(why),
                "{fields}"
            );
        }
        let cookie = "Set-Cookie: a=b\r\nCache-Control: max-age=60\r\n";
        assert_eq!(with_length("", 200, cookie), Ok(()));
        assert_eq!(check_of("HEAD", "", 200, TAG), Err(Method));
    }

    #[test]
    fn must_understand_overrides_no_store_for_a_known_status() {
        let fields = "Cache-Control: no-store, must-understand, max-age=60\r\n";
        assert_eq!(with_length("", 200, fields), Ok(()));
        assert_eq!(with_length("", 299, fields), Err(NotStorable::Status));
    }

    #[test]
    fn only_bodies_of_known_and_sufficient_length() {
        let fields = "ETag: \"a\"\r\n";
        for (framing, expected) in [
            ("Content-Length: 100\r\n", Ok(())),
            ("Content-Length: 99\r\n", Err(NotStorable::Small)),
            ("Transfer-Encoding: chunked\r\n", Err(NotStorable::Length)),
            ("", Err(NotStorable::Length)),
        ] {
            assert_eq!(
                check_of("GET", "", 200, &format!("{fields}{framing}")),
                expected,
                "{framing}"
            );
        }
        let exchange = Exchange::new(
            "GET",
            "",
            200,
            "ETag: \"a\"\r\nTransfer-Encoding: chunked\r\n",
        );
        let (received, bounds) = (
            exchange.received(),
            Bounds {
                unknown_length: true,
                ..BOUNDS
            },
        );
        let stored = StoredHead::of(&received);
        assert_eq!(
            check(&exchange.presented, &received, &stored, bounds),
            Ok(())
        );
    }

    #[test]
    fn statuses_need_an_explicit_lifetime_or_one_that_may_be_guessed() {
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 10_000));
        for status in [200, 203, 300, 301, 308, 404, 405, 410, 414, 501] {
            assert_eq!(with_length("", status, &modified), Ok(()), "{status}");
        }
        for status in [201, 202, 302, 403, 500, 502, 503, 599] {
            assert_eq!(
                with_length("", status, &modified),
                Err(NotStorable::Useless),
                "{status}"
            );
            let explicit = "Cache-Control: max-age=60\r\n";
            assert_eq!(with_length("", status, explicit), Ok(()), "{status}");
            let expires = format!("Expires: {}\r\n", date(NOW + 60));
            assert_eq!(with_length("", status, &expires), Ok(()), "{status}");
        }
        let public = format!("{modified}Cache-Control: public\r\n");
        assert_eq!(with_length("", 599, &public), Ok(()));
    }

    #[test]
    fn what_could_never_be_used_is_not_stored() {
        for (asked, fields) in [
            ("", ""),
            ("", "Cache-Control: max-age=0\r\n"),
            ("", "Cache-Control: no-cache, max-age=60\r\n"),
            (SIGNED, "Cache-Control: max-age=60\r\n"),
            ("Cookie: a=b\r\n", "Cache-Control: max-age=60\r\n"),
        ] {
            assert_eq!(
                with_length(asked, 200, fields),
                Err(NotStorable::Useless),
                "{asked}{fields}"
            );
            let tagged = format!("{fields}ETag: \"a\"\r\n");
            assert_eq!(with_length(asked, 200, &tagged), Ok(()), "{tagged}");
        }
        let shared = "Cache-Control: public, max-age=60\r\n";
        assert_eq!(with_length(SIGNED, 200, shared), Ok(()));
    }
}
