//! A request as the cache looks at it, read once before the store is asked.

use super::conditions::Conditions;
use super::control::RequestControl;
use super::credentials::{carries_credentials, carries_customer_key};
use super::key::CacheKey;
use crate::http::{Method, RequestHead, signature};

/// Why a request is none of the cache's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bypass {
    /// Only GET and HEAD are answered from a store; others may invalidate.
    Method,
    /// A GET with a body, or a wish to switch protocols, means more than its key says.
    Content,
    /// It brings the key that its object is encrypted with.
    CustomerKey,
    /// It asks for ranges in a way that is the backend's to answer.
    Range,
}

/// The presented request (RFC 9111 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    key: CacheKey,
    method: Method,
    credentials: bool,
    control: RequestControl,
    conditions: Conditions,
    range: Option<Vec<u8>>,
    signed: SignedConditions,
}

/// Which conditions a signature covers, so that they must not be added or changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SignedConditions {
    pub(super) if_none_match: bool,
    pub(super) if_modified_since: bool,
}

impl Presented {
    /// Reads a request that reached sidekick by `scheme`, `http` or `https`.
    pub fn of(request: &RequestHead, bytes: &[u8], scheme: &str) -> Result<Self, Bypass> {
        let method = request.method();
        if !matches!(method, Method::Get | Method::Head) {
            return Err(Bypass::Method);
        }
        if !request.framing().is_empty() || request.upgrade() {
            return Err(Bypass::Content);
        }
        if carries_customer_key(request, bytes) {
            return Err(Bypass::CustomerKey);
        }
        let mut ranges = request.values(bytes, "Range");
        let range = ranges.next().map(<[u8]>::to_vec);
        // Of a HEAD's range, S3 speaks in its head as of a GET's, RFC 9110 §14.2 does not.
        if ranges.next().is_some() || (range.is_some() && method == Method::Head) {
            return Err(Bypass::Range);
        }
        Ok(Self {
            key: CacheKey::of(request, bytes, scheme),
            method,
            credentials: carries_credentials(request, bytes),
            control: RequestControl::of(request, bytes),
            conditions: Conditions::of(request, bytes),
            range,
            signed: SignedConditions {
                if_none_match: signature::covers(request, bytes, "if-none-match"),
                if_modified_since: signature::covers(request, bytes, "if-modified-since"),
            },
        })
    }

    /// What it is stored under.
    pub fn key(&self) -> &CacheKey {
        &self.key
    }

    /// GET or HEAD.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Whether it shows credentials.
    pub fn credentials(&self) -> bool {
        self.credentials
    }

    /// Its `Cache-Control`.
    pub fn control(&self) -> &RequestControl {
        &self.control
    }

    /// Its conditions.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Its `Range`.
    pub fn range(&self) -> Option<&[u8]> {
        self.range.as_deref()
    }

    pub(super) fn signed(&self) -> SignedConditions {
        self.signed
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::request;
    use super::*;

    fn of(method: &str, fields: &str) -> Result<Presented, Bypass> {
        let (head, bytes) = request(method, "/b/k", fields);
        Presented::of(&head, &bytes, "http")
    }

    #[test]
    fn gets_and_heads_are_for_the_cache() {
        assert!(of("GET", "").is_ok() && of("HEAD", "").is_ok());
        assert!(
            of("GET", "Range: bytes=0-\r\nCookie: a\r\n")
                .unwrap()
                .credentials()
        );
    }

    #[test]
    fn everything_else_passes_by() {
        for method in ["PUT", "POST", "DELETE", "OPTIONS", "get", "PROPFIND"] {
            assert_eq!(of(method, ""), Err(Bypass::Method), "{method}");
        }
        let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        for (method, fields, why) in [
            ("GET", "Content-Length: 1\r\n", Bypass::Content),
            ("GET", upgrade, Bypass::Content),
            (
                "GET",
                "x-amz-server-side-encryption-customer-key: k\r\n",
                Bypass::CustomerKey,
            ),
            ("HEAD", "Range: bytes=0-\r\n", Bypass::Range),
            (
                "GET",
                "Range: bytes=0-\r\nRange: bytes=1-\r\n",
                Bypass::Range,
            ),
        ] {
            assert_eq!(of(method, fields), Err(why), "{fields}");
        }
    }
}
