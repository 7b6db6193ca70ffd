//! One HTTP/2 connection: its streams get a task each; this one moves the frames, and decides when
//! it has had enough.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::Request;

use super::frames::{Seen, WatchedIo};
use super::ledger::Ledger;
use super::settings::{FAREWELL, HEARING, MOST_TASKS, SILENCE, is_fickle, is_flood};
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
    seen: Rc<Seen>,
    pings: Option<PingPong>,
    ticket: Ticket,
    waits: Waits,
    said: Said,
    peer: Peer,
    ledger: Rc<Ledger>,
}

/// What the client was told about the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// It should open no more streams.
    Goodbye,
    /// All of it ends now.
    HungUp,
}

/// What the connection's deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// The first settings, or nothing yet.
    Start,
    /// A stream.
    ForStream,
    /// The rest of this request head.
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
        (pump, seen): (StreamPump, Rc<Seen>),
        ticket: Ticket,
        peer: Peer,
    ) -> Self {
        let pings = connection.ping_pong();
        Self {
            proxy,
            connection,
            pump,
            seen,
            pings,
            ticket,
            waits: Waits::Start,
            said: Said::Nothing,
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
        loop {
            match self.connection.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.begin(request, respond);
                    continue;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            let said = self.said;
            if self.watch() == Watched::Lost {
                return Poll::Ready(());
            }
            // What was decided is said in another round.
            if self.said == said {
                break;
            }
        }
        // The streams that have begun run next; this task comes again after those that have
        // something to send, and sends it all at once.
        match self.pump.poll_send(context) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Starts a task for a request. One that was taken back may last a moment longer, while its
    /// backend is connected to; with too many of those no more are begun.
    fn begin(&self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        if self.ledger.open() >= MOST_TASKS {
            respond.send_reset(Reason::REFUSED_STREAM);
            return;
        }
        let (stream, refused) = Http2Stream::new(request, respond, self.ledger.enter());
        let proxy = Rc::clone(&self.proxy);
        tokio::task::spawn_local(serve_stream(proxy, self.peer.clone(), stream, refused));
    }

    /// Tells the client to open no more streams; those that are open are served to their end.
    fn close(&mut self) {
        if self.said == Said::Nothing {
            self.said = Said::Goodbye;
            self.waits = Waits::Start;
            self.connection.graceful_shutdown();
        }
    }

    /// Ends the connection with all that it carries.
    fn hang_up(&mut self, reason: Reason) {
        self.said = Said::HungUp;
        self.ticket.set(FAREWELL);
        self.connection.abrupt_shutdown(reason);
    }

    /// Looks whether the client asks for too much, or for nothing any more.
    fn watch(&mut self) -> Watched {
        if self.said == Said::HungUp {
            return if self.ticket.is_over() {
                Watched::Lost
            } else {
                Watched::Well
            };
        }
        if is_fickle(self.ledger.taken_back(), self.ledger.answered())
            || is_flood(self.seen.chatter(), self.ledger.meant())
        {
            self.hang_up(Reason::ENHANCE_YOUR_CALM);
            Watched::Well
        } else if let Some(number) = self.seen.open_head() {
            self.watch_head(number);
            Watched::Well
        } else if self.ledger.open() == 0 {
            self.watch_idle()
        } else {
            self.watch_silent()
        }
    }

    /// A request head that was begun is waited for as in HTTP/1.1: nothing else can come meanwhile.
    fn watch_head(&mut self, number: u64) {
        if self.waits != Waits::ForHead(number) {
            self.waits = Waits::ForHead(number);
            self.ticket.set(self.proxy.parts.limits.header);
        } else if self.ticket.is_over() {
            self.hang_up(Reason::NO_ERROR);
        }
    }

    fn watch_idle(&mut self) -> Watched {
        match self.waits {
            Waits::ForStream if self.ticket.is_over() => self.close(),
            Waits::ForEnd if self.ticket.is_over() => return Watched::Lost,
            Waits::ForStream | Waits::ForEnd => return Watched::Well,
            Waits::Start | Waits::ForHead(_) | Waits::ForSign { .. } => {}
        }
        let (waits, limit) = match self.said {
            Said::Nothing => (Waits::ForStream, self.proxy.parts.limits.idle),
            Said::Goodbye | Said::HungUp => (Waits::ForEnd, FAREWELL),
        };
        self.waits = waits;
        self.ticket.set(limit);
        Watched::Well
    }

    /// A client may be silent while it waits for a response, but not when it is asked. It has the
    /// time of a body that makes no progress to answer: one that reads only when its application
    /// does is not dead.
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
        let limits = &self.proxy.parts.limits;
        self.ticket.set(if asked { limits.stall } else { SILENCE });
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
    proxy.put_back(exchange);
    if let Client::Http2(mut stream) = connection.client {
        stream.finish(match next {
            Next::End(ending) => Some(ending),
            Next::KeepAlive | Next::Http2 => None,
        });
        be_heard(&mut stream, &connection.ticket).await;
    }
}

/// Gives a client that is still sending time to read the answer.
async fn be_heard(stream: &mut Http2Stream, ticket: &Ticket) {
    ticket.set(HEARING);
    poll_fn(|context| {
        if ticket.is_over() {
            return Poll::Ready(());
        }
        stream.poll_over(context)
    })
    .await;
}
