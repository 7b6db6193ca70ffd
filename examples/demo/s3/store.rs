//! Buckets and objects in memory.
//!
//! A [`Store`] is a handle: servers that hold clones of one store serve the same objects, as the
//! nodes of a cluster do. Two sites on one store are sites whose replication takes no time.

use super::listing::{self, Listing, Query};
use super::sigv4::hex;
use super::uploads::Uploads;
use bytes::Bytes;
use md5::{Digest, Md5};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the store does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Bucket,
    Key,
}

/// Why an object was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NoSuchBucket,
    /// The caller's condition on the object's present state does not hold.
    Condition,
}

/// What a writer says about an object besides its bytes; readers get it back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_type: Option<String>,
    /// The `x-amz-meta-` fields without that prefix.
    pub(crate) metadata: HashMap<String, String>,
}

/// An object; never changed, only replaced.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    /// The entity tag without its quotes, always a strong one.
    pub(crate) etag: String,
    /// Whole seconds, because that is what an HTTP date can say.
    pub(crate) last_modified: SystemTime,
    pub(crate) attributes: Attributes,
}

impl Object {
    /// An object written now; its tag is the MD5 of the body, as S3 does for a simple upload.
    pub(crate) fn new(body: Bytes, attributes: Attributes) -> Self {
        let etag = hex(&Md5::digest(&body));
        Self::tagged(body, etag, attributes)
    }

    /// As [`Object::new`] with the tag `etag`.
    pub(crate) fn tagged(body: Bytes, etag: String, attributes: Attributes) -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let last_modified = UNIX_EPOCH + Duration::from_secs(since.as_secs());
        Self {
            body,
            etag,
            last_modified,
            attributes,
        }
    }
}

/// The objects of one bucket in the order of their keys.
pub(crate) type Bucket = BTreeMap<String, Arc<Object>>;

#[derive(Debug, Default)]
struct Contents {
    buckets: BTreeMap<String, Bucket>,
    uploads: Uploads,
}

/// A handle on the shared contents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    contents: Arc<Mutex<Contents>>,
}

impl Store {
    /// Makes an empty bucket; false if it is there already.
    pub(crate) fn create_bucket(&self, name: &str) -> bool {
        let mut contents = self.lock();
        let new = !contents.buckets.contains_key(name);
        contents.buckets.entry(name.to_owned()).or_default();
        new
    }

    /// Whether there is a bucket `name`.
    pub(crate) fn has_bucket(&self, name: &str) -> bool {
        self.lock().buckets.contains_key(name)
    }

    /// The names of all buckets, ascending.
    pub(crate) fn buckets(&self) -> Vec<String> {
        self.lock().buckets.keys().cloned().collect()
    }

    /// Writes an object if `allowed` says so of the one it would replace.
    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        allowed: impl FnOnce(Option<&Object>) -> bool,
    ) -> Result<Arc<Object>, Refused> {
        let mut contents = self.lock();
        let objects = contents
            .buckets
            .get_mut(bucket)
            .ok_or(Refused::NoSuchBucket)?;
        if !allowed(objects.get(key).map(AsRef::as_ref)) {
            return Err(Refused::Condition);
        }
        let object = Arc::new(object);
        objects.insert(key.to_owned(), Arc::clone(&object));
        Ok(object)
    }

    /// The object under `key`.
    pub(crate) fn get(&self, bucket: &str, key: &str) -> Result<Arc<Object>, Missing> {
        let contents = self.lock();
        let objects = contents.buckets.get(bucket).ok_or(Missing::Bucket)?;
        objects.get(key).cloned().ok_or(Missing::Key)
    }

    /// Removes the object under `key`; one that is not there counts as removed.
    pub(crate) fn remove(&self, bucket: &str, key: &str) -> Result<(), Missing> {
        let mut contents = self.lock();
        contents
            .buckets
            .get_mut(bucket)
            .ok_or(Missing::Bucket)?
            .remove(key);
        Ok(())
    }

    /// One page of the bucket's keys.
    pub(crate) fn list(&self, bucket: &str, query: &Query<'_>) -> Result<Listing, Missing> {
        let contents = self.lock();
        contents
            .buckets
            .get(bucket)
            .map(|objects| listing::page(objects, query))
            .ok_or(Missing::Bucket)
    }

    /// Runs `work` on the multipart uploads in progress.
    pub(crate) fn with_uploads<T>(&self, work: impl FnOnce(&mut Uploads) -> T) -> T {
        work(&mut self.lock().uploads)
    }

    /// No operation leaves the contents half changed, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
