//! `Content-Range`: which bytes of a whole a 206 carries (RFC 9110 §14.4).

use super::framing::decimal;

/// A range of bytes that was satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte's position, from zero.
    pub first: u64,
    /// The last byte's position, itself included.
    pub last: u64,
    /// Length of the whole; `None` for `*`, when the server does not know it.
    pub complete: Option<u64>,
}

impl ContentRange {
    /// Reads a field value: `bytes 0-499/1234` or `bytes 0-499/*`. `None` for anything else, an
    /// unsatisfied range and a range that contradicts itself among it.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (unit, rest) = split(value, b' ')?;
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        let (range, complete) = split(rest, b'/')?;
        let (first, last) = split(range, b'-')?;
        let complete = match complete {
            b"*" => None,
            length => Some(decimal(length).ok()?),
        };
        let range = Self {
            first: decimal(first).ok()?,
            last: decimal(last).ok()?,
            complete,
        };
        let is_sound =
            range.first <= range.last && complete.is_none_or(|length| range.last < length);
        is_sound.then_some(range)
    }

    /// Bytes in the range; one at least.
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|&byte| byte == at)?;
    Some((&text[..position], &text[position + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ContentRange;

    fn range(first: u64, last: u64, complete: Option<u64>) -> ContentRange {
        ContentRange {
            first,
            last,
            complete,
        }
    }

    #[test]
    fn a_satisfied_range_is_read() {
        let parse = |text: &str| ContentRange::parse(text.as_bytes());
        assert_eq!(parse("bytes 0-499/1234"), Some(range(0, 499, Some(1234))));
        assert_eq!(parse("Bytes 7-7/*"), Some(range(7, 7, None)));
        assert_eq!(parse("bytes 0-0/1").unwrap().length(), 1);
    }

    #[test]
    fn what_says_something_else_is_not_taken_for_one() {
        for text in [
            "",
            "bytes",
            "bytes */1234",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes 0-9/",
            "bytes -9/10",
            "bytes 0-/10",
            "bytes  0-9/10",
            "bytes 0-9/10 ",
            "bytes +0-9/10",
            "items 0-9/10",
            "bytes=0-9/10",
            "bytes 0-9,11-12/20",
            "bytes 0-99999999999999999999/*",
        ] {
            assert_eq!(ContentRange::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_a_range_lies_within_its_whole(value in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(range) = ContentRange::parse(&value) {
                prop_assert!(range.first <= range.last);
                prop_assert!(range.complete.is_none_or(|length| range.last < length));
            }
        }

        #[test]
        fn what_is_written_is_read_back(first in 0u64..1 << 40, length in 1u64..1 << 40, more in 0u64..1 << 40) {
            let last = first + length - 1;
            let text = format!("bytes {first}-{last}/{}", last + 1 + more);
            let written = range(first, last, Some(last + 1 + more));
            prop_assert_eq!(ContentRange::parse(text.as_bytes()), Some(written));
        }
    }
}
