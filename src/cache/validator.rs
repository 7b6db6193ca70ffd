//! Comparing entity tags (RFC 9110 §8.8.3.2).

use crate::http::{is_strong_etag, list_members};

/// Whether an `ETag` value is an entity tag: a quoted one, `W/` before it or not.
pub(super) fn is_etag(value: &[u8]) -> bool {
    is_strong_etag(opaque(value))
}

/// Strong comparison: both strong, and the same.
pub(super) fn strong_match(one: &[u8], other: &[u8]) -> bool {
    is_strong_etag(one) && one == other
}

/// Weak comparison: the same but for a `W/`.
pub(super) fn weak_match(one: &[u8], other: &[u8]) -> bool {
    is_etag(one) && opaque(one) == opaque(other)
}

/// Whether a field like `If-None-Match` names the tag, by weak comparison, or says `*`. A tag that
/// the client did not quote is taken as if it had: S3 does.
pub(super) fn any_weak_match(list: &[u8], tag: &[u8]) -> bool {
    list.trim_ascii() == b"*"
        || list_members(list).any(|member| {
            weak_match(member, tag)
                || (is_bare(member) && [b"\"", member, b"\""].concat() == opaque(tag))
        })
}

fn is_bare(member: &[u8]) -> bool {
    !member.contains(&b'"') && member != b"*"
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_rows_of_the_rfc() {
        for (one, other, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            assert_eq!(strong_match(one, other), strong);
            assert_eq!(weak_match(one, other), weak);
        }
        assert!(!weak_match(b"1", b"1"));
        assert!(!weak_match(b"w/\"1\"", b"\"1\""));
    }

    #[test]
    fn a_list_matches_by_any_member() {
        let tag = b"\"b,c\"";
        for yes in ["*", "\"a\", \"b,c\"", "W/\"b,c\"", " \"b,c\" , x"] {
            assert!(any_weak_match(yes.as_bytes(), tag), "{yes}");
        }
        for no in ["", "\"a\"", "\"b\", \"c\"", "\"*\"", "*, \"a\""] {
            assert!(!any_weak_match(no.as_bytes(), tag), "{no}");
        }
        assert!(any_weak_match(b"abc", b"\"abc\""));
        assert!(any_weak_match(b"abc", b"W/\"abc\""));
        assert!(!any_weak_match(b"ab", b"\"abc\""));
    }
}
