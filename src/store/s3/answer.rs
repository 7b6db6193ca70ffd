//! The bucket's answer, and where its connection goes afterwards.

use std::rc::Rc;

use super::ERROR_BODY;
use super::connections::{Connections, Home};
use crate::net::{Buffer, Stream};
use crate::store::answer::{Head, HeadReader, code, read_body};
use crate::store::error::StoreError;

/// An answer whose head has been read. Its body stands in `buffer`, as far as it came with the
/// head, and goes on in `stream`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) stream: Stream,
    pub(super) buffer: Buffer,
    pub(super) head: Head,
    pub(super) home: Home,
}

impl Answer {
    /// What `reader` has read, once the head is whole. `clean` says whether the request was sent
    /// whole, so that the connection can carry another.
    pub(super) fn new(
        reader: HeadReader,
        stream: Stream,
        connections: &Rc<Connections>,
        clean: bool,
    ) -> Self {
        let (head, buffer) = reader.finish(connections.bucket().now());
        Self {
            stream,
            buffer,
            home: Home::new(connections, head.persists && clean, head.idle_timeout),
            head,
        }
    }

    /// Reads the body, if it has at most `most` bytes, and gives the connection back.
    pub(super) async fn read(mut self, most: usize) -> Result<Vec<u8>, StoreError> {
        let framing = self.head.framing;
        let body = read_body(&mut self.stream, &mut self.buffer, framing, most).await?;
        if self.buffer.is_empty() {
            self.home.take_back(self.stream);
        }
        Ok(body)
    }

    /// The failure that an answer is which is none of the operation's own: reads the store's word for
    /// it. The connection is given back.
    pub(super) async fn failure(self) -> StoreError {
        let status = self.head.status;
        // Without a body that can be read there is still the status.
        let body = self.read(ERROR_BODY).await.unwrap_or_default();
        StoreError::answered(status, code(&body))
    }
}
