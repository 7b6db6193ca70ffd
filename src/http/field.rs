//! Field names that mean something to a proxy, told apart by length first.

use super::span::Span;

/// One field line of a head, as offsets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// The line starts where the name does.
    pub(super) name: Span,
    /// Without the whitespace around it.
    pub(super) value: Span,
    /// One past the line's LF.
    pub(super) line_end: u32,
    pub(super) kind: FieldKind,
}

/// What a proxy has to do with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Nothing: it passes.
    EndToEnd,
    /// Named in `Connection`, or of one hop by definition: it stops here.
    HopByHop,
    Connection,
    ContentLength,
    Expect,
    Host,
    KeepAlive,
    Server,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
    XProxy,
    XRealIp,
}

impl FieldKind {
    /// Looks at length and first letter, and at the text only when both fit: most fields of a
    /// head cost one jump.
    #[inline]
    pub(super) fn of(name: &[u8]) -> Self {
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        let (is_it, kind) = match (name.len(), first) {
            (2, b't') => (is(name, b"te"), Self::Te),
            (4, b'h') => (is(name, b"host"), Self::Host),
            (6, b'e') => (is(name, b"expect"), Self::Expect),
            (6, b's') => (is(name, b"server"), Self::Server),
            (7, b't') => (is(name, b"trailer"), Self::Trailer),
            (7, b'u') => (is(name, b"upgrade"), Self::Upgrade),
            (7, b'x') => (is(name, b"x-proxy"), Self::XProxy),
            (9, b'x') => (is(name, b"x-real-ip"), Self::XRealIp),
            (10, b'c') => (is(name, b"connection"), Self::Connection),
            (10, b'k') => (is(name, b"keep-alive"), Self::KeepAlive),
            (14, b'c') => (is(name, b"content-length"), Self::ContentLength),
            (14, b'h') => (is(name, b"http2-settings"), Self::HopByHop),
            (15, b'x') => (is(name, b"x-forwarded-for"), Self::XForwardedFor),
            (16, b'p') => (is(name, b"proxy-connection"), Self::HopByHop),
            (16, b'x') => (is(name, b"x-forwarded-host"), Self::XForwardedHost),
            (17, b't') => (is(name, b"transfer-encoding"), Self::TransferEncoding),
            (17, b'x') => (is(name, b"x-forwarded-proto"), Self::XForwardedProto),
            (18, b'p') => (is(name, b"proxy-authenticate"), Self::HopByHop),
            (19, b'p') => (is(name, b"proxy-authorization"), Self::HopByHop),
            _ => return Self::EndToEnd,
        };
        if is_it { kind } else { Self::EndToEnd }
    }
}

/// Whether a token is `text`, which is in lower case, in any case.
///
/// Setting this bit turns a capital into its small letter, and nothing else in a token into a letter,
/// a digit or a dash. Since the length is known at compile time, words are compared and not letters.
#[inline]
pub(super) fn is<const N: usize>(token: &[u8], text: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(token).is_ok_and(|token| token.map(|byte| byte | 0x20) == *text)
}

/// Fields that `Connection` cannot take away: without them the message means something else at
/// the other end, so naming them there is an attack or a mistake (RFC 9110 §7.6.1).
pub(super) fn outlives_connection(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 14] = [
        b"accept-ranges",
        b"age",
        b"authorization",
        b"cache-control",
        b"cookie",
        b"date",
        b"etag",
        b"expires",
        b"last-modified",
        b"location",
        b"range",
        b"set-cookie",
        b"vary",
        b"www-authenticate",
    ];
    const FAMILIES: [&[u8]; 3] = [b"content-", b"if-", b"x-amz-"];
    FAMILIES.iter().any(|family| {
        name.len() > family.len() && name[..family.len()].eq_ignore_ascii_case(family)
    }) || NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::is;
    use crate::http::ascii::is_token_byte;

    #[test]
    fn a_token_is_a_name_in_any_case_and_no_other_token_is() {
        const NAME: &[u8; 14] = b"http2-settings";
        assert!(is(b"HTTP2-Settings", NAME));
        assert!(!is(b"http2-setting", NAME));
        assert!(!is(b"http2-settingss", NAME));
        for place in 0..NAME.len() {
            for byte in (0..=u8::MAX).filter(|&byte| is_token_byte(byte)) {
                let mut token = *NAME;
                token[place] = byte;
                let expected = token.eq_ignore_ascii_case(NAME);
                assert_eq!(is(&token, NAME), expected, "{:?}", token.escape_ascii());
            }
        }
    }
}
