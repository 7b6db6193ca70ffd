//! One request on a client's connection, whatever it speaks: local pages, refusals, the way to a
//! backend, and what follows the response.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::task::yield_now;

use super::Proxy;
use super::client::Client;
use super::exchange::{Exchange, RequestLine, Tally};
use super::fault::Fault;
use super::relay::{TURN, Upload};
use super::report::Report;
use crate::admin::{Local, Page};
use crate::http::{
    Forwarded, Method, Rejection, Reply, RequestHead, S3Error, Version, write_request,
};
use crate::metrics::Format;
use crate::net::Ticket;

/// A client that asks one request after the other, and what these need of the worker: an HTTP/1.1
/// connection, or one stream of an HTTP/2 connection.
pub(super) struct Connection<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) client: Client,
    pub(super) ticket: Ticket,
    pub(super) peer: Peer,
}

/// Who is at the other end, and how it came to us.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// `address` as text, made once.
    text: Rc<str>,
    /// `http` or `https`.
    pub(super) proto: &'static str,
}

impl Peer {
    pub(super) fn new(address: IpAddr, secure: bool) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            text: address.to_string().into(),
            proto: if secure { "https" } else { "http" },
        }
    }
}

/// What follows a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next request.
    KeepAlive,
    /// HTTP/2, whose preface has come instead of a request.
    Http2,
    /// The end of the connection.
    End(Ending),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing more is to come from either side.
    Close,
    /// The client may still be sending: closing at once would reset the connection and take the
    /// answer away from it (RFC 9112 §9.6). Our side ends, and what comes is thrown away.
    Linger,
    /// The response was cut short, and the client must not take it for whole.
    Reset,
}

impl Connection<'_> {
    /// What the client is called on the way to a backend.
    pub(super) fn forwarded(&self) -> Forwarded<'_> {
        Forwarded {
            client: &self.peer.text,
            proto: self.peer.proto,
        }
    }

    /// Answers the request whose head has been read.
    pub(super) async fn respond(&mut self, exchange: &mut Exchange) -> Next {
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
        let mut report = Report::new(line, tally, self.peer.address, detail);
        if let Err(Fault::ClientMalformed(rule)) = upload.recognise(exchange) {
            return self.refuse_body(exchange, rule, &mut report).await;
        }
        if exchange.inbox.len() > upload.end() && upload.is_received() {
            // Bytes of the next request are not this one's.
            report.tally.rx = upload.end() as u64;
        }
        let next = match self.proxy.keeper.clone() {
            None => self.forward(exchange, &mut upload, &mut report).await,
            // Boxed: a connection has no room for it while the cache is off.
            Some(keeper) => {
                Box::pin(self.consult(exchange, &mut upload, &mut report, keeper)).await
            }
        };
        self.proxy.report(exchange, &report);
        match next {
            Next::KeepAlive => exchange.finish(upload.end()),
            Next::End(Ending::Close) if exchange.inbox.len() > upload.end() => {
                return Next::End(Ending::Linger);
            }
            Next::End(_) | Next::Http2 => {}
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
    pub(super) async fn refuse(
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
        exchange.expect_answer(&self.proxy.answers);
        let out = &mut exchange.response_head;
        out.clear();
        reply.write(head_request, keep_alive, version, unix_now(), out);
        self.write(out, &[], &mut 0).await
    }

    /// Writes a response that is all there, and counts in `sent` what the client takes of it; returns
    /// whether that was everything.
    pub(super) async fn write(&mut self, head: &[u8], body: &[u8], sent: &mut u64) -> bool {
        let (mut head, mut body) = (head, body);
        self.client.forget_pending_write();
        let limit = self.proxy.parts.limits.stall;
        self.ticket.set(limit);
        let mut turn = TURN;
        let done = poll_fn(|context| {
            while !head.is_empty() || !body.is_empty() {
                if self.ticket.is_over() {
                    return Poll::Ready(false);
                }
                let Ok(count @ 1..) = ready!(self.client.poll_write(context, head, body)) else {
                    return Poll::Ready(false);
                };
                let of_head = count.min(head.len());
                (head, body) = (&head[of_head..], &body[count - of_head..]);
                *sent += count as u64;
                self.ticket.set(limit);
                turn = turn.saturating_sub(count);
                if turn == 0 {
                    turn = TURN;
                    // Wakes the task, though not before the sockets were asked for news.
                    ready!(pin!(yield_now()).poll(context));
                }
            }
            Poll::Ready(true)
        })
        .await;
        self.ticket.clear();
        done
    }
}

/// The page of ours that a request is for.
fn page(request: &RequestHead, bytes: &[u8]) -> Option<Page> {
    Local::page(request.method(), request.path(bytes), || {
        Format::accepted(request.field(bytes, "Accept"))
    })
}

/// Seconds since 1970; a clock before that reads as 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
