//! The request side of a stream: head, body and trailers as the bytes of an HTTP/1.1 request.

use std::io;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use h2::RecvStream;

use super::request::{Coding, write_chunk_size, write_last_chunk};
use crate::net::Buffer;

/// A request that is read. Data is acknowledged to the client when the reader asks for more, and
/// so has dealt with what it got: a client is never ahead of a slow backend by more than its window
/// (RFC 9113 §5.2).
#[derive(Debug)]
pub(super) struct Incoming {
    /// What comes first: the head, the framing of a chunk, the last chunk.
    text: Vec<u8>,
    text_read: usize,
    coding: Coding,
    /// What is left of the frame that comes next.
    frame: Bytes,
    body: RecvStream,
    /// Bytes of data that the reader got and may not have dealt with.
    lent: usize,
    ended: bool,
}

impl Incoming {
    /// A request whose head is `head`.
    pub(super) fn new(head: Vec<u8>, coding: Coding, body: RecvStream) -> Self {
        Self {
            text: head,
            text_read: 0,
            coding,
            frame: Bytes::new(),
            body,
            lent: 0,
            ended: false,
        }
    }

    /// Reads as much as there is and has room; the count, 0 at the end.
    ///
    /// # Errors
    /// The client has reset the stream, or its body breaks the rules.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<usize>> {
        self.acknowledge();
        let before = buffer.len();
        let more = loop {
            self.read_text(buffer);
            self.read_frame(buffer);
            if buffer.is_full() || self.ended {
                break Poll::Ready(Ok(()));
            }
            match self.poll_next(context) {
                Poll::Ready(Ok(())) => {}
                stop => break stop,
            }
        };
        match (buffer.len() - before, more) {
            (0, Poll::Pending) => Poll::Pending,
            (0, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            // An error comes again.
            (count, _) => Poll::Ready(Ok(count)),
        }
    }

    /// Lets the client send as much as the reader has dealt with.
    pub(super) fn acknowledge(&mut self) {
        if self.lent > 0 {
            // It fails when the stream is gone, and then nothing is owed.
            let _ = self.body.flow_control().release_capacity(self.lent);
            self.lent = 0;
        }
    }

    fn read_text(&mut self, buffer: &mut Buffer) {
        let rest = &self.text[self.text_read..];
        self.text_read += buffer.append(rest);
        if self.text_read == self.text.len() {
            self.text.clear();
            self.text_read = 0;
        }
    }

    fn read_frame(&mut self, buffer: &mut Buffer) {
        if self.frame.is_empty() || !self.text.is_empty() {
            return;
        }
        let count = buffer.append(&self.frame);
        self.frame.advance(count);
        self.lent += count;
        if self.frame.is_empty() && self.coding == Coding::Chunked {
            self.text.extend_from_slice(b"\r\n");
        }
    }

    /// Gets what comes next, once text and frame are used up.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.text.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match self.body.poll_data(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.coding == Coding::Chunked && !frame.is_empty() {
                    write_chunk_size(frame.len(), &mut self.text);
                }
                self.frame = frame;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(io::Error::other(error))),
            Poll::Ready(None) => self.poll_end(context),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The end of the data; trailers have no place behind a body with a length.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.coding == Coding::Chunked {
            match self.body.poll_trailers(context) {
                Poll::Ready(Ok(trailers)) => write_last_chunk(trailers.as_ref(), &mut self.text),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.coding = Coding::Plain;
        self.ended = self.text.is_empty();
        Poll::Ready(Ok(()))
    }
}
