//! The small requests that keys are asked for with: a connection for each, bounded in time and size.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use crate::config::{Endpoint, Host};
use crate::http::Method;
use crate::net::{Dialer, Resolver, Stream};
use crate::store::answer::{HeadReader, code, read_body};
use crate::store::error::{Awaited, StoreError};
use crate::store::exchange::send;

/// Where `localhost` is.
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Time for an address and a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(2);

/// Time from a request to the head of its answer.
const ANSWER: Duration = Duration::from_secs(3);

/// Bytes of an answer: keys and token are a few KiB.
const MOST: usize = 64 << 10;

/// How those who give keys are reached.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Way<'a> {
    pub(in crate::store) dialer: &'a Dialer,
    pub(in crate::store) resolver: &'a Resolver,
}

/// What is asked.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: &'a str,
    /// Names and values beside `Host` and the length.
    pub(super) fields: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Seconds since 1970 by the clock of who answered, or else ours.
    pub(super) now: u64,
    pub(super) body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub(super) fn get(path: &'a str, fields: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            method: Method::Get,
            path,
            fields,
            body: "",
        }
    }

    fn head(&self, host: &str) -> String {
        let method = match self.method {
            Method::Post => "POST",
            Method::Put => "PUT",
            _ => "GET",
        };
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sidekick/{}\r\nConnection: close\r\n",
            self.path,
            env!("CARGO_PKG_VERSION"),
        );
        for (name, value) in self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.method != Method::Get {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        head
    }
}

impl Answer {
    /// The body of an answer that grants what was asked.
    ///
    /// # Errors
    /// The status that it has instead, and the word for it if there is one.
    pub(super) fn granted(&self) -> Result<&[u8], String> {
        match (self.status, code(&self.body)) {
            (200, _) => Ok(&self.body),
            (status, "") => Err(format!("it answers {status}")),
            (status, word) => Err(format!("it answers {status} {word}")),
        }
    }
}

impl Way<'_> {
    /// Asks `service`.
    ///
    /// # Errors
    /// What went wrong on the way; nothing of request or answer stands in it.
    pub(super) async fn ask(
        self,
        service: &Endpoint,
        request: &Request<'_>,
    ) -> Result<Answer, String> {
        self.exchange(service, request)
            .await
            .map_err(|error| reason(&error))
    }

    async fn exchange(
        self,
        service: &Endpoint,
        request: &Request<'_>,
    ) -> Result<Answer, StoreError> {
        let mut stream = timeout(CONNECT, self.connect(service))
            .await
            .unwrap_or(Err(StoreError::TimedOut(Awaited::Connection)))?;
        let head = request.head(service.authority());
        let sent = [head.as_bytes(), request.body.as_bytes()];
        let mut reader = HeadReader::default();
        send(&mut stream, request.method, sent, &mut reader, ANSWER).await?;
        let ours = our_clock();
        let (head, mut buffer) = reader.finish(ours);
        Ok(Answer {
            status: head.status,
            now: head.date.unwrap_or(ours),
            body: read_body(&mut stream, &mut buffer, head.framing, MOST).await?,
        })
    }

    async fn connect(self, service: &Endpoint) -> Result<Stream, StoreError> {
        let addresses = match &service.host {
            Host::Ip(address) => vec![*address],
            // What may be asked in clear text because it is here is not looked for elsewhere
            // (RFC 6761 §6.3).
            host if host.is_loopback() => LOOPBACK.to_vec(),
            Host::Name(name) => {
                let answer = self.resolver.resolve(name).await;
                let answer = answer.map_err(|error| StoreError::Unreachable(error.to_string()))?;
                answer.found
            }
        };
        let addresses: Vec<SocketAddr> = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, service.port))
            .collect();
        self.dialer
            .dial(service, &addresses, 0, CONNECT)
            .await
            .map_err(|error| StoreError::undialed(&error))
    }
}

/// A failure in words that do not speak of the store.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Unreachable(reason) => reason.clone(),
        StoreError::TimedOut(Awaited::Connection) => "connect timed out".to_owned(),
        StoreError::TimedOut(_) => "it does not answer".to_owned(),
        StoreError::TooLarge => "its answer is too large".to_owned(),
        StoreError::Malformed(rule) => format!("malformed answer: {rule}"),
        _ => "the connection broke".to_owned(),
    }
}

fn our_clock() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
