//! What a server answers: its head, and a body that is small enough to be held.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;

use super::error::{Awaited, StoreError};
use crate::http::{
    BodyFraming, ChunkScanner, ChunkStep, Method, Parsed, Rejection, ResponseHead, read_http_date,
};
use crate::net::{Buffer, Stream};

/// Bytes read at once while a head is expected: of a body, no more than finds room behind another
/// head in a buffer of the same size.
const HEAD_READ: usize = 16 << 10;

/// Time that a body may stand still in either direction, and that a store may take to make one
/// that it has got durable. Nobody waits for it, but buffers are held.
pub(super) const PROGRESS: Duration = Duration::from_secs(5);

/// What counts of a head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: BodyFraming,
    pub(super) etag: Option<Box<[u8]>>,
    pub(super) content_range: Option<Box<[u8]>>,
    /// The server's clock.
    pub(super) date: Option<u64>,
    /// Whether the connection can carry another request.
    pub(super) persists: bool,
    /// For how long it is kept idle, if that was said.
    pub(super) idle_timeout: Option<Duration>,
}

/// A head on its way.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    head: ResponseHead,
    buffer: Buffer,
}

impl HeadReader {
    /// Reads until the final head is whole.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut Stream,
        method: Method,
    ) -> Poll<Result<(), StoreError>> {
        loop {
            match stream.poll_read_some(context, &mut self.buffer, HEAD_READ) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(StoreError::closed())),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(StoreError::broken(&error))),
                Poll::Pending => return Poll::Pending,
            }
            // Several heads can come at once: interim ones before the final one.
            loop {
                match self.head.parse(self.buffer.filled(), method, false) {
                    Err(rule) => return Poll::Ready(Err(StoreError::Malformed(rule))),
                    Ok(Parsed::Complete) if self.head.is_interim() => {
                        self.buffer.consume(self.head.len());
                        self.head.clear();
                        if self.buffer.is_empty() {
                            break;
                        }
                    }
                    Ok(Parsed::Complete) => return Poll::Ready(Ok(())),
                    Ok(Parsed::Partial) if self.buffer.is_full() => {
                        let rule = Rejection::HeadTooLarge;
                        return Poll::Ready(Err(StoreError::Malformed(rule)));
                    }
                    Ok(Parsed::Partial) => break,
                }
            }
        }
    }

    /// The status, once the head is whole.
    pub(super) fn status(&self) -> u16 {
        self.head.status()
    }

    /// The store's word for an error, as far as it has come with the head.
    pub(super) fn code(&self) -> &str {
        code(
            self.buffer
                .filled()
                .get(self.head.len()..)
                .unwrap_or_default(),
        )
    }

    /// Whether nothing of an answer has come.
    pub(super) fn is_untouched(&self) -> bool {
        self.buffer.is_empty() && self.head.is_empty()
    }

    /// The head, once it is whole, and what came behind it. A `Date` is read as of about `now`.
    pub(super) fn finish(self, now: u64) -> (Head, Buffer) {
        let Self { head, mut buffer } = self;
        let bytes = buffer.filled();
        let text = |name| head.field(bytes, name).map(Box::from);
        let read = Head {
            status: head.status(),
            framing: head.framing(),
            etag: text("ETag"),
            content_range: text("Content-Range"),
            date: head
                .field(bytes, "Date")
                .and_then(|date| read_http_date(date, now)),
            persists: head.keep_alive() && head.framing() != BodyFraming::UntilClose,
            idle_timeout: head.idle_timeout(),
        };
        buffer.consume(head.len());
        (read, buffer)
    }
}

/// Reads a body, if it has at most `most` bytes; `buffer` holds what came with its head.
pub(super) async fn read_body(
    stream: &mut Stream,
    buffer: &mut Buffer,
    framing: BodyFraming,
    most: usize,
) -> Result<Vec<u8>, StoreError> {
    let mut body = Vec::new();
    let mut chunks = ChunkScanner::default();
    while !take(buffer, framing, &mut body, &mut chunks, most)? {
        let read = poll_fn(|context| stream.poll_read(context, buffer));
        match timeout(PROGRESS, read).await {
            Err(_) => return Err(StoreError::TimedOut(Awaited::Progress)),
            Ok(Ok(0)) if framing == BodyFraming::UntilClose => break,
            Ok(Ok(0)) => return Err(StoreError::closed()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(StoreError::broken(&error)),
        }
    }
    Ok(body)
}

/// Takes body bytes out of the buffer; whether the body is over.
fn take(
    buffer: &mut Buffer,
    framing: BodyFraming,
    body: &mut Vec<u8>,
    chunks: &mut ChunkScanner,
    most: usize,
) -> Result<bool, StoreError> {
    let is_over = match framing {
        BodyFraming::None => true,
        BodyFraming::Length(length) => {
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length <= most)
                .ok_or(StoreError::TooLarge)?;
            let count = buffer.len().min(length - body.len());
            body.extend_from_slice(&buffer.filled()[..count]);
            buffer.consume(count);
            body.len() == length
        }
        BodyFraming::Chunked => {
            let mut used = 0;
            let is_over = loop {
                let bytes = &buffer.filled()[used..];
                match chunks.step(bytes).map_err(StoreError::Malformed)? {
                    ChunkStep::Framing(count) => used += count,
                    ChunkStep::Data(count) => {
                        body.extend_from_slice(&bytes[..count]);
                        used += count;
                    }
                    ChunkStep::End(count) => {
                        used += count;
                        break true;
                    }
                    ChunkStep::NeedMore => break false,
                }
            };
            buffer.consume(used);
            is_over
        }
        BodyFraming::UntilClose => {
            body.extend_from_slice(buffer.filled());
            buffer.clear();
            false
        }
    };
    if body.len() <= most {
        Ok(is_over)
    } else {
        Err(StoreError::TooLarge)
    }
}

/// What stands between `<Code>` and `</Code>`, if it looks like a store's word for an error.
pub(super) fn code(body: &[u8]) -> &str {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code)
        .filter(|code| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn the_word_of_an_error_is_read_and_anything_else_is_none() {
        let body = b"<?xml?><Error><Code>NoSuchKey</Code><Message>x</Message></Error>";
        assert_eq!(code(body), "NoSuchKey");
        for body in [
            &b""[..],
            b"<Code>",
            b"<Code>a b</Code>",
            b"<Code>\xff</Code>",
        ] {
            assert_eq!(code(body), "");
        }
    }
}
