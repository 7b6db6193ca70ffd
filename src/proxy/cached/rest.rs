//! The rest of a body that is being stored, fetched from a backend when the client's own download
//! does not bring it: it left, or the store was too slow for it. It is a request like any other, with
//! the client's head and a range; its client is the store.

use std::future::{Future as _, poll_fn};
use std::io;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use super::own_head;
use crate::fill::FetchRest;
use crate::http::{Method, Parsed, RequestHead, ResponseHead};
use crate::net::LentPipe;
use crate::proxy::Proxy;
use crate::proxy::client::Client;
use crate::proxy::connection::{Connection, Peer};
use crate::proxy::exchange::{Exchange, RequestLine, Tally};
use crate::proxy::relay::Upload;
use crate::proxy::report::Report;
use crate::proxy::resume::Resume;
use crate::store;

/// The store, as it takes a response: its head has to be the one that continues the body.
#[derive(Debug)]
pub(in crate::proxy) struct RestClient {
    upload: store::Upload,
    takes_pipes: bool,
    promise: Resume,
    /// Where the rest begins.
    from: u64,
    has_head: bool,
    /// Bytes of the body that it took.
    taken: u64,
}

impl RestClient {
    /// As [`crate::net::Stream::poll_write`].
    pub(in crate::proxy) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.has_head {
            return Poll::Ready(self.take_head(first));
        }
        let bytes = if first.is_empty() { second } else { first };
        let written = self.upload.poll_write(context, bytes);
        self.count(written)
    }

    /// As [`crate::net::Stream::poll_drain`].
    pub(in crate::proxy) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        pipe: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        let written = self.upload.poll_drain(context, pipe);
        self.count(written)
    }

    /// Whether it can.
    pub(in crate::proxy) fn can_splice(&self) -> bool {
        self.takes_pipes
    }

    /// Ready when the store has refused.
    pub(in crate::proxy) fn poll_refused(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.upload.poll_refused(context).map(drop)
    }

    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.taken += count as u64;
        }
        written
    }

    /// Looks at a head, behind which the body may begin; an error of ours is none that continues.
    fn take_head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut head = ResponseHead::default();
        if head.parse(bytes, Method::Get, false) != Ok(Parsed::Complete) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if head.is_interim() {
            return Ok(head.len());
        }
        if self.promise.continues(&head, bytes, self.from) != Ok(0) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.has_head = true;
        Ok(head.len())
    }

    /// The upload, if it has everything.
    fn finish(self) -> Option<store::Upload> {
        let is_whole = self.has_head && self.from + self.taken == self.promise.length();
        is_whole.then_some(self.upload)
    }
}

/// A request whose answer is being stored.
struct Fetch {
    proxy: Weak<Proxy>,
    peer: Peer,
    request: RequestHead,
    bytes: Box<[u8]>,
    promise: Resume,
}

impl Connection<'_> {
    /// How the rest of the response whose head has come is fetched, if it can be.
    pub(super) fn rest(&self, exchange: &Exchange) -> Option<FetchRest> {
        let bytes = own_head(exchange);
        let promise = Resume::of(&exchange.request, &bytes, exchange.outbox.filled())?;
        let fetch = Fetch {
            proxy: self.proxy.me.clone(),
            peer: self.peer.clone(),
            request: exchange.request.clone(),
            bytes,
            promise,
        };
        Some(Box::new(move |upload, from| {
            Box::pin(fetch.run(upload, from))
        }))
    }
}

impl Fetch {
    async fn run(self, upload: store::Upload, from: u64) -> Option<store::Upload> {
        let proxy = self.proxy.upgrade()?;
        let takes_pipes = upload.takes_pipes();
        let client = RestClient {
            upload,
            takes_pipes,
            promise: self.promise.clone(),
            from,
            has_head: false,
            taken: 0,
        };
        let mut connection = Connection {
            client: Client::Store(Box::new(client)),
            ticket: proxy.ticket().await,
            peer: self.peer.clone(),
            proxy: &proxy,
        };
        let mut exchange = proxy.exchanges.take();
        self.forward(&proxy, &mut connection, &mut exchange, from)
            .await;
        proxy.put_back(exchange);
        match connection.client {
            Client::Store(client) => client.finish(),
            Client::Http1(_) | Client::Http2(_) => None,
        }
    }

    /// Sends the request, until the process is to end.
    async fn forward(
        &self,
        proxy: &Rc<Proxy>,
        connection: &mut Connection<'_>,
        exchange: &mut Exchange,
        from: u64,
    ) {
        exchange.begin();
        exchange.inbox.append(&self.bytes);
        exchange.request = self.request.clone();
        self.promise.write(
            &self.request,
            &self.bytes,
            &connection.forwarded(),
            from,
            &mut exchange.request_head,
        );
        let mut upload = Upload::new(self.request.framing(), self.request.len());
        let line = RequestLine::of(exchange);
        let tally = Tally::begin(Instant::now(), 0);
        let mut report = Report::new(line, tally, self.peer.address, None);
        let mut sent = Box::pin(connection.forward(exchange, &mut upload, &mut report));
        poll_fn(|context| {
            if proxy.is_draining() {
                return Poll::Ready(());
            }
            sent.as_mut().poll(context).map(drop)
        })
        .await;
    }
}
