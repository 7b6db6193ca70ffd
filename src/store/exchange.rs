//! A request that is sent, and the head of its answer.

use std::future::poll_fn;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::timeout;

use super::answer::HeadReader;
use super::error::{Awaited, StoreError};
use crate::http::Method;
use crate::net::Stream;

/// Sends head and body of a request and reads until the head of the answer is whole, `within` so
/// much time.
pub(super) async fn send(
    stream: &mut Stream,
    method: Method,
    [head, body]: [&[u8]; 2],
    reader: &mut HeadReader,
    within: Duration,
) -> Result<(), StoreError> {
    let mut sent = 0;
    let answered = poll_fn(|context| {
        while sent < head.len() + body.len() {
            let head_left = head.get(sent..).unwrap_or_default();
            let body_left = &body[sent.saturating_sub(head.len())..];
            match ready!(stream.poll_write(context, head_left, body_left)) {
                Ok(count) => sent += count,
                Err(error) => return Poll::Ready(Err(StoreError::broken(&error))),
            }
        }
        reader.poll_read(context, stream, method)
    });
    timeout(within, answered)
        .await
        .unwrap_or(Err(StoreError::TimedOut(Awaited::Answer)))
}
