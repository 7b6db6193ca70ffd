//! One HTTP/2 connection: its streams get a task each; this one moves the frames, and decides when
//! it has had enough.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::Request;

use super::frames::WatchedIo;
use super::ledger::Ledger;
use super::settings::{FAREWELL, PONG, SILENCE, is_fickle, is_flood};
use super::stream::Http2Stream;
use crate::http::{Rejection, S3Error, Version};
use crate::net::{StreamPump, Ticket};
use crate::proxy::Proxy;
use crate::proxy::client::Client;
use crate::proxy::connection::{Connection, Next, Peer};

/// A connection after its first words.
pub(super) struct Session {
    proxy: Rc<Proxy>,
    connection: server::Connection<WatchedIo, Bytes>,
    pump: StreamPump,
    /// The request head that is on its way, by number.
    open_head: Rc<Cell<Option<u64>>>,
    pings: Option<PingPong>,
    ticket: Ticket,
    waits: Waits,
    /// The client was told to open no more streams.
    closing: bool,
    peer: Peer,
    ledger: Rc<Ledger>,
}

/// What the connection's deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// The first settings, or nothing yet.
    Start,
    /// A stream.
    ForStream,
    /// The rest of this request head, during which nothing else can come.
    ForHead(u64),
    /// Anything at all, while streams are open; so much was received when the wait began.
    ForSign { received: u64, asked: bool },
    /// The client's end, after ours.
    ForEnd,
}

impl Session {
    pub(super) fn new(
        proxy: Rc<Proxy>,
        mut connection: server::Connection<WatchedIo, Bytes>,
        (pump, open_head): (StreamPump, Rc<Cell<Option<u64>>>),
        ticket: Ticket,
        peer: Peer,
    ) -> Self {
        let pings = connection.ping_pong();
        Self {
            proxy,
            connection,
            pump,
            open_head,
            pings,
            ticket,
            waits: Waits::Start,
            closing: false,
            peer,
            ledger: Rc::default(),
        }
    }

    /// Moves what can be moved now; ready when the connection is at its end.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.ledger.wake_when_empty(context.waker());
        if self.proxy.is_draining() {
            self.close();
        }
        if self.watch() == Watched::Lost {
            return Poll::Ready(());
        }
        loop {
            match self.connection.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.is_abused() => {
                    self.hang_up(Reason::ENHANCE_YOUR_CALM);
                }
                Poll::Pending => break,
            }
        }
        self.watch_head();
        // The streams that have begun run next; this task comes again after those that have
        // something to send, and sends it all at once.
        match self.pump.poll_send(context) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    fn begin(&self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        let (stream, refused) = Http2Stream::new(request, respond, self.ledger.enter());
        let proxy = Rc::clone(&self.proxy);
        tokio::task::spawn_local(serve_stream(proxy, self.peer.clone(), stream, refused));
    }

    /// Tells the client to open no more streams; those that are open are served to their end.
    fn close(&mut self) {
        if !self.closing {
            self.closing = true;
            self.waits = Waits::Start;
            self.connection.graceful_shutdown();
        }
    }

    /// Ends the connection with what it carries; the next poll says why and closes.
    fn hang_up(&mut self, reason: Reason) {
        self.closing = true;
        self.connection.abrupt_shutdown(reason);
    }

    fn is_abused(&self) -> bool {
        !self.closing
            && (is_fickle(self.ledger.taken_back(), self.ledger.answered())
                || is_flood(self.pump.received(), self.ledger.meant()))
    }

    /// Looks whether the connection stands idle for too long, or is lost.
    fn watch(&mut self) -> Watched {
        if let Waits::ForHead(number) = self.waits {
            if self.open_head.get() == Some(number) {
                if self.ticket.is_over() {
                    self.hang_up(Reason::NO_ERROR);
                }
                return Watched::Well;
            }
            self.waits = Waits::Start;
        }
        if self.ledger.open() == 0 {
            self.watch_idle()
        } else {
            self.watch_silent()
        }
    }

    /// A request head that was begun is waited for as in HTTP/1.1.
    fn watch_head(&mut self) {
        if let Some(number) = self.open_head.get()
            && self.waits != Waits::ForHead(number)
            && !self.closing
        {
            self.waits = Waits::ForHead(number);
            self.ticket.set(self.proxy.parts.limits.header);
        }
    }

    fn watch_idle(&mut self) -> Watched {
        match self.waits {
            Waits::ForStream if self.ticket.is_over() => self.close(),
            Waits::ForEnd if self.ticket.is_over() => return Watched::Lost,
            Waits::ForStream | Waits::ForEnd => return Watched::Well,
            Waits::Start | Waits::ForHead(_) | Waits::ForSign { .. } => {}
        }
        let (waits, limit) = if self.closing {
            (Waits::ForEnd, FAREWELL)
        } else {
            (Waits::ForStream, self.proxy.parts.limits.idle)
        };
        self.waits = waits;
        self.ticket.set(limit);
        Watched::Well
    }

    /// A client may be silent while it waits for a response, but not when it is asked.
    fn watch_silent(&mut self) -> Watched {
        let heard = self.pump.received();
        let asked = match self.waits {
            Waits::ForSign { .. } if !self.ticket.is_over() => return Watched::Well,
            Waits::ForSign { received, asked } if received == heard => {
                if asked {
                    return Watched::Lost;
                }
                self.ping();
                true
            }
            _ => false,
        };
        self.waits = Waits::ForSign {
            received: heard,
            asked,
        };
        self.ticket.set(if asked { PONG } else { SILENCE });
        Watched::Well
    }

    fn ping(&mut self) {
        if let Some(pings) = &mut self.pings {
            // An answer to an earlier one is taken off first; that it came was seen as bytes.
            let mut context = Context::from_waker(Waker::noop());
            let _ = pings.poll_pong(&mut context);
            // One that is still on its way is as good.
            let _ = pings.send_ping(Ping::opaque());
        }
    }
}

/// How a connection was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Well,
    Lost,
}

/// Serves one request to its end.
async fn serve_stream(
    proxy: Rc<Proxy>,
    peer: Peer,
    stream: Http2Stream,
    refused: Option<Rejection>,
) {
    let ticket = proxy.ticket().await;
    let mut exchange = proxy.exchanges.take();
    let mut connection = Connection {
        proxy: &proxy,
        client: Client::Http2(Box::new(stream)),
        ticket,
        peer,
    };
    let next = match refused {
        None => connection.requests(&mut exchange, &mut false).await,
        Some(rule) => {
            exchange.begin();
            let error = S3Error::refused(rule, b"", "");
            connection
                .refuse(&mut exchange, &error, Version::Http11)
                .await
        }
    };
    exchange.inbox.clear();
    proxy.exchanges.put(exchange);
    if let Client::Http2(stream) = connection.client {
        stream.finish(match next {
            Next::End(ending) => Some(ending),
            Next::KeepAlive | Next::Http2 => None,
        });
    }
}
