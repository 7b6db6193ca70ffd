//! Connecting to a backend.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::Stream;
use super::socket::Socket;
use super::stream::Dialed;
use super::tls::{Handshakes, TlsConnector};
use crate::config::{Endpoint, Host, Scheme};
use crate::sys;

/// Why no connection could be made.
#[derive(Debug)]
pub enum DialError {
    /// The name has no address, so far.
    Unresolved,
    /// Nobody answered in time.
    TimedOut,
    /// The kernel said no: refused, unreachable, out of ports or files.
    Io(io::Error),
    /// No handshake: one side refuses the other, or left.
    Handshake(io::Error),
    /// The endpoint's name is none that a certificate could be for.
    NoName,
}

impl fmt::Display for DialError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::Unresolved => formatter.write_str("name does not resolve"),
            DialError::TimedOut => formatter.write_str("connect timed out"),
            DialError::Io(error) => formatter.write_str(&describe(error)),
            DialError::Handshake(error) => {
                write!(formatter, "TLS: {}", describe(error))
            }
            DialError::NoName => formatter.write_str("TLS: no certificate can be for this name"),
        }
    }
}

impl DialError {
    /// Whether the fault is on our side of the wire, so that it says nothing about the backend:
    /// no more files, ports or memory.
    pub fn is_local(&self) -> bool {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL have no stable `ErrorKind` of their own.
        const LOCAL: [i32; 5] = [24, 23, 105, 12, 99];
        matches!(self, DialError::Io(error) if error.raw_os_error().is_some_and(|code| LOCAL.contains(&code)))
    }
}

/// An I/O error in the words operators search for, without the number.
fn describe(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the connection was closed".to_owned();
    }
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// Connects to backends, in clear text or by TLS as their endpoints say.
#[derive(Clone, Debug)]
pub struct Dialer {
    connector: Arc<TlsConnector>,
    handshakes: Rc<Handshakes>,
}

impl Dialer {
    /// Trusts and shows itself as `connector` says.
    pub fn new(connector: Arc<TlsConnector>, handshakes: Rc<Handshakes>) -> Self {
        Self {
            connector,
            handshakes,
        }
    }

    /// [`TlsConnector::generation`], where `endpoint` has to do with it.
    pub fn generation(&self, endpoint: &Endpoint) -> u64 {
        match endpoint.scheme {
            Scheme::Http => 0,
            Scheme::Https => self.connector.generation(),
        }
    }

    /// Connects to `endpoint` at one of `addresses`, starting with the one at `first` (modulo their
    /// number) and going on to the others; `within` bounds all of it.
    ///
    /// # Errors
    /// The last address's failure, unless another one had a server that was not believed: that says
    /// more than an address at which nobody listens.
    pub async fn dial(
        &self,
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
        first: usize,
        within: Duration,
    ) -> Result<Stream, DialError> {
        let attempt = async {
            let mut failure = DialError::Unresolved;
            for offset in 0..addresses.len() {
                let address = addresses[(first + offset) % addresses.len()];
                match self.reach(endpoint, address).await {
                    Ok(stream) => return Ok(stream),
                    Err(_) if matches!(failure, DialError::Handshake(_)) => {}
                    Err(error) => failure = error,
                }
            }
            Err(failure)
        };
        timeout(within, attempt)
            .await
            .unwrap_or(Err(DialError::TimedOut))
    }

    async fn reach(&self, endpoint: &Endpoint, address: SocketAddr) -> Result<Stream, DialError> {
        let socket = Socket::new(connect(address).await.map_err(DialError::Io)?);
        // Before the handshake: what changes during it counts for the next connection.
        let generation = self.generation(endpoint);
        let stream = match endpoint.scheme {
            Scheme::Http => Stream::over(socket),
            // Boxed: connections in clear text have no room for it.
            Scheme::Https => Box::pin(self.secure(socket, endpoint)).await?,
        };
        Ok(stream.dialed(Dialed {
            address,
            generation,
        }))
    }

    async fn secure(&self, socket: Socket, endpoint: &Endpoint) -> Result<Stream, DialError> {
        let name = server_name(&endpoint.host).ok_or(DialError::NoName)?;
        let config = self.connector.current();
        self.handshakes
            .connect(socket, config, name)
            .await
            .map_err(DialError::Handshake)
    }
}

/// What a server has to prove that it is. Names of the DNS are compared without the final dot.
fn server_name(host: &Host) -> Option<ServerName<'static>> {
    match host {
        Host::Ip(address) => Some((*address).into()),
        Host::Name(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            ServerName::try_from(name.to_owned()).ok()
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    if address.ip().is_loopback() {
        sys::unpace(&socket);
    }
    socket.connect(address).await
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{DialError, Dialer, server_name};
    use crate::config::{Endpoint, Host, Scheme, TlsVersion};
    use crate::net::Stream;
    use crate::net::tls::{TlsConnector, Trust, client_config};
    use crate::sys;

    fn dial(addresses: &[SocketAddr]) -> Result<Stream, DialError> {
        let config = client_config(Trust::Anyone, None, TlsVersion::V13).unwrap();
        let dialer = Dialer::new(Arc::new(TlsConnector::new(config)), Rc::default());
        let endpoint = Endpoint::from_record(Scheme::Http, "m1.", 9000).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(dialer.dial(&endpoint, addresses, 0, Duration::from_secs(5)))
    }

    fn closed() -> SocketAddr {
        let listener = sys::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.local_addr().unwrap()
    }

    #[test]
    fn a_refused_address_is_followed_by_the_next() {
        let open = sys::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        assert!(dial(&[closed(), open.local_addr().unwrap()]).is_ok());
    }

    #[test]
    fn refusal_and_missing_addresses_are_told_apart_in_plain_words() {
        let refused = dial(&[closed()]).unwrap_err();
        assert_eq!(refused.to_string(), "connection refused");
        assert!(!refused.is_local());
        assert!(matches!(dial(&[]).unwrap_err(), DialError::Unresolved));
    }

    #[test]
    fn a_name_is_proved_without_its_final_dot() {
        for (host, proved) in [
            (Host::Name("m1.example.".to_owned()), "m1.example"),
            (Host::Name("m1".to_owned()), "m1"),
            (Host::Ip("::1".parse().unwrap()), "::1"),
        ] {
            let name = server_name(&host).unwrap();
            assert_eq!(name.to_str(), proved);
        }
    }
}
