//! Heads for the next hop: edits on the bytes that came. What lies between two edits is copied
//! as one piece, so fields keep their order, spelling and whitespace.

mod request;
mod response;

pub use request::{Forwarded, write_edited_request, write_request};
pub use response::{ClientSide, write_edited_response, write_interim, write_response};

use super::field::Field;

/// Fields to take out of a head and to add to it, beside what a proxy always does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edits<'a> {
    /// Names, in any case, of fields that do not pass.
    pub without: &'a [&'a str],
    /// Fields added at the end; their names and values must be valid.
    pub with: &'a [(&'a str, &'a [u8])],
}

impl Edits<'_> {
    fn drop(&self, field: &Field, bytes: &[u8]) -> bool {
        self.without.iter().any(|name| {
            field.name.len() == name.len()
                && field.name.of(bytes).eq_ignore_ascii_case(name.as_bytes())
        })
    }
}

/// Copies a head piece by piece.
struct Copier<'a> {
    bytes: &'a [u8],
    /// Up to here everything is copied or left out.
    from: usize,
    out: &'a mut Vec<u8>,
}

impl Copier<'_> {
    /// Copies what was not dealt with, up to `end`.
    fn until(&mut self, end: usize) {
        self.out
            .extend_from_slice(self.bytes.get(self.from..end).unwrap_or_default());
        self.from = end;
    }

    /// Leaves a field's line out.
    fn skip(&mut self, field: &Field) {
        self.until(field.name.start as usize);
        self.from = field.line_end as usize;
    }

    fn field(&mut self, name: &str, value: &[u8]) {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
