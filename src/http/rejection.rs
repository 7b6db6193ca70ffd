//! Why a message is refused: one variant a rule, for requests and responses alike.

use std::fmt;

/// A rule that a message broke. For a request it is the answer ([`Rejection::status`]); for a
/// response it means that the backend speaks no valid HTTP, which is 502 whatever the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// The first byte starts no HTTP/1 message: TLS on a plain port, a scan.
    NotHttp,
    /// The request line is not method, space, target, space, version (RFC 9112 §3).
    BadRequestLine,
    /// The target is none of the four forms, or carries whitespace, controls or a fragment.
    BadTarget,
    /// Not HTTP/1.0 or HTTP/1.1.
    UnknownVersion,
    /// `CONNECT`: sidekick is no forward proxy.
    Connect,
    /// The status line is not version, space, three digits from 100 on (RFC 9112 §4).
    BadStatusLine,
    /// A line ends in LF alone (RFC 9112 §2.2).
    BareLf,
    /// A CR that ends no line (RFC 9112 §2.2).
    BareCr,
    /// A field name that is no token, or a line without a colon (RFC 9110 §5.1).
    BadFieldName,
    /// Whitespace between field name and colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A folded line (RFC 9112 §5.2).
    FoldedLine,
    /// NUL or another control character in a field value (RFC 9110 §5.5).
    ControlInValue,
    /// The head is longer than [`super::HEAD_LIMIT`].
    HeadTooLarge,
    /// The head has more than [`super::FIELD_LIMIT`] fields.
    TooManyFields,
    /// `Connection` names more options than anybody means (our bound, 32 beside the known).
    TooManyOptions,
    /// No `Host`, or an empty one (RFC 9112 §3.2); in HTTP/1.0 too, where backends get HTTP/1.1.
    NoHost,
    /// More than one `Host`.
    SeveralHosts,
    /// `Host` is no host with an optional port.
    BadHost,
    /// The authority of an absolute-form target is not what `Host` says.
    HostMismatch,
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112 §6.1).
    LengthAndEncoding,
    /// More than one `Content-Length`, or a list in it, equal or not (RFC 9112 §6.3).
    RepeatedLength,
    /// A `Content-Length` that is not decimal digits, or beyond 2⁶³−1.
    BadLength,
    /// A `Transfer-Encoding` other than exactly `chunked`.
    BadEncoding,
    /// More than one `Transfer-Encoding`.
    RepeatedEncoding,
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 §6.1).
    EncodingInHttp10,
    /// A 101 nobody asked for, or one that names no protocol (RFC 9110 §15.2.2).
    UnaskedSwitch,
    /// A chunk size that is not one to sixteen hexadecimal digits, or beyond 2⁶³−1.
    BadChunkSize,
    /// A control character in a chunk extension (RFC 9112 §7.1.1).
    BadChunkExtension,
    /// A chunk's extensions are longer than 4 KiB (our bound).
    ChunkExtensionTooLong,
    /// Chunk data is not followed by CRLF.
    BadChunkEnd,
    /// A trailer that frames, routes or authenticates (RFC 9110 §6.5.1).
    ForbiddenTrailer,
    /// Trailers beyond 64 KiB or 256 fields.
    TrailersTooLarge,
}

impl Rejection {
    /// The status of the answer to a request that broke the rule: 400, 431 or 501.
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadTooLarge | Self::TooManyFields | Self::TrailersTooLarge => 431,
            Self::Connect => 501,
            _ => 400,
        }
    }

    /// The rule in a short sentence, for an error's `Message` and for log lines.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotHttp => "This is not HTTP/1; it may be TLS sent to a plain port.",
            Self::BadRequestLine => "The request line is malformed.",
            Self::BadTarget => "The request target is malformed.",
            Self::UnknownVersion => "Only HTTP/1.0 and HTTP/1.1 are spoken here.",
            Self::Connect => "CONNECT is not supported.",
            Self::BadStatusLine => "The status line is malformed.",
            Self::BareLf => "A line ends in LF without CR.",
            Self::BareCr => "A CR stands without LF.",
            Self::BadFieldName => "A field name is malformed.",
            Self::SpaceBeforeColon => "Whitespace stands before a field's colon.",
            Self::FoldedLine => "A field is folded over several lines.",
            Self::ControlInValue => "A field value contains a control character.",
            Self::HeadTooLarge => "The head is larger than 64 KiB.",
            Self::TooManyFields => "The head has more than 256 fields.",
            Self::TooManyOptions => "Connection names too many options.",
            Self::NoHost => "The Host field is missing.",
            Self::SeveralHosts => "There is more than one Host field.",
            Self::BadHost => "The Host field is malformed.",
            Self::HostMismatch => "The Host field differs from the request target's authority.",
            Self::LengthAndEncoding => "Content-Length and Transfer-Encoding stand together.",
            Self::RepeatedLength => "There is more than one Content-Length.",
            Self::BadLength => "The Content-Length is not a number.",
            Self::BadEncoding => "The only Transfer-Encoding is chunked.",
            Self::RepeatedEncoding => "There is more than one Transfer-Encoding.",
            Self::EncodingInHttp10 => "HTTP/1.0 has no Transfer-Encoding.",
            Self::UnaskedSwitch => "The protocol is switched without being asked.",
            Self::BadChunkSize => "A chunk size is malformed.",
            Self::BadChunkExtension => "A chunk extension is malformed.",
            Self::ChunkExtensionTooLong => "A chunk extension is longer than 4 KiB.",
            Self::BadChunkEnd => "A chunk does not end where its size says.",
            Self::ForbiddenTrailer => "A field that must not be a trailer is one.",
            Self::TrailersTooLarge => "The trailers are larger than 64 KiB or 256 fields.",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.reason())
    }
}

impl std::error::Error for Rejection {}
