//! From bytes to offsets: where a head ends, and its lines.

pub(super) mod fields;
pub(super) mod request_line;
pub(super) mod status_line;

use super::rejection::Rejection;
use super::{FIELD_LIMIT, HEAD_LIMIT};

/// What a parser says of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The head is whole.
    Complete,
    /// More bytes are needed; nothing wrong was seen so far.
    Partial,
}

/// The search for the blank line that ends a head. It goes on where it stopped, so a head that
/// comes in drips is looked at once; and since it looks at every line end, it is also where a
/// bare LF is seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadSearch {
    pub(super) searched: usize,
    line_start: usize,
    /// One past the first line's LF; 0 until it was found.
    pub(super) first_line_end: usize,
    /// Lines that ended, the blank one not counted.
    pub(super) lines: usize,
}

impl HeadSearch {
    /// A head that starts behind this many bytes.
    pub(super) fn starting_at(start: usize) -> Self {
        Self {
            searched: start,
            line_start: start,
            ..Self::default()
        }
    }

    /// Looks at the bytes that are new; the head's length once it is known.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Rejection> {
        let window = &bytes[..bytes.len().min(HEAD_LIMIT)];
        for found in memchr::memchr_iter(b'\n', &window[self.searched.min(window.len())..]) {
            let end = self.searched + found;
            if end == self.line_start || window[end - 1] != b'\r' {
                return Err(Rejection::BareLf);
            }
            if end - 1 == self.line_start && self.lines > 0 {
                return Ok(Some(end + 1));
            }
            self.lines += 1;
            if self.lines == 1 {
                self.first_line_end = end + 1;
            } else if self.lines > FIELD_LIMIT + 1 {
                return Err(Rejection::TooManyFields);
            }
            self.line_start = end + 1;
        }
        if window.len() == HEAD_LIMIT {
            return Err(Rejection::HeadTooLarge);
        }
        self.searched = window.len();
        Ok(None)
    }
}
