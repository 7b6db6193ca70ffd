//! A connection that has arrived, and who serves it.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use tokio::net::TcpStream;

use super::connection::Peer;
use super::http1::{self, Switched};
use super::{Proxy, http2};
use crate::metrics::WorkerCells;
use crate::net::{Stream, Ticket};

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
pub async fn serve(proxy: Rc<Proxy>, tcp: TcpStream, peer: IpAddr) {
    let _open = Open::new(&proxy.parts.cells);
    let ticket = proxy.ticket().await;
    let Some(stream) = proxy.receive(tcp, &ticket).await else {
        return;
    };
    let peer = Peer::new(peer, stream.is_tls());
    let switched = if stream.is_http2() {
        Some(Switched {
            stream,
            ticket,
            peer,
            read: Vec::new(),
        })
    } else {
        // By TLS it is said in the handshake (RFC 9113 §3.2), without it by the first bytes (§3.3).
        let may_switch = !stream.is_tls();
        http1::serve(&proxy, stream, ticket, peer, may_switch).await
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

    /// What a client that has connected says, behind the handshake if there is to be one; `None`
    /// when it did not come about in the time for a request head.
    async fn receive(&self, tcp: TcpStream, ticket: &Ticket) -> Option<Stream> {
        let Some(acceptor) = &self.parts.acceptor else {
            return Some(Stream::plain(tcp));
        };
        ticket.set(self.parts.limits.header);
        // Boxed: connections in clear text have no room for it.
        let mut handshake = Box::pin(self.handshakes.accept(tcp, acceptor));
        let stream = poll_fn(|context| {
            if ticket.is_over() || self.is_draining() {
                return Poll::Ready(None);
            }
            handshake.as_mut().poll(context).map(Result::ok)
        })
        .await;
        ticket.clear();
        if stream.is_none() {
            self.parts.cells.handshake_failed();
        }
        stream
    }
}
