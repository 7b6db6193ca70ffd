//! Where something stands in a buffer.

/// A range of bytes in the buffer that a head was parsed from; eight bytes, no lifetime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// Where `part`, a slice of `bytes`, stands in it.
    pub(super) fn within(bytes: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
        Self::new(start, start + part.len())
    }

    /// The bytes meant; empty when `bytes` is not the buffer this was made from.
    #[inline]
    pub fn of<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The number of bytes.
    pub const fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether no byte is meant.
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }
}
