//! The fields of a stored head: names and values in order, in one piece of memory.

/// Field lines that outlive the buffer they arrived in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Names and values, one behind the other.
    text: Vec<u8>,
    /// For each line, where its name ends and where its value ends.
    ends: Vec<(u32, u32)>,
}

impl Fields {
    /// Appends a line.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.text.extend_from_slice(name);
        let name_end = self.text.len() as u32;
        self.text.extend_from_slice(value);
        self.ends.push((name_end, self.text.len() as u32));
    }

    /// All lines, name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, value_end)| {
            let name = &self.text[start..name_end as usize];
            start = value_end as usize;
            (name, &self.text[name_end as usize..start])
        })
    }

    /// The values of every line of this name, in any case, in order.
    pub fn values<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f [u8]> {
        self.iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of the first line of this name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// Whether a line of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The lines whose name is wanted.
    #[must_use]
    pub fn filtered(&self, mut wanted: impl FnMut(&[u8]) -> bool) -> Self {
        let mut kept = Self::default();
        for (name, value) in self.iter().filter(|(name, _)| wanted(name)) {
            kept.push(name, value);
        }
        kept
    }
}

impl<'f> FromIterator<(&'f [u8], &'f [u8])> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'f [u8], &'f [u8])>>(lines: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in lines {
            fields.push(name, value);
        }
        fields
    }
}

/// Whether the name is one of these, which are in lower case.
pub(super) fn is_one_of(name: &[u8], known: &[&str]) -> bool {
    known
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether the name starts with this prefix, which is in lower case.
pub(super) fn starts_with(name: &[u8], prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{Fields, is_one_of, starts_with};

    #[test]
    fn lines_keep_their_order_and_spelling() {
        let mut fields = Fields::default();
        fields.push(b"ETag", b"\"a\"");
        fields.push(b"X", b"");
        fields.push(b"x", b"2");
        let lines: Vec<_> = fields.iter().collect();
        assert_eq!(
            lines,
            [(&b"ETag"[..], &b"\"a\""[..]), (b"X", b""), (b"x", b"2")]
        );
        assert_eq!(fields.values("x").collect::<Vec<_>>(), [&b""[..], b"2"]);
        assert_eq!(fields.first("etag"), Some(&b"\"a\""[..]));
        assert_eq!(fields.filtered(|name| name != b"X").len(), 2);
    }

    #[test]
    fn names_are_compared_in_any_case() {
        assert!(is_one_of(b"AGE", &["date", "age"]));
        assert!(starts_with(b"X-Amz-Checksum-crc32", "x-amz-checksum-"));
        assert!(!starts_with(b"X", "x-"));
    }
}
