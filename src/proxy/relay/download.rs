//! The response on its way to the client.

use std::task::{Context, Poll, ready};

use super::{BODY_READ, Ends, WORTH_SPLICING};
use crate::fill::Tap;
use crate::net::{Buffer, LentPipe, Pipes};
use crate::proxy::body::Body;
use crate::proxy::exchange::Exchange;
use crate::proxy::fault::Fault;

/// Body bytes to come from which on a large pipe costs less. Through one, the client would wait for
/// a short body while the pipe fills.
const WORTH_LARGE_PIPE: u64 = 8 << 20;

/// Bytes up to which a body is copied behind its head.
const WORTH_COPYING: usize = 2 << 10;

/// How far head and body of a response have come.
#[derive(Debug)]
pub(in crate::proxy) struct Download {
    body: Body,
    head_sent: usize,
    /// What comes next of the body goes through this, past the outbox.
    pipe: Option<LentPipe>,
    /// An event stream may be silent for as long as it likes.
    patient: bool,
    /// Bytes to come that the client has from another backend already.
    known: u64,
    resumed: bool,
    /// Gets for the cache's store what the client gets.
    tap: Option<Box<Tap>>,
}

impl Download {
    /// A response whose head is ready in `response_head` and whose body is `body`.
    pub(in crate::proxy) fn new(body: Body, patient: bool, tap: Option<Box<Tap>>) -> Self {
        Self {
            body,
            head_sent: 0,
            pipe: None,
            patient,
            known: 0,
            resumed: false,
            tap,
        }
    }

    /// Goes on with the body that stands behind the response head in the exchange, whose first
    /// `known` bytes the client has. To be called when nothing is left to be sent to the client.
    pub(in crate::proxy) fn go_on(
        &mut self,
        exchange: &mut Exchange,
        pipes: &Pipes,
        known: u64,
    ) -> Result<(), Fault> {
        if let Some(pipe) = self.pipe.take() {
            pipes.put(pipe);
        }
        self.body = Body::new(exchange.response.framing(), exchange.response.len());
        self.known = known;
        self.resumed = true;
        self.body
            .recognise(&mut exchange.outbox)
            .map_err(Fault::BackendMalformed)
    }

    pub(super) fn is_patient(&self) -> bool {
        self.patient
    }

    /// Whether it has gone on from another backend before.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether something is there that the client has to take first.
    pub(super) fn waits_for_client(&self, exchange: &Exchange) -> bool {
        exchange.response_head.len() > self.head_sent
            || self.body.is_pending()
            || self.pipe.as_ref().is_some_and(|pipe| !pipe.is_empty())
    }

    /// Bytes of a body with a length that the client does not have yet.
    pub(in crate::proxy) fn missing(&self) -> u64 {
        self.body.ahead().saturating_sub(self.known)
    }

    /// Whether the client has got anything of it.
    pub(in crate::proxy) fn is_begun(&self) -> bool {
        self.head_sent > 0
    }

    /// Where unasked-for bytes would begin in the outbox.
    pub(in crate::proxy) fn end(&self) -> usize {
        self.body.end()
    }

    /// Moves what can be moved now; ready when the client has all of the response.
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
            if let known @ 1.. = self.leave_known_out(&exchange.outbox) {
                ready!(ends.turn.moved(known, context));
                continue;
            }
            self.join_small_body(exchange);
            let head = exchange
                .response_head
                .get(self.head_sent..)
                .unwrap_or_default();
            let body = self.body.pending(&exchange.outbox);
            if !head.is_empty() || !body.is_empty() {
                let head_left = head.len();
                match ready!(ends.client.poll_write(context, head, body)) {
                    Ok(count @ 1..) => {
                        let of_head = count.min(head_left);
                        self.head_sent += of_head;
                        if let Some(tap) = &mut self.tap {
                            tap.take(&body[..count - of_head]);
                        }
                        self.body.passed(count - of_head);
                        ends.tally.tx += count as u64;
                        ends.progress.made();
                        ready!(ends.turn.moved(count, context));
                    }
                    Ok(0) | Err(_) => return Poll::Ready(Err(Fault::ClientGone)),
                }
                continue;
            }
            if self.body.is_complete() {
                return Poll::Ready(Ok(()));
            }
            self.body.restart(&mut exchange.outbox);
            if self.known == 0 && self.body.ahead() >= WORTH_SPLICING && ends.can_splice() {
                self.pipe = self.take_pipe(ends.pipes);
                if self.pipe.is_some() {
                    continue;
                }
            }
            let outbox = &mut ends.exchange.outbox;
            match ready!(ends.backend.poll_read_some(context, outbox, BODY_READ)) {
                Ok(1..) => {
                    ends.progress.made();
                    self.body
                        .recognise(outbox)
                        .map_err(Fault::BackendMalformed)?;
                }
                Ok(0) if self.body.end_of_file() => {}
                Ok(0) => return Poll::Ready(Err(Fault::BackendClosed(None))),
                Err(error) => return Poll::Ready(Err(Fault::BackendClosed(Some(error)))),
            }
        }
    }

    /// A pipe for the rest, if it may go through one.
    fn take_pipe(&mut self, pipes: &Pipes) -> Option<LentPipe> {
        let is_worth_large = self.body.ahead() >= WORTH_LARGE_PIPE;
        match self.tap.as_mut().filter(|tap| !tap.is_over()) {
            None => pipes.take(is_worth_large),
            // What goes through at once has to find room behind the tap as well.
            Some(tap) => tap.splices(pipes).then(|| pipes.take(false)).flatten(),
        }
    }

    /// Passes over bytes that the client has; returns how many were there.
    fn leave_known_out(&mut self, outbox: &Buffer) -> usize {
        if self.known == 0 {
            return 0;
        }
        let arrived = self.body.pending(outbox).len();
        let known = usize::try_from(self.known).map_or(arrived, |known| known.min(arrived));
        self.body.passed(known);
        self.known -= known as u64;
        known
    }

    /// Puts the start of a body behind a head that is still to be sent, when copying it costs less
    /// than writing from two places.
    fn join_small_body(&mut self, exchange: &mut Exchange) {
        if self.head_sent > 0 || exchange.response_head.is_empty() || self.tap.is_some() {
            return;
        }
        let body = self.body.pending(&exchange.outbox);
        if (1..=WORTH_COPYING).contains(&body.len()) {
            exchange.response_head.extend_from_slice(body);
            let count = body.len();
            self.body.passed(count);
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
                match ready!(ends.client.poll_drain(context, pipe)) {
                    Ok(count @ 1..) => {
                        if let Some(tap) = &mut self.tap {
                            tap.took(count as u64);
                        }
                        ends.tally.tx += count as u64;
                        ends.progress.made();
                        ready!(ends.turn.moved(count, context));
                    }
                    Ok(0) | Err(_) => return Poll::Ready(Err(Fault::ClientGone)),
                }
            } else if self.body.ahead() > 0 {
                match ready!(ends.backend.poll_fill(context, pipe, self.body.ahead())) {
                    Ok(count @ 1..) => {
                        if let Some(tap) = &mut self.tap {
                            tap.duplicate(pipe);
                        }
                        self.body.skip(count as u64);
                        ends.progress.made();
                    }
                    Ok(0) if self.body.end_of_file() => {}
                    Ok(0) => return Poll::Ready(Err(Fault::BackendClosed(None))),
                    Err(error) => return Poll::Ready(Err(Fault::BackendClosed(Some(error)))),
                }
            } else if let Some(pipe) = self.pipe.take() {
                ends.pipes.put(pipe);
            }
        }
        Poll::Ready(Ok(()))
    }
}
