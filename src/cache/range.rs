//! Which bytes of a stored response a request asks for (RFC 9110 §14).

use crate::http::ContentRange;

/// What a `Range` means for a representation of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSelection {
    /// These bytes.
    Part(ContentRange),
    /// None of its bytes: the backend says so, as it says everything that is an error, with 416
    /// and in its own words.
    Unsatisfiable,
    /// Several ranges, another unit, or no range at all. Backends differ here: S3 answers as if
    /// nothing had been asked, others in many parts. So it is the backend's to answer.
    Other,
}

/// Reads a `Range` of one range of bytes against a representation of `length` bytes: `bytes=5-9`,
/// `bytes=5-`, `bytes=-5` (RFC 9110 §14.1.2).
pub fn select_range(value: &[u8], length: u64) -> RangeSelection {
    let Some((first, last)) = one_range(value) else {
        return RangeSelection::Other;
    };
    let end = length.saturating_sub(1);
    let (first, last) = match (first, last) {
        (Some(first), last) => (first, last.unwrap_or(end).min(end)),
        (None, Some(0)) => return RangeSelection::Unsatisfiable,
        (None, suffix) => (length.saturating_sub(suffix.unwrap_or(0)), end),
    };
    if first >= length {
        return RangeSelection::Unsatisfiable;
    }
    RangeSelection::Part(ContentRange {
        first,
        last,
        complete: Some(length),
    })
}

/// The two numbers of a range, one of which may be missing.
fn one_range(value: &[u8]) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = value.split_at_checked("bytes=".len())?;
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return None;
    }
    let range = range.trim_ascii();
    let dash = range.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&range[..dash], &range[dash + 1..]);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some((None, Some(position(last)?))),
        (false, true) => Some((Some(position(first)?), None)),
        (false, false) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some((Some(first), Some(last)))
        }
    }
}

/// Digits and nothing else; positions beyond all bodies are one.
fn position(digits: &[u8]) -> Option<u64> {
    digits.iter().all(u8::is_ascii_digit).then(|| {
        digits.iter().fold(0u64, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn select(value: &str, length: u64) -> RangeSelection {
        select_range(value.as_bytes(), length)
    }

    fn part(value: &str, length: u64) -> Option<(u64, u64)> {
        match select(value, length) {
            RangeSelection::Part(range) => Some((range.first, range.last)),
            _ => None,
        }
    }

    #[test]
    fn one_range_of_bytes_is_cut_to_the_length() {
        for (value, expected) in [
            ("bytes=0-0", (0, 0)),
            ("bytes=5-9", (5, 9)),
            ("BYTES=5-", (5, 9)),
            ("bytes=5-99", (5, 9)),
            ("bytes=5-99999999999999999999999", (5, 9)),
            ("bytes=-3", (7, 9)),
            ("bytes=-99", (0, 9)),
            ("bytes= 1-2 ", (1, 2)),
        ] {
            assert_eq!(part(value, 10), Some(expected), "{value}");
        }
    }

    #[test]
    fn a_range_behind_the_end_is_not_satisfiable() {
        for value in [
            "bytes=10-",
            "bytes=10-12",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(select(value, 10), RangeSelection::Unsatisfiable, "{value}");
        }
        assert_eq!(select("bytes=0-", 0), RangeSelection::Unsatisfiable);
        assert_eq!(select("bytes=-1", 0), RangeSelection::Unsatisfiable);
    }

    #[test]
    fn everything_else_is_the_backends() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5",
            "bytes=9-5",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes 0-1",
            "bytes=0-1-2",
            "bytes=+1-2",
            "bytes=--1",
            "bytes=1 -2",
        ] {
            assert_eq!(select(value, 10), RangeSelection::Other, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_whole(value in "[bB]ytes=[0-9]{0,22}-[0-9]{0,22}", length in any::<u64>()) {
            if let RangeSelection::Part(range) = select(&value, length) {
                prop_assert!(range.first <= range.last && range.last < length);
                prop_assert!(range.length() <= length);
            }
        }

        #[test]
        fn any_bytes_are_read(value in prop::collection::vec(any::<u8>(), 0..40), length in any::<u64>()) {
            let _ = select_range(&value, length);
        }
    }
}
