//! One client connection: its requests one after the other, until one side has enough.

mod closing;
mod read;

use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub(super) use closing::Ending;
use read::Read;

use super::Proxy;
use super::exchange::{Exchange, RequestLine, Tally};
use super::fault::Fault;
use super::relay::Upload;
use super::report::Report;
use crate::admin::{Local, Page};
use crate::http::{Method, Rejection, Reply, RequestHead, S3Error, Version, write_request};
use crate::metrics::{Format, WorkerCells};
use crate::net::{Stream, Ticket};

/// A client connection and what its requests need of the worker.
pub(super) struct Connection<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) client: Stream,
    pub(super) ticket: Ticket,
    pub(super) peer: IpAddr,
    /// `peer` as text, made once.
    pub(super) peer_text: String,
}

/// What follows a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next request.
    KeepAlive,
    /// The end of the connection.
    End(Ending),
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
pub async fn serve(proxy: Rc<Proxy>, client: Stream, peer: IpAddr) {
    let _open = Open::new(&proxy.parts.cells);
    let ticket = poll_fn(|context| {
        Poll::Ready(
            proxy
                .deadlines
                .register(context.waker().clone(), Instant::now()),
        )
    })
    .await;
    let peer = peer.to_canonical();
    let mut connection = Connection {
        proxy: &proxy,
        client,
        ticket,
        peer,
        peer_text: peer.to_string(),
    };
    let ending = connection.run().await;
    closing::close(connection.client, &connection.ticket, ending).await;
}

impl Connection<'_> {
    async fn run(&mut self) -> Ending {
        while self.is_asked_again().await {
            // Only a connection in use owns an exchange with its buffers.
            let mut exchange = self.proxy.exchanges.take();
            let next = self.requests(&mut exchange).await;
            exchange.inbox.clear();
            self.proxy.exchanges.put(exchange);
            if let Next::End(ending) = next {
                return ending;
            }
        }
        Ending::Close
    }

    /// Serves the request that has begun to arrive, and those pipelined behind it.
    async fn requests(&mut self, exchange: &mut Exchange) -> Next {
        loop {
            exchange.begin();
            match self.read_head(exchange).await {
                Read::Head => {}
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

    /// Answers the request whose head has been read.
    async fn respond(&mut self, exchange: &mut Exchange) -> Next {
        let now = Instant::now();
        let Exchange {
            request,
            inbox,
            request_head,
            ..
        } = &mut *exchange;
        if let Some(page) = page(request, inbox.filled()) {
            let len = request.len();
            let reply = self
                .proxy
                .parts
                .local
                .answer(page, self.proxy.is_draining())
                .await;
            let next = self.answer(exchange, &reply).await;
            if next == Next::KeepAlive {
                exchange.finish(len);
            }
            return next;
        }
        write_request(request, inbox.filled(), &self.forwarded(), request_head);
        let line = RequestLine::of(exchange);
        let mut upload = Upload::new(exchange.request.framing(), exchange.request.len());
        let tally = Tally::begin(now, exchange.inbox.len() as u64);
        let detail = self
            .proxy
            .parts
            .filter
            .wants_detail()
            .then(|| Box::new(Report::request_detail(exchange)));
        let mut report = Report::new(line, tally, self.peer, detail);
        if let Err(Fault::ClientMalformed(rule)) = upload.recognise(exchange) {
            return self.refuse_body(exchange, rule, &mut report).await;
        }
        if exchange.inbox.len() > upload.end() && upload.is_received() {
            // Bytes of the next request are not this one's.
            report.tally.rx = upload.end() as u64;
        }
        let next = self.forward(exchange, &mut upload, &mut report).await;
        self.proxy.report(exchange, &report);
        match next {
            Next::KeepAlive => exchange.finish(upload.end()),
            Next::End(Ending::Close) if exchange.inbox.len() > upload.end() => {
                return Next::End(Ending::Linger);
            }
            Next::End(_) => {}
        }
        next
    }

    async fn refuse_body(
        &mut self,
        exchange: &mut Exchange,
        rule: Rejection,
        report: &mut Report,
    ) -> Next {
        let version = exchange.request.version();
        report.refused(rule.status(), &Fault::ClientMalformed(rule));
        let path = exchange.request.path(exchange.inbox.filled()).to_vec();
        let next = self
            .refuse(exchange, &S3Error::refused(rule, &path, ""), version)
            .await;
        self.proxy.report(exchange, report);
        next
    }

    /// Answers with an error, and closes: what else the client sends means nothing any more.
    async fn refuse(
        &mut self,
        exchange: &mut Exchange,
        error: &S3Error<'_>,
        version: Version,
    ) -> Next {
        let reply = self.proxy.identified(error).reply();
        self.send(exchange, &reply, false, false, version).await;
        Next::End(Ending::Linger)
    }

    /// Answers with a reply of our own. The connection goes on if no body is left to come.
    pub(super) async fn answer(&mut self, exchange: &mut Exchange, reply: &Reply) -> Next {
        let request = &exchange.request;
        let (head_request, version) = (request.method() == Method::Head, request.version());
        let keep_alive =
            request.keep_alive() && request.framing().is_empty() && !self.proxy.is_draining();
        if !self
            .send(exchange, reply, head_request, keep_alive, version)
            .await
        {
            return Next::End(Ending::Close);
        }
        if keep_alive {
            Next::KeepAlive
        } else {
            Next::End(Ending::Linger)
        }
    }

    /// Writes a reply of our own; returns whether the client took it.
    pub(super) async fn send(
        &mut self,
        exchange: &mut Exchange,
        reply: &Reply,
        head_request: bool,
        keep_alive: bool,
        version: Version,
    ) -> bool {
        self.proxy.parts.cells.answered(reply.status());
        let out = &mut exchange.response_head;
        out.clear();
        reply.write(head_request, keep_alive, version, unix_now(), out);
        let mut sent = 0;
        let limit = self.proxy.parts.limits.stall;
        self.ticket.set(limit);
        let done = poll_fn(|context| {
            while let Some(rest @ [_, ..]) = out.get(sent..) {
                if self.ticket.is_over() {
                    return Poll::Ready(false);
                }
                match self.client.poll_write(context, rest, &[]) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        sent += count;
                        self.ticket.set(limit);
                    }
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(true)
        })
        .await;
        self.ticket.clear();
        done
    }
}

const TIMED_OUT: S3Error<'_> = S3Error {
    status: 408,
    code: "RequestTimeout",
    message: "the request head did not arrive in time",
    resource: b"",
    request_id: "",
};

/// The page of ours that a request is for.
fn page(request: &RequestHead, bytes: &[u8]) -> Option<Page> {
    Local::page(request.method(), request.path(bytes), || {
        Format::accepted(request.field(bytes, "Accept"))
    })
}

/// Seconds since 1970; a clock before that reads as 1970.
fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
