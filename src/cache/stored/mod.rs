//! A stored response but for its body (RFC 9111 §3), and the set of them that a resource has.

mod decode;
mod encode;
mod responses;
mod write;

pub use responses::{MOST_BYTES, MOST_RESPONSES, Selected, StoredResponses};
pub use write::Answer;

use super::fields::{Fields, is_one_of};
use super::vary::Variant;
use crate::http::{FIELD_LIMIT, ResponseHead, read_http_date, write_http_date};

/// Fields that say something of one connection, one message or one proxy, and are not stored
/// (RFC 9111 §3.1), beside those that `Connection` names.
const NOT_STORED: [&str; 11] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields and bytes that an answer from the store has beside the stored ones, at most.
const FIELDS_ADDED: usize = 8;
const BYTES_ADDED: usize = 1024;

/// Bytes that a head may have to be stored. Behind it in one buffer stands what the store has sent
/// of the body.
const MOST_HEAD: usize = 32 * 1024;

/// The head of a stored response, and what has to be known of how it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredHead {
    /// The query part of its key.
    pub query: Box<[u8]>,
    /// The request fields that it varied on.
    pub variant: Variant,
    /// The status code.
    pub status: u16,
    /// The reason phrase as it came.
    pub reason: Box<[u8]>,
    /// End-to-end fields in order; always with `Date`, never with `Content-Length`.
    pub fields: Fields,
    /// When the request went out, in seconds since 1970.
    pub request_time: u64,
    /// When the head came in.
    pub response_time: u64,
    /// Whether the request that it answered, or that validated it last, showed credentials.
    pub with_credentials: bool,
    /// Bytes of the body.
    pub body_length: u64,
    /// The name of the object that holds the body; empty until it is known, and for none.
    pub body: Box<str>,
}

/// A backend's answer as the cache looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The head.
    pub head: &'a ResponseHead,
    /// What it was parsed from.
    pub bytes: &'a [u8],
    /// When its request went out, in seconds since 1970.
    pub request_time: u64,
    /// When it came in.
    pub response_time: u64,
}

impl StoredHead {
    /// What there would be to store of a response: without key, variant and body.
    ///
    /// One without a `Date` that can be read gets the time it came in (RFC 9110 §6.6.1).
    pub fn of(received: &Received<'_>) -> Self {
        let mut fields: Fields = received
            .head
            .end_to_end(received.bytes)
            .filter(|(name, _)| !is_one_of(name, &NOT_STORED))
            .collect();
        let date = fields.first("Date");
        if date
            .and_then(|date| read_http_date(date, received.response_time))
            .is_none()
        {
            fields = fields.filtered(|name| !is_one_of(name, &["date"]));
            let mut date = Vec::new();
            write_http_date(received.response_time, &mut date);
            fields.push(b"Date", &date);
        }
        Self {
            status: received.head.status(),
            reason: received.head.reason(received.bytes).into(),
            fields,
            request_time: received.request_time,
            response_time: received.response_time,
            ..Self::default()
        }
    }

    /// The entity tag, if it is one: quoted, weak or strong, and the only one.
    pub fn etag(&self) -> Option<&[u8]> {
        let mut tags = self.fields.values("ETag");
        let tag = tags.next()?;
        (tags.next().is_none() && super::validator::is_etag(tag)).then_some(tag)
    }

    /// `Last-Modified` as it came, if it is a date.
    pub fn last_modified(&self) -> Option<&[u8]> {
        self.fields
            .first("Last-Modified")
            .filter(|value| self.date(value).is_some())
    }

    /// Whether an answer made of it stays within the bounds of a head.
    pub(super) fn fits(&self) -> bool {
        self.fields.len() + FIELDS_ADDED <= FIELD_LIMIT
            && encode::size(self) + BYTES_ADDED <= MOST_HEAD
    }

    /// Whether a backend can be asked about it: it has a validator, and is what a 304 stands for, a
    /// 200 (RFC 9110 §15.4.5).
    pub fn can_be_validated(&self) -> bool {
        self.status == 200 && (self.etag().is_some() || self.last_modified().is_some())
    }

    /// The time in the first field of this name.
    pub(super) fn time(&self, name: &str) -> Option<u64> {
        self.fields.first(name).and_then(|value| self.date(value))
    }

    /// A date that this response, or a request about it, names.
    pub(super) fn date(&self, value: &[u8]) -> Option<u64> {
        read_http_date(value, self.response_time)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, date, head};

    #[test]
    fn what_is_of_one_hop_is_not_stored() {
        let stored = head(
            200,
            "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: a\r\n\
             Proxy-Authentication-Info: b\r\nTE: x\r\nTrailer: y\r\nUpgrade: z\r\n\
             Transfer-Encoding: chunked\r\nX-Proxy: true\r\nA: 1\r\n",
            NOW,
        );
        let names: Vec<&[u8]> = stored.fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"A"[..], b"Date"]);
    }

    #[test]
    fn an_answer_without_a_date_gets_the_time_it_came() {
        for fields in ["", "Date: yesterday\r\n"] {
            let stored = head(200, fields, NOW);
            let dates: Vec<&[u8]> = stored.fields.values("Date").collect();
            assert_eq!(dates, [date(NOW).as_bytes()], "{fields}");
        }
        let own = date(NOW - 5);
        assert_eq!(
            head(200, &format!("Date: {own}\r\n"), NOW).time("Date"),
            Some(NOW - 5)
        );
    }

    #[test]
    fn only_a_tag_that_is_one_is_a_validator() {
        let tag = |fields: &str| head(200, fields, NOW).etag().is_some();
        assert!(tag("ETag: \"a\"\r\n") && tag("ETag: W/\"a\"\r\n"));
        assert!(!tag("ETag: a\r\n") && !tag("ETag: \"a\"\r\nETag: \"b\"\r\n"));
        assert!(!head(404, "ETag: \"a\"\r\n", NOW).can_be_validated());
    }
}
