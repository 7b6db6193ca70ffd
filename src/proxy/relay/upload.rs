//! The request on its way to the backend.

use std::io;
use std::task::{Context, Poll, ready};

use super::Progress;
use crate::http::BodyFraming;
use crate::net::{Buffer, Stream};
use crate::proxy::body::Body;
use crate::proxy::exchange::{Exchange, Tally};
use crate::proxy::fault::Fault;

/// How far head and body of a request have come.
///
/// What was read of the body stays in the inbox until it is full. As long as nothing was
/// overwritten the request is *held*: it can be sent again, to another backend.
#[derive(Debug)]
pub(in crate::proxy) struct Upload {
    /// Where the body begins in the inbox, while it is held.
    start: usize,
    body: Body,
    head_sent: usize,
    held: bool,
    /// The backend takes no more; its answer may have come all the same.
    broken: Option<io::Error>,
    over: bool,
}

impl Upload {
    /// A request whose head, `head` bytes of the inbox, has been read, and perhaps more with it.
    pub(in crate::proxy) fn new(framing: BodyFraming, head: usize) -> Self {
        Self {
            start: head,
            body: Body::new(framing, head),
            head_sent: 0,
            held: true,
            broken: None,
            over: false,
        }
    }

    /// Looks at the body bytes that came along with the head.
    ///
    /// # Errors
    /// The body breaks the rules: nothing has been sent to a backend yet.
    pub(in crate::proxy) fn recognise(&mut self, exchange: &mut Exchange) -> Result<(), Fault> {
        self.body
            .recognise(&mut exchange.inbox)
            .map_err(Fault::ClientMalformed)
    }

    /// Starts over for another attempt; only while the request is held.
    pub(in crate::proxy) fn rewind(&mut self) {
        debug_assert!(self.held, "a body that is gone cannot be sent again");
        self.body.rewind(self.start);
        self.head_sent = 0;
        self.broken = None;
        self.over = false;
    }

    /// Whether every byte taken from the client is still here.
    pub(in crate::proxy) fn is_held(&self) -> bool {
        self.held
    }

    /// Whether the backend's socket has taken a byte in this attempt.
    pub(in crate::proxy) fn is_delivered(&self) -> bool {
        self.head_sent > 0
    }

    /// Whether nothing more will be sent in this attempt.
    pub(in crate::proxy) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether all of the request has been handed to the backend.
    pub(in crate::proxy) fn is_complete(&self) -> bool {
        self.over && self.broken.is_none()
    }

    /// Whether the whole body has been read from the client.
    pub(in crate::proxy) fn is_received(&self) -> bool {
        self.body.is_complete()
    }

    /// Whether it is the client's turn to send.
    pub(in crate::proxy) fn waits_for_client(&self) -> bool {
        !self.over && !self.body.is_complete() && !self.body.is_pending()
    }

    /// Where the next request begins in the inbox, once the body has been received.
    pub(in crate::proxy) fn end(&self) -> usize {
        self.body.end()
    }

    /// The head was written out long ago and goes first; then what was sent of the body, and with
    /// it the possibility to send it again.
    fn make_room(&mut self, inbox: &mut Buffer) {
        if self.held && self.start > 0 {
            inbox.consume(self.start);
            self.body.moved(self.start);
            self.start = 0;
        } else {
            self.held = false;
            self.body.restart(inbox);
        }
    }

    /// Moves what can be moved now; ready when the upload is over.
    pub(super) fn poll(
        &mut self,
        exchange: &mut Exchange,
        client: &mut Stream,
        backend: &mut Stream,
        tally: &mut Tally,
        progress: Progress<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        loop {
            let head = exchange
                .request_head
                .get(self.head_sent..)
                .unwrap_or_default();
            let body = self.body.pending(&exchange.inbox);
            if !head.is_empty() || !body.is_empty() {
                let head_left = head.len();
                match ready!(backend.poll_write(context, head, body)) {
                    Ok(count) => {
                        let of_head = count.min(head_left);
                        self.head_sent += of_head;
                        self.body.passed(count - of_head);
                        progress.made();
                    }
                    Err(error) => {
                        // It may have answered before it closed: the response side finds out.
                        self.broken = Some(error);
                        self.over = true;
                        return Poll::Ready(Ok(()));
                    }
                }
                continue;
            }
            if self.body.is_complete() {
                self.over = true;
                return Poll::Ready(Ok(()));
            }
            if exchange.inbox.is_full() {
                self.make_room(&mut exchange.inbox);
            }
            match ready!(client.poll_read(context, &mut exchange.inbox)) {
                Ok(count @ 1..) => {
                    tally.rx += count as u64;
                    progress.made();
                    self.body
                        .recognise(&mut exchange.inbox)
                        .map_err(Fault::ClientMalformed)?;
                }
                Ok(0) | Err(_) => return Poll::Ready(Err(Fault::ClientGone)),
            }
        }
    }
}
