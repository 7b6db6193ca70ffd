//! What is never printed: credentials in fields and in queries.

use std::borrow::Cow;

/// What stands in a secret's place.
pub const REDACTED: &str = "REDACTED";

const SECRET_FIELDS: [&[u8]; 10] = [
    b"authorization",
    b"proxy-authorization",
    b"cookie",
    b"set-cookie",
    b"x-amz-security-token",
    b"x-amz-session-token",
    b"x-amz-signature",
    b"x-auth-token",
    b"x-api-key",
    b"x-goog-encryption-key",
];

/// `…-algorithm` and `…-key-md5` are caught along with the key itself.
const SECRET_FIELD_FAMILIES: [&[u8]; 2] = [
    b"x-amz-server-side-encryption-customer-key",
    b"x-amz-copy-source-server-side-encryption-customer-key",
];

const SECRET_PARAMETERS: [&[u8]; 12] = [
    b"x-amz-signature",
    b"x-amz-credential",
    b"x-amz-security-token",
    b"x-amz-session-token",
    b"signature",
    b"awsaccesskeyid",
    b"security-token",
    b"access_token",
    b"x-goog-signature",
    b"x-goog-credential",
    b"googleaccessid",
    b"token",
];

/// Whether a field's value is a secret.
pub fn is_secret_field(name: &[u8]) -> bool {
    SECRET_FIELDS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
        || SECRET_FIELD_FAMILIES.iter().any(|family| {
            name.get(..family.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(family))
        })
}

/// A query with the values of secret parameters replaced by [`REDACTED`]; all else byte for byte.
/// Names are compared decoded and in any case: `X%2DAmz-signature` hides nothing.
pub fn query(query: &[u8]) -> Cow<'_, [u8]> {
    let mut clean = Vec::new();
    let mut copied = 0;
    let mut start = 0;
    for parameter in query.split(|&byte| byte == b'&' || byte == b';') {
        let end = start + parameter.len();
        let equals = parameter.iter().position(|&byte| byte == b'=');
        if let Some(equals) = equals.filter(|&equals| is_secret_parameter(&parameter[..equals])) {
            clean.extend_from_slice(&query[copied..=start + equals]);
            clean.extend_from_slice(REDACTED.as_bytes());
            copied = end;
        }
        start = end + 1;
    }
    if copied == 0 {
        return Cow::Borrowed(query);
    }
    clean.extend_from_slice(&query[copied..]);
    Cow::Owned(clean)
}

fn is_secret_parameter(name: &[u8]) -> bool {
    SECRET_PARAMETERS.iter().any(|secret| {
        decoded(name)
            .map(|byte| byte.to_ascii_lowercase())
            .eq(secret.iter().copied())
    })
}

/// The bytes that a percent-encoded text means.
pub(super) fn decoded(mut text: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || match text {
        [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            text = rest;
            let value = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
            Some(value(*high) << 4 | value(*low))
        }
        [byte, rest @ ..] => {
            text = rest;
            Some(*byte)
        }
        [] => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(text: &str) -> String {
        String::from_utf8(query(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn credentials_in_fields_are_secret_in_any_case() {
        for name in [
            "Authorization",
            "PROXY-authorization",
            "Cookie",
            "set-cookie",
            "X-Amz-Security-Token",
            "x-amz-server-side-encryption-customer-key",
            "x-amz-server-side-encryption-customer-key-MD5",
            "x-amz-copy-source-server-side-encryption-customer-key",
        ] {
            assert!(is_secret_field(name.as_bytes()), "{name}");
        }
        for name in ["Host", "X-Amz-Date", "x-amz-server-side-encryption", ""] {
            assert!(!is_secret_field(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn signatures_in_queries_are_replaced_and_nothing_else_is() {
        assert_eq!(
            clean("X-Amz-Date=1&X-Amz-Signature=abc&x-amz-credential=k/d/r&y=%20"),
            "X-Amz-Date=1&X-Amz-Signature=REDACTED&x-amz-credential=REDACTED&y=%20"
        );
        assert_eq!(
            clean("AWSAccessKeyId=A&Signature=b=="),
            "AWSAccessKeyId=REDACTED&Signature=REDACTED"
        );
        assert!(matches!(query(b"list-type=2&prefix=a"), Cow::Borrowed(_)));
        assert_eq!(clean(""), "");
    }

    #[test]
    fn encoded_names_and_semicolons_hide_nothing() {
        assert_eq!(
            clean("%58-amz%2dsignature=s"),
            "%58-amz%2dsignature=REDACTED"
        );
        assert_eq!(clean("a=1;Signature=s;b"), "a=1;Signature=REDACTED;b");
        assert_eq!(clean("Signature"), "Signature");
    }

    proptest! {
        #[test]
        fn no_secret_survives_wherever_it_stands(
            before in "([a-z]{0,3}=[a-z]{0,3}[&;]){0,3}",
            name in prop::sample::select(&SECRET_PARAMETERS[..]),
            after in "([&;][a-z]{0,3}=[a-z]{0,3}){0,3}",
        ) {
            let name = String::from_utf8_lossy(name);
            let text = format!("{before}{name}=HUSH{after}");
            prop_assert_eq!(clean(&text), format!("{before}{name}=REDACTED{after}"));
        }
    }

    #[test]
    fn a_broken_escape_is_taken_as_it_stands() {
        assert_eq!(clean("%=1&%5=2&%zz=3"), "%=1&%5=2&%zz=3");
    }
}
