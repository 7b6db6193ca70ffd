//! How long a body is (RFC 9112 §6): decided once a message, ambiguity refused.

use super::method::{Method, Version};
use super::rejection::Rejection;

/// Where a message's body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is none: the message ends with its head.
    #[default]
    None,
    /// So many bytes; zero is possible.
    Length(u64),
    /// The chunked coding says: [`super::ChunkScanner`].
    Chunked,
    /// Responses only: until the connection is closed.
    UntilClose,
}

impl BodyFraming {
    /// Whether no body byte follows the head.
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Length(0))
    }
}

/// Lengths beyond this are negative to parsers with signed integers.
pub(super) const LARGEST_LENGTH: u64 = i64::MAX as u64;

/// What the framing fields of one head said so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FramingFields {
    length: Option<u64>,
    chunked: bool,
}

impl FramingFields {
    /// Takes one `Content-Length` field.
    pub(super) fn content_length(&mut self, value: &[u8]) -> Result<(), Rejection> {
        if self.length.is_some() {
            return Err(Rejection::RepeatedLength);
        }
        self.length = Some(decimal(value)?);
        Ok(())
    }

    /// Takes one `Transfer-Encoding` field.
    pub(super) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Rejection> {
        if self.chunked {
            return Err(Rejection::RepeatedEncoding);
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Rejection::BadEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    fn agreed(self, version: Version) -> Result<Option<BodyFraming>, Rejection> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Rejection::LengthAndEncoding),
            (true, None) if version == Version::Http10 => Err(Rejection::EncodingInHttp10),
            (true, None) => Ok(Some(BodyFraming::Chunked)),
            (false, length) => Ok(length.map(BodyFraming::Length)),
        }
    }

    /// The framing of a request: without a word about it there is no body.
    pub(super) fn of_request(self, version: Version) -> Result<BodyFraming, Rejection> {
        Ok(self.agreed(version)?.unwrap_or_default())
    }

    /// The framing of a response. Answers to HEAD, 1xx, 204 and 304 end with their head whatever
    /// their fields say (RFC 9112 §6.3); the fields must agree all the same.
    pub(super) fn of_response(
        self,
        version: Version,
        status: u16,
        request: Method,
    ) -> Result<BodyFraming, Rejection> {
        let agreed = self.agreed(version)?;
        if request == Method::Head || is_bodiless(status) {
            return Ok(BodyFraming::None);
        }
        Ok(agreed.unwrap_or(BodyFraming::UntilClose))
    }

    /// Whether the fields announce body bytes, so that one who believes them waits for some.
    pub(super) fn announces_body(self) -> bool {
        self.chunked || self.length.is_some_and(|length| length > 0)
    }
}

/// Whether responses of this status never have a body (RFC 9110 §6.4.1).
pub(super) const fn is_bodiless(status: u16) -> bool {
    status < 200 || status == 204 || status == 304
}

/// A number in decimal digits, without a sign and of at most [`LARGEST_LENGTH`].
pub(super) fn decimal(digits: &[u8]) -> Result<u64, Rejection> {
    if digits.contains(&b',') {
        return Err(Rejection::RepeatedLength);
    }
    if digits.is_empty() {
        return Err(Rejection::BadLength);
    }
    let mut value: u64 = 0;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return Err(Rejection::BadLength);
        }
        value = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(byte - b'0')))
            .filter(|&value| value <= LARGEST_LENGTH)
            .ok_or(Rejection::BadLength)?;
    }
    Ok(value)
}
