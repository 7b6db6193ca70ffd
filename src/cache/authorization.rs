//! Who may read what is stored: the one rule that keeps one client's object from another.

use super::control::ResponseControl;
use super::stored::StoredHead;

/// What a request may have of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may be served, freshness permitting.
    Serve,
    /// Only after the backend answered 304 to this very request.
    Validate,
    /// Nothing: the backend cannot be asked about it, so the request goes there as if nothing were
    /// stored.
    Bypass,
}

/// Decides who may read.
///
/// Sharing is allowed where the response itself says so: `public`, `s-maxage` or
/// `must-revalidate` (RFC 9111 §3.5), the latter two only while it is fresh, since they forbid
/// stale use. "Validated" means: the backend answered this very request, with the credentials it
/// carries or without any, by 304 about this response. The rows are tried in order.
///
/// | reader shows credentials | stored for credentials | sharing allowed | validated | it can be | may |
/// |---|---|---|---|---|---|
/// | – | – | – | yes | – | serve |
/// | – | – | yes | – | – | serve |
/// | no | no | – | – | – | serve |
/// | yes | – | no | no | yes | validate |
/// | no | yes | no | no | yes | validate |
/// | yes | – | no | no | no | bypass |
/// | no | yes | no | no | no | bypass |
///
/// RFC 9111 §3.5 would have an answer to a request with `Authorization` not used at all where
/// sharing is not allowed. Validation by each reader gives what that rule protects: whoever gets
/// the bytes was let in by the backend a moment ago.
pub fn may_read(reader_shows_credentials: bool, stored: &StoredHead, is_validated: bool) -> Access {
    let control = ResponseControl::of(&stored.fields);
    if is_validated || control.allows_sharing() {
        return Access::Serve;
    }
    if !reader_shows_credentials && !stored.with_credentials {
        return Access::Serve;
    }
    if stored.can_be_validated() {
        Access::Validate
    } else {
        Access::Bypass
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, head};
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        use Access::{Bypass, Serve, Validate};
        const TAG: &str = "ETag: \"a\"\r\n";
        for (reader, stored_for, sharing, validated, fields, expected) in [
            (false, false, "", false, TAG, Serve),
            (false, false, "", false, "", Serve),
            (false, true, "", false, TAG, Validate),
            (true, false, "", false, TAG, Validate),
            (true, true, "", false, TAG, Validate),
            (false, true, "", false, "", Bypass),
            (true, false, "", false, "", Bypass),
            (true, true, "", false, "", Bypass),
            (true, true, "max-age=60", false, TAG, Validate),
            (true, true, "proxy-revalidate", false, TAG, Validate),
            (true, true, "public", false, TAG, Serve),
            (true, true, "s-maxage=60", false, "", Serve),
            (false, true, "must-revalidate", false, TAG, Serve),
            (true, false, "public", false, "", Serve),
            (true, true, "", true, TAG, Serve),
            (false, true, "", true, TAG, Serve),
            (true, false, "", true, TAG, Serve),
        ] {
            let mut stored = head(200, &format!("{fields}Cache-Control: {sharing}\r\n"), NOW);
            stored.with_credentials = stored_for;
            assert_eq!(
                may_read(reader, &stored, validated),
                expected,
                "{reader} {stored_for} {sharing} {validated} {fields}"
            );
        }
    }

    #[test]
    fn credentials_see_nothing_unvalidated_that_is_not_for_sharing() {
        for stored_for in [true, false] {
            for fields in ["", "ETag: \"a\"\r\n", "Cache-Control: max-age=9\r\n"] {
                let mut stored = head(200, fields, NOW);
                stored.with_credentials = stored_for;
                assert_ne!(may_read(true, &stored, false), Access::Serve, "{fields}");
            }
        }
    }
}
