//! Moving a request and its response at the same time: an upload goes on while the response is
//! already being read, and each side is read only when the other has taken what was read before.

mod download;
mod upload;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};

pub(super) use download::Download;
use tokio::task::yield_now;
pub(super) use upload::Upload;

use super::client::Client;
use super::exchange::{Answer, Exchange, Tally};
use super::fault::Fault;
use super::progress::{Look, Progress};
use super::resume::Resume;
use crate::balance::Standing;
use crate::http::{Parsed, Rejection, Version, write_interim};
use crate::net::{Pipes, Stack, Stream};
use crate::topology::Backend;

/// Bytes read at once while a response head is expected: all of a small response, and of a large
/// one little that has to be copied.
const HEAD_READ: usize = 16 << 10;

/// Body bytes read at once where they are copied: as many as go into one send by TLS.
const BODY_READ: usize = 64 << 10;

/// Body bytes to come from which on splicing costs less than copying.
const WORTH_SPLICING: u64 = 16 << 10;

/// Body bytes after which a transfer lets others have their turn.
pub(super) const TURN: usize = 1 << 20;

/// Both ends of one attempt and what lies between them, lent for as long as it lasts.
pub(super) struct Ends<'a> {
    pub(super) client: &'a mut Client,
    pub(super) backend: &'a mut Stream,
    /// Whose connection it is; none for the cache's store.
    pub(super) server: Option<&'a Backend>,
    pub(super) exchange: &'a mut Exchange,
    pub(super) answers: &'a Stack<Answer>,
    pub(super) pipes: &'a Pipes,
    pub(super) tally: &'a mut Tally,
    pub(super) progress: Progress<'a>,
    /// What this transfer may still move before it is the others' turn.
    pub(super) turn: Turn,
}

impl Ends<'_> {
    /// Whether bytes can pass through a pipe from one end to the other.
    fn can_splice(&self) -> bool {
        self.client.can_splice() && self.backend.can_splice()
    }
}

/// The bytes that are left of a transfer's turn.
#[derive(Default)]
pub(super) struct Turn {
    left: usize,
}

impl Turn {
    fn begin(&mut self) {
        self.left = TURN;
    }

    /// Counts bytes that have moved. Pending when the turn is over; the next one comes after the
    /// worker has looked at its other connections.
    fn moved(&mut self, count: usize, context: &mut Context<'_>) -> Poll<()> {
        self.left = self.left.saturating_sub(count);
        if self.left > 0 {
            return Poll::Ready(());
        }
        // Wakes the task, though not before the sockets were asked for news.
        pin!(yield_now()).poll(context)
    }
}

/// One attempt under way.
pub(super) struct Relay<'a> {
    pub(super) ends: Ends<'a>,
    pub(super) upload: &'a mut Upload,
    /// Nothing has come from the client since its request was complete.
    pub(super) client_is_silent: bool,
    /// Whether the client is told of interim responses: not when it has the final one.
    pub(super) passes_interim: bool,
}

impl Relay<'_> {
    /// Sends the request and reads up to the final response head, passing interim responses on.
    ///
    /// The upload need not be over then: a backend may answer early.
    pub(super) async fn response_head(&mut self) -> Result<(), Fault> {
        self.ends.progress.made();
        let mut interim_sent = 0;
        let result = poll_fn(|context| {
            self.ends.turn.begin();
            if let Some(fault) = self.stands_still() {
                return Poll::Ready(Err(fault));
            }
            if let Poll::Ready(Err(fault)) = self.poll_upload(context) {
                return Poll::Ready(Err(fault));
            }
            let answered = self.poll_response_head(context, &mut interim_sent);
            self.or_client_gone(answered, context)
        })
        .await;
        self.ends.progress.over();
        result
    }

    /// Passes the response on to its end, head included, while the upload goes on.
    ///
    /// A response whose head came while the upload was under way ends it: what is left of the
    /// upload then is the caller's to see in [`Upload::is_over`].
    pub(super) async fn response_body(&mut self, download: &mut Download) -> Result<(), Fault> {
        self.ends.progress.made();
        let result = poll_fn(|context| {
            self.ends.turn.begin();
            if let Some(fault) = self.delivery_stands_still(download) {
                return Poll::Ready(Err(fault));
            }
            if let Poll::Ready(Err(fault)) = self.poll_upload(context) {
                return Poll::Ready(Err(fault));
            }
            let moved = download.poll(&mut self.ends, context);
            self.or_client_gone(moved, context)
        })
        .await;
        self.ends.progress.over();
        result
    }

    fn poll_upload(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.upload.is_over() {
            return Poll::Ready(Ok(()));
        }
        self.upload.poll(&mut self.ends, context)
    }

    fn poll_response_head(
        &mut self,
        context: &mut Context<'_>,
        interim_sent: &mut usize,
    ) -> Poll<Result<(), Fault>> {
        loop {
            while let Some(rest @ [_, ..]) = self.ends.exchange.response_head.get(*interim_sent..) {
                match self.ends.client.poll_write(context, rest, &[]) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        *interim_sent += count;
                        self.ends.tally.tx += count as u64;
                        self.ends.progress.made();
                    }
                    Poll::Ready(_) => return Poll::Ready(Err(Fault::ClientGone)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            self.ends.exchange.response_head.clear();
            *interim_sent = 0;
            let is_final = self.next_head()?;
            if !self.ends.exchange.response_head.is_empty() {
                continue;
            }
            if is_final {
                return Poll::Ready(Ok(()));
            }
            if !self.ends.exchange.can_be_answered() {
                match ready!(self.ends.backend.poll_readable(context)) {
                    Ok(()) => self.ends.exchange.expect_answer(self.ends.answers),
                    Err(error) => return Poll::Ready(Err(Fault::BackendClosed(Some(error)))),
                }
            }
            let outbox = &mut self.ends.exchange.outbox;
            match self.ends.backend.poll_read_some(context, outbox, HEAD_READ) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Fault::BackendClosed(None))),
                Poll::Ready(Ok(_)) => self.ends.progress.made(),
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
        } = &mut *self.ends.exchange;
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
                    if self.passes_interim && request.version() == Version::Http11 {
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
            match self.ends.client.poll_broken(context) {
                Poll::Ready(true) => return Poll::Ready(Err(Fault::ClientGone)),
                Poll::Ready(false) => self.client_is_silent = false,
                Poll::Pending => {}
            }
        }
        waiting
    }

    /// Looks whether the wait for a response head has to end: because it took too long, or because
    /// the backend is down, as its checks say, and the request can go to another one.
    fn stands_still(&mut self) -> Option<Fault> {
        let look = self.ends.progress.look()?;
        if self.upload.waits_for_client() {
            return (look == Look::TooLong).then_some(Fault::ClientStalled);
        }
        let method = self.ends.exchange.request.method();
        let may_move = self.upload.is_held() && method.is_idempotent();
        self.gives_up(look, may_move)
            .then_some(Fault::BackendStalled)
    }

    /// The same for the wait for a response body.
    fn delivery_stands_still(&mut self, download: &Download) -> Option<Fault> {
        let look = self.ends.progress.look()?;
        if download.is_patient() {
            return None;
        }
        if download.waits_for_client(self.ends.exchange) || self.upload.waits_for_client() {
            return (look == Look::TooLong).then_some(Fault::ClientStalled);
        }
        let may_move = download.is_resumed() || self.can_be_resumed();
        self.gives_up(look, may_move)
            .then_some(Fault::BackendStalled)
    }

    fn can_be_resumed(&self) -> bool {
        let exchange = &*self.ends.exchange;
        let sent = exchange.inbox.filled();
        Resume::of(&exchange.request, sent, &exchange.response_head).is_some()
    }

    /// Whether to wait for the backend no longer. The first look that finds it silent has it checked.
    /// The cache's store is not waited for where a backend can go on.
    fn gives_up(&self, look: Look, may_move: bool) -> bool {
        let Some(server) = self.ends.server else {
            return may_move || look == Look::TooLong;
        };
        match look {
            Look::TooLong => return true,
            Look::First => server.doubt().notify_one(),
            Look::Again => {}
        }
        may_move && server.load().word().standing() == Standing::Down
    }
}
