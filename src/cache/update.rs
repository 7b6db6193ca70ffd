//! Updating a stored head by a newer one about the same representation (RFC 9111 §3.2): by a 304
//! (§4.3.4), or by the answer to a HEAD (§4.3.5).

use super::fields::{Fields, is_one_of};
use super::presented::Presented;
use super::stored::StoredHead;
use super::validator::strong_match;
use super::vary::Vary;
use crate::http::RequestHead;

/// Fields that speak of the bytes as they are stored, and which a 304 cannot change: the length,
/// the coding, the range, the digests. Those of a hop are not in a [`StoredHead`] at all.
const NOT_UPDATED: [&str; 6] = [
    "content-digest",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "digest",
];

/// Fields that are of one exchange and not of the representation: that they changed is no reason
/// to write the store.
const OF_EXCHANGE: [&str; 9] = [
    "age",
    "cache-status",
    "date",
    "server-timing",
    "via",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-cache",
    "x-request-id",
];

impl StoredHead {
    /// The head with the fields of a newer one in the place of its own of the same names. What is
    /// known of time and credentials is of the newer exchange.
    ///
    /// `Age` and `Date` are the newer one's even if it has none: they tell the age of what is
    /// known, and that is new.
    #[must_use]
    pub fn updated(
        &self,
        newer: &Self,
        presented: &Presented,
        request: &RequestHead,
        bytes: &[u8],
    ) -> Self {
        let is_newer = |name: &[u8]| !is_one_of(name, &NOT_UPDATED) && has(&newer.fields, name);
        let mut fields = self
            .fields
            .filtered(|name| !is_newer(name) && !is_one_of(name, &["age", "date"]));
        for (name, value) in newer.fields.iter().filter(|(name, _)| is_newer(name)) {
            fields.push(name, value);
        }
        let variant = Vary::of(&fields).variant(request, bytes);
        Self {
            variant: variant.unwrap_or(self.variant),
            fields,
            request_time: newer.request_time,
            response_time: newer.response_time,
            with_credentials: presented.credentials(),
            ..self.clone()
        }
    }

    /// Whether the answer to a HEAD is about what is stored (§4.3.5): validators and length that it
    /// has are the stored ones. `length` is its `Content-Length`.
    pub(super) fn is_freshened_by(&self, answer: &Self, length: Option<&[u8]>) -> bool {
        let agree = |own: Option<&[u8]>, other: Option<&[u8]>| other.is_none() || own == other;
        let own_length = self.body_length.to_string();
        (answer.etag().is_some() || answer.last_modified().is_some())
            && agree(self.etag(), answer.etag())
            && agree(self.last_modified(), answer.last_modified())
            && agree(Some(own_length.as_bytes()), length)
    }

    /// Whether an answer with a body, or with a part of one, is of the stored version.
    pub(super) fn is_same_version(&self, answer: &Self) -> bool {
        self.etag()
            .zip(answer.etag())
            .is_some_and(|(own, other)| strong_match(own, other))
    }

    /// Whether two heads say the same of the representation.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let lasting = |head: &Self| {
            let mut lines: Vec<(Vec<u8>, Vec<u8>)> = head
                .fields
                .iter()
                .filter(|(name, _)| !is_one_of(name, &OF_EXCHANGE))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()))
                .collect();
            lines.sort_unstable();
            lines
        };
        lasting(self) == lasting(other)
    }
}

fn has(fields: &Fields, name: &[u8]) -> bool {
    fields
        .iter()
        .any(|(found, _)| found.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, date, head, request};
    use super::*;

    fn updated(stored: &str, newer: &str) -> StoredHead {
        let (request, bytes) = request("GET", "/", "");
        let presented = Presented::of(&request, &bytes, "http").unwrap();
        head(200, stored, NOW).updated(&head(304, newer, NOW + 10), &presented, &request, &bytes)
    }

    #[test]
    fn fields_of_the_304_replace_all_of_their_name() {
        let head = updated(
            "A: 1\r\nB: 1\r\na: 2\r\nETag: \"t\"\r\n",
            "A: 3\r\nC: 4\r\n",
        );
        assert_eq!(head.fields.values("A").collect::<Vec<_>>(), [b"3"]);
        assert_eq!(head.fields.first("B"), Some(&b"1"[..]));
        assert_eq!(head.fields.first("C"), Some(&b"4"[..]));
        assert_eq!((head.status, head.response_time), (200, NOW + 10));
    }

    #[test]
    fn what_describes_the_stored_bytes_stays() {
        let head = updated(
            "Content-Encoding: gzip\r\nContent-Type: a/b\r\nContent-MD5: bytes\r\n",
            "Content-Encoding: br\r\nContent-MD5: others\r\nContent-Range: bytes 0-0/1\r\nContent-Length: 7\r\n\
             Content-Type: c/d\r\nConnection: x\r\nX: 1\r\n",
        );
        assert_eq!(head.fields.first("Content-Encoding"), Some(&b"gzip"[..]));
        assert_eq!(head.fields.first("Content-MD5"), Some(&b"bytes"[..]));
        assert_eq!(head.fields.first("Content-Type"), Some(&b"c/d"[..]));
        assert!(!head.fields.has("Content-Range") && !head.fields.has("Content-Length"));
        assert!(!head.fields.has("Connection"));
    }

    #[test]
    fn an_old_age_and_date_do_not_outlive_the_304() {
        let head = updated(&format!("Age: 50\r\nDate: {}\r\n", date(NOW - 60)), "");
        assert!(!head.fields.has("Age"));
        assert_eq!(head.time("Date"), Some(NOW + 10));
        assert_eq!(head.fields.values("Date").count(), 1);
    }

    #[test]
    fn a_head_request_freshens_only_what_it_describes() {
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 100));
        let mut stored = head(200, &format!("ETag: \"a\"\r\n{modified}"), NOW);
        stored.body_length = 5;
        let by = |fields: &str, length: Option<&str>| {
            stored.is_freshened_by(&head(200, fields, NOW), length.map(str::as_bytes))
        };
        assert!(by("ETag: \"a\"\r\n", Some("5")));
        assert!(by(&modified, None));
        assert!(!by("ETag: \"a\"\r\n", Some("6")));
        assert!(!by("ETag: \"b\"\r\n", Some("5")));
        assert!(!by(
            &format!("ETag: \"a\"\r\nLast-Modified: {}\r\n", date(NOW)),
            Some("5")
        ));
        assert!(!by("", Some("5")));
    }

    #[test]
    fn only_what_lasts_is_compared() {
        let one = head(200, "ETag: \"a\"\r\nX-Amz-Request-Id: 1\r\nA: b\r\n", NOW);
        assert!(one.says_the_same(&head(
            200,
            "a: b\r\netag: \"a\"\r\nX-Amz-Request-Id: 2\r\n",
            NOW + 9
        )));
        assert!(!one.says_the_same(&head(200, "A: c\r\nETag: \"a\"\r\n", NOW)));
    }
}
