//! The `Connection` field: what it says of this hop, and which fields end with it.

use super::ascii::list;
use super::field::{Field, FieldKind, is, outlives_connection};
use super::method::Version;
use super::rejection::Rejection;

/// Options beside the known ones that a message may name. Each costs a walk over the fields.
const OPTION_LIMIT: u8 = 32;

/// What all `Connection` fields of a head say together (RFC 9110 §7.6.1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionOptions {
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
    named: u8,
}

impl ConnectionOptions {
    /// Takes one `Connection` field.
    pub(super) fn take(&mut self, value: &[u8]) -> Result<(), Rejection> {
        for option in list(value) {
            match known(option) {
                Some(Known::Close) => self.close = true,
                Some(Known::KeepAlive) => self.keep_alive = true,
                Some(Known::Upgrade) => self.upgrade = true,
                Some(Known::Te) => {}
                None if self.named == OPTION_LIMIT => return Err(Rejection::TooManyOptions),
                None => self.named += 1,
            }
        }
        Ok(())
    }

    /// Whether the connection outlives the message: HTTP/1.1 unless it says `close`, HTTP/1.0
    /// only when it says `keep-alive` (RFC 9112 §9.3).
    pub(super) fn persists(self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// Marks the fields that are named.
    pub(super) fn mark(self, bytes: &[u8], fields: &mut [Field]) {
        if self.named == 0 {
            return;
        }
        for index in 0..fields.len() {
            if fields[index].kind != FieldKind::Connection {
                continue;
            }
            let value = fields[index].value;
            for option in list(value.of(bytes)).filter(|option| known(option).is_none()) {
                for field in fields.iter_mut() {
                    if field.kind == FieldKind::EndToEnd
                        && field.name.of(bytes).eq_ignore_ascii_case(option)
                        && !outlives_connection(option)
                    {
                        field.kind = FieldKind::HopByHop;
                    }
                }
            }
        }
    }
}

enum Known {
    Close,
    KeepAlive,
    Te,
    Upgrade,
}

fn known(option: &[u8]) -> Option<Known> {
    let (is_it, known) = match option.len() {
        2 => (is(option, b"te"), Known::Te),
        5 => (is(option, b"close"), Known::Close),
        7 => (is(option, b"upgrade"), Known::Upgrade),
        10 => (is(option, b"keep-alive"), Known::KeepAlive),
        _ => return None,
    };
    is_it.then_some(known)
}
