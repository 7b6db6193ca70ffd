//! Entity tags (RFC 9110 §8.8.3).

/// Whether an `ETag` value is a strong entity tag: two answers that carry the same one carry the
/// same bytes. Weak, unquoted and broken ones are not.
pub fn is_strong_etag(value: &[u8]) -> bool {
    match value {
        [b'"', tag @ .., b'"'] => tag
            .iter()
            .all(|&byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_strong_etag;

    #[test]
    fn only_a_quoted_tag_is_strong() {
        for strong in ["\"\"", "\"abc-2\"", "\"d41d8cd98f00b204e9800998ecf8427e\""] {
            assert!(is_strong_etag(strong.as_bytes()), "{strong}");
        }
        for other in [
            "",
            "\"",
            "abc",
            "W/\"abc\"",
            "\"a\"b\"",
            "\"a b\"",
            "\"abc\" ",
        ] {
            assert!(!is_strong_etag(other.as_bytes()), "{other}");
        }
    }
}
