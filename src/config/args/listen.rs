//! Where clients connect.

use std::fmt;

use crate::config::error::{Error, Problem};
use crate::config::flag::Flag;
use crate::config::host::{Host, port, split_port};
use crate::config::setting::Settings;

pub(crate) const ADDRESS: Flag = Flag::text(
    "address",
    "HOST:PORT",
    "Accept requests here; without a host on all interfaces",
)
.short('a')
.default(":8080");

pub(crate) const FLAGS: &[&Flag] = &[&ADDRESS];

/// Where to listen, as typed: `:8080`, `127.0.0.1:9000`, `[::1]:9000`, `localhost:9000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// `None` means every interface, IPv6 and IPv4.
    pub host: Option<Host>,
    /// 0 lets the system choose.
    pub port: u16,
}

impl ListenAddress {
    /// Reads `HOST:PORT` or `:PORT`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.contains("://") {
            return Err(Problem::new("write HOST:PORT, without a scheme"));
        }
        let (host, port_text) = split_port(text)?;
        let Some(port_text) = port_text else {
            return Err(Problem::new(
                match text.bytes().all(|byte| byte.is_ascii_digit()) {
                    true if !text.is_empty() => format!("a colon is missing; write :{text}"),
                    true => "an address is missing; write HOST:PORT".to_owned(),
                    false => format!("the port is missing; write {text}:8080"),
                },
            ));
        };
        let host = if host.is_empty() {
            None
        } else {
            Some(Host::parse(host)?)
        };
        Ok(Self {
            host,
            port: port(port_text)?,
        })
    }

    pub(crate) fn build(settings: &Settings) -> Result<Self, Error> {
        settings.value(&ADDRESS, Self::parse)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in [
            ":8080",
            "127.0.0.1:9000",
            "[::1]:9000",
            "localhost:9000",
            ":0",
            "[::]:1",
        ] {
            assert_eq!(ListenAddress::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(
            ListenAddress::parse(":8080"),
            Ok(ListenAddress {
                host: None,
                port: 8080
            })
        );
    }

    #[test]
    fn slips_are_refused_with_their_cure() {
        for (text, cure) in [
            ("", "write HOST:PORT"),
            ("8080", "write :8080"),
            ("127.0.0.1", "write 127.0.0.1:8080"),
            ("localhost:", "number is missing"),
            (":http", "not a port"),
            (":65536", "not a port"),
            ("::1:80", "in brackets"),
            ("http://h:1", "without a scheme"),
            ("10.0.0.256:1", "not an IPv4 address"),
        ] {
            let problem = ListenAddress::parse(text).expect_err(text).to_string();
            assert!(problem.contains(cure), "{text}: {problem}");
        }
    }
}
