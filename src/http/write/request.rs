//! A client's request, written for a backend.

use super::super::RequestHead;
use super::super::field::FieldKind;
use super::super::method::Version;
use super::super::parse::request_line::TargetForm;
use super::{Copier, Edits};

/// What the forwarding fields say of the client.
#[derive(Clone, Copy, Debug)]
pub struct Forwarded<'a> {
    /// Its IP address as text, without brackets or port.
    pub client: &'a str,
    /// `http` or `https`: how it reached sidekick.
    pub proto: &'static str,
}

/// Appends the head that a backend gets for this request, `bytes` being what it was parsed from.
///
/// Method, target and fields as they came, the version HTTP/1.1, hop-by-hop fields left out
/// (RFC 9110 §7.6.1), `TE: trailers` and a valid `Upgrade` passed on. The client is appended to
/// `X-Forwarded-For`, several of which become one; `X-Forwarded-Host`, `X-Forwarded-Proto` and
/// `X-Real-IP` are added unless they are there: a proxy before us knew better.
pub fn write_request(
    head: &RequestHead,
    bytes: &[u8],
    forwarded: &Forwarded<'_>,
    out: &mut Vec<u8>,
) {
    write_edited_request(head, bytes, forwarded, &Edits::default(), out);
}

/// As [`write_request`], with edits of the caller's own: a range to resume from, a validator.
pub fn write_edited_request(
    head: &RequestHead,
    bytes: &[u8],
    forwarded: &Forwarded<'_>,
    edits: &Edits<'_>,
    out: &mut Vec<u8>,
) {
    // Room for what is added, so that a fresh buffer grows once.
    out.reserve(head.len() + 256);
    let mut copier = Copier {
        bytes,
        from: head.start,
        out,
    };
    write_request_line(head, &mut copier);
    let mut chains_left = head.forwarding.chains;
    for field in &head.fields {
        let dropped = match field.kind {
            FieldKind::Connection | FieldKind::KeepAlive | FieldKind::HopByHop | FieldKind::Te => {
                true
            }
            FieldKind::Upgrade => !head.upgrade(),
            // An HTTP/1.0 client cannot take a 100 (RFC 9110 §10.1.1).
            FieldKind::Expect => head.version() == Version::Http10,
            FieldKind::XForwardedFor => {
                chains_left -= 1;
                if chains_left == 0 {
                    copier.until(field.value.start as usize);
                    write_chain(head, forwarded.client, &mut copier);
                    copier.from = field.line_end as usize;
                    continue;
                }
                true
            }
            _ => false,
        };
        if dropped || edits.drop(field, bytes) {
            copier.skip(field);
        }
    }
    copier.until(head.len() - 2);
    write_added(head, forwarded, edits, &mut copier);
    copier.out.extend_from_slice(b"\r\n");
}

fn write_request_line(head: &RequestHead, copier: &mut Copier<'_>) {
    if head.version() == Version::Http11 && head.target.authority.is_none() {
        return;
    }
    debug_assert!(head.target.form == TargetForm::Verbatim || head.target.authority.is_some());
    copier.out.extend_from_slice(head.method_text(copier.bytes));
    copier.out.push(b' ');
    copier.out.extend_from_slice(head.target(copier.bytes));
    copier.out.extend_from_slice(b" HTTP/1.1\r\n");
    copier.from = head.line_end;
}

/// The value of the one `X-Forwarded-For` that takes the place of the last, with its line end.
fn write_chain(head: &RequestHead, client: &str, copier: &mut Copier<'_>) {
    for field in head
        .fields
        .iter()
        .filter(|field| field.kind == FieldKind::XForwardedFor)
    {
        if !field.value.is_empty() {
            copier.out.extend_from_slice(field.value.of(copier.bytes));
            copier.out.extend_from_slice(b", ");
        }
    }
    copier.out.extend_from_slice(client.as_bytes());
    copier.out.extend_from_slice(b"\r\n");
}

fn write_added(
    head: &RequestHead,
    forwarded: &Forwarded<'_>,
    edits: &Edits<'_>,
    copier: &mut Copier<'_>,
) {
    let client = forwarded.client.as_bytes();
    if head.forwarding.chains == 0 {
        copier.field("X-Forwarded-For", client);
    }
    if !head.forwarding.host {
        copier.field("X-Forwarded-Host", head.host(copier.bytes));
    }
    if !head.forwarding.proto {
        copier.field("X-Forwarded-Proto", forwarded.proto.as_bytes());
    }
    if !head.forwarding.real_ip {
        copier.field("X-Real-IP", client);
    }
    let hop: &[u8] = match (head.accepts_trailers(), head.upgrade()) {
        (true, true) => b"TE: trailers\r\nConnection: TE, Upgrade\r\n",
        (true, false) => b"TE: trailers\r\nConnection: TE\r\n",
        (false, true) => b"Connection: Upgrade\r\n",
        (false, false) => b"",
    };
    copier.out.extend_from_slice(hop);
    for (name, value) in edits.with {
        copier.field(name, value);
    }
}
