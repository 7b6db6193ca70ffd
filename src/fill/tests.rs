//! What the tests of this room share.

use crate::cache::{CacheKey, Resource};
use crate::http::RequestHead;

/// The key of a GET.
pub(super) fn key(path: &str) -> CacheKey {
    let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut head = RequestHead::default();
    head.parse(text.as_bytes()).unwrap();
    CacheKey::of(&head, text.as_bytes(), "http")
}

pub(super) fn resource(path: &str) -> Resource {
    key(path).resource().clone()
}
