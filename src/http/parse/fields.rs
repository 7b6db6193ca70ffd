//! Field lines: recorded as offsets; told apart when they are wrong.

use super::super::ascii::{is_token, is_value_byte};
use super::super::field::{Field, FieldKind};
use super::super::rejection::Rejection;
use super::super::span::Span;

/// Records what the syntax parser found in `bytes`, whose head ends at `head_end`. Says whether
/// every line ended in CRLF, the first and the blank one too: the parser takes a bare LF.
pub(in super::super) fn record(
    bytes: &[u8],
    head_end: usize,
    parsed: &[httparse::Header<'_>],
    fields: &mut Vec<Field>,
) -> bool {
    fields.clear();
    let mut strict = bytes[..head_end].ends_with(b"\r\n\r\n");
    for header in parsed {
        let name = Span::within(bytes, header.name.as_bytes());
        strict &= (name.start as usize)
            .checked_sub(2)
            .is_some_and(|end| bytes[end] == b'\r');
        if let Some(previous) = fields.last_mut() {
            previous.line_end = name.start;
        }
        fields.push(Field {
            name,
            value: Span::within(bytes, header.value),
            line_end: head_end as u32 - 2,
            kind: FieldKind::of(header.name.as_bytes()),
        });
    }
    strict
}

/// The rule that some of these field lines broke. `block` starts behind the first line and ends
/// with the blank one; the syntax parser refused something in it.
pub(in super::super) fn diagnose(block: &[u8]) -> Rejection {
    block
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| !line.is_empty())
        .find_map(|line| diagnose_line(line).err())
        .unwrap_or(Rejection::BadFieldName)
}

fn diagnose_line(line: &[u8]) -> Result<(), Rejection> {
    if matches!(line, [b' ' | b'\t', ..]) {
        return Err(Rejection::FoldedLine);
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return Err(Rejection::BadFieldName);
    };
    let name = &line[..colon];
    if !is_token(name) {
        let spaced = is_token(name.trim_ascii_end());
        return Err(if spaced {
            Rejection::SpaceBeforeColon
        } else {
            Rejection::BadFieldName
        });
    }
    match line[colon + 1..].iter().find(|&&byte| !is_value_byte(byte)) {
        Some(b'\r') => Err(Rejection::BareCr),
        Some(_) => Err(Rejection::ControlInValue),
        None => Ok(()),
    }
}
