//! Multipart uploads in progress.
//!
//! Unlike S3 this takes parts of any size, so that small bodies can exercise the protocol.

use super::sigv4::hex;
use super::store::{Attributes, Object};
use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use std::collections::{BTreeMap, HashMap};

/// Why an upload cannot be continued or completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadError {
    /// No such upload of that bucket and key.
    Unknown,
    /// A part that is named was not uploaded, or has another tag.
    Part,
    /// The parts are not named in ascending order.
    Order,
}

#[derive(Debug)]
struct Upload {
    bucket: String,
    key: String,
    attributes: Attributes,
    parts: BTreeMap<i32, (Bytes, [u8; 16])>,
}

/// All uploads in progress, by upload id.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    uploads: HashMap<String, Upload>,
    begun: u64,
}

impl Uploads {
    /// Begins an upload; returns its id.
    pub(crate) fn begin(&mut self, bucket: &str, key: &str, attributes: Attributes) -> String {
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        let upload = Upload {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            attributes,
            parts: BTreeMap::new(),
        };
        self.uploads.insert(id.clone(), upload);
        id
    }

    /// Keeps a part, in place of an earlier one of that number; returns its tag.
    pub(crate) fn put_part(
        &mut self,
        id: &str,
        (bucket, key): (&str, &str),
        number: i32,
        body: Bytes,
    ) -> Result<String, UploadError> {
        let upload = self.find(id, bucket, key)?;
        let digest: [u8; 16] = Md5::digest(&body).into();
        upload.parts.insert(number, (body, digest));
        Ok(hex(&digest))
    }

    /// Ends an upload: the object made of the named parts, each a number and the tag it has.
    pub(crate) fn complete(
        &mut self,
        id: &str,
        (bucket, key): (&str, &str),
        named: &[(i32, String)],
    ) -> Result<Object, UploadError> {
        let upload = self.find(id, bucket, key)?;
        if !named.is_sorted_by(|(left, _), (right, _)| left < right) {
            return Err(UploadError::Order);
        }
        let mut body = BytesMut::new();
        let mut digests = Md5::new();
        for (number, etag) in named {
            let (bytes, digest) = upload.parts.get(number).ok_or(UploadError::Part)?;
            if *etag != hex(digest) {
                return Err(UploadError::Part);
            }
            body.extend_from_slice(bytes);
            digests.update(digest);
        }
        let etag = format!("{}-{}", hex(&digests.finalize()), named.len());
        let object = Object::tagged(body.freeze(), etag, upload.attributes.clone());
        self.uploads.remove(id);
        Ok(object)
    }

    /// Ends an upload without an object.
    pub(crate) fn abort(
        &mut self,
        id: &str,
        (bucket, key): (&str, &str),
    ) -> Result<(), UploadError> {
        self.find(id, bucket, key)?;
        self.uploads.remove(id);
        Ok(())
    }

    fn find(&mut self, id: &str, bucket: &str, key: &str) -> Result<&mut Upload, UploadError> {
        self.uploads
            .get_mut(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key)
            .ok_or(UploadError::Unknown)
    }
}
