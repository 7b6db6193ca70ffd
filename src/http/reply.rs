//! Answers that sidekick makes itself.

use std::borrow::Cow;

use super::date::write_http_date;
use super::framing::is_bodiless;
use super::method::Version;
use super::status::reason_phrase;

/// A whole answer: status, fields, body. Built rarely, so it may allocate.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    /// Field lines, each with its CRLF.
    lines: Vec<u8>,
    body: Cow<'static, [u8]>,
}

impl Reply {
    /// An answer with no body yet.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            lines: Vec::new(),
            body: Cow::Borrowed(b""),
        }
    }

    /// What the body is.
    #[must_use]
    pub fn content_type(self, value: &str) -> Self {
        self.field("Content-Type", value)
    }

    /// Adds a field. Control characters in the value become spaces, so that no value can end
    /// the line it is on; the name is ours and must be a token.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: &str) -> Self {
        self.lines.extend_from_slice(name.as_bytes());
        self.lines.extend_from_slice(b": ");
        let plain = |byte: u8| if byte.is_ascii_control() { b' ' } else { byte };
        self.lines.extend(value.bytes().map(plain));
        self.lines.extend_from_slice(b"\r\n");
        self
    }

    /// Sets the body; its length is written by [`Reply::write`].
    #[must_use]
    pub fn body(mut self, body: impl Into<Cow<'static, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Bytes of the body as answered to anything but HEAD.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// Appends the answer, body and all: `Server: sidekick`, `Date` from `now_unix` (seconds
    /// since 1970), `Content-Length`, and `Connection` where the version's default is not meant.
    /// The answer to HEAD has the same fields and no body.
    pub fn write(
        &self,
        head_request: bool,
        keep_alive: bool,
        version: Version,
        now_unix: u64,
        out: &mut Vec<u8>,
    ) {
        let mut digits = itoa::Buffer::new();
        out.reserve(self.lines.len() + self.body.len() + 192);
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(digits.format(self.status).as_bytes());
        out.push(b' ');
        out.extend_from_slice(reason_phrase(self.status).as_bytes());
        out.extend_from_slice(b"\r\nServer: sidekick\r\nDate: ");
        write_http_date(now_unix, out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.lines);
        if !is_bodiless(self.status) {
            out.extend_from_slice(b"Content-Length: ");
            out.extend_from_slice(digits.format(self.body.len()).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        match (keep_alive, version) {
            (false, _) => out.extend_from_slice(b"Connection: close\r\n"),
            (true, Version::Http10) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
            (true, Version::Http11) => {}
        }
        out.extend_from_slice(b"\r\n");
        if !head_request && !is_bodiless(self.status) {
            out.extend_from_slice(&self.body);
        }
    }
}
