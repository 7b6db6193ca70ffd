//! A stored response but for its body (RFC 9111 §3), and the set of them that a resource has.

mod decode;
mod encode;
mod responses;
mod write;

pub use responses::{MOST_BYTES, MOST_RESPONSES, Selected, StoredResponses};
pub use write::Answer;

use super::fields::{Fields, is_one_of};
use super::vary::Variant;
use crate::http::{ResponseHead, write_http_date};

/// Fields that say something of one connection, one message or one proxy, and are not stored
/// (RFC 9111 §3.1), beside those that a proxy never passes on.
const NOT_STORED: [&str; 5] = [
    "content-length",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "trailer",
];

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
        if !fields.has("Date") {
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
        crate::http::read_http_date(value, self.response_time)
    }
}
