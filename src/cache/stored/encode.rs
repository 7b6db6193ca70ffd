//! How stored heads are written.
//!
//! ```text
//! "sidekick heads" version:u8 resource:blob count:u8 head*
//! head   query:blob variant:32 status:u16 reason:blob request_time:u64 response_time:u64
//!        with_credentials:u8 body_length:u64 body:blob fields:u16 (name:blob value:blob)*
//! blob   length:u32 bytes
//! ```
//!
//! Numbers are big-endian. Nothing may follow. Another version is another format: a reader that
//! does not know it takes the object for a miss, and overwrites it.

use super::{StoredHead, StoredResponses};
use crate::cache::key::Resource;

pub(super) const MAGIC: &[u8] = b"sidekick heads";
pub(super) const VERSION: u8 = 1;

pub(super) fn responses(responses: &StoredResponses, resource: &Resource) -> Vec<u8> {
    let room: usize = responses.heads.iter().map(size).sum();
    let mut out = Vec::with_capacity(MAGIC.len() + resource.text().len() + room + 8);
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    blob(resource.text(), &mut out);
    out.push(responses.heads.len() as u8);
    for stored in &responses.heads {
        head(stored, &mut out);
    }
    out
}

/// Bytes that a head takes.
pub(super) fn size(stored: &StoredHead) -> usize {
    const FIXED: usize = 32 + 2 + 8 + 8 + 1 + 8 + 2 + 3 * 4;
    let fields = stored.fields.iter();
    let lines: usize = fields
        .map(|(name, value)| name.len() + value.len() + 8)
        .sum();
    FIXED + stored.query.len() + stored.reason.len() + stored.body.len() + lines
}

fn head(stored: &StoredHead, out: &mut Vec<u8>) {
    blob(&stored.query, out);
    out.extend_from_slice(&stored.variant.0);
    out.extend_from_slice(&stored.status.to_be_bytes());
    blob(&stored.reason, out);
    out.extend_from_slice(&stored.request_time.to_be_bytes());
    out.extend_from_slice(&stored.response_time.to_be_bytes());
    out.push(u8::from(stored.with_credentials));
    out.extend_from_slice(&stored.body_length.to_be_bytes());
    blob(stored.body.as_bytes(), out);
    out.extend_from_slice(&(stored.fields.len() as u16).to_be_bytes());
    for (name, value) in stored.fields.iter() {
        blob(name, out);
        blob(value, out);
    }
}

fn blob(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}
