//! One HTTP/1.1 connection: its requests one after the other, until one side has enough.

mod closing;
mod read;

use read::Read;

use super::Proxy;
use super::client::Client;
use super::connection::{Connection, Ending, Next, Peer};
use super::exchange::Exchange;
use crate::http::{S3Error, Version};
use crate::net::{Stream, Ticket};

/// A connection whose client turned out to speak HTTP/2.
pub(super) struct Switched {
    pub(super) stream: Stream,
    pub(super) ticket: Ticket,
    pub(super) peer: Peer,
    /// What was read of it, the preface first.
    pub(super) read: Vec<u8>,
}

/// Serves one client connection to its end. If it `may_switch` and begins with the preface of
/// HTTP/2 (RFC 9113 §3.4), it is given back.
pub(super) async fn serve(
    proxy: &Proxy,
    stream: Stream,
    ticket: Ticket,
    peer: Peer,
    may_switch: bool,
) -> Option<Switched> {
    let mut connection = Connection {
        proxy,
        client: Client::Http1(stream),
        ticket,
        peer,
    };
    let end = connection.run(may_switch).await;
    let Connection {
        client: Client::Http1(stream),
        ticket,
        peer,
        ..
    } = connection
    else {
        return None;
    };
    match end {
        End::Http1(ending) => {
            closing::close(stream, &ticket, ending).await;
            None
        }
        End::Http2(read) => Some(Switched {
            stream,
            ticket,
            peer,
            read,
        }),
    }
}

/// What comes when nothing more of HTTP/1.1 does.
enum End {
    Http1(Ending),
    /// HTTP/2, of which this was read.
    Http2(Vec<u8>),
}

impl Connection<'_> {
    async fn run(&mut self, mut may_switch: bool) -> End {
        while self.is_asked_again().await {
            // Only a connection in use owns an exchange with its buffers.
            let mut exchange = self.proxy.exchanges.take();
            let next = self.requests(&mut exchange, &mut may_switch).await;
            let end = match next {
                Next::KeepAlive => None,
                Next::Http2 => Some(End::Http2(exchange.inbox.filled().to_vec())),
                Next::End(ending) => Some(End::Http1(ending)),
            };
            exchange.inbox.clear();
            self.proxy.exchanges.put(exchange);
            if let Some(end) = end {
                return end;
            }
        }
        End::Http1(Ending::Close)
    }

    /// Serves the request that has begun to arrive, and those pipelined behind it.
    pub(super) async fn requests(
        &mut self,
        exchange: &mut Exchange,
        may_switch: &mut bool,
    ) -> Next {
        loop {
            exchange.begin();
            match self.read_head(exchange, may_switch).await {
                Read::Head => {}
                Read::Preface => return Next::Http2,
                Read::Nothing => return Next::KeepAlive,
                Read::Closed => return Next::End(Ending::Close),
                Read::TimedOut => return self.refuse(exchange, &TIMED_OUT, Version::Http11).await,
                Read::Refused(rule) => {
                    let version = Version::Http11;
                    return self
                        .refuse(exchange, &S3Error::refused(rule, b"", ""), version)
                        .await;
                }
            }
            let next = self.respond(exchange).await;
            if next != Next::KeepAlive || exchange.inbox.is_empty() {
                return next;
            }
        }
    }
}

const TIMED_OUT: S3Error<'_> = S3Error {
    status: 408,
    code: "RequestTimeout",
    message: "the request head did not arrive in time",
    resource: b"",
    request_id: "",
};
