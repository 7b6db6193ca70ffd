//! A connection that has arrived, and who serves it.

use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Instant, SystemTime};

use tokio::net::TcpStream;

use super::client::Client;
use super::connection::{Connection, Peer};
use super::{Proxy, http2};
use crate::event::Event;
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
    let Some(stream) = proxy.receive(tcp, peer, &ticket).await else {
        return;
    };
    let (is_tls, is_http2) = (stream.is_tls(), stream.is_http2());
    let mut connection = Connection {
        proxy: &proxy,
        client: Client::Http1(stream),
        ticket,
        peer: Peer::new(peer, is_tls),
    };
    let read = if is_http2 {
        Some(Vec::new())
    } else {
        // Its first bytes may say that it is HTTP/2 all the same: in clear text by prior knowledge (RFC
        // 9113 §3.3), and by TLS because some clients speak it whatever was agreed.
        connection.run().await
    };
    let Connection {
        client: Client::Http1(stream),
        ticket,
        peer,
        ..
    } = connection
    else {
        return;
    };
    if let Some(read) = read {
        // Boxed: an idle HTTP/1.1 connection does not need the room.
        Box::pin(http2::serve(Rc::clone(&proxy), stream, ticket, peer, read)).await;
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
    async fn receive(&self, tcp: TcpStream, peer: IpAddr, ticket: &Ticket) -> Option<Stream> {
        let Some(acceptor) = &self.parts.acceptor else {
            return Some(Stream::plain(tcp));
        };
        ticket.set(self.parts.limits.header);
        // Boxed: connections in clear text have no room for it.
        let mut handshake = Box::pin(self.handshakes.accept(tcp, acceptor));
        let shaken = poll_fn(|context| {
            // No request has come: there is nothing to finish, and nothing that failed.
            if self.is_draining() {
                return Poll::Ready(None);
            }
            if ticket.is_over() {
                return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
            }
            handshake.as_mut().poll(context).map(Some)
        })
        .await;
        ticket.clear();
        shaken?
            .inspect_err(|error| self.handshake_failed(peer, error))
            .ok()
    }

    /// Counted always, and told to those who look closely: strangers knock at every port.
    fn handshake_failed(&self, peer: IpAddr, error: &io::Error) {
        self.parts.cells.handshake_failed();
        if self.parts.filter.wants_detail() {
            let peer = peer.to_canonical();
            let why = match error.kind() {
                io::ErrorKind::TimedOut => "it took too long".to_owned(),
                io::ErrorKind::UnexpectedEof => "the client left".to_owned(),
                _ => error.to_string(),
            };
            let text = format!("no TLS session with {peer}: {why}");
            self.parts.events.send(Event::info(text, SystemTime::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::serve;

    fn size_of_future<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand idle clients are ten thousand of these. What a request needs only now and then
    /// is boxed.
    #[test]
    fn a_connection_is_small() {
        let size = size_of_future(serve);
        assert!(size <= 2400, "{size} bytes");
    }
}
