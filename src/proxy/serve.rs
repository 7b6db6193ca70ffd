//! A connection that has arrived, and who serves it.

use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use super::connection::Peer;
use super::http1::{self, Switched};
use super::{Proxy, http2};
use crate::metrics::WorkerCells;
use crate::net::{Stream, Ticket};

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 or HTTP/1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A connection from a client, from which nothing was read yet.
#[derive(Debug)]
pub struct Arrived {
    /// The connection.
    pub stream: Stream,
    /// Where it comes from.
    pub peer: IpAddr,
    /// Whether it is protected by TLS.
    pub secure: bool,
    /// What both sides agreed on (ALPN). Without an agreement its first bytes say it: a client with
    /// prior knowledge may begin HTTP/2 at once (RFC 9113 §3.3).
    pub protocol: Option<Protocol>,
}

impl Arrived {
    /// A connection without TLS, on which nothing was agreed.
    pub fn plain(stream: Stream, peer: IpAddr) -> Self {
        Self {
            stream,
            peer,
            secure: false,
            protocol: None,
        }
    }
}

/// Counts a connection for as long as it is open.
struct Open<'a>(&'a WorkerCells);

impl<'a> Open<'a> {
    fn new(cells: &'a WorkerCells) -> Self {
        cells.connection_opened();
        Self(cells)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// Serves one client connection to its end.
pub async fn serve(proxy: Rc<Proxy>, arrived: Arrived) {
    let _open = Open::new(&proxy.parts.cells);
    let Arrived {
        stream,
        peer,
        secure,
        protocol,
    } = arrived;
    let ticket = proxy.ticket().await;
    let peer = Peer::new(peer, secure);
    let switched = if protocol == Some(Protocol::Http2) {
        Some(Switched {
            stream,
            ticket,
            peer,
            read: Vec::new(),
        })
    } else {
        http1::serve(&proxy, stream, ticket, peer, protocol.is_none()).await
    };
    if let Some(switched) = switched {
        // Boxed: an idle HTTP/1.1 connection does not need the room.
        Box::pin(http2::serve(Rc::clone(&proxy), switched)).await;
    }
}

impl Proxy {
    /// A deadline for the task that asks.
    pub(super) async fn ticket(&self) -> Ticket {
        poll_fn(|context| {
            let waker = context.waker().clone();
            Poll::Ready(self.deadlines.register(waker, Instant::now()))
        })
        .await
    }
}
