//! What an unsafe request takes out of the store (RFC 9111 §4.4).

use super::key::Resource;
use super::stored::Received;
use crate::http::RequestHead;

/// The resources whose stored responses are invalid after this answer: of an unsafe method, known
/// or not, that was not refused (2xx or 3xx), the target and what `Location` and
/// `Content-Location` name, if that has the same origin.
///
/// A resource is a path with all its queries, so a PUT of an S3 object also takes away what was
/// stored of it under `?versionId=`, `?response-content-type=` and the like. Objects that are
/// named only in a body, as by POST `?delete`, cannot be known.
pub fn invalidated(
    request: &RequestHead,
    bytes: &[u8],
    scheme: &str,
    received: &Received<'_>,
) -> Vec<Resource> {
    let is_done = (200..400).contains(&received.head.status());
    if request.method().is_safe() || !is_done {
        return Vec::new();
    }
    let target = Resource::of(request, bytes, scheme);
    let mut gone: Vec<Resource> = ["Location", "Content-Location"]
        .into_iter()
        .filter_map(|name| received.head.field(received.bytes, name))
        .filter_map(|reference| target.refer(reference))
        .collect();
    gone.push(target);
    gone.sort_unstable_by(|one, other| one.text().cmp(other.text()));
    gone.dedup();
    gone
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Exchange, request};
    use super::*;

    fn gone(method: &str, status: u16, fields: &str) -> Vec<String> {
        let exchange = Exchange::answer(method, status, fields);
        let (head, bytes) = request(method, "/b/k?uploadId=1", "");
        invalidated(&head, &bytes, "http", &exchange.received())
            .iter()
            .map(|resource| String::from_utf8(resource.text().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn unsafe_methods_invalidate_the_path_with_all_its_queries() {
        for method in ["PUT", "POST", "DELETE", "PATCH", "M-SEARCH"] {
            for status in [200, 204, 303] {
                assert_eq!(
                    gone(method, status, ""),
                    ["http\na\n\n/b/k"],
                    "{method} {status}"
                );
            }
        }
    }

    #[test]
    fn refused_and_safe_requests_invalidate_nothing() {
        for status in [400, 403, 404, 412, 500, 503] {
            assert!(gone("PUT", status, "").is_empty(), "{status}");
        }
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            assert!(gone(method, 200, "").is_empty(), "{method}");
        }
    }

    #[test]
    fn places_of_the_same_origin_go_too() {
        let fields = "Location: /b/l\r\nContent-Location: http://a/b/m?x\r\n";
        assert_eq!(
            gone("POST", 201, fields),
            ["http\na\n\n/b/k", "http\na\n\n/b/l", "http\na\n\n/b/m"]
        );
        assert_eq!(gone("POST", 201, "Location: http://evil/b/l\r\n").len(), 1);
        assert_eq!(gone("POST", 201, "Location: /b/k\r\n").len(), 1);
    }
}
