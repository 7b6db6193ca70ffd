//! The request line: its syntax and the four forms of a target (RFC 9112 §3).

use super::super::ascii::{is_token, is_token_byte};
use super::super::authority;
use super::super::method::Method;
use super::super::rejection::Rejection;
use super::super::span::Span;

/// A request target, reduced to what a backend gets.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Target {
    pub(in super::super) form: TargetForm,
    /// Path and query as they came; empty where the form supplies the text.
    pub(in super::super) span: Span,
    /// Of an absolute-form target.
    pub(in super::super) authority: Option<Authority>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum TargetForm {
    /// `/path?query`, or `*` of OPTIONS: the span is the target.
    #[default]
    Verbatim,
    /// `http://host`: the target is `/`.
    Root,
    /// `OPTIONS http://host`: the target is `*` (RFC 9112 §3.2.4).
    Asterisk,
}

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Authority {
    pub(in super::super) span: Span,
    pub(in super::super) default_port: &'static [u8],
}

impl Target {
    /// Reads the target that stands at `span`.
    pub(in super::super) fn read(
        bytes: &[u8],
        span: Span,
        method: Method,
    ) -> Result<Self, Rejection> {
        let text = span.of(bytes);
        if method == Method::Connect {
            return Err(Rejection::Connect);
        }
        // A fragment is never sent; where one stands, servers differ in where the path ends.
        if memchr::memchr(b'#', text).is_some() {
            return Err(Rejection::BadTarget);
        }
        match text {
            [b'/', ..] => Ok(Self {
                span,
                ..Self::default()
            }),
            b"*" if method == Method::Options => Ok(Self {
                span,
                ..Self::default()
            }),
            _ => Self::read_absolute(text, span, method),
        }
    }

    fn read_absolute(text: &[u8], span: Span, method: Method) -> Result<Self, Rejection> {
        let scheme_end = memchr::memmem::find(text, b"://").ok_or(Rejection::BadTarget)?;
        let default_port: &[u8] = match &text[..scheme_end] {
            scheme if scheme.eq_ignore_ascii_case(b"http") => b"80",
            scheme if scheme.eq_ignore_ascii_case(b"https") => b"443",
            _ => return Err(Rejection::BadTarget),
        };
        let start = scheme_end + 3;
        let end = text[start..]
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?'))
            .map_or(text.len(), |length| start + length);
        if !authority::is_valid(&text[start..end]) {
            return Err(Rejection::BadTarget);
        }
        let at = |offset: usize| span.start as usize + offset;
        let form = match text.get(end) {
            Some(b'/') => TargetForm::Verbatim,
            // `http://host?query` would need a slash that is not in the bytes. No client sends
            // it: an empty path is written as `/` (RFC 9110 §4.2.3).
            Some(_) => return Err(Rejection::BadTarget),
            None if method == Method::Options => TargetForm::Asterisk,
            None => TargetForm::Root,
        };
        Ok(Self {
            form,
            span: Span::new(at(end), at(text.len())),
            authority: Some(Authority {
                span: Span::new(at(start), at(end)),
                default_port,
            }),
        })
    }
}

/// Refuses what cannot become a request line, from its first bytes on.
pub(in super::super) fn check_start(bytes: &[u8]) -> Result<(), Rejection> {
    match bytes {
        [b'\r' | b'\n', ..] => Err(Rejection::BadRequestLine),
        [first, ..] if !is_token_byte(*first) => Err(Rejection::NotHttp),
        _ => Ok(()),
    }
}

/// Refuses a complete request line, CRLF included, that is wrong in itself.
pub(in super::super) fn check(line: &[u8]) -> Result<(), Rejection> {
    let mut request = httparse::Request::new(&mut []);
    if request.parse_with_uninit_headers(line, &mut []).is_err() {
        return Err(diagnose(line));
    }
    let method = Method::of(request.method.unwrap_or_default().as_bytes());
    let target = request.path.unwrap_or_default().as_bytes();
    Target::read(line, Span::within(line, target), method).map(|_| ())
}

/// The rule that this request line broke; the syntax parser refused it.
pub(in super::super) fn diagnose(line: &[u8]) -> Rejection {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&b'\r') {
        return Rejection::BareCr;
    }
    let mut words = line.splitn(2, |&byte| byte == b' ');
    let method = words.next().unwrap_or_default();
    let (true, Some(rest)) = (is_token(method), words.next()) else {
        return Rejection::BadRequestLine;
    };
    let Some(space) = rest.iter().rposition(|&byte| byte == b' ') else {
        return Rejection::BadRequestLine;
    };
    let (target, version) = (&rest[..space], &rest[space + 1..]);
    let odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    if target.is_empty() {
        Rejection::BadRequestLine
    } else if target.iter().any(odd) || std::str::from_utf8(target).is_err() {
        Rejection::BadTarget
    } else if version != b"HTTP/1.1" && version != b"HTTP/1.0" {
        Rejection::UnknownVersion
    } else {
        Rejection::BadRequestLine
    }
}
