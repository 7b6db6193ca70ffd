//! The sockets we accept clients on.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use listenfd::ListenFd;

use super::Resolver;
use crate::config::{Host, ListenAddress};
use crate::sys;

/// Why we cannot listen, in one line that names the address.
#[derive(Debug)]
pub struct ListenError(String);

impl fmt::Display for ListenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Listens on `address`. Without a host: on all interfaces, IPv6 and IPv4 by one socket, or IPv4
/// alone where the kernel has no IPv6.
///
/// # Errors
/// The address is in use, not ours, or a name that does not resolve.
pub async fn bind(
    address: &ListenAddress,
    resolver: &Resolver,
) -> Result<TcpListener, ListenError> {
    let failed = |error: &dyn fmt::Display| {
        ListenError(format!(
            "cannot listen on {address}: {error}; set another --address"
        ))
    };
    let ip = match &address.host {
        None => return bind_everywhere(address.port).map_err(|error| failed(&said(&error))),
        Some(Host::Ip(ip)) => *ip,
        Some(Host::Name(name)) => {
            let answer = resolver
                .resolve(name)
                .await
                .map_err(|error| failed(&error))?;
            preferred(&answer.found)
        }
    };
    sys::listen(SocketAddr::new(ip, address.port)).map_err(|error| failed(&said(&error)))
}

/// The listening socket that the service manager handed over, if it did.
///
/// # Errors
/// The handed-over descriptor is no listening TCP socket.
pub fn inherited() -> Result<Option<TcpListener>, ListenError> {
    let adopt = || -> io::Result<Option<TcpListener>> {
        let Some(listener) = ListenFd::from_env().take_tcp_listener(0)? else {
            return Ok(None);
        };
        listener.set_nonblocking(true)?;
        Ok(Some(listener))
    };
    adopt().map_err(|error| ListenError(format!("cannot use the socket handed over: {error}")))
}

fn bind_everywhere(port: u16) -> io::Result<TcpListener> {
    let both = sys::listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port));
    match both {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            sys::listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
        }
        result => result,
    }
}

/// A name such as `localhost` stands for several addresses; clients try IPv4 in any case.
fn preferred(addresses: &[IpAddr]) -> IpAddr {
    let four = addresses.iter().find(|address| address.is_ipv4());
    four.or(addresses.first())
        .copied()
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the address is in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "the address is not one of this machine".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
