//! TCP sockets with the options a proxy wants.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Connections the kernel keeps for us until we accept them.
pub const IO_BACKLOG: i32 = 4096;

/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_mins(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Listens on `address`, non-blocking. An unspecified IPv6 address accepts IPv4 as well.
///
/// `SO_REUSEPORT` stays off on purpose: a second process on the same port must fail with
/// "address in use" instead of silently taking half of the connections.
///
/// # Errors
/// Whatever `socket`, `bind` or `listen` report.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(IO_BACKLOG)?;
    Ok(socket.into())
}

/// Sets what every proxied connection has: no Nagle delay, and keep-alive probes.
///
/// # Errors
/// Whatever `setsockopt` reports; the connection works without, so callers may go on.
pub fn tune(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_IDLE)
            .with_interval(KEEPALIVE_INTERVAL),
    )
}

/// Makes the next close of this socket a reset, so that the peer can't take it for a clean end.
pub fn reset_on_close(socket: &impl AsFd) {
    // A failure leaves an ordinary close, which is all that is left to do then.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::listen;

    #[test]
    fn a_second_listener_on_the_same_port_is_refused() {
        let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let taken = first.local_addr().unwrap();
        let refused = listen(taken).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
    }
}
