//! Lists whose members may hold quoted strings (RFC 9110 §5.6.1, §5.6.4).

use super::ascii::trimmed;

/// The members of a comma-separated list, trimmed, empty ones left out. A comma inside a quoted
/// string separates nothing; a quote that is never closed is an ordinary character, so that
/// nothing behind it is swallowed.
pub fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let end = member_end(text);
            rest = text.get(end + 1..);
            let member = trimmed(&text[..end]);
            if !member.is_empty() {
                return Some(member);
            }
        }
    })
}

/// Where the first comma outside quotes stands, or the text's end.
fn member_end(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b',' => return at,
            b'"' => at += quoted_length(&text[at..]).unwrap_or(1),
            _ => at += 1,
        }
    }
    text.len()
}

/// Bytes of the quoted string that the text starts with, both quotes included.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::list_members;

    fn members(value: &str) -> Vec<&str> {
        list_members(value.as_bytes())
            .map(|member| std::str::from_utf8(member).unwrap())
            .collect()
    }

    #[test]
    fn commas_separate_but_not_in_quotes() {
        assert_eq!(members(" a ,, b=c\t,"), ["a", "b=c"]);
        assert_eq!(members(r#"a="b, c", d"#), [r#"a="b, c""#, "d"]);
        assert_eq!(members(r#"a="\", c", d"#), [r#"a="\", c""#, "d"]);
        assert_eq!(members(""), [""; 0]);
    }

    #[test]
    fn an_open_quote_swallows_nothing() {
        assert_eq!(members(r#"a="b, no-store"#), [r#"a="b"#, "no-store"]);
        assert_eq!(members(r#"a="b\"#), [r#"a="b\"#]);
    }

    proptest! {
        #[test]
        fn members_are_never_empty_and_any_bytes_will_do(value in prop::collection::vec(any::<u8>(), 0..60)) {
            for member in list_members(&value) {
                prop_assert!(!member.is_empty());
            }
        }
    }
}
