//! What can go wrong while a request runs, by whose fault it is.

use std::fmt;
use std::io;

use crate::http::Rejection;
use crate::net::DialError;

/// Why a request did not end as it should.
#[derive(Debug)]
pub(super) enum Fault {
    /// The client is gone, or closed in the middle of its body.
    ClientGone,
    /// The client's body breaks the rules.
    ClientMalformed(Rejection),
    /// The client sends nothing, though we wait for it.
    ClientStalled,
    /// The backend closed or reset the connection; without an error it was a clean close.
    BackendClosed(Option<io::Error>),
    /// The backend's response breaks the rules.
    BackendMalformed(Rejection),
    /// The backend takes or sends nothing.
    BackendStalled,
    /// No connection to the backend.
    Unconnected(DialError),
}

impl Fault {
    /// The status that tells a client of it, when nothing else is left.
    pub(super) fn status(&self) -> u16 {
        match self {
            Fault::ClientMalformed(rule) => rule.status(),
            Fault::ClientGone | Fault::ClientStalled => 408,
            Fault::BackendStalled | Fault::Unconnected(DialError::TimedOut) => 504,
            Fault::BackendClosed(_) | Fault::BackendMalformed(_) | Fault::Unconnected(_) => 502,
        }
    }

    /// Whether the backend is to blame.
    pub(super) fn is_backends(&self) -> bool {
        match self {
            Fault::ClientGone | Fault::ClientMalformed(_) | Fault::ClientStalled => false,
            Fault::Unconnected(error) => !error.is_local(),
            Fault::BackendClosed(_) | Fault::BackendMalformed(_) | Fault::BackendStalled => true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::ClientGone => formatter.write_str("client closed the connection"),
            Fault::ClientMalformed(rule) => write!(formatter, "malformed request body: {rule}"),
            Fault::ClientStalled => formatter.write_str("client sent nothing for too long"),
            Fault::BackendClosed(None) => formatter.write_str("backend closed the connection"),
            Fault::BackendClosed(Some(error)) => match error.kind() {
                io::ErrorKind::ConnectionReset => {
                    formatter.write_str("connection reset by backend")
                }
                io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                    formatter.write_str("backend closed the connection")
                }
                _ => write!(formatter, "connection to backend failed: {error}"),
            },
            Fault::BackendMalformed(rule) => write!(formatter, "malformed response: {rule}"),
            Fault::BackendStalled => formatter.write_str("backend made no progress in time"),
            Fault::Unconnected(error) => error.fmt(formatter),
        }
    }
}
