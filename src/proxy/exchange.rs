//! One request and its response: the heads, the buffers, and what is counted about them.

use std::time::Instant;

use crate::http::{RequestHead, ResponseHead};
use crate::net::Buffer;

/// What a request needs while it runs; reused from request to request, so that a connection in
/// use allocates nothing after its first one, and an idle connection holds none of it.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// The client's request, as offsets into `inbox`. Valid until body bytes overwrite the head.
    pub(super) request: RequestHead,
    /// The backend's response, as offsets into `outbox`. Valid until its body overwrites the head.
    pub(super) response: ResponseHead,
    /// Bytes from the client: the head, the body, the next request.
    pub(super) inbox: Buffer,
    /// Bytes from the backend.
    pub(super) outbox: Buffer,
    /// The head as the backend gets it.
    pub(super) request_head: Vec<u8>,
    /// The head, or interim heads, as the client gets them.
    pub(super) response_head: Vec<u8>,
}

impl Exchange {
    /// Forgets the last request; bytes of the next one stay in `inbox`.
    pub(super) fn begin(&mut self) {
        self.request.clear();
        self.response.clear();
        self.outbox.clear();
        self.request_head.clear();
        self.response_head.clear();
    }

    /// Forgets what a failed attempt has received.
    pub(super) fn retry(&mut self) {
        self.response.clear();
        self.outbox.clear();
        self.response_head.clear();
    }

    /// Takes `len` bytes of a finished request out of the inbox.
    pub(super) fn finish(&mut self, len: usize) {
        self.inbox.consume(len);
    }
}

/// Where the parts of the request line lie in [`Exchange::request_head`], which outlives the inbox's
/// own copy of the head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RequestLine {
    method: usize,
    target: usize,
}

impl RequestLine {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let bytes = exchange.inbox.filled();
        Self {
            method: exchange.request.method_text(bytes).len(),
            target: exchange.request.target(bytes).len(),
        }
    }

    pub(super) fn method(self, head: &[u8]) -> &[u8] {
        head.get(..self.method).unwrap_or_default()
    }

    pub(super) fn target(self, head: &[u8]) -> &[u8] {
        head.get(self.method + 1..self.method + 1 + self.target)
            .unwrap_or_default()
    }
}

/// What is counted about one request, for its trace line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    /// When its head was complete.
    pub(super) began: Instant,
    /// Head and body bytes from the client.
    pub(super) rx: u64,
    /// Head and body bytes to the client.
    pub(super) tx: u64,
    /// Attempts that were begun.
    pub(super) attempts: u32,
    /// When the response head was there.
    pub(super) first_byte: Option<Instant>,
}

impl Tally {
    pub(super) fn begin(now: Instant, rx: u64) -> Self {
        Self {
            began: now,
            rx,
            tx: 0,
            attempts: 0,
            first_byte: None,
        }
    }
}
