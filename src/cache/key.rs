//! The cache key (RFC 9111 §2, §4) and the names of the objects that hold what it finds.
//!
//! A key has two parts. The *resource*, scheme and host and path, names one object in the store,
//! which holds the heads of all stored responses of that resource ([`super::StoredResponses`]);
//! the *query*, and what a response varied on, select among them. So one look finds every variant,
//! and taking one object away invalidates the resource with all its queries (§4.4).

use sha2::{Digest as _, Sha256};

use super::credentials::{parameter_name, unsigned_parameters};
use crate::http::RequestHead;

/// What identifies a stored response, its variant aside. The method is no part of it: HEAD is
/// answered from what GET stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    resource: Resource,
    query: Box<[u8]>,
}

/// Scheme, host and path: what an unsafe request changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// `scheme LF host LF forwarded host LF path`; none of the parts can hold a line feed.
    text: Box<[u8]>,
}

impl CacheKey {
    /// The key of a request that reached sidekick by `scheme`, `http` or `https`.
    ///
    /// The path stays as it came. Parameters of the query are sorted by name, those of the same
    /// name keep their order, and those that are a signature are left out.
    pub fn of(request: &RequestHead, bytes: &[u8], scheme: &str) -> Self {
        Self {
            resource: Resource::of(request, bytes, scheme),
            query: canonical_query(request.query(bytes)),
        }
    }

    /// What the key names apart from its query.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The sorted query with its `?`, or nothing.
    pub fn query(&self) -> &[u8] {
        &self.query
    }
}

impl Resource {
    /// The resource that a request names. What the backend is told of the client's side of it, by
    /// a proxy before us or by the client itself, can change its answer and so is a part: the
    /// scheme of `X-Forwarded-Proto`, and `X-Forwarded-Host` where it is not `Host`.
    pub fn of(request: &RequestHead, bytes: &[u8], scheme: &str) -> Self {
        let told = |name| {
            let lines: Vec<&[u8]> = request.values(bytes, name).collect();
            (!lines.is_empty()).then(|| lines.join(&b", "[..]))
        };
        let scheme = told("X-Forwarded-Proto").unwrap_or_else(|| scheme.as_bytes().to_vec());
        let host = request.host(bytes);
        let forwarded = told("X-Forwarded-Host")
            .filter(|forwarded| !forwarded.eq_ignore_ascii_case(host))
            .unwrap_or_default();
        Self::named(&scheme, host, &forwarded, request.path(bytes))
    }

    fn named(scheme: &[u8], host: &[u8], forwarded: &[u8], path: &[u8]) -> Self {
        let scheme = scheme.to_ascii_lowercase();
        let host = without_default_port(host, &scheme).to_ascii_lowercase();
        let forwarded = forwarded.to_ascii_lowercase();
        let path = if path.is_empty() { b"/" } else { path };
        let text = [&scheme[..], &host, &forwarded, path].join(&b'\n');
        Self { text: text.into() }
    }

    /// What a reference in a response to it names (RFC 3986 §5), if that has the same origin
    /// (RFC 9110 §4.3.1): same scheme, host and port. Paths with dot segments name nothing here.
    pub(super) fn refer(&self, reference: &[u8]) -> Option<Self> {
        let [scheme, host, forwarded, path] = self.parts();
        let reference = Reference::of(reference, scheme);
        if let Some((other_scheme, other_host)) = reference.origin {
            let other = Self::named(other_scheme, other_host, b"", b"");
            if other.parts()[..2] != [scheme, host] {
                return None;
            }
        }
        let target = match reference.path {
            [] if reference.origin.is_none() => path.to_vec(),
            [] | [b'/', ..] => reference.path.to_vec(),
            relative => {
                let folder = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                [&path[..folder], b"/", relative].concat()
            }
        };
        let has_dots = target
            .split(|&byte| byte == b'/')
            .any(|segment| matches!(segment, b"." | b".."));
        (!has_dots).then(|| Self::named(scheme, host, forwarded, &target))
    }

    fn parts(&self) -> [&[u8]; 4] {
        let mut parts = self.text.splitn(4, |&byte| byte == b'\n');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }

    /// The text that an entry carries, so that one found under another's name is known.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The name of the object with the heads: 64 hexadecimal digits, the SHA-256 digest of the
    /// resource, and `/head`.
    pub fn head_name(&self) -> String {
        format!("{}/head", self.digest())
    }

    /// The name of the object with one body. `fill` is another number for each: a body is written
    /// before the head that names it, and never over one that is being read.
    pub fn body_name(&self, fill: u128) -> String {
        format!("{}/body-{fill:032x}", self.digest())
    }

    fn digest(&self) -> String {
        hexadecimal(&Sha256::digest(&self.text))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn canonical_query(query: Option<&[u8]>) -> Box<[u8]> {
    let Some(query) = query else {
        return Box::default();
    };
    let mut parameters = unsigned_parameters(query);
    if parameters.is_empty() {
        return Box::default();
    }
    parameters.sort_by_key(|parameter| parameter_name(parameter));
    [b"?", parameters.join(&b'&').as_slice()].concat().into()
}

/// A reference cut in two.
struct Reference<'r> {
    /// Scheme and host, if it has them.
    origin: Option<(&'r [u8], &'r [u8])>,
    path: &'r [u8],
}

impl<'r> Reference<'r> {
    fn of(text: &'r [u8], base_scheme: &'r [u8]) -> Self {
        let end = text.iter().position(|&byte| matches!(byte, b'?' | b'#'));
        let text = &text[..end.unwrap_or(text.len())];
        let colon = text.windows(3).position(|three| three == b"://");
        let (scheme, rest) = match (text, colon) {
            ([b'/', b'/', rest @ ..], _) => (base_scheme, rest),
            ([b'/', ..], _) | (_, None) => {
                return Self {
                    origin: None,
                    path: text,
                };
            }
            (_, Some(colon)) => (&text[..colon], &text[colon + 3..]),
        };
        let path = rest.iter().position(|&byte| byte == b'/');
        let (host, path) = rest.split_at(path.unwrap_or(rest.len()));
        Self {
            origin: Some((scheme, host)),
            path,
        }
    }
}

fn without_default_port<'h>(host: &'h [u8], scheme: &[u8]) -> &'h [u8] {
    let port: &[u8] = if scheme == b"https" { b":443" } else { b":80" };
    host.strip_suffix(port)
        .or_else(|| host.strip_suffix(b":"))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::credentials::carries_credentials;
    use super::super::tests::{request, request_to};
    use super::*;

    fn key(target: &str) -> CacheKey {
        let (head, bytes) = request("GET", target, "");
        CacheKey::of(&head, &bytes, "http")
    }

    fn resource(host: &str, scheme: &str, fields: &str) -> Resource {
        let (head, bytes) = request_to(host, "GET", "/b/k", fields);
        Resource::of(&head, &bytes, scheme)
    }

    #[test]
    fn the_host_counts_in_any_case_and_without_its_default_port() {
        let plain = resource("s3.local", "http", "");
        assert_eq!(resource("S3.Local:80", "http", ""), plain);
        assert_eq!(resource("s3.local:", "http", ""), plain);
        assert_ne!(resource("s3.local:443", "http", ""), plain);
        assert_ne!(resource("s3.local:9000", "http", ""), plain);
        assert_ne!(resource("s3.local", "https", ""), plain);
        assert_eq!(
            resource("s3.local:443", "https", ""),
            resource("s3.local", "https", "")
        );
    }

    #[test]
    fn what_the_backend_is_told_of_scheme_and_host_counts() {
        let plain = resource("a", "http", "");
        assert_eq!(resource("a", "http", "X-Forwarded-Host: A\r\n"), plain);
        for told in [
            "X-Forwarded-Host: evil\r\n",
            "X-Forwarded-Host: a\r\nX-Forwarded-Host: evil\r\n",
            "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n",
        ] {
            assert_ne!(resource("a", "http", told), plain, "{told}");
        }
        assert_eq!(
            resource("a", "http", "X-Forwarded-Proto: https\r\n"),
            resource("a", "https", "")
        );
    }

    #[test]
    fn the_path_counts_as_it_came() {
        for other in ["/b/%6b", "/b//k", "/b/./k", "/B/k", "/b/k/"] {
            assert_ne!(key("/b/k"), key(other), "{other}");
        }
        assert_eq!(key("/b/k"), key("/b/k"));
    }

    #[test]
    fn a_presigned_request_has_the_key_of_the_plain_one() {
        assert_eq!(key("/b/k?X-Amz-Signature=0&X-Amz-Date=1"), key("/b/k"));
        assert_eq!(
            key("/b/k?versionId=3&AWSAccessKeyId=a&Expires=1&Signature=2"),
            key("/b/k?versionId=3")
        );
    }

    #[test]
    fn queries_are_sorted_and_repeated_names_keep_their_order() {
        assert_eq!(key("/?b=1&a=2"), key("/?a=2&b=1"));
        assert_ne!(key("/?a=1&a=2"), key("/?a=2&a=1"));
        assert_ne!(key("/?"), key("/"));
        assert_ne!(key("/?a"), key("/?a="));
    }

    #[test]
    fn all_queries_of_a_path_share_the_object_that_names_them() {
        let (one, other) = (key("/b/k?versionId=1"), key("/b/k"));
        assert_ne!(one, other);
        assert_eq!(one.resource().head_name(), other.resource().head_name());
        assert_ne!(
            other.resource().head_name(),
            key("/b/l").resource().head_name()
        );
    }

    #[test]
    fn names_are_digests_and_bodies_are_told_apart() {
        let resource = key("/b/k").resource().clone();
        let name = resource.head_name();
        assert_eq!(name.len(), 64 + "/head".len());
        assert!(name.bytes().take(64).all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(resource.body_name(1), resource.body_name(2));
        assert!(
            resource
                .body_name(1)
                .ends_with("/body-00000000000000000000000000000001")
        );
    }

    #[test]
    fn references_of_the_same_origin_are_followed() {
        let base = key("/b/k?x").resource().clone();
        let at = |path: &str| Some(key(path).resource().clone());
        assert_eq!(base.refer(b"/c/d?e#f"), at("/c/d"));
        assert_eq!(base.refer(b"http://A:80/c"), at("/c"));
        assert_eq!(base.refer(b"http://a"), at("/"));
        assert_eq!(base.refer(b"//a/c"), at("/c"));
        assert_eq!(base.refer(b"l"), at("/b/l"));
        assert_eq!(base.refer(b""), at("/b/k"));
        for other in [
            "https://a/c",
            "http://b/c",
            "http://a:81/c",
            "//b/c",
            "../c",
            "/x/./c",
        ] {
            assert_eq!(base.refer(other.as_bytes()), None, "{other}");
        }
    }

    const SIGNATURES: [&str; 3] = [
        "",
        "&X-Amz-Algorithm=A&X-Amz-Credential=c%2Fd&X-Amz-Date=1&X-Amz-Expires=2\
         &X-Amz-SignedHeaders=host&X-Amz-Signature=3&X-Amz-Security-Token=4",
        "&AWSAccessKeyId=A&Signature=b%3D&Expires=3",
    ];

    proptest! {
        #[test]
        fn order_and_signatures_make_no_difference(
            parameters in prop::collection::btree_map("[a-z]{1,4}", "[a-z0-9%]{0,4}", 1..6),
            signature in prop::sample::select(&SIGNATURES[..]),
            seed in any::<u64>(),
        ) {
            let sorted: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let plain = key(&format!("/b/k?{}", sorted.join("&")));
            let mut all: Vec<&str> = sorted.iter().map(String::as_str).collect();
            all.extend(signature.split('&').filter(|part| !part.is_empty()));
            let mut order: Vec<usize> = (0..all.len()).collect();
            order.sort_by_key(|&index| (index as u64 + 1).wrapping_mul(seed | 1));
            let shuffled: Vec<&str> = order.iter().map(|&index| all[index]).collect();
            prop_assert_eq!(key(&format!("/b/k?{}", shuffled.join("&"))), plain);
        }

        #[test]
        fn other_queries_have_other_keys(one in "[a-c]=[a-c](&[d-f]=[a-c]){0,2}", other in "[a-c]=[a-c](&[d-f]=[a-c]){0,2}") {
            let sorted = |text: &str| {
                let mut parts: Vec<String> = text.split('&').map(str::to_owned).collect();
                parts.sort_by_key(|part| part[..1].to_owned());
                parts
            };
            prop_assert_eq!(key(&format!("/?{one}")) == key(&format!("/?{other}")), sorted(&one) == sorted(&other));
        }

        #[test]
        fn whoever_has_something_left_out_shows_credentials(query in "([a-zA-Z-]{1,4}|X-Amz-Signature|AWSAccessKeyId|Expires|X-Amz-Date|X-Goog-Signature|GoogleAccessId)(=[a-z]{0,2})?(&(X-Amz-Signature|awsaccesskeyid|x)(=[a-z]{0,2})?){0,3}") {
            let (head, bytes) = request("GET", &format!("/?{query}"), "");
            let left = super::unsigned_parameters(query.as_bytes()).len();
            if left < query.split('&').count() {
                prop_assert!(carries_credentials(&head, &bytes), "{}", query);
            }
        }
    }
}
