//! The client of one request, whatever it speaks.

use std::io;
use std::task::{Context, Poll};

use super::cached::RestClient;
use super::http2::Http2Stream;
use crate::net::{Buffer, LentPipe, Stream};

/// Where a request comes from and its response goes to. To the request's path both look like
/// HTTP/1.1: what is read begins with a head, and so must what is written.
#[derive(Debug)]
pub(super) enum Client {
    /// A connection of its own.
    Http1(Stream),
    /// One stream of a connection.
    Http2(Box<Http2Stream>),
    /// The cache's store, which takes the rest of a body.
    Store(Box<RestClient>),
}

impl Client {
    /// As [`Stream::poll_read`].
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<usize>> {
        match self {
            Client::Http1(stream) => stream.poll_read(context, buffer),
            Client::Http2(stream) => stream.poll_read(context, buffer),
            Client::Store(_) => Poll::Ready(Ok(0)),
        }
    }

    /// As [`Stream::poll_read_some`]; HTTP/2 has its frames ready and gives what there is room for.
    pub(super) fn poll_read_some(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Client::Http1(stream) => stream.poll_read_some(context, buffer, most),
            Client::Http2(stream) => stream.poll_read(context, buffer),
            Client::Store(_) => Poll::Ready(Ok(0)),
        }
    }

    /// As [`Stream::forget_pending_write`]; what HTTP/2 takes it has taken.
    pub(super) fn forget_pending_write(&mut self) {
        if let Client::Http1(stream) = self {
            stream.forget_pending_write();
        }
    }

    /// As [`Stream::poll_write`]. A head is always given whole, at the start of `first`.
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Client::Http1(stream) => stream.poll_write(context, first, second),
            Client::Http2(stream) => stream.poll_write(context, first, second),
            Client::Store(store) => store.poll_write(context, first, second),
        }
    }

    /// Whether the two following calls are possible.
    pub(super) fn can_splice(&self) -> bool {
        match self {
            Client::Http1(stream) => stream.can_splice(),
            Client::Http2(_) => false,
            Client::Store(store) => store.can_splice(),
        }
    }

    /// As [`Stream::poll_fill`].
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
        most: u64,
    ) -> Poll<io::Result<usize>> {
        match self {
            Client::Http1(stream) => stream.poll_fill(context, lent, most),
            Client::Http2(_) | Client::Store(_) => {
                Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
            }
        }
    }

    /// As [`Stream::poll_drain`].
    pub(super) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        match self {
            Client::Http1(stream) => stream.poll_drain(context, lent),
            Client::Store(store) => store.poll_drain(context, lent),
            Client::Http2(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// As [`Stream::poll_readable`]; a stream of HTTP/2 is there because something has come.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Client::Http1(stream) => stream.poll_readable(context),
            Client::Http2(_) | Client::Store(_) => Poll::Ready(Ok(())),
        }
    }

    /// As [`Stream::poll_broken`]; a reset of a stream of HTTP/2 is as bad as that of a connection.
    pub(super) fn poll_broken(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        match self {
            Client::Http1(stream) => stream.poll_broken(context),
            Client::Http2(stream) => stream.poll_reset(context).map(|()| true),
            Client::Store(store) => store.poll_refused(context).map(|()| true),
        }
    }
}
