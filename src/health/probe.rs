//! One health check: GET on a connection of its own, 200 or not.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use crate::config::Endpoint;
use crate::http::{Method, Parsed, Rejection, ResponseHead};
use crate::net::{Buffer, DialError, Dialer, Spares, Stream};

/// What to ask a backend.
#[derive(Clone, Debug)]
pub struct Probe {
    dialer: Dialer,
    buffers: Rc<Spares>,
    endpoint: Endpoint,
    request: Vec<u8>,
    path: String,
    within: Duration,
}

/// Why a check failed.
#[derive(Debug)]
pub enum ProbeError {
    /// No connection.
    Dial(DialError),
    /// The connection broke, or ended before the response head did.
    Broken(Option<std::io::Error>),
    /// The response breaks the rules.
    Malformed(Rejection),
    /// Another status than 200.
    Status(u16),
    /// No answer in time.
    TimedOut,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeError::Dial(error) => error.fmt(formatter),
            ProbeError::Broken(None) => {
                formatter.write_str("health check: connection closed without an answer")
            }
            ProbeError::Broken(Some(error)) => write!(formatter, "health check: {error}"),
            ProbeError::Malformed(rule) => {
                write!(formatter, "health check: malformed answer: {rule}")
            }
            ProbeError::Status(status) => write!(formatter, "health check answered {status}"),
            ProbeError::TimedOut => formatter.write_str("health check timed out"),
        }
    }
}

impl ProbeError {
    /// The status that came, if one did.
    pub fn status(&self) -> Option<u16> {
        match self {
            ProbeError::Status(status) => Some(*status),
            _ => None,
        }
    }
}

impl Probe {
    /// Asks `endpoint` for `path`, whatever port it is asked on; an answer must be there `within`.
    pub fn new(
        dialer: Dialer,
        buffers: Rc<Spares>,
        endpoint: &Endpoint,
        path: &str,
        within: Duration,
    ) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: sidekick/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            endpoint.authority(),
            env!("CARGO_PKG_VERSION"),
        );
        Self {
            dialer,
            buffers,
            endpoint: endpoint.clone(),
            request: request.into_bytes(),
            path: path.to_owned(),
            within,
        }
    }

    /// The path asked for.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The time an answer may take.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// Makes the check at one of `addresses`.
    ///
    /// # Errors
    /// Anything but a 200 in time.
    pub async fn check(&self, addresses: &[SocketAddr]) -> Result<(), ProbeError> {
        let asked = async {
            let mut stream = self
                .dialer
                .dial(&self.endpoint, addresses, 0, self.within)
                .await
                .map_err(ProbeError::Dial)?;
            let mut buffer = self.buffers.take();
            let asked = self.ask(&mut stream, &mut buffer).await;
            self.buffers.put(buffer);
            asked
        };
        match timeout(self.within, asked).await {
            Ok(Ok(200)) => Ok(()),
            Ok(Ok(status)) => Err(ProbeError::Status(status)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ProbeError::TimedOut),
        }
    }

    /// Sends the request and reads one head: how long the body is does not matter.
    async fn ask(&self, stream: &mut Stream, buffer: &mut Buffer) -> Result<u16, ProbeError> {
        let mut sent = 0;
        let mut head = ResponseHead::default();
        poll_fn(|context| {
            while sent < self.request.len() {
                match stream.poll_write(context, &self.request[sent..], &[]) {
                    Poll::Ready(Ok(count)) => sent += count,
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Err(ProbeError::Broken(Some(error))));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            loop {
                match stream.poll_read(context, buffer) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(ProbeError::Broken(None))),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(broken(error))),
                    Poll::Pending => return Poll::Pending,
                }
                let parsed = head.parse(buffer.filled(), Method::Get, false);
                match parsed.map_err(ProbeError::Malformed) {
                    Err(error) => return Poll::Ready(Err(error)),
                    Ok(Parsed::Complete) if head.is_interim() => {
                        buffer.consume(head.len());
                        head.clear();
                    }
                    Ok(Parsed::Complete) => return Poll::Ready(Ok(head.status())),
                    Ok(Parsed::Partial) if buffer.is_full() => {
                        return Poll::Ready(Err(ProbeError::Malformed(Rejection::HeadTooLarge)));
                    }
                    Ok(Parsed::Partial) => {}
                }
            }
        })
        .await
    }
}

fn broken(error: std::io::Error) -> ProbeError {
    let is_end = error.kind() == std::io::ErrorKind::UnexpectedEof;
    ProbeError::Broken((!is_end).then_some(error))
}
