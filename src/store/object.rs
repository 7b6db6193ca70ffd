//! An object as a store hands it out.

use std::future::poll_fn;

use bytes::Bytes;

use super::s3::Home;
use super::{Awaited, StoreError};
use crate::net::{Buffer, Stream};

/// An object, or a range of one.
#[derive(Debug)]
pub struct Object {
    /// Bytes of the body: of the range, if one was asked for.
    pub length: u64,
    /// The store's own entity tag, with its quotes.
    pub etag: Option<Box<[u8]>>,
    /// The bytes.
    pub body: Body,
}

/// The bytes of an object.
#[derive(Debug)]
pub enum Body {
    /// They are here.
    Memory(Bytes),
    /// They come.
    Stream(Box<Delivery>),
}

/// A connection to the store on which exactly the announced length of bytes comes, beginning with
/// those that were read already. Dropping it closes the connection.
#[derive(Debug)]
pub struct Delivery {
    /// Where the rest comes.
    pub stream: Stream,
    /// What came with the head.
    pub read: Buffer,
    /// Takes the connection back when the last byte of the body has been read.
    pub home: Home,
}

impl Object {
    /// All of it, in memory; for objects known to be small.
    ///
    /// # Errors
    /// The store broke off, or stood still for as long as `patience`.
    pub async fn collect(self, patience: std::time::Duration) -> Result<Vec<u8>, StoreError> {
        let Delivery {
            mut stream,
            mut read,
            home,
        } = match self.body {
            Body::Memory(bytes) => return Ok(bytes.to_vec()),
            Body::Stream(delivery) => *delivery,
        };
        let mut body = read.filled().to_vec();
        while (body.len() as u64) < self.length {
            read.clear();
            let some = poll_fn(|context| stream.poll_read(context, &mut read));
            match tokio::time::timeout(patience, some).await {
                Err(_) => return Err(StoreError::TimedOut(Awaited::Progress)),
                Ok(Ok(0)) => return Err(StoreError::closed()),
                Ok(Ok(_)) => body.extend_from_slice(read.filled()),
                Ok(Err(error)) => return Err(StoreError::broken(&error)),
            }
        }
        if body.len() as u64 > self.length {
            return Err(StoreError::Unexpected("more bytes than were announced"));
        }
        home.take_back(stream);
        Ok(body)
    }
}
