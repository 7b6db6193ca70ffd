//! The head of a response.

use std::mem::MaybeUninit;
use std::time::Duration;

use super::connection::ConnectionOptions;
use super::field::{Field, FieldKind};
use super::framing::{BodyFraming, FramingFields, decimal, is_bodiless};
use super::lookup;
use super::method::{Method, Version};
use super::parse::{HeadSearch, Parsed, fields, status_line};
use super::rejection::Rejection;
use super::span::Span;
use super::{FEW_FIELDS, FIELD_LIMIT, HEAD_LIMIT};

/// A response head as offsets into the buffer it arrived in; nothing is copied. Made once a
/// connection and reused: [`ResponseHead::clear`] keeps the allocation.
///
/// Methods that take `bytes` want the buffer that was parsed, from the message's first byte.
#[derive(Debug, Default)]
pub struct ResponseHead {
    search: HeadSearch,
    length: usize,
    /// One past the status line's LF.
    pub(super) line_end: usize,
    /// Whether every line ended in CRLF.
    strict_lines: bool,
    version: Version,
    status: u16,
    reason: Span,
    framing: BodyFraming,
    keep_alive: bool,
    idle_timeout: Option<Duration>,
    pub(super) fields: Vec<Field>,
}

impl ResponseHead {
    /// Forgets the response and keeps the memory.
    pub fn clear(&mut self) {
        let fields = std::mem::take(&mut self.fields);
        *self = Self {
            fields,
            ..Self::default()
        };
        self.fields.clear();
    }

    /// Reads a head, interim ones too ([`ResponseHead::is_interim`]). Called again with more
    /// bytes after [`Parsed::Partial`], as [`super::RequestHead::parse`]; any rejection means
    /// that the backend's answer is malformed.
    ///
    /// `request` is the method answered, `upgrade_asked` whether that request passed an
    /// `Upgrade` on: without one, a 101 is refused.
    pub fn parse(
        &mut self,
        bytes: &[u8],
        request: Method,
        upgrade_asked: bool,
    ) -> Result<Parsed, Rejection> {
        if self.length > 0 {
            return Ok(Parsed::Complete);
        }
        if self.search.lines == 0 {
            status_line::check_start(bytes)?;
        }
        // Nearly every head is whole at once and small.
        if self.search.searched == 0 {
            let window = &bytes[..bytes.len().min(HEAD_LIMIT)];
            if let Ok(Some(end)) = self.read_syntax::<FEW_FIELDS>(window) {
                return self.read_meaning(bytes, end, request, upgrade_asked);
            }
        }
        let line_known = self.search.lines > 0;
        let Some(end) = self.search.advance(bytes)? else {
            if !line_known && self.search.lines > 0 {
                status_line::check(&bytes[..self.search.first_line_end])?;
            }
            return Ok(Parsed::Partial);
        };
        let head = &bytes[..end];
        let syntax = if self.search.lines <= FEW_FIELDS + 1 {
            self.read_syntax::<FEW_FIELDS>(head)
        } else {
            self.read_syntax::<FIELD_LIMIT>(head)
        };
        match syntax {
            Ok(_) => self.read_meaning(bytes, end, request, upgrade_asked),
            Err(httparse::Error::TooManyHeaders) => Err(Rejection::TooManyFields),
            Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => {
                Err(fields::diagnose(&head[self.search.first_line_end..]))
            }
            Err(_) => Err(status_line::diagnose(&head[..self.search.first_line_end])),
        }
    }

    /// Records where everything stands; the head's end, if it is there. A head with more than
    /// `N` fields is an error.
    fn read_syntax<const N: usize>(
        &mut self,
        bytes: &[u8],
    ) -> Result<Option<usize>, httparse::Error> {
        let mut slots = [const { MaybeUninit::uninit() }; N];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let status = config.parse_response_with_uninit_headers(&mut response, bytes, &mut slots)?;
        let httparse::Status::Complete(end) = status else {
            return Ok(None);
        };
        self.version = Version::of(response.version.unwrap_or(1));
        self.status = response.code.unwrap_or_default();
        self.strict_lines = fields::record(bytes, end, response.headers, &mut self.fields);
        self.line_end = self
            .fields
            .first()
            .map_or(end - 2, |field| field.name.start as usize);
        self.reason = status_line::reason(self.line_end);
        Ok(Some(end))
    }

    fn read_meaning(
        &mut self,
        bytes: &[u8],
        end: usize,
        request: Method,
        upgrade_asked: bool,
    ) -> Result<Parsed, Rejection> {
        if !self.strict_lines {
            return Err(Rejection::BareLf);
        }
        if self.status < 100 {
            return Err(Rejection::BadStatusLine);
        }
        let mut framing = FramingFields::default();
        let mut connection = ConnectionOptions::default();
        let mut switch = false;
        for field in &self.fields {
            match field.kind {
                FieldKind::ContentLength => framing.content_length(field.value.of(bytes))?,
                FieldKind::TransferEncoding => framing.transfer_encoding(field.value.of(bytes))?,
                FieldKind::Connection => connection.take(field.value.of(bytes))?,
                FieldKind::KeepAlive => self.idle_timeout = idle_timeout(field.value.of(bytes)),
                FieldKind::Upgrade => switch |= !field.value.is_empty(),
                _ => {}
            }
        }
        if self.status == 101 && !(upgrade_asked && switch) {
            return Err(Rejection::UnaskedSwitch);
        }
        self.framing = framing.of_response(self.version, self.status, request)?;
        // A 204 that announces a body may be followed by one: whatever comes on that connection
        // next is not to be taken for an answer.
        let suspicious = is_bodiless(self.status) && self.status != 304 && framing.announces_body();
        self.keep_alive = connection.persists(self.version)
            && self.framing != BodyFraming::UntilClose
            && self.status != 101
            && !suspicious;
        connection.mark(bytes, &mut self.fields);
        self.length = end;
        Ok(Parsed::Complete)
    }

    /// Bytes of the head with the blank line that ends it; 0 until the head is complete.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether no complete head has been read.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The version the backend speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The status: three digits, 100 or more.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase as it came, often empty.
    pub fn reason<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        self.reason.of(bytes)
    }

    /// Whether a final response follows: 1xx, but 101, after which no HTTP follows at all.
    pub fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// Where the body ends: nothing for answers to HEAD, 1xx, 204 and 304.
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether the backend's connection can carry another request afterwards.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// How long the backend says that it keeps the connection idle: `Keep-Alive: timeout=` in
    /// seconds, a hint and no promise (RFC 2068 §19.7.1.1).
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout
    }

    /// All fields, name and value, as they came and in order.
    pub fn fields<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = (&'b [u8], &'b [u8])> {
        lookup::all(&self.fields, bytes)
    }

    /// The fields that are not of this hop, for a client that gets them in another form than text
    /// (HTTP/2): no hop-by-hop fields, no `Transfer-Encoding`, no `X-Proxy`, the first `Server`.
    pub fn end_to_end<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = (&'b [u8], &'b [u8])> {
        let mut server_seen = false;
        let passes = move |field: &&Field| match field.kind {
            FieldKind::Server => !std::mem::replace(&mut server_seen, true),
            FieldKind::Connection
            | FieldKind::KeepAlive
            | FieldKind::HopByHop
            | FieldKind::Te
            | FieldKind::TransferEncoding
            | FieldKind::Upgrade
            | FieldKind::XProxy => false,
            _ => true,
        };
        let text = |field: &Field| (field.name.of(bytes), field.value.of(bytes));
        self.fields.iter().filter(passes).map(text)
    }

    /// The first field of this name, in any case.
    pub fn field<'b>(&self, bytes: &'b [u8], name: &str) -> Option<&'b [u8]> {
        lookup::first(&self.fields, bytes, name)
    }

    /// The values of every field of this name, in order.
    pub fn values<'b>(&self, bytes: &'b [u8], name: &str) -> impl Iterator<Item = &'b [u8]> {
        lookup::every(&self.fields, bytes, name)
    }
}

/// The `timeout` parameter of a `Keep-Alive` field.
fn idle_timeout(value: &[u8]) -> Option<Duration> {
    let parameters = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    parameters
        .filter_map(|parameter| parameter.split_at_checked("timeout=".len()))
        .find(|(name, _)| name.eq_ignore_ascii_case(b"timeout="))
        .and_then(|(_, seconds)| decimal(seconds).ok())
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
