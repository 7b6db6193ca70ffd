//! Fields as they may be printed.

use std::borrow::Cow;

use crate::http::redact::{REDACTED, is_secret_field, query};

/// Fields whose value is an address that may carry a signed query.
const ADDRESS_FIELDS: [&[u8]; 3] = [b"location", b"referer", b"content-location"];

/// A field's value as it may be printed.
pub(super) fn field_value<'a>(name: &[u8], value: &'a [u8]) -> Cow<'a, [u8]> {
    if is_secret_field(name) {
        return Cow::Borrowed(REDACTED.as_bytes());
    }
    let is_address = ADDRESS_FIELDS
        .iter()
        .any(|field| name.eq_ignore_ascii_case(field));
    let mark = value
        .iter()
        .position(|byte| *byte == b'?')
        .filter(|_| is_address);
    let Some(mark) = mark else {
        return Cow::Borrowed(value);
    };
    match query(&value[mark + 1..]) {
        Cow::Borrowed(_) => Cow::Borrowed(value),
        Cow::Owned(query) => Cow::Owned([&value[..=mark], &query].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_credentials_are_known_in_any_case() {
        assert_eq!(&*field_value(b"AUTHORIZATION", b"AWS4 x"), b"REDACTED");
        assert_eq!(&*field_value(b"Set-Cookie", b"a=b"), b"REDACTED");
        assert_eq!(&*field_value(b"Content-Type", b"text/xml"), b"text/xml");
    }

    #[test]
    fn a_signed_address_loses_its_signature() {
        let location = b"https://h/b/k?X-Amz-Signature=abc&a=1";
        assert_eq!(
            &*field_value(b"Location", location),
            b"https://h/b/k?X-Amz-Signature=REDACTED&a=1"
        );
    }
}
