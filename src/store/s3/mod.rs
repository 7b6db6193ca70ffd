//! A bucket of an S3-compatible store.

mod answer;
mod bucket;
mod connections;
mod request;
mod signing;
mod upload;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{HeadReader, PROGRESS};
use super::error::StoreError;
use super::exchange::send;
use super::health::Health;
use super::keys::Keyring;
use super::object::{Body, Delivery, Object};
use super::upload::Upload;
use super::{Store, health};
use crate::config::{Endpoint, Scheme};
use crate::http::{BodyFraming, ContentRange, Method};
use crate::net::{Dialer, Resolver, Stream};
use answer::Answer;
use connections::Connections;
use request::{Payload, Request};

pub(super) use bucket::Bucket;
pub use connections::Home;
pub(super) use upload::BucketUpload;

/// Time for a connection, TLS included, and for the store's name to resolve: a store that is near
/// enough to be worth asking takes milliseconds.
const CONNECT: Duration = Duration::from_secs(1);

/// Time from a request without a body to the head of its answer. A client waits meanwhile.
const FIRST_BYTE: Duration = Duration::from_secs(2);

/// Bytes of an error's body that are read for the store's word for it.
const ERROR_BODY: usize = 64 << 10;

/// Clocks that differ by less are not why a signature is refused: S3 allows a quarter of an hour,
/// some stores less.
const SKEW: u64 = 240;

/// A worker's way to a bucket; clones share its connections.
#[derive(Clone, Debug)]
pub struct S3Store {
    connections: Rc<Connections>,
}

impl S3Store {
    pub(super) fn new(bucket: Arc<Bucket>, dialer: Dialer, resolver: Resolver) -> Self {
        Self {
            connections: Rc::new(Connections::new(bucket, dialer, resolver)),
        }
    }

    pub(super) fn health(&self) -> &Health {
        self.bucket().health()
    }

    pub(super) fn keyring(&self) -> &Keyring {
        self.bucket().keyring()
    }

    /// Looks keys up if it is time to.
    pub(super) async fn renew_keys(&self) {
        self.keyring().renew(self.connections.way()).await;
    }

    pub(super) fn sweep(&self) {
        self.connections.sweep();
    }

    /// Whether bytes go to it as they are.
    pub(super) fn is_in_clear_text(&self) -> bool {
        self.endpoint().scheme == Scheme::Http
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.bucket().endpoint()
    }

    pub(super) fn met(&self, error: &StoreError) {
        note(self.health(), error);
    }

    fn bucket(&self) -> &Bucket {
        self.connections.bucket()
    }

    /// As [`S3Store::ask_anyway`], unless the store is known to be down. An outage that is met is
    /// known from then on.
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, StoreError> {
        if !self.health().is_up() {
            return Err(StoreError::Down);
        }
        self.noted(self.ask_anyway(request).await)
    }

    fn noted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            note(self.health(), error);
        }
        outcome
    }

    /// Makes the request, once more if the store's clock turns out to be another than was thought.
    async fn ask_anyway(&self, request: &Request<'_>) -> Result<Answer, StoreError> {
        let answer = self.exchange(request).await?;
        if answer.head.status != 403 {
            return Ok(answer);
        }
        let date = answer.head.date;
        let error = answer.failure().await;
        if self.learn_clock(&error, date) {
            self.exchange(request).await
        } else {
            Err(error)
        }
    }

    /// Whether a refusal was for the time of the signature, and so is worth another try. An answer to
    /// HEAD has no body that says so.
    fn learn_clock(&self, error: &StoreError, date: Option<u64>) -> bool {
        let (StoreError::Refused { code, .. }, Some(theirs)) = (error, date) else {
            return false;
        };
        let differs = theirs.abs_diff(self.bucket().now()) > SKEW;
        let is_skewed = differs && (code.is_empty() || &**code == "RequestTimeTooSkewed");
        if is_skewed {
            self.bucket().learn_clock(theirs);
        }
        is_skewed
    }

    /// One request and the head of its answer. A connection that the store closed while it was idle
    /// is replaced.
    async fn exchange(&self, request: &Request<'_>) -> Result<Answer, StoreError> {
        let head = request.head(self.bucket())?;
        if let Some(stream) = self.connections.checkout() {
            let mut reader = HeadReader::default();
            match self.send(stream, request, &head, &mut reader).await {
                Ok(stream) => return Ok(Answer::new(reader, stream, &self.connections, true)),
                Err(StoreError::Broken(_)) if reader.is_untouched() => {}
                Err(error) => return Err(error),
            }
        }
        let stream = self.connections.connect().await?;
        let mut reader = HeadReader::default();
        let stream = self.send(stream, request, &head, &mut reader).await?;
        Ok(Answer::new(reader, stream, &self.connections, true))
    }

    async fn send(
        &self,
        mut stream: Stream,
        request: &Request<'_>,
        head: &str,
        reader: &mut HeadReader,
    ) -> Result<Stream, StoreError> {
        let (head, body) = (head.as_bytes(), request.body());
        let within = if body.is_empty() {
            FIRST_BYTE
        } else {
            PROGRESS
        };
        send(&mut stream, request.method, [head, body], reader, within).await?;
        Ok(stream)
    }

    /// Reads what a store says with a status that is not the operation's: nothing for an object that
    /// does not exist.
    async fn missing_or_failure<T>(&self, answer: Answer) -> Result<Option<T>, StoreError> {
        let status = answer.head.status;
        match answer.failure().await {
            StoreError::Status { .. } if status == 404 => Ok(None),
            error => self.noted(Err(error)),
        }
    }
}

fn note(health: &health::Health, error: &StoreError) {
    if error.is_outage() {
        health.suffer(error);
    }
}

impl Store for S3Store {
    async fn get(
        &self,
        name: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Option<Object>, StoreError> {
        let request = Request {
            range,
            ..Request::bare(Method::Get, name)
        };
        let answer = self.ask(&request).await?;
        let expected = if range.is_some() { 206 } else { 200 };
        match answer.head.status {
            status if status == expected => {}
            200 | 206 => return Err(StoreError::Unexpected("another range than was asked for")),
            _ => return self.missing_or_failure(answer).await,
        }
        let BodyFraming::Length(length) = answer.head.framing else {
            return Err(StoreError::Unexpected("an object without a length"));
        };
        if let Some(range) = range {
            check_range(range, answer.head.content_range.as_deref(), length)?;
        }
        Ok(Some(Object {
            length,
            etag: answer.head.etag,
            body: Body::Stream(Box::new(Delivery {
                stream: answer.stream,
                read: answer.buffer,
                home: answer.home,
            })),
        }))
    }

    async fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let answer = self.ask(&Request::bare(Method::Get, name)).await?;
        if answer.head.status != 200 {
            return self.missing_or_failure(answer).await;
        }
        self.noted(answer.read(most).await.map(Some))
    }

    async fn write(&self, name: &str, bytes: &[u8], content_type: &str) -> Result<(), StoreError> {
        let request = Request {
            payload: Payload::Whole {
                bytes,
                content_type,
            },
            ..Request::bare(Method::Put, name)
        };
        upload::stored(self.ask(&request).await?).await
    }

    async fn put(&self, name: &str, length: u64) -> Result<Upload, StoreError> {
        if !self.health().is_up() {
            return Err(StoreError::Down);
        }
        let request = Request {
            payload: Payload::Streamed(length),
            ..Request::bare(Method::Put, name)
        };
        let head = self.noted(request.head(self.bucket()))?;
        let stream = match self.connections.checkout() {
            Some(stream) => stream,
            None => self.noted(self.connections.connect().await)?,
        };
        Ok(Upload::to_bucket(BucketUpload::new(
            self, stream, head, length,
        )))
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        let answer = self.ask(&Request::bare(Method::Delete, name)).await?;
        if matches!(answer.head.status, 200 | 204) {
            return answer.read(ERROR_BODY).await.map(drop);
        }
        self.missing_or_failure::<()>(answer).await.map(drop)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let answer = self.ask_anyway(&Request::bare(Method::Head, "")).await?;
        match answer.head.status {
            200 => answer.read(0).await.map(drop),
            404 => Err(StoreError::NoBucket),
            _ => Err(answer.failure().await),
        }
    }

    fn is_up(&self) -> bool {
        self.health().is_up()
    }
}

/// The range that came must be the one asked for, as far as the object reaches.
fn check_range(
    (first, last): (u64, u64),
    came: Option<&[u8]>,
    length: u64,
) -> Result<(), StoreError> {
    let is_asked = came.and_then(ContentRange::parse).is_some_and(|came| {
        let ends_with_it = came
            .complete
            .is_some_and(|complete| came.last + 1 == complete);
        came.first == first
            && came.length() == length
            && (came.last == last || (came.last < last && ends_with_it))
    });
    if is_asked {
        Ok(())
    } else {
        Err(StoreError::Unexpected("another range than was asked for"))
    }
}

#[cfg(test)]
mod tests;
