//! The store that is configured, whichever it is.

use std::sync::Arc;

use super::keys::NoKeys;
use super::memory::MemoryStore;
use super::object::Object;
use super::s3::{Bucket, S3Store};
use super::upload::Upload;
use super::{Store, StoreError};
use crate::config::StoreConfig;
use crate::net::{Dialer, Resolver};

/// What the workers of a process share of the configured store; each [opens](Backing::open) its own
/// way to it.
#[derive(Clone, Debug)]
pub struct Backing(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Memory(MemoryStore),
    S3(Arc<Bucket>),
}

impl Backing {
    /// Makes the store in memory, or finds the keys to the bucket. May read a file; keys that have
    /// to be asked for over the network are [watch](super::watch)'s to get, and the store is down
    /// until then.
    ///
    /// # Errors
    /// The keys are to be in a file, and are not.
    pub fn new(config: &StoreConfig) -> Result<Self, NoKeys> {
        Ok(Self(match config {
            StoreConfig::Memory { most } => Kind::Memory(MemoryStore::new(*most)),
            StoreConfig::S3(bucket) => Kind::S3(Arc::new(Bucket::new(bucket)?)),
        }))
    }

    /// A worker's way to the store, with connections of its own that `dialer` makes.
    pub fn open(&self, dialer: Dialer, resolver: Resolver) -> AnyStore {
        match &self.0 {
            Kind::Memory(store) => AnyStore::Memory(store.clone()),
            Kind::S3(bucket) => AnyStore::S3(S3Store::new(Arc::clone(bucket), dialer, resolver)),
        }
    }
}

/// A worker's way to the configured store.
#[derive(Clone, Debug)]
pub enum AnyStore {
    /// In this process.
    Memory(MemoryStore),
    /// In a bucket.
    S3(S3Store),
}

impl AnyStore {
    /// Whether an [`Upload`] takes bytes out of a pipe.
    pub fn takes_pipes(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            Self::S3(store) => store.is_in_clear_text(),
        }
    }

    /// What it is called in a line about a request that it answered.
    pub fn label(&self) -> String {
        match self {
            Self::Memory(_) => "memory".to_owned(),
            Self::S3(store) => store.endpoint().to_string(),
        }
    }

    /// A delivery has stood still or broken off: an outage that the caller has met.
    pub fn met(&self, error: &StoreError) {
        if let Self::S3(store) = self {
            store.met(error);
        }
    }

    /// Closes connections that were idle for too long or that the store closed; to be called now and
    /// then.
    pub fn sweep(&self) {
        if let Self::S3(store) = self {
            store.sweep();
        }
    }
}

impl Store for AnyStore {
    async fn get(
        &self,
        name: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Option<Object>, StoreError> {
        match self {
            Self::Memory(store) => store.get(name, range).await,
            Self::S3(store) => store.get(name, range).await,
        }
    }

    async fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Memory(store) => store.read(name, most).await,
            Self::S3(store) => store.read(name, most).await,
        }
    }

    async fn write(&self, name: &str, bytes: &[u8], content_type: &str) -> Result<(), StoreError> {
        match self {
            Self::Memory(store) => store.write(name, bytes, content_type).await,
            Self::S3(store) => store.write(name, bytes, content_type).await,
        }
    }

    async fn put(&self, name: &str, length: u64) -> Result<Upload, StoreError> {
        match self {
            Self::Memory(store) => store.put(name, length).await,
            Self::S3(store) => store.put(name, length).await,
        }
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        match self {
            Self::Memory(store) => store.delete(name).await,
            Self::S3(store) => store.delete(name).await,
        }
    }

    async fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Memory(store) => store.check().await,
            Self::S3(store) => store.check().await,
        }
    }

    fn is_up(&self) -> bool {
        match self {
            Self::Memory(store) => store.is_up(),
            Self::S3(store) => store.is_up(),
        }
    }
}
