//! Which requests show credentials, and which parameters of a query are a signature.

use std::borrow::Cow;

use crate::http::{RequestHead, redact};

/// A signature in the query: the parameter that proves it, and those that come with it.
struct Presigned {
    proof: &'static str,
    others: &'static [&'static str],
}

/// AWS Signature Version 4 and 2 in the query, and the same two of Google.
const PRESIGNED: [Presigned; 4] = [
    Presigned {
        proof: "x-amz-signature",
        others: &[
            "x-amz-algorithm",
            "x-amz-content-sha256",
            "x-amz-credential",
            "x-amz-date",
            "x-amz-expires",
            "x-amz-security-token",
            "x-amz-signedheaders",
        ],
    },
    Presigned {
        proof: "awsaccesskeyid",
        others: &["expires", "signature", "x-amz-security-token"],
    },
    Presigned {
        proof: "x-goog-signature",
        others: &[
            "x-goog-algorithm",
            "x-goog-credential",
            "x-goog-date",
            "x-goog-expires",
            "x-goog-signedheaders",
        ],
    },
    Presigned {
        proof: "googleaccessid",
        others: &["expires", "signature"],
    },
];

/// Whether a request shows who asks: `Authorization`, a cookie, a token, a signature in its query.
/// Every field and parameter whose value is kept out of the log counts.
pub fn carries_credentials(request: &RequestHead, bytes: &[u8]) -> bool {
    request
        .fields(bytes)
        .any(|(name, _)| redact::is_secret_field(name))
        || request
            .query(bytes)
            .is_some_and(|query| matches!(redact::query(query), Cow::Owned(_)))
}

/// Whether a request brings the key that its object is encrypted with (SSE-C). What it gets is not
/// for a store.
pub fn carries_customer_key(request: &RequestHead, bytes: &[u8]) -> bool {
    const FAMILY: &str = "x-amz-server-side-encryption-customer-";
    request
        .fields(bytes)
        .any(|(name, _)| super::fields::starts_with(name, FAMILY))
}

/// The parameters of a query without those of a signature, in the order they came.
pub(super) fn unsigned_parameters(query: &[u8]) -> Vec<&[u8]> {
    let mut left: Vec<&[u8]> = query.split(|&byte| byte == b'&').collect();
    for presigned in &PRESIGNED {
        // A name without a value proves nothing: it would be no credential either.
        let is_signed = left
            .iter()
            .any(|parameter| parameter.contains(&b'=') && is_named(parameter, presigned.proof));
        if is_signed {
            left.retain(|parameter| {
                !is_named(parameter, presigned.proof)
                    && !presigned
                        .others
                        .iter()
                        .any(|name| is_named(parameter, name))
            });
        }
    }
    left
}

/// The part of a parameter before its `=`.
pub(super) fn parameter_name(parameter: &[u8]) -> &[u8] {
    let end = parameter.iter().position(|&byte| byte == b'=');
    &parameter[..end.unwrap_or(parameter.len())]
}

fn is_named(parameter: &[u8], name: &str) -> bool {
    parameter_name(parameter).eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tests::request;
    use super::{carries_credentials, carries_customer_key, unsigned_parameters};

    #[test]
    fn every_way_to_sign_is_a_credential() {
        for (target, fields) in [
            ("/", "Authorization: AWS4-HMAC-SHA256 Credential=a\r\n"),
            ("/", "authorization: Basic dTpw\r\n"),
            ("/", "Cookie: a=b\r\n"),
            ("/", "X-Amz-Security-Token: t\r\n"),
            ("/", "X-Auth-Token: t\r\n"),
            ("/?X-Amz-Signature=0", ""),
            ("/?a&X%2DAmz-Signature=0", ""),
            ("/?AWSAccessKeyId=a&Signature=b&Expires=1", ""),
            ("/?X-Goog-Signature=0", ""),
            ("/?GoogleAccessId=a", ""),
        ] {
            let (head, bytes) = request("GET", target, fields);
            assert!(carries_credentials(&head, &bytes), "{target} {fields}");
        }
        for (target, fields) in [
            ("/", ""),
            ("/?versionId=1&Expires=1", ""),
            ("/", "X-Amz-Date: 1\r\nRange: bytes=0-\r\n"),
        ] {
            let (head, bytes) = request("GET", target, fields);
            assert!(!carries_credentials(&head, &bytes), "{target} {fields}");
        }
    }

    #[test]
    fn a_customers_key_is_seen() {
        let field = "X-Amz-Server-Side-Encryption-Customer-Algorithm: AES256\r\n";
        let (head, bytes) = request("GET", "/", field);
        assert!(carries_customer_key(&head, &bytes));
        let (head, bytes) = request("GET", "/", "x-amz-server-side-encryption: aws:kms\r\n");
        assert!(!carries_customer_key(&head, &bytes));
    }

    #[test]
    fn only_the_fields_of_a_signature_that_is_there_are_left_out() {
        let left = |query: &str| {
            let left = unsigned_parameters(query.as_bytes());
            String::from_utf8(left.join(&b'&')).unwrap()
        };
        assert_eq!(
            left("a=1&X-Amz-Date=1&X-Amz-Credential=c&X-Amz-Signature=s&versionId=2&x-id=Get"),
            "a=1&versionId=2&x-id=Get"
        );
        assert_eq!(
            left("AWSAccessKeyId=a&Signature=b&Expires=1&partNumber=1"),
            "partNumber=1"
        );
        assert_eq!(left("Expires=1&Signature=b"), "Expires=1&Signature=b");
        assert_eq!(
            left("X-Amz-Date=1&X-Amz-Signature"),
            "X-Amz-Date=1&X-Amz-Signature"
        );
        assert_eq!(left("response-content-type=a"), "response-content-type=a");
    }
}
