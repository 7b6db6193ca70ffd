//! The alphabets of RFC 9110, as tables.

const fn table(other: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut index = 0;
    while index < other.len() {
        table[other[index] as usize] = true;
        index += 1;
    }
    table
}

const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
const HOST: [bool; 256] = table(b"-._~%!$&'()*+;=");

/// Whether a byte may stand in a token: a method, a field name (RFC 9110 §5.6.2).
#[inline]
pub(super) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether this is a token, which is never empty.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Whether a byte may stand in a field value or reason phrase: HTAB, SP, VCHAR, obs-text.
#[inline]
pub(super) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether a byte may stand in a registered name (RFC 3986 §3.2.2). The comma, legal there, is
/// left out: nobody names a host so, and a list of hosts is two hosts.
#[inline]
pub(super) const fn is_host_byte(byte: u8) -> bool {
    HOST[byte as usize]
}

/// Without optional whitespace (SP, HTAB) at both ends.
pub(super) fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The members of a comma-separated list, trimmed, empty ones left out (RFC 9110 §5.6.1).
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trimmed)
        .filter(|member| !member.is_empty())
}
