//! Host and port as they stand in an endpoint or a listen address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::error::Problem;

/// A host as it was named: an address needs no look-up, a name is resolved again and again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name as typed; compare it without regard to case.
    Name(String),
    /// An address; IPv6 stands in brackets when written.
    Ip(IpAddr),
}

impl Host {
    /// Reads what stands before the port: a name, an IPv4 address, an IPv6 address in brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').unwrap_or(inner);
            return match inner.parse::<Ipv6Addr>() {
                Ok(address) => Ok(Self::Ip(IpAddr::V6(address))),
                Err(_) => Err(Problem::new(format!("`{inner}` is not an IPv6 address"))),
            };
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(IpAddr::V4(address)));
        }
        name(text).map(Self::Name)
    }

    /// The name of a service (RFC 2782, `_service._proto.domain`), if it is one: its SRV records say
    /// which hosts and ports offer it.
    pub(crate) fn service(&self) -> Option<&str> {
        let Self::Name(name) = self else {
            return None;
        };
        let mut labels = name.split('.');
        let mut is_marked =
            || matches!(labels.next(), Some(label) if label.len() > 1 && label.starts_with('_'));
        (is_marked() && is_marked()).then_some(name)
    }

    /// Whether this names the machine itself by its loopback interface.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name.eq_ignore_ascii_case("localhost"),
            Self::Ip(address) => address.is_loopback(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Letters, digits, `-`, `.` and `_` (container networks use it), RFC 1035 lengths.
fn name(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Err(Problem::new("the host is missing"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if let Some(wrong) = text.chars().find(|c| !allowed(*c)) {
        let cure = if wrong.is_ascii() {
            ""
        } else {
            "; write the name in its xn-- form"
        };
        return Err(Problem::new(format!(
            "`{wrong}` cannot stand in a host name{cure}"
        )));
    }
    if text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(Problem::new(format!("`{text}` is not an IPv4 address")));
    }
    let relative = text.strip_suffix('.').unwrap_or(text);
    if relative.len() > 253 || relative.split('.').any(|label| label.len() > 63) {
        return Err(Problem::new("the host name is too long"));
    }
    if relative.split('.').any(str::is_empty) {
        return Err(Problem::new(format!(
            "`{text}` is not a host name: a label is empty"
        )));
    }
    Ok(text.to_owned())
}

/// Splits `host:port`; the port is `None` where no colon stands. Brackets stay with the host.
pub(crate) fn split_port(text: &str) -> Result<(&str, Option<&str>), Problem> {
    if text.starts_with('[') {
        let Some(end) = text.find(']') else {
            return Err(Problem::new(
                "`[` without `]`; an IPv6 address is written [::1]",
            ));
        };
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(Problem::new(format!(
                "`{rest}` after the IPv6 address is not a port"
            ))),
        };
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Err(Problem::new(
            "an IPv6 address stands in brackets: [::1]:9000",
        )),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

/// Reads a port, 0 included: digits only.
pub(crate) fn port(text: &str) -> Result<u16, Problem> {
    if text.is_empty() {
        return Err(Problem::new("a number is missing where the port stands"));
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits => Ok(port),
        _ => Err(Problem::new(format!(
            "`{text}` is not a port; a port is a number up to 65535"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for text in [
            "minio-1.ns.svc.cluster.local.",
            "my_box",
            "a",
            "10.0.0.1",
            "[2001:db8::7]",
        ] {
            assert_eq!(Host::parse(text).expect(text).to_string(), text);
        }
        assert!(matches!(Host::parse("10.0.0.1"), Ok(Host::Ip(_))));
        assert!(matches!(Host::parse("minio1"), Ok(Host::Name(_))));
    }

    #[test]
    fn hosts_that_cannot_be_are_refused() {
        for text in [
            "",
            "a b",
            "a..b",
            ".",
            "10.0.0.256",
            "1.2.3",
            "[::g]",
            "[1.2.3.4]",
            "bücher",
        ] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
        assert!(Host::parse(&"a".repeat(64)).is_err());
        assert!(Host::parse(&"a.".repeat(130)).is_err());
    }

    #[test]
    fn ports_are_split_off_and_bounded() {
        assert_eq!(split_port("h:1"), Ok(("h", Some("1"))));
        assert_eq!(split_port("h"), Ok(("h", None)));
        assert_eq!(split_port("[::1]:9"), Ok(("[::1]", Some("9"))));
        assert_eq!(split_port("[::1]"), Ok(("[::1]", None)));
        for text in ["::1", "::1:9", "[::1", "[::1]9"] {
            assert!(split_port(text).is_err(), "{text}");
        }
        assert_eq!(port("65535"), Ok(65535));
        for text in ["65536", "+1", "-1", "", "x", "1 "] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in r"\PC*|[\[\]:.a0-9]{0,16}") {
            if let Ok((host, _)) = split_port(&text) {
                let _ = Host::parse(host);
            }
        }
    }
}
