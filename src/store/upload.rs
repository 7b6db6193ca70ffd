//! An object on its way into a store.

use std::io;
use std::task::{Context, Poll};

use super::StoreError;
use super::memory::MemoryUpload;
use super::s3::BucketUpload;
use crate::net::LentPipe;

/// Bytes that become an object when all of them are there, and nothing before. Dropping it leaves
/// nothing behind.
#[derive(Debug)]
pub struct Upload(Kind);

#[derive(Debug)]
enum Kind {
    Memory(Box<MemoryUpload>),
    Bucket(Box<BucketUpload>),
}

impl Upload {
    pub(super) fn to_memory(upload: MemoryUpload) -> Self {
        Self(Kind::Memory(Box::new(upload)))
    }

    pub(super) fn to_bucket(upload: BucketUpload) -> Self {
        Self(Kind::Bucket(Box::new(upload)))
    }

    /// Writes some of `bytes`, and says how many. After `Pending` the same bytes have to be
    /// presented again, and more may follow them.
    ///
    /// # Errors
    /// The store refuses, breaks off or stands still, or these are more bytes than were announced;
    /// the [`StoreError`] is inside. Nothing more can be written.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Memory(upload) => Poll::Ready(upload.write(bytes).map_err(io::Error::from)),
            Kind::Bucket(upload) => upload.poll_write(context, bytes),
        }
    }

    /// Whether [`Upload::poll_drain`] works.
    pub fn takes_pipes(&self) -> bool {
        match &self.0 {
            Kind::Memory(_) => false,
            Kind::Bucket(upload) => upload.takes_pipes(),
        }
    }

    /// As [`Upload::poll_write`], with the bytes in a pipe; only where [`Upload::takes_pipes`].
    ///
    /// # Errors
    /// As there.
    pub fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        pipe: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Memory(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
            Kind::Bucket(upload) => upload.poll_drain(context, pipe),
        }
    }

    /// Ready when the store has refused or broken off; for when there is nothing to write yet.
    pub fn poll_refused(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        match &mut self.0 {
            Kind::Memory(_) => Poll::Pending,
            Kind::Bucket(upload) => upload.poll_refused(context),
        }
    }

    /// Waits until the store has the object.
    ///
    /// # Errors
    /// It has not: something is missing, or it says so.
    pub async fn finish(self) -> Result<(), StoreError> {
        match self.0 {
            Kind::Memory(upload) => upload.finish(),
            Kind::Bucket(upload) => upload.finish().await,
        }
    }
}
