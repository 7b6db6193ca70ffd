//! AWS Signature Version 4 in the `Authorization` header, as values: no clock, no sockets.
//!
//! Source: "Signature Calculations for the Authorization Header" of the Amazon S3 API reference.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The region that requests are signed for; the embedded server accepts any.
pub(crate) const REGION: &str = "us-east-1";

/// A pair of keys, known to the client that signs and to the server that verifies.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Credentials {
    /// The pair of `access_key` and `secret_key`.
    pub(crate) fn new(access_key: &str, secret_key: &str) -> Self {
        Self {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        }
    }
}

/// What a signature covers.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// The path as it goes over the wire, percent-encoded.
    pub(crate) path: &'a str,
    /// The query as [`canonical_query`] makes it; it must go over the wire in the same form.
    pub(crate) query: &'a str,
    /// The fields to sign, names in lower case, in ascending order.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body in hexadecimal, as in `x-amz-content-sha256`.
    pub(crate) payload: &'a str,
    /// The time of signing as `20130524T000000Z`, as in `x-amz-date`.
    pub(crate) time: &'a str,
}

impl Signed<'_> {
    /// The value of the `Authorization` field.
    pub(crate) fn authorization(&self, credentials: &Credentials) -> String {
        let day = &self.time[..8];
        let scope = format!("{day}/{REGION}/s3/aws4_request");
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let request = sha256_hex(self.canonical_request(&names).as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{request}", self.time);
        let first = format!("AWS4{}", credentials.secret_key);
        let key = [day, REGION, "s3", "aws4_request"]
            .iter()
            .fold(first.into_bytes(), |key, part| hmac(&key, part.as_bytes()));
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={}",
            credentials.access_key,
            hex(&hmac(&key, text.as_bytes())),
        )
    }

    fn canonical_request(&self, names: &str) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.method, self.path, self.query);
        for (name, value) in self.fields {
            let _ = writeln!(text, "{name}:{}", value.trim());
        }
        let _ = write!(text, "\n{names}\n{}", self.payload);
        text
    }
}

/// `name=value` pairs, encoded and in the order that signing asks for.
pub(crate) fn canonical_query(pairs: &[(&str, &str)]) -> String {
    let mut encoded: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| (encode(name, false), encode(value, false)))
        .collect();
    encoded.sort();
    let pairs: Vec<String> = encoded
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3, and `/` if
/// `keep_slash`.
pub(crate) fn encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// SHA-256 of `bytes` in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// `bytes` in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "an HMAC key may have any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_gets_the_published_signature() {
        let empty = sha256_hex(b"");
        let fields = [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", empty.as_str()),
            ("x-amz-date", "20130524T000000Z"),
        ];
        let signed = Signed {
            method: "GET",
            path: "/test.txt",
            query: "",
            fields: &fields,
            payload: &empty,
            time: "20130524T000000Z",
        };
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        );
        let value = signed.authorization(&credentials);
        let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(value.ends_with(signature), "{value}");
    }

    #[test]
    fn a_query_is_encoded_and_sorted() {
        let pairs = [("prefix", "a b/ü"), ("list-type", "2"), ("delimiter", "/")];
        assert_eq!(
            canonical_query(&pairs),
            "delimiter=%2F&list-type=2&prefix=a%20b%2F%C3%BC"
        );
    }

    #[test]
    fn a_path_keeps_its_slashes() {
        assert_eq!(encode("/bucket/a key+1~", true), "/bucket/a%20key%2B1~");
    }
}
