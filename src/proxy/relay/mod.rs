//! Moving a request and its response at the same time: an upload goes on while the response is
//! already being read, and each side is read only when the other has taken what was read before.

mod download;
mod upload;

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

pub(super) use download::Download;
pub(super) use upload::Upload;

use super::exchange::{Exchange, Tally};
use super::fault::Fault;
use crate::http::{Parsed, Rejection, Version, write_interim};
use crate::net::{Stream, Ticket};

/// Everything one attempt moves bytes between, lent for as long as it lasts.
pub(super) struct Relay<'a> {
    pub(super) exchange: &'a mut Exchange,
    pub(super) client: &'a mut Stream,
    pub(super) backend: &'a mut Stream,
    pub(super) upload: &'a mut Upload,
    pub(super) tally: &'a mut Tally,
    pub(super) progress: Progress<'a>,
    /// Nothing has come from the client since its request was complete.
    pub(super) client_is_silent: bool,
}

/// The bound on a lack of progress, renewed whenever bytes move.
#[derive(Clone, Copy)]
pub(super) struct Progress<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) within: Duration,
}

impl Progress<'_> {
    pub(super) fn made(self) {
        self.ticket.set(self.within);
    }
}

impl Relay<'_> {
    /// Sends the request and reads up to the final response head, passing interim responses on.
    ///
    /// The upload need not be over then: a backend may answer early.
    pub(super) async fn response_head(&mut self) -> Result<(), Fault> {
        self.progress.made();
        let mut interim_sent = 0;
        let result = poll_fn(|context| {
            if self.progress.ticket.is_over() {
                return Poll::Ready(Err(self.stalled()));
            }
            if let Poll::Ready(Err(fault)) = self.poll_upload(context) {
                return Poll::Ready(Err(fault));
            }
            let answered = self.poll_response_head(context, &mut interim_sent);
            self.or_client_gone(answered, context)
        })
        .await;
        self.progress.ticket.clear();
        result
    }

    /// Passes the response on to its end, head included, while the upload goes on.
    ///
    /// A response whose head came while the upload was under way ends it: what is left of the
    /// upload then is the caller's to see in [`Upload::is_over`].
    pub(super) async fn response_body(&mut self, download: &mut Download) -> Result<(), Fault> {
        self.progress.made();
        let result = poll_fn(|context| {
            if self.progress.ticket.is_over() && !download.is_patient() {
                return Poll::Ready(Err(self.stalled()));
            }
            if let Poll::Ready(Err(fault)) = self.poll_upload(context) {
                return Poll::Ready(Err(fault));
            }
            let moved = download.poll(self, context);
            self.or_client_gone(moved, context)
        })
        .await;
        self.progress.ticket.clear();
        result
    }

    fn poll_upload(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.upload.is_over() {
            return Poll::Ready(Ok(()));
        }
        self.upload.poll(
            self.exchange,
            self.client,
            self.backend,
            self.tally,
            self.progress,
            context,
        )
    }

    fn poll_response_head(
        &mut self,
        context: &mut Context<'_>,
        interim_sent: &mut usize,
    ) -> Poll<Result<(), Fault>> {
        loop {
            while let Some(rest @ [_, ..]) = self.exchange.response_head.get(*interim_sent..) {
                match self.client.poll_write(context, rest, &[]) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        *interim_sent += count;
                        self.tally.tx += count as u64;
                        self.progress.made();
                    }
                    Poll::Ready(_) => return Poll::Ready(Err(Fault::ClientGone)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            self.exchange.response_head.clear();
            *interim_sent = 0;
            let is_final = self.next_head()?;
            if !self.exchange.response_head.is_empty() {
                continue;
            }
            if is_final {
                return Poll::Ready(Ok(()));
            }
            match self.backend.poll_read(context, &mut self.exchange.outbox) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Fault::BackendClosed(None))),
                Poll::Ready(Ok(_)) => self.progress.made(),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(Fault::BackendClosed(Some(error))));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Parses what has arrived. Returns whether the final head is there; an interim one is put
    /// where it will be sent to the client from.
    fn next_head(&mut self) -> Result<bool, Fault> {
        let Exchange {
            request,
            response,
            outbox,
            response_head,
            ..
        } = &mut *self.exchange;
        while !outbox.is_empty() {
            let parsed = response
                .parse(outbox.filled(), request.method(), request.upgrade())
                .map_err(Fault::BackendMalformed)?;
            match parsed {
                Parsed::Complete if !response.is_interim() => return Ok(true),
                Parsed::Partial if outbox.is_full() => {
                    return Err(Fault::BackendMalformed(Rejection::HeadTooLarge));
                }
                Parsed::Partial => return Ok(false),
                Parsed::Complete => {
                    // An HTTP/1.0 client does not know interim responses (RFC 9110 §15.2).
                    if request.version() == Version::Http11 {
                        write_interim(response, outbox.filled(), response_head);
                    }
                    outbox.consume(response.len());
                    response.clear();
                }
            }
        }
        Ok(false)
    }

    /// While the backend keeps us waiting, a client that resets its connection ends the request. One
    /// that has sent more, or closed its side, is still waiting as far as we know.
    fn or_client_gone(
        &mut self,
        waiting: Poll<Result<(), Fault>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        if waiting.is_pending() && self.upload.is_over() && self.client_is_silent {
            match self.client.poll_broken(context) {
                Poll::Ready(true) => return Poll::Ready(Err(Fault::ClientGone)),
                Poll::Ready(false) => self.client_is_silent = false,
                Poll::Pending => {}
            }
        }
        waiting
    }

    /// Who kept us waiting.
    fn stalled(&self) -> Fault {
        if self.upload.waits_for_client() {
            Fault::ClientStalled
        } else {
            Fault::BackendStalled
        }
    }
}
