//! A client's own conditions, and what they say of a stored response (RFC 9111 §4.3.2,
//! RFC 9110 §13).

use super::stored::StoredHead;
use super::validator::{any_weak_match, strong_match};
use crate::http::RequestHead;

/// The conditions of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// All `If-None-Match` fields as one list.
    pub if_none_match: Option<Vec<u8>>,
    /// `If-Modified-Since`, as it came.
    pub if_modified_since: Option<Vec<u8>>,
    /// `If-Range`, as it came.
    pub if_range: Option<Vec<u8>>,
    /// Whether there is an `If-Match` or `If-Unmodified-Since`, which only an origin may judge
    /// (RFC 9111 §4.3.2).
    pub for_origin: bool,
}

impl Conditions {
    /// Reads a request's conditions.
    pub fn of(request: &RequestHead, bytes: &[u8]) -> Self {
        let owned = |name| request.field(bytes, name).map(<[u8]>::to_vec);
        let tags: Vec<&[u8]> = request.values(bytes, "If-None-Match").collect();
        Self {
            if_none_match: (!tags.is_empty()).then(|| tags.join(&b", "[..])),
            if_modified_since: owned("If-Modified-Since"),
            if_range: owned("If-Range"),
            for_origin: request.field(bytes, "If-Match").is_some()
                || request.field(bytes, "If-Unmodified-Since").is_some(),
        }
    }

    /// Whether they say that the client has what is stored, and 304 is the answer. Only a stored
    /// 200 is compared; `If-None-Match` takes precedence over `If-Modified-Since` (RFC 9110
    /// §13.2.2).
    pub fn are_not_modified(&self, stored: &StoredHead) -> bool {
        if stored.status != 200 {
            return false;
        }
        if let Some(list) = &self.if_none_match {
            let tag = stored.fields.first("ETag").unwrap_or_default();
            return any_weak_match(list, tag);
        }
        let since = self.if_modified_since.as_deref();
        let Some(since) = since.and_then(|since| stored.date(since)) else {
            return false;
        };
        let changed = stored
            .time("Last-Modified")
            .or_else(|| stored.time("Date"))
            .unwrap_or(stored.response_time);
        changed <= since
    }

    /// Whether a range may be taken from what is stored: `If-Range` is not there, or names this
    /// very version by a strong tag, or by a date that is a strong validator: the one it carries,
    /// and at least a second before it was made (RFC 9110 §13.1.5, §8.8.2.2).
    pub fn allow_range(&self, stored: &StoredHead) -> bool {
        let Some(version) = self.if_range.as_deref() else {
            return true;
        };
        if let Some(tag) = stored
            .fields
            .first("ETag")
            .filter(|tag| strong_match(tag, version))
        {
            return stored.etag() == Some(tag);
        }
        let modified = stored.fields.first("Last-Modified");
        let times = (stored.time("Last-Modified"), stored.time("Date"));
        match times {
            (Some(changed), Some(made)) => {
                modified == Some(version) && changed.saturating_add(1) <= made
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, date, head, request};
    use super::*;

    fn conditions(fields: &str) -> Conditions {
        let (head, bytes) = request("GET", "/", fields);
        Conditions::of(&head, &bytes)
    }

    fn not_modified(fields: &str, stored: &str) -> bool {
        conditions(fields).are_not_modified(&head(200, stored, NOW))
    }

    #[test]
    fn a_tag_that_the_client_has_is_not_modified() {
        for (list, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("", false),
        ] {
            let fields = format!("If-None-Match: {list}\r\n");
            assert_eq!(not_modified(&fields, "ETag: \"a\"\r\n"), expected, "{list}");
        }
        assert!(not_modified(
            "If-None-Match: \"b\"\r\nIf-None-Match: \"a\"\r\n",
            "ETag: W/\"a\"\r\n"
        ));
        assert!(!not_modified("If-None-Match: \"a\"\r\n", ""));
        assert!(!not_modified("", "ETag: \"a\"\r\n"));
    }

    #[test]
    fn tags_take_precedence_over_dates() {
        let stored = format!("ETag: \"a\"\r\nLast-Modified: {}\r\n", date(NOW - 100));
        let old = format!("If-Modified-Since: {}\r\n", date(NOW - 200));
        let new = format!("If-Modified-Since: {}\r\n", date(NOW));
        assert!(not_modified(
            &format!("If-None-Match: \"a\"\r\n{old}"),
            &stored
        ));
        assert!(!not_modified(
            &format!("If-None-Match: \"b\"\r\n{new}"),
            &stored
        ));
    }

    #[test]
    fn a_date_is_compared_with_last_modified_or_else_date() {
        let stored = format!("Last-Modified: {}\r\n", date(NOW - 100));
        let since = |time| format!("If-Modified-Since: {}\r\n", date(time));
        assert!(not_modified(&since(NOW - 100), &stored));
        assert!(!not_modified(&since(NOW - 101), &stored));
        assert!(not_modified(&since(NOW), ""));
        assert!(!not_modified(&since(NOW - 1), ""));
        assert!(!not_modified("If-Modified-Since: yesterday\r\n", &stored));
    }

    #[test]
    fn only_a_stored_200_is_compared() {
        let fields = conditions("If-None-Match: \"a\"\r\n");
        assert!(!fields.are_not_modified(&head(404, "ETag: \"a\"\r\n", NOW)));
    }

    #[test]
    fn if_range_wants_the_very_version() {
        let modified = date(NOW - 100);
        let stored = head(
            200,
            &format!("ETag: \"a\"\r\nLast-Modified: {modified}\r\n"),
            NOW,
        );
        let allows =
            |value: &str| conditions(&format!("If-Range: {value}\r\n")).allow_range(&stored);
        assert!(allows("\"a\"") && allows(&modified));
        assert!(!allows("\"b\"") && !allows("W/\"a\"") && !allows(&date(NOW - 99)));
        assert!(conditions("").allow_range(&stored));
        let weak = head(200, "ETag: W/\"a\"\r\n", NOW);
        assert!(!conditions("If-Range: W/\"a\"\r\n").allow_range(&weak));
        let just_now = date(NOW);
        let young = head(200, &format!("Last-Modified: {just_now}\r\n"), NOW);
        assert!(!conditions(&format!("If-Range: {just_now}\r\n")).allow_range(&young));
    }

    #[test]
    fn what_only_the_origin_may_judge_is_seen() {
        assert!(conditions("If-Match: \"a\"\r\n").for_origin);
        assert!(conditions("If-Unmodified-Since: x\r\n").for_origin);
        assert!(!conditions("If-None-Match: \"a\"\r\n").for_origin);
    }
}
