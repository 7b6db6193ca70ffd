//! One stream, which the path of a request takes for a connection.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;

use super::incoming::Incoming;
use super::ledger::Entry;
use super::outgoing::Outgoing;
use super::request::{Coding, write_head};
use super::response::Transcoder;
use crate::http::{Method, Rejection};
use crate::net::Buffer;
use crate::proxy::connection::Ending;

/// A request and its response on an HTTP/2 connection.
#[derive(Debug)]
pub(in crate::proxy) struct Http2Stream {
    incoming: Incoming,
    outgoing: Outgoing,
    entry: Entry,
}

impl Http2Stream {
    /// Takes a request over, and says if it is one that cannot be passed on.
    pub(super) fn new(
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
        entry: Entry,
    ) -> (Self, Option<Rejection>) {
        let (parts, body) = request.into_parts();
        let method = Method::of(parts.method.as_str().as_bytes());
        let mut head = Vec::with_capacity(512);
        let (coding, refused) = match write_head(&parts, body.is_end_stream(), &mut head) {
            Ok(coding) => (coding, None),
            Err(rule) => (Coding::Plain, Some(rule)),
        };
        let stream = Self {
            incoming: Incoming::new(head, coding, body),
            outgoing: Outgoing::new(Transcoder::new(method), respond),
            entry,
        };
        (stream, refused)
    }

    /// Reads the request: its head, then its body.
    pub(in crate::proxy) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<usize>> {
        let read = self.incoming.poll_read(context, buffer);
        if let Poll::Ready(Ok(count)) = read {
            self.entry.meant(count);
        }
        read
    }

    /// Writes the response. A head has to be whole.
    pub(in crate::proxy) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.outgoing.poll_write(context, first, second);
        if let Poll::Ready(Ok(count)) = written {
            self.entry.meant(count);
        }
        written
    }

    /// Ready when the client has taken its request back. To be called when nothing more is read.
    pub(in crate::proxy) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.incoming.acknowledge();
        self.outgoing.poll_reset(context)
    }

    /// Ends the stream. A client that is still sending is told to stop by the library once the
    /// stream is dropped, in order (`NO_ERROR`, RFC 9113 §8.1).
    pub(super) fn finish(mut self, ending: Option<Ending>) {
        let mut context = Context::from_waker(std::task::Waker::noop());
        if !self.outgoing.is_ended() && self.outgoing.poll_reset(&mut context).is_ready() {
            self.entry.taken_back();
            return;
        }
        self.outgoing.finish(ending != Some(Ending::Reset));
        self.entry.answered();
    }
}
