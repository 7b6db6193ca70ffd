//! A backend's response, written for a client.

use super::super::ResponseHead;
use super::super::field::FieldKind;
use super::super::framing::BodyFraming;
use super::super::method::Version;
use super::{Copier, Edits};

/// What the client's side of the exchange needs.
#[derive(Clone, Copy, Debug)]
pub struct ClientSide {
    /// What the client speaks.
    pub version: Version,
    /// Whether its connection stays open afterwards.
    pub keep_alive: bool,
    /// How the body goes out: [`ResponseHead::framing`] as it is, [`BodyFraming::UntilClose`]
    /// for a chunked body that is decoded for HTTP/1.0, [`BodyFraming::Chunked`] where a body
    /// without a length is chunked for the client.
    pub framing: BodyFraming,
}

/// Appends the head that the client gets for this final response, `bytes` being what it was
/// parsed from.
///
/// The status line in HTTP/1.1, reason kept, fields as they came, hop-by-hop fields left out, the
/// first `Server` only, `X-Proxy: true` once. A 204 loses its framing fields (RFC 9110 §8.6,
/// RFC 9112 §6.1). `Upgrade` passes on 101 and, as information, on 426.
pub fn write_response(head: &ResponseHead, bytes: &[u8], to: &ClientSide, out: &mut Vec<u8>) {
    write_edited_response(head, bytes, to, &Edits::default(), out);
}

/// As [`write_response`], with edits of the caller's own.
pub fn write_edited_response(
    head: &ResponseHead,
    bytes: &[u8],
    to: &ClientSide,
    edits: &Edits<'_>,
    out: &mut Vec<u8>,
) {
    out.reserve(head.len() + 128);
    let mut copier = Copier {
        bytes,
        from: 0,
        out,
    };
    let dechunked = to.version == Version::Http10
        || (head.framing() == BodyFraming::Chunked && to.framing != BodyFraming::Chunked);
    let chunked = head.framing() != BodyFraming::Chunked
        && to.framing == BodyFraming::Chunked
        && to.version == Version::Http11;
    copy_lines(head, dechunked, chunked, edits, &mut copier);
    copier.out.extend_from_slice(b"X-Proxy: true\r\n");
    if chunked {
        copier
            .out
            .extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    copier.out.extend_from_slice(connection_line(head, to));
    for (name, value) in edits.with {
        copier.field(name, value);
    }
    copier.out.extend_from_slice(b"\r\n");
}

/// Appends an interim response for an HTTP/1.1 client; HTTP/1.0 knows none (RFC 9110 §15.2).
pub fn write_interim(head: &ResponseHead, bytes: &[u8], out: &mut Vec<u8>) {
    let mut copier = Copier {
        bytes,
        from: 0,
        out,
    };
    copy_lines(head, true, false, &Edits::default(), &mut copier);
    copier.out.extend_from_slice(b"\r\n");
}

fn connection_line(head: &ResponseHead, to: &ClientSide) -> &'static [u8] {
    match head.status() {
        101 => b"Connection: Upgrade\r\n",
        426 if to.keep_alive => b"Connection: Upgrade\r\n",
        426 => b"Connection: close, Upgrade\r\n",
        _ if !to.keep_alive => b"Connection: close\r\n",
        _ if to.version == Version::Http10 => b"Connection: keep-alive\r\n",
        _ => b"",
    }
}

/// Status line and fields that pass.
fn copy_lines(
    head: &ResponseHead,
    dechunked: bool,
    chunked: bool,
    edits: &Edits<'_>,
    copier: &mut Copier<'_>,
) {
    write_status_line(head, copier);
    let unframed = head.status() < 200 || head.status() == 204;
    let mut server_seen = false;
    for field in &head.fields {
        let dropped = match field.kind {
            FieldKind::Connection
            | FieldKind::KeepAlive
            | FieldKind::HopByHop
            | FieldKind::Te
            | FieldKind::XProxy => true,
            FieldKind::Upgrade => !matches!(head.status(), 101 | 426),
            FieldKind::Server => std::mem::replace(&mut server_seen, true),
            FieldKind::TransferEncoding => dechunked || unframed,
            FieldKind::ContentLength => chunked || unframed,
            FieldKind::Trailer => dechunked,
            _ => false,
        };
        if dropped || edits.drop(field, copier.bytes) {
            copier.skip(field);
        }
    }
    copier.until(head.len() - 2);
}

fn write_status_line(head: &ResponseHead, copier: &mut Copier<'_>) {
    let has_space = copier.bytes.get("HTTP/1.1 200".len()) == Some(&b' ');
    if head.version() == Version::Http11 && has_space {
        return;
    }
    copier.out.extend_from_slice(b"HTTP/1.1 ");
    let mut digits = itoa::Buffer::new();
    copier
        .out
        .extend_from_slice(digits.format(head.status()).as_bytes());
    copier.out.push(b' ');
    copier.out.extend_from_slice(head.reason(copier.bytes));
    copier.out.extend_from_slice(b"\r\n");
    copier.from = head.line_end;
}
