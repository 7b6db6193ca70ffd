//! One request and its response: the heads, the buffers, and what is counted about them.

use std::time::Instant;

use crate::http::{RequestHead, ResponseHead};
use crate::net::{Buffer, Stack};

/// What a request needs while it runs; reused from request to request, so that a connection in
/// use allocates nothing after its first one, and an idle connection holds none of it. The half for
/// the answer is borrowed: see [`Exchange::expect_answer`].
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

/// The half of an exchange that answers need, lent to it when there is one. While a thousand requests
/// wait, few answers are on their way, and each comes into what the last one has left warm.
#[derive(Debug, Default)]
pub(super) struct Answer {
    response: ResponseHead,
    outbox: Buffer,
    response_head: Vec<u8>,
}

impl Exchange {
    /// Whether it has what an answer needs.
    pub(super) fn can_be_answered(&self) -> bool {
        !self.outbox.is_bare()
    }

    /// Borrows what an answer needs, if it has not done so yet.
    pub(super) fn expect_answer(&mut self, spare: &Stack<Answer>) {
        if !self.can_be_answered() {
            self.swap(&mut spare.take());
            // There may be no spare one.
            self.outbox.free();
        }
    }

    /// Gives back what it has borrowed.
    pub(super) fn answered(&mut self, spare: &Stack<Answer>) {
        if self.can_be_answered() {
            self.retry();
            let mut answer = Answer::default();
            self.swap(&mut answer);
            spare.put(answer);
        }
    }

    fn swap(&mut self, answer: &mut Answer) {
        std::mem::swap(&mut self.response, &mut answer.response);
        std::mem::swap(&mut self.outbox, &mut answer.outbox);
        std::mem::swap(&mut self.response_head, &mut answer.response_head);
    }

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

#[cfg(test)]
mod tests {
    use super::{Answer, Exchange};
    use crate::net::Stack;

    #[test]
    fn what_an_answer_needs_goes_from_one_request_to_the_next_and_forgets() {
        let spare: Stack<Answer> = Stack::keeping(2);
        let (mut first, mut second) = (Exchange::default(), Exchange::default());
        first.expect_answer(&spare);
        first.expect_answer(&spare);
        first.outbox.append(b"somebody's");
        first.response_head.extend_from_slice(b"HTTP/1.1 200 OK");
        first.answered(&spare);
        assert!(!first.can_be_answered() && first.response_head.capacity() == 0);
        second.expect_answer(&spare);
        assert!(second.can_be_answered() && second.response_head.capacity() > 0);
        assert!(second.outbox.is_empty() && second.response_head.is_empty());
    }
}
