//! `Cache-Control` (RFC 9111 §5.2): its directives, as a list of names with arguments.

mod request;
mod response;

pub use request::RequestControl;
pub use response::ResponseControl;

use crate::http::list_members;

/// The largest number of seconds that is told from others (RFC 9111 §1.2.2).
pub const MOST_SECONDS: u64 = 1 << 31;

/// One directive: a name in any case, and the seconds or names behind its `=`.
struct Directive<'a> {
    name: &'a [u8],
    argument: Option<&'a [u8]>,
}

/// The directives of all `Cache-Control` fields of a message, as if they were one list. Spaces
/// around `=` are no syntax of a directive; it keeps its name, so that a restriction is heard, and
/// its argument keeps the space, so that it is no number.
fn directives<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = Directive<'a>> {
    values.flat_map(list_members).map(|member| {
        let equals = member.iter().position(|&byte| byte == b'=');
        let (name, argument) = match equals {
            Some(at) => (&member[..at], Some(&member[at + 1..])),
            None => (member, None),
        };
        let bare = name.trim_ascii_end();
        Directive {
            name: bare,
            argument: if bare.len() == name.len() {
                argument
            } else {
                argument.map(|_| &b" "[..])
            },
        }
    })
}

impl Directive<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The argument as delta-seconds, a token or a quoted string: digits and nothing else, large
    /// ones cut to [`MOST_SECONDS`]. `None` for everything else, no argument among it.
    fn seconds(&self) -> Option<u64> {
        let argument = self.argument?;
        delta_seconds(match argument {
            [b'"', inner @ .., b'"'] => inner,
            _ => argument,
        })
    }
}

/// A number of seconds (RFC 9111 §1.2.2): one that is too large means "long enough", 2^31.
pub(super) fn delta_seconds(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(value.min(MOST_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::{MOST_SECONDS, delta_seconds};

    #[test]
    fn seconds_are_digits_and_too_many_are_very_many() {
        assert_eq!(delta_seconds(b"0"), Some(0));
        assert_eq!(delta_seconds(b"003600"), Some(3600));
        assert_eq!(delta_seconds(b"2147483647"), Some(MOST_SECONDS - 1));
        assert_eq!(
            delta_seconds(b"99999999999999999999999999"),
            Some(MOST_SECONDS)
        );
        for not in ["", "-1", "+1", "1.0", "1s", " 1", "'1'", "0x1"] {
            assert_eq!(delta_seconds(not.as_bytes()), None, "{not}");
        }
    }
}
