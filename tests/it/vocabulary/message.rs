//! Heads and responses as they stood on the wire.

use std::fmt;

/// Bytes as a reader can tell them apart.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes
        .escape_ascii()
        .to_string()
        .replace("\\r\\n", "\\r\\n\n")
}

/// A message head with its final empty line, untouched.
#[derive(Clone, Default)]
pub(crate) struct Head {
    pub(crate) raw: Vec<u8>,
}

impl Head {
    fn lines(&self) -> impl Iterator<Item = String> {
        let text = String::from_utf8_lossy(&self.raw).into_owned();
        text.split("\r\n")
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter()
    }

    pub(crate) fn start_line(&self) -> String {
        self.lines().next().unwrap_or_default()
    }

    /// Field lines in order, without their line ends.
    pub(crate) fn field_lines(&self) -> Vec<String> {
        self.lines()
            .skip(1)
            .take_while(|line| !line.is_empty())
            .collect()
    }

    /// Every value of the field called `name` in any case, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.field_lines()
            .iter()
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches([' ', '\t']).to_owned())
            .collect()
    }

    /// The only value of the field called `name`; several are a failure.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        assert!(
            values.len() < 2,
            "{name} stands {} times in\n{self}",
            values.len()
        );
        values.pop()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.values(name).is_empty()
    }

    fn word(&self, place: usize) -> String {
        self.start_line()
            .split(' ')
            .nth(place)
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn method(&self) -> String {
        self.word(0)
    }

    pub(crate) fn target(&self) -> String {
        self.word(1)
    }

    pub(crate) fn status(&self) -> u16 {
        self.word(1)
            .parse()
            .unwrap_or_else(|_| panic!("no status in {:?}", self.start_line()))
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.values("Transfer-Encoding")
            .iter()
            .any(|value| value.ends_with("chunked"))
    }

    pub(crate) fn content_length(&self) -> Option<usize> {
        self.field("Content-Length")
            .map(|value| value.parse().expect("Content-Length is a number"))
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.raw))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A body and the trailer field lines behind it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) trailers: Vec<String>,
}

/// A response whose body arrived whole.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.head.status()
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.head.field(name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
