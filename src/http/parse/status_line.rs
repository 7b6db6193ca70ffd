//! The status line (RFC 9112 §4).

use super::super::rejection::Rejection;
use super::super::span::Span;

const START: &[u8] = b"HTTP/1.";

/// Refuses what cannot become a status line, from its first bytes on.
pub(in super::super) fn check_start(bytes: &[u8]) -> Result<(), Rejection> {
    let common = bytes.len().min(START.len());
    if bytes[..common] == START[..common] {
        return Ok(());
    }
    Err(if bytes.starts_with(b"HTTP/") {
        Rejection::UnknownVersion
    } else {
        Rejection::NotHttp
    })
}

/// Refuses a complete status line, CRLF included, that is wrong in itself.
pub(in super::super) fn check(line: &[u8]) -> Result<(), Rejection> {
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut response, line, &mut []) {
        Err(_) => Err(diagnose(line)),
        Ok(_) if response.code.is_none_or(|code| code < 100) => Err(Rejection::BadStatusLine),
        Ok(_) => Ok(()),
    }
}

/// Where the reason phrase stands: behind `HTTP/1.1 200 `, up to the CRLF. It may be missing,
/// with or without the space before it.
pub(in super::super) fn reason(line_end: usize) -> Span {
    let end = line_end.saturating_sub(2);
    Span::new("HTTP/1.1 200 ".len().min(end), end)
}

/// The rule that this status line broke; the syntax parser refused it.
pub(in super::super) fn diagnose(line: &[u8]) -> Rejection {
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    if line.contains(&b'\r') {
        return Rejection::BareCr;
    }
    match line.get(START.len()..START.len() + 2) {
        Some(b"0 " | b"1 ") => Rejection::BadStatusLine,
        _ => Rejection::UnknownVersion,
    }
}
