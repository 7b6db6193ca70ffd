//! The head of a request.

use std::mem::MaybeUninit;

use super::ascii::list;
use super::authority;
use super::connection::ConnectionOptions;
use super::field::{Field, FieldKind};
use super::framing::{BodyFraming, FramingFields};
use super::lookup;
use super::method::{Method, Version};
use super::parse::request_line::{self, Target, TargetForm};
use super::parse::{HeadSearch, Parsed, fields};
use super::rejection::Rejection;
use super::span::Span;
use super::{FEW_FIELDS, FIELD_LIMIT, HEAD_LIMIT};

/// A request head as offsets into the buffer it arrived in; nothing is copied. Made once a
/// connection and reused: [`RequestHead::clear`] keeps the allocation.
///
/// Methods that take `bytes` want the buffer that was parsed, from the message's first byte;
/// what follows the head in it does not matter.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    search: HeadSearch,
    /// Bytes of the head, a leading empty line included; 0 until it is complete.
    length: usize,
    /// Where the request line starts: behind an empty line that was tolerated, or 0.
    pub(super) start: usize,
    /// One past the request line's LF.
    pub(super) line_end: usize,
    /// Whether every line ended in CRLF.
    strict_lines: bool,
    method: Method,
    pub(super) method_span: Span,
    version: Version,
    pub(super) target: Target,
    host: Span,
    framing: BodyFraming,
    keep_alive: bool,
    expects_continue: bool,
    upgrade: bool,
    accepts_trailers: bool,
    pub(super) forwarding: Forwarding,
    pub(super) fields: Vec<Field>,
}

/// Which forwarding fields a request already has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forwarding {
    /// Number of `X-Forwarded-For` fields.
    pub(super) chains: u32,
    pub(super) host: bool,
    pub(super) proto: bool,
    pub(super) real_ip: bool,
}

impl RequestHead {
    /// Forgets the request and keeps the memory.
    pub fn clear(&mut self) {
        let fields = std::mem::take(&mut self.fields);
        *self = Self {
            fields,
            ..Self::default()
        };
        self.fields.clear();
    }

    /// Reads a head. Called with all bytes of the message so far, again with more of them after
    /// [`Parsed::Partial`]; the blank line is searched only in what is new, and syntax is looked
    /// at once the head is whole. What can be refused by the first byte or line is refused then.
    ///
    /// One empty line before the request line is tolerated (RFC 9112 §2.2) and counted in
    /// [`RequestHead::len`]. After an error the head is unspecified until [`RequestHead::clear`].
    pub fn parse(&mut self, bytes: &[u8]) -> Result<Parsed, Rejection> {
        if self.length > 0 {
            return Ok(Parsed::Complete);
        }
        if self.search.lines == 0 {
            match bytes {
                [] | [b'\r'] => return Ok(Parsed::Partial),
                [b'\r', b'\n', ..] if self.start == 0 => {
                    self.start = 2;
                    self.search = HeadSearch::starting_at(2);
                }
                _ => {}
            }
            request_line::check_start(&bytes[self.start..])?;
        }
        // Nearly every head is whole at once and small.
        if self.search.searched == self.start {
            let window = &bytes[..bytes.len().min(HEAD_LIMIT)];
            if let Ok(Some(end)) = self.read_syntax::<FEW_FIELDS>(window) {
                return self.read_meaning(bytes, end);
            }
        }
        let line_known = self.search.lines > 0;
        let Some(end) = self.search.advance(bytes)? else {
            if !line_known && self.search.lines > 0 {
                request_line::check(&bytes[self.start..self.search.first_line_end])?;
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
            Ok(_) => self.read_meaning(bytes, end),
            Err(httparse::Error::TooManyHeaders) => Err(Rejection::TooManyFields),
            Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => {
                Err(fields::diagnose(&head[self.search.first_line_end..]))
            }
            Err(_) => Err(request_line::diagnose(
                &head[self.start..self.search.first_line_end],
            )),
        }
    }

    /// Records where everything stands; the head's end, if it is there. A head with more than
    /// `N` fields is an error.
    fn read_syntax<const N: usize>(
        &mut self,
        bytes: &[u8],
    ) -> Result<Option<usize>, httparse::Error> {
        let mut slots = [const { MaybeUninit::uninit() }; N];
        let mut request = httparse::Request::new(&mut []);
        let head = &bytes[self.start..];
        let status = request.parse_with_uninit_headers(head, &mut slots)?;
        let httparse::Status::Complete(length) = status else {
            return Ok(None);
        };
        let end = self.start + length;
        let method = request.method.unwrap_or_default().as_bytes();
        self.method = Method::of(method);
        self.method_span = Span::within(bytes, method);
        self.version = Version::of(request.version.unwrap_or(1));
        self.target.span = Span::within(bytes, request.path.unwrap_or_default().as_bytes());
        self.strict_lines = fields::record(bytes, end, request.headers, &mut self.fields);
        self.line_end = self
            .fields
            .first()
            .map_or(end - 2, |field| field.name.start as usize);
        Ok(Some(end))
    }

    fn read_meaning(&mut self, bytes: &[u8], end: usize) -> Result<Parsed, Rejection> {
        if !self.strict_lines {
            return Err(Rejection::BareLf);
        }
        self.target = Target::read(bytes, self.target.span, self.method)?;
        let mut framing = FramingFields::default();
        let mut connection = ConnectionOptions::default();
        let mut host = None;
        let mut wants_continue = false;
        let mut switch = false;
        for field in &self.fields {
            match field.kind {
                FieldKind::ContentLength => framing.content_length(field.value.of(bytes))?,
                FieldKind::TransferEncoding => framing.transfer_encoding(field.value.of(bytes))?,
                FieldKind::Connection => connection.take(field.value.of(bytes))?,
                FieldKind::Host if host.is_some() => return Err(Rejection::SeveralHosts),
                FieldKind::Host => host = Some(field.value),
                FieldKind::Expect => {
                    wants_continue |= field.value.of(bytes).eq_ignore_ascii_case(b"100-continue");
                }
                FieldKind::Upgrade => switch |= names_protocol(field.value.of(bytes)),
                FieldKind::Te => self.accepts_trailers |= names_trailers(field.value.of(bytes)),
                FieldKind::XForwardedFor => self.forwarding.chains += 1,
                FieldKind::XForwardedHost => self.forwarding.host = true,
                FieldKind::XForwardedProto => self.forwarding.proto = true,
                FieldKind::XRealIp => self.forwarding.real_ip = true,
                _ => {}
            }
        }
        let modern = self.version == Version::Http11;
        self.framing = framing.of_request(self.version)?;
        self.host = self.checked_host(bytes, host)?;
        self.keep_alive = connection.persists(self.version);
        self.expects_continue = wants_continue && modern && !self.framing.is_empty();
        self.upgrade = switch && connection.upgrade && modern;
        self.accepts_trailers &= modern;
        connection.mark(bytes, &mut self.fields);
        self.length = end;
        Ok(Parsed::Complete)
    }

    fn checked_host(&self, bytes: &[u8], host: Option<Span>) -> Result<Span, Rejection> {
        let host = host
            .filter(|host| !host.is_empty())
            .ok_or(Rejection::NoHost)?;
        if !authority::is_valid(host.of(bytes)) {
            return Err(Rejection::BadHost);
        }
        if let Some(target) = self.target.authority {
            let named = target.span.of(bytes);
            if !authority::same(named, host.of(bytes), target.default_port) {
                return Err(Rejection::HostMismatch);
            }
        }
        Ok(host)
    }

    /// Bytes of the head, with the blank line that ends it and the empty line that may have come
    /// before it; 0 until the head is complete. The body starts here.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether no complete head has been read.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as it came, extension methods too.
    pub fn method_text<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        self.method_span.of(bytes)
    }

    /// The version the client speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Path and query as they came, `*` for a whole server; an absolute-form target without its
    /// scheme and authority, which say what `Host` says.
    pub fn target<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        match self.target.form {
            TargetForm::Verbatim => self.target.span.of(bytes),
            TargetForm::Root => b"/",
            TargetForm::Asterisk => b"*",
        }
    }

    /// The target up to the first `?`.
    pub fn path<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let target = self.target(bytes);
        &target[..memchr::memchr(b'?', target).unwrap_or(target.len())]
    }

    /// The target behind the first `?`, if there is one.
    pub fn query<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let target = self.target(bytes);
        memchr::memchr(b'?', target).map(|at| &target[at + 1..])
    }

    /// The value of `Host`: a host with an optional port.
    pub fn host<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        self.host.of(bytes)
    }

    /// Where the body ends; never [`BodyFraming::UntilClose`].
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether the client means to send another request on this connection.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the client may hold its body back until it sees a 100 (RFC 9110 §10.1.1). Not so
    /// without a body or in HTTP/1.0.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Whether the client asks to switch protocols: `Upgrade`, named in `Connection`, in HTTP/1.1.
    /// An offer of `h2c` alone is ignored: a server may (RFC 9110 §7.8), RFC 9113 withdrew it,
    /// and what is told to be HTTP is better kept in sight than tunnelled.
    pub fn upgrade(&self) -> bool {
        self.upgrade
    }

    /// Whether the client said `TE: trailers`.
    pub fn accepts_trailers(&self) -> bool {
        self.accepts_trailers
    }

    /// All fields, name and value, as they came and in order.
    pub fn fields<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = (&'b [u8], &'b [u8])> {
        lookup::all(&self.fields, bytes)
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

fn names_protocol(value: &[u8]) -> bool {
    list(value).any(|protocol| !protocol.eq_ignore_ascii_case(b"h2c"))
}

fn names_trailers(value: &[u8]) -> bool {
    list(value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

#[cfg(test)]
mod tests;
