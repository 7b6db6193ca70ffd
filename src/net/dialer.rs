//! Connecting to a backend.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::Stream;
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
}

impl fmt::Display for DialError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::Unresolved => formatter.write_str("name does not resolve"),
            DialError::TimedOut => formatter.write_str("connect timed out"),
            DialError::Io(error) => formatter.write_str(&describe(error)),
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
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// Connects to one of `addresses`, starting with the one at `first` (modulo their number) and
/// going on to the others; `within` bounds all of it.
///
/// # Errors
/// The last address's failure.
pub async fn dial(
    addresses: &[SocketAddr],
    first: usize,
    within: Duration,
) -> Result<Stream, DialError> {
    let attempt = async {
        let mut failure = DialError::Unresolved;
        for offset in 0..addresses.len() {
            let address = addresses[(first + offset) % addresses.len()];
            match connect(address).await {
                Ok(tcp) => return Ok(Stream::dialed(tcp, address)),
                Err(error) => failure = DialError::Io(error),
            }
        }
        Err(failure)
    };
    timeout(within, attempt)
        .await
        .unwrap_or(Err(DialError::TimedOut))
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
    use std::time::Duration;

    use super::{DialError, dial};
    use crate::sys;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn a_refused_address_is_followed_by_the_next() {
        run(async {
            let closed = sys::listen("127.0.0.1:0".parse().unwrap())
                .unwrap()
                .local_addr()
                .unwrap();
            let open = sys::listen("127.0.0.1:0".parse().unwrap()).unwrap();
            let addresses = [closed, open.local_addr().unwrap()];
            assert!(dial(&addresses, 0, Duration::from_secs(5)).await.is_ok());
        });
    }

    #[test]
    fn refusal_and_missing_addresses_are_told_apart_in_plain_words() {
        run(async {
            let closed = sys::listen("127.0.0.1:0".parse().unwrap())
                .unwrap()
                .local_addr()
                .unwrap();
            let refused = dial(&[closed], 0, Duration::from_secs(5))
                .await
                .unwrap_err();
            assert_eq!(refused.to_string(), "connection refused");
            assert!(!refused.is_local());
            let unresolved = dial(&[], 0, Duration::from_secs(5)).await.unwrap_err();
            assert!(matches!(unresolved, DialError::Unresolved));
        });
    }
}
