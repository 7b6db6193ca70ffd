//! The vocabulary of this room's tests.

use super::conclude::{Asked, Conclusion, conclude};
use super::presented::Presented;
use super::storable::Bounds;
use super::stored::{Received, StoredHead};
use crate::http::{Method, Parsed, RequestHead, ResponseHead, write_http_date};

mod documented;
mod oracle;
mod readers;

/// 2026-11-25.
pub(super) const NOW: u64 = 1_795_600_000;

pub(super) fn date(unix: u64) -> String {
    let mut out = Vec::new();
    write_http_date(unix, &mut out);
    String::from_utf8(out).unwrap()
}

pub(super) fn request(method: &str, target: &str, fields: &str) -> (RequestHead, Vec<u8>) {
    request_to("a", method, &target.replace(' ', "%20"), fields)
}

pub(super) fn request_to(
    host: &str,
    method: &str,
    target: &str,
    fields: &str,
) -> (RequestHead, Vec<u8>) {
    let text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
    let mut head = RequestHead::default();
    assert_eq!(head.parse(text.as_bytes()), Ok(Parsed::Complete), "{text}");
    (head, text.into_bytes())
}

fn response(method: Method, status: u16, fields: &str) -> (ResponseHead, Vec<u8>) {
    let text = format!("HTTP/1.1 {status} Stored\r\n{fields}\r\n");
    let mut head = ResponseHead::default();
    let parsed = head.parse(text.as_bytes(), method, false);
    assert_eq!(parsed, Ok(Parsed::Complete), "{text}");
    (head, text.into_bytes())
}

/// A stored head of what came in, at once, at this time.
pub(super) fn head(status: u16, fields: &str, time: u64) -> StoredHead {
    let (head, bytes) = response(Method::Get, status, fields);
    StoredHead::of(&Received {
        head: &head,
        bytes: &bytes,
        request_time: time,
        response_time: time,
    })
}

/// A request of `/b/k` and its answer, now.
pub(super) struct Exchange {
    pub(super) presented: Presented,
    request: (RequestHead, Vec<u8>),
    response: (ResponseHead, Vec<u8>),
}

impl Exchange {
    pub(super) fn new(method: &str, asked: &str, status: u16, fields: &str) -> Self {
        let (request, bytes) = request(method, "/b/k", asked);
        Self {
            presented: Presented::of(&request, &bytes, "http").unwrap(),
            response: response(request.method(), status, fields),
            request: (request, bytes),
        }
    }

    /// An answer where the request does not matter.
    pub(super) fn answer(method: &str, status: u16, fields: &str) -> Self {
        let mut exchange = Self::new("GET", "", 200, "");
        exchange.response = response(Method::of(method.as_bytes()), status, fields);
        exchange
    }

    pub(super) fn received(&self) -> Received<'_> {
        Received {
            head: &self.response.0,
            bytes: &self.response.1,
            request_time: NOW,
            response_time: NOW,
        }
    }

    pub(super) fn conclude(&self, asked: Asked<'_>, bounds: Bounds) -> Conclusion {
        let (request, bytes) = &self.request;
        conclude(
            &self.presented,
            request,
            bytes,
            asked,
            &self.received(),
            bounds,
        )
    }
}
