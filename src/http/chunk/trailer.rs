//! Trailer fields (RFC 9112 §7.1.2), validated byte by byte: only a name is remembered.

use super::super::ascii::{is_token_byte, is_value_byte};
use super::super::rejection::Rejection;
use super::super::{FIELD_LIMIT, HEAD_LIMIT};

/// As long as the longest forbidden name.
const NAME_ROOM: usize = 19;

/// Fields that frame, route, authenticate or steer; one merged into a head would change what the
/// message means (RFC 9110 §6.5.1).
const FORBIDDEN: [&[u8]; 23] = [
    b"authorization",
    b"cache-control",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"expect",
    b"host",
    b"keep-alive",
    b"max-forwards",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"range",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
];

#[derive(Clone, Debug, Default)]
pub(super) struct TrailerScanner {
    line: Line,
    bytes: u32,
    fields: u16,
    name: [u8; NAME_ROOM],
    name_length: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Line {
    #[default]
    Start,
    Name,
    Value,
    ValueLf,
    BlankLf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrailerState {
    Open,
    Ended,
}

impl TrailerScanner {
    /// Takes bytes behind the last chunk; how many it used, all unless the trailers ended.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<(usize, TrailerState), Rejection> {
        for (index, &byte) in bytes.iter().enumerate() {
            self.bytes += 1;
            if self.bytes as usize > HEAD_LIMIT {
                return Err(Rejection::TrailersTooLarge);
            }
            self.line = match (self.line, byte) {
                (Line::Start, b'\r') => Line::BlankLf,
                (Line::Start, b' ' | b'\t') => return Err(Rejection::FoldedLine),
                (Line::Start, _) => {
                    self.start_field()?;
                    self.name_byte(byte)?
                }
                (Line::Name, b':') => self.end_name()?,
                (Line::Name, b' ' | b'\t') => return Err(Rejection::SpaceBeforeColon),
                (Line::Name, _) => self.name_byte(byte)?,
                (Line::Value, b'\r') => Line::ValueLf,
                (Line::Value, b'\n') => return Err(Rejection::BareLf),
                (Line::Value, _) if is_value_byte(byte) => Line::Value,
                (Line::Value, _) => return Err(Rejection::ControlInValue),
                (Line::ValueLf, b'\n') => Line::Start,
                (Line::BlankLf, b'\n') => return Ok((index + 1, TrailerState::Ended)),
                (Line::ValueLf | Line::BlankLf, _) => return Err(Rejection::BareCr),
            };
        }
        Ok((bytes.len(), TrailerState::Open))
    }

    fn start_field(&mut self) -> Result<(), Rejection> {
        self.name_length = 0;
        self.fields += 1;
        if usize::from(self.fields) > FIELD_LIMIT {
            return Err(Rejection::TrailersTooLarge);
        }
        Ok(())
    }

    fn name_byte(&mut self, byte: u8) -> Result<Line, Rejection> {
        match byte {
            b'\n' => return Err(Rejection::BareLf),
            byte if !is_token_byte(byte) => return Err(Rejection::BadFieldName),
            _ => {}
        }
        if let Some(slot) = self.name.get_mut(self.name_length) {
            *slot = byte.to_ascii_lowercase();
        }
        self.name_length += 1;
        Ok(Line::Name)
    }

    fn end_name(&self) -> Result<Line, Rejection> {
        let forbidden = self
            .name
            .get(..self.name_length)
            .is_some_and(|name| FORBIDDEN.contains(&name));
        if forbidden {
            Err(Rejection::ForbiddenTrailer)
        } else {
            Ok(Line::Value)
        }
    }
}
