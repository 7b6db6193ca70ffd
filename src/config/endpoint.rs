//! One server of a site, as it was named.

use std::fmt;
use std::str::FromStr;

use super::error::Problem;
use super::host::{Host, port, split_port};

/// How to talk to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Clear text, port 80 unless named.
    Http,
    /// TLS, port 443 unless named.
    Https,
}

impl Scheme {
    /// The port meant where none is written.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// One server: scheme, host and port. `Display` is the label that logs and metrics carry,
/// `http://host:port`: as typed, without the trailing slash, without a port that was not typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Clear text or TLS.
    pub scheme: Scheme,
    /// Where it is.
    pub host: Host,
    /// 1 to 65535; the scheme's own where none was typed. Of a [`Endpoint::service`] it means
    /// nothing.
    pub port: u16,
    label: String,
}

impl Endpoint {
    /// Reads host and port after the scheme, without ellipses and without the trailing slash.
    pub(crate) fn from_authority(scheme: Scheme, authority: &str) -> Result<Self, Problem> {
        let (host_text, port_text) = split_port(authority)?;
        let host = Host::parse(host_text)?;
        if let (Some(service), Some(port)) = (host.service(), port_text) {
            return Err(Problem::new(format!(
                "the port of `{service}` stands in its SRV records; remove `:{port}`"
            )));
        }
        let port = match port_text.map(port).transpose()? {
            None => scheme.default_port(),
            Some(0) => return Err(Problem::new("port 0 cannot be connected to")),
            Some(port) => port,
        };
        Ok(Self {
            scheme,
            host,
            port,
            label: format!("{scheme}://{authority}"),
        })
    }

    /// The server that an SRV record names. Its name is absolute, so that no search domain is tried
    /// with it; the label does without the final dot.
    ///
    /// # Errors
    /// The record holds no host name, or no port.
    pub fn from_record(scheme: Scheme, target: &str, port: u16) -> Result<Self, Problem> {
        let relative = target.strip_suffix('.').unwrap_or(target);
        let found = Self::from_authority(scheme, &format!("{relative}:{port}"))?;
        Ok(Self {
            host: Host::parse(&format!("{relative}."))?,
            ..found
        })
    }

    /// The name whose SRV records say where the servers are, if it is such a name.
    pub fn service(&self) -> Option<&str> {
        self.host.service()
    }

    /// The label as text, `http://host:port`; the same as `Display`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The label without its scheme: what a request of our own writes into `Host`.
    pub fn authority(&self) -> &str {
        self.label
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    /// Whether both mean the same server, however it was typed.
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.server() == other.server()
    }

    /// What tells one server from another: equal for `http://H` and `http://h:80`.
    pub(crate) fn server(&self) -> (String, u16) {
        (self.host.to_string().to_ascii_lowercase(), self.port)
    }
}

impl FromStr for Endpoint {
    type Err = Problem;

    /// Reads one endpoint, without ellipses.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let (scheme, authority) = split_scheme(text)?;
        Self::from_authority(scheme, authority)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// Splits `scheme://authority[/]`, refusing everything that an endpoint cannot have. The
/// authority may still hold ellipses.
pub(crate) fn split_scheme(text: &str) -> Result<(Scheme, &str), Problem> {
    if text.is_empty() {
        return Err(Problem::new(
            "an endpoint is empty; remove the comma too many",
        ));
    }
    if text.contains('@') {
        // Looked for first, and without the text in the message: it holds a password.
        return Err(Problem::new(
            "an endpoint has no user name or password; remove them",
        ));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Problem::new(format!(
            "the scheme is missing; write http://{text}"
        )));
    };
    let scheme = if scheme.eq_ignore_ascii_case("http") {
        Scheme::Http
    } else if scheme.eq_ignore_ascii_case("https") {
        Scheme::Https
    } else {
        return Err(Problem::new(format!(
            "`{scheme}://` is not spoken here; write http://"
        )));
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if let Some(at) = authority.find(['/', '?', '#']) {
        return Err(Problem::new(format!(
            "an endpoint ends after host and port; remove `{}`",
            &authority[at..]
        )));
    }
    Ok((scheme, authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_was_typed() {
        for (typed, label, port) in [
            ("http://h:9000", "http://h:9000", 9000),
            ("http://h:9000/", "http://h:9000", 9000),
            ("http://h", "http://h", 80),
            ("HTTP://H:80", "http://H:80", 80),
            ("https://h/", "https://h", 443),
            ("http://[::1]:9000", "http://[::1]:9000", 9000),
            ("http://10.0.0.1", "http://10.0.0.1", 80),
        ] {
            let endpoint: Endpoint = typed.parse().expect(typed);
            assert_eq!((endpoint.label(), endpoint.port), (label, port));
            assert_eq!(endpoint.to_string(), label);
            assert_eq!(
                format!("{}://{}", endpoint.scheme, endpoint.authority()),
                label
            );
        }
    }

    #[test]
    fn one_server_typed_two_ways_is_one_server() {
        let read = |text: &str| text.parse::<Endpoint>().expect(text);
        assert!(read("http://H").is_same_server(&read("http://h:80/")));
        assert!(read("http://[::1]").is_same_server(&read("http://[0:0::1]")));
        assert!(!read("http://h").is_same_server(&read("http://h:81")));
    }

    #[test]
    fn a_name_of_a_service_is_told_from_one_of_a_host() {
        let service = |text: &str| {
            let endpoint = text.parse::<Endpoint>().expect(text);
            endpoint.service().map(str::to_owned)
        };
        let expected = Some("_s3._tcp.storage.example".to_owned());
        assert_eq!(service("http://_s3._tcp.storage.example/"), expected);
        for host in [
            "_box",
            "_box.example",
            "my_box",
            "_._tcp.example",
            "a._b._c",
        ] {
            assert_eq!(service(&format!("http://{host}")), None, "{host}");
        }
    }

    #[test]
    fn a_server_of_a_record_is_an_absolute_name_with_a_port() {
        let found = |target, port| Endpoint::from_record(Scheme::Http, target, port);
        for target in ["s1.example", "s1.example."] {
            let endpoint = found(target, 9000).unwrap();
            assert_eq!(endpoint.label(), "http://s1.example:9000");
            assert_eq!(endpoint.host, Host::Name("s1.example.".to_owned()));
            assert_eq!(endpoint.port, 9000);
        }
        for (target, port) in [("", 1), (".", 1), ("s1.example", 0), ("s 1.example", 1)] {
            assert!(found(target, port).is_err(), "{target}:{port}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_its_cure() {
        for (text, cure) in [
            ("host:9000", "write http://host:9000"),
            ("ftp://host", "`ftp://` is not spoken here"),
            ("http://h/bucket", "remove `/bucket`"),
            ("http://h//", "remove `/`"),
            ("http://h?x", "remove `?x`"),
            ("http://u:p@h", "no user name or password"),
            ("http://", "host is missing"),
            ("http://:9000", "host is missing"),
            ("http://h:", "number is missing"),
            ("http://h:0", "port 0"),
            ("http://h:65536", "not a port"),
            ("http://::1:9000", "in brackets"),
            ("http://h h:1", "cannot stand in a host name"),
            ("http://_s3._tcp.h:9000", "remove `:9000`"),
        ] {
            let problem = text.parse::<Endpoint>().expect_err(text).to_string();
            assert!(problem.contains(cure), "{text}: {problem}");
        }
    }
}
