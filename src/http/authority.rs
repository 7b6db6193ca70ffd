//! Hosts with ports: what `Host` may say and when it says what the target says.

use super::ascii::is_host_byte;

/// Whether this is a host with an optional port (RFC 3986 §3.2), and no user information.
pub(super) fn is_valid(authority: &[u8]) -> bool {
    let port = if let Some(literal) = authority.strip_prefix(b"[") {
        let Some(end) = literal.iter().position(|&byte| byte == b']') else {
            return false;
        };
        let address = &literal[..end];
        if address.is_empty()
            || !address
                .iter()
                .all(|&byte| byte == b':' || is_host_byte(byte))
        {
            return false;
        }
        &literal[end + 1..]
    } else {
        let end = authority
            .iter()
            .position(|&byte| byte == b':')
            .unwrap_or(authority.len());
        let name = &authority[..end];
        if name.is_empty() || !name.iter().all(|&byte| is_host_byte(byte)) {
            return false;
        }
        &authority[end..]
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether two authorities of URIs with this default port name the same place.
pub(super) fn same(one: &[u8], other: &[u8], default_port: &[u8]) -> bool {
    let plain = |authority| without_port(authority, default_port);
    plain(one).eq_ignore_ascii_case(plain(other))
}

fn without_port<'a>(authority: &'a [u8], default_port: &[u8]) -> &'a [u8] {
    match authority.strip_suffix(default_port).unwrap_or(authority) {
        // An IPv6 address may end in the digits of a port, but never in a colon.
        [host @ .., b':'] => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_ports_are_valid() {
        for good in [
            "a",
            "a.b:80",
            "a_b-c:",
            "127.0.0.1:9000",
            "[::1]",
            "[fe80::1%25eth0]:443",
        ] {
            assert!(is_valid(good.as_bytes()), "{good}");
        }
    }

    #[test]
    fn anything_a_second_parser_could_cut_elsewhere_is_invalid() {
        for bad in [
            "", ":80", "a b", "a,b", "a/b", "a@b", "a?b", "a#b", "a\\b", "a:b", "a:1:2", "[::1",
            "[]", "[::1]x", "a:123456", "é",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_default_port_makes_no_difference() {
        assert!(same(b"a:80", b"A", b"80"));
        assert!(same(b"a:", b"a:80", b"80"));
        assert!(!same(b"a:81", b"a", b"80"));
        assert!(!same(b"a80", b"a", b"80"));
        assert!(!same(b"a:80", b"a", b"443"));
    }
}
