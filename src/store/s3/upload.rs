//! An object on its way to the bucket.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep};

use super::answer::Answer;
use super::{S3Store, note};
use crate::http::Method;
use crate::net::{LentPipe, Stream};
use crate::store::answer::{HeadReader, PROGRESS};
use crate::store::error::{Awaited, StoreError};

/// A PUT whose length was announced: a connection that ends earlier leaves nothing behind.
#[derive(Debug)]
pub(in crate::store) struct BucketUpload {
    store: S3Store,
    /// None when the answer has it.
    stream: Option<Stream>,
    head: Vec<u8>,
    head_sent: usize,
    length: u64,
    sent: u64,
    reader: HeadReader,
    /// When it has stood still for too long; set anew as bytes go.
    patience: Pin<Box<Sleep>>,
    failed: Option<StoreError>,
}

impl BucketUpload {
    pub(super) fn new(store: &S3Store, stream: Stream, head: String, length: u64) -> Self {
        Self {
            store: store.clone(),
            stream: Some(stream),
            head: head.into_bytes(),
            head_sent: 0,
            length,
            sent: 0,
            reader: HeadReader::default(),
            patience: Box::pin(sleep(PROGRESS)),
            failed: None,
        }
    }

    /// See [`super::super::Upload::poll_write`].
    pub(in crate::store) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = ready!(self.poll_send(context, bytes));
        Poll::Ready(self.remember(outcome))
    }

    /// See [`super::super::Upload::takes_pipes`].
    pub(in crate::store) fn takes_pipes(&self) -> bool {
        self.store.is_in_clear_text()
    }

    /// See [`super::super::Upload::poll_drain`].
    pub(in crate::store) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        pipe: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        let outcome = ready!(self.poll_splice(context, pipe));
        Poll::Ready(self.remember(outcome))
    }

    fn remember(&mut self, outcome: Result<usize, StoreError>) -> io::Result<usize> {
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
            note(self.store.health(), error);
        }
        outcome.map_err(io::Error::from)
    }

    /// Sends what is left of the head, and then of `bytes`.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, StoreError>> {
        self.check(context, bytes.len())?;
        loop {
            let head = &self.head[self.head_sent..];
            if head.is_empty() && bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let of_head = head.len();
            let moved = match &mut self.stream {
                Some(stream) => stream.poll_write(context, head, bytes),
                None => return Poll::Ready(Err(StoreError::Incomplete)),
            };
            let count = ready!(self.poll_moved(context, moved))?;
            let of_head = count.min(of_head);
            self.head_sent += of_head;
            if count > of_head {
                self.sent += (count - of_head) as u64;
                return Poll::Ready(Ok(count - of_head));
            }
        }
    }

    fn poll_splice(
        &mut self,
        context: &mut Context<'_>,
        pipe: &mut LentPipe,
    ) -> Poll<Result<usize, StoreError>> {
        if self.head_sent < self.head.len() {
            ready!(self.poll_send(context, &[]))?;
        }
        self.check(context, pipe.len())?;
        let moved = match &mut self.stream {
            Some(stream) => stream.poll_drain(context, pipe),
            None => return Poll::Ready(Err(StoreError::Incomplete)),
        };
        let count = ready!(self.poll_moved(context, moved))?;
        self.sent += count as u64;
        Poll::Ready(Ok(count))
    }

    /// Whether `more` bytes can go: within the announced length, and no answer has come.
    fn check(&mut self, context: &mut Context<'_>, more: usize) -> Result<(), StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some(stream) = &mut self.stream else {
            return Err(StoreError::Incomplete);
        };
        if more as u64 > self.length - self.sent {
            return Err(StoreError::Incomplete);
        }
        // A store that refuses does so at once, and may read nothing more.
        match self.reader.poll_read(context, stream, Method::Put) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => Err(StoreError::answered(
                self.reader.status(),
                self.reader.code(),
            )),
            Poll::Ready(Err(error)) => Err(error),
        }
    }

    /// What has moved, or for how long nothing has.
    fn poll_moved(
        &mut self,
        context: &mut Context<'_>,
        moved: Poll<io::Result<usize>>,
    ) -> Poll<Result<usize, StoreError>> {
        match moved {
            Poll::Ready(Ok(count)) => {
                self.patience.as_mut().reset(Instant::now() + PROGRESS);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(StoreError::broken(&error))),
            Poll::Pending => {
                ready!(self.patience.as_mut().poll(context));
                Poll::Ready(Err(StoreError::TimedOut(Awaited::Progress)))
            }
        }
    }

    /// Looks whether the store has refused, while there is nothing to send.
    pub(in crate::store) fn poll_refused(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        match self.check(context, 0) {
            Ok(()) => Poll::Pending,
            Err(error) => {
                self.failed = Some(error.clone());
                Poll::Ready(error.into())
            }
        }
    }

    /// See [`super::super::Upload::finish`].
    pub(in crate::store) async fn finish(mut self) -> Result<(), StoreError> {
        let outcome = self.conclude().await;
        if let Err(error) = &outcome {
            note(self.store.health(), error);
        }
        outcome
    }

    async fn conclude(&mut self) -> Result<(), StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.sent != self.length {
            return Err(StoreError::Incomplete);
        }
        if self.length == 0 {
            poll_fn(|context| self.poll_send(context, &[])).await?;
        }
        self.patience.as_mut().reset(Instant::now() + PROGRESS);
        poll_fn(|context| {
            let Some(stream) = &mut self.stream else {
                return Poll::Ready(Err(StoreError::Incomplete));
            };
            if let Poll::Ready(outcome) = self.reader.poll_read(context, stream, Method::Put) {
                return Poll::Ready(outcome);
            }
            ready!(self.patience.as_mut().poll(context));
            Poll::Ready(Err(StoreError::TimedOut(Awaited::Answer)))
        })
        .await?;
        let Some(stream) = self.stream.take() else {
            return Err(StoreError::Incomplete);
        };
        let reader = std::mem::take(&mut self.reader);
        let answer = Answer::new(reader, stream, &self.store.connections, true);
        let (status, date) = (answer.head.status, answer.head.date);
        let outcome = stored(answer).await;
        if let (403, Err(error)) = (status, &outcome) {
            // The body is gone; the next upload has the right time.
            self.store.learn_clock(error, date);
        }
        outcome
    }
}

impl Drop for BucketUpload {
    /// What is not finished must not look like an end to a store that takes one for the whole.
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            stream.reset_on_close();
        }
    }
}

/// Whether an answer to PUT says that the object is there.
pub(super) async fn stored(answer: Answer) -> Result<(), StoreError> {
    // S3 says 200; a server of files says 201 or 204.
    if matches!(answer.head.status, 200 | 201 | 204) {
        return answer.read(super::ERROR_BODY).await.map(drop);
    }
    match answer.failure().await {
        // There is nothing else that could be missing.
        StoreError::Status { status: 404, .. } => Err(StoreError::NoBucket),
        error => Err(error),
    }
}
