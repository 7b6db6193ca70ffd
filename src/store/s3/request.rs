//! A request to the store, as the bytes of its head.

use std::fmt::Write as _;

use super::bucket::Bucket;
use super::signing::{Signed, Signer, UNSIGNED, encode_path, sha256};
use crate::http::Method;
use crate::store::error::StoreError;

/// What is asked of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// The object; empty for the bucket itself.
    pub(super) name: &'a str,
    /// First and last byte wanted.
    pub(super) range: Option<(u64, u64)>,
    pub(super) payload: Payload<'a>,
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    /// There is none.
    Nothing,
    /// Bytes that are sent with the head.
    Whole {
        bytes: &'a [u8],
        content_type: &'a str,
    },
    /// So many bytes that follow.
    Streamed(u64),
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub(super) fn bare(method: Method, name: &'a str) -> Self {
        Self {
            method,
            name,
            range: None,
            payload: Payload::Nothing,
        }
    }

    /// What is sent with the head.
    pub(super) fn body(&self) -> &'a [u8] {
        match self.payload {
            Payload::Whole { bytes, .. } => bytes,
            _ => &[],
        }
    }

    /// The signed head.
    ///
    /// # Errors
    /// There are no keys to sign with.
    pub(super) fn head(&self, bucket: &Bucket) -> Result<String, StoreError> {
        let keys = bucket.keyring().keys().map_err(StoreError::NoKeys)?;
        let method = match self.method {
            Method::Head => "HEAD",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            _ => "GET",
        };
        let host = bucket.endpoint().authority();
        let path = encode_path(&bucket.path_of(self.name));
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sidekick/{}\r\n",
            env!("CARGO_PKG_VERSION"),
        );
        if let Some((first, last)) = self.range {
            let _ = write!(head, "Range: bytes={first}-{last}\r\n");
        }
        let digest = match self.payload {
            Payload::Nothing => sha256(b""),
            Payload::Whole {
                bytes,
                content_type,
            } => {
                let length = bytes.len();
                let _ = write!(
                    head,
                    "Content-Length: {length}\r\nContent-Type: {content_type}\r\n"
                );
                sha256(bytes)
            }
            Payload::Streamed(length) => {
                let _ = write!(
                    head,
                    "Content-Length: {length}\r\nContent-Type: application/octet-stream\r\n"
                );
                UNSIGNED.to_owned()
            }
        };
        let signer = Signer {
            keys: &keys,
            region: bucket.region(),
            now: bucket.now(),
        };
        let signed = Signed {
            method,
            host,
            path: &path,
            digest: &digest,
            fields: &[],
        };
        signer.write_fields(&signed, &mut head);
        head.push_str("\r\n");
        Ok(head)
    }
}
