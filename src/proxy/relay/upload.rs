//! The request on its way to the backend.

use std::io;
use std::task::{Context, Poll, ready};

use super::{BODY_READ, Ends, WORTH_SPLICING};
use crate::http::BodyFraming;
use crate::net::{Buffer, LentPipe};
use crate::proxy::body::Body;
use crate::proxy::exchange::Exchange;
use crate::proxy::fault::Fault;

/// Body bytes that are held before the possibility to send them again is given up.
const HELD: usize = 64 << 10;

/// Body bytes to come from which on a large pipe costs less: a client has its upload ready.
const WORTH_LARGE_PIPE: u64 = 512 << 10;

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
    /// What comes next of the body goes through this, past the inbox.
    pipe: Option<LentPipe>,
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
            pipe: None,
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

    /// Nothing of it is sent: who answers is no backend.
    pub(in crate::proxy) fn withhold(&mut self) {
        self.over = true;
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
        !self.over
            && !self.body.is_complete()
            && !self.body.is_pending()
            && self.pipe.as_ref().is_none_or(LentPipe::is_empty)
    }

    /// Where the next request begins in the inbox, once the body has been received.
    pub(in crate::proxy) fn end(&self) -> usize {
        self.body.end()
    }

    /// The head was written out long ago and goes first, if it is large; then what was sent of the
    /// body, and with it the possibility to send it again.
    fn make_room(&mut self, inbox: &mut Buffer) {
        if self.held && inbox.len() < self.start + HELD {
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
        ends: &mut Ends<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        loop {
            if self.pipe.is_some() {
                ready!(self.poll_splice(ends, context))?;
                continue;
            }
            let exchange = &mut *ends.exchange;
            let head = exchange
                .request_head
                .get(self.head_sent..)
                .unwrap_or_default();
            let body = self.body.pending(&exchange.inbox);
            if !head.is_empty() || !body.is_empty() {
                let head_left = head.len();
                match ready!(ends.backend.poll_write(context, head, body)) {
                    Ok(count) => {
                        let of_head = count.min(head_left);
                        self.head_sent += of_head;
                        self.body.passed(count - of_head);
                        ends.progress.made();
                        ready!(ends.turn.moved(count, context));
                    }
                    Err(error) => {
                        self.give_up(error);
                        return Poll::Ready(Ok(()));
                    }
                }
                continue;
            }
            if self.over || self.body.is_complete() {
                self.over = true;
                return Poll::Ready(Ok(()));
            }
            if exchange.inbox.is_full() {
                self.make_room(&mut exchange.inbox);
            }
            if !self.held && self.body.ahead() >= WORTH_SPLICING && ends.can_splice() {
                self.pipe = ends.pipes.take(self.body.ahead() >= WORTH_LARGE_PIPE);
                if self.pipe.is_some() {
                    continue;
                }
            }
            let inbox = &mut ends.exchange.inbox;
            match ready!(ends.client.poll_read_some(context, inbox, BODY_READ)) {
                Ok(count @ 1..) => {
                    ends.tally.rx += count as u64;
                    ends.progress.made();
                    self.body.recognise(inbox).map_err(Fault::ClientMalformed)?;
                }
                Ok(0) | Err(_) => return Poll::Ready(Err(Fault::ClientGone)),
            }
        }
    }

    /// Moves data through the pipe; ready when there is none ahead, nor left in the pipe.
    fn poll_splice(
        &mut self,
        ends: &mut Ends<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        while let Some(pipe) = &mut self.pipe {
            if !pipe.is_empty() {
                match ready!(ends.backend.poll_drain(context, pipe)) {
                    Ok(count) => {
                        ends.progress.made();
                        ready!(ends.turn.moved(count, context));
                    }
                    Err(error) => self.give_up(error),
                }
            } else if self.body.ahead() > 0 {
                match ready!(ends.client.poll_fill(context, pipe, self.body.ahead())) {
                    Ok(count @ 1..) => {
                        ends.tally.rx += count as u64;
                        self.body.skip(count as u64);
                        ends.progress.made();
                    }
                    Ok(0) | Err(_) => return Poll::Ready(Err(Fault::ClientGone)),
                }
            } else if let Some(pipe) = self.pipe.take() {
                ends.pipes.put(pipe);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The backend takes no more. It may have answered before it closed: the response side finds
    /// out.
    fn give_up(&mut self, error: io::Error) {
        self.broken = Some(error);
        self.pipe = None;
        self.over = true;
    }
}
