//! HTTP/1.1 as values: heads as offsets into the bytes they arrived in, body framing, head
//! writing as edits on the received bytes, and the answers sidekick makes itself.
//!
//! Nothing here knows a socket, a runtime or a clock. Strictness is the rule (RFC 9112 §11.2):
//! what two parsers could read two ways is a [`Rejection`], in both directions.

mod ascii;
mod authority;
mod chunk;
mod connection;
mod content_range;
mod date;
mod entity_tag;
mod field;
mod framing;
mod list_members;
mod lookup;
mod method;
mod parse;
mod read_date;
pub mod redact;
mod rejection;
mod reply;
mod request;
mod response;
mod s3_error;
pub mod signature;
mod span;
mod status;
mod write;

pub use chunk::{ChunkScanner, ChunkStep, Scan};
pub use content_range::ContentRange;
pub use date::write_http_date;
pub use entity_tag::is_strong_etag;
pub use framing::BodyFraming;
pub use list_members::list_members;
pub use method::{Method, Version};
pub use parse::Parsed;
pub use read_date::read_http_date;
pub use rejection::Rejection;
pub use reply::Reply;
pub use request::RequestHead;
pub use response::ResponseHead;
pub use s3_error::S3Error;
pub use span::Span;
pub use status::reason_phrase;
pub use write::{
    ClientSide, Edits, Forwarded, write_edited_request, write_edited_response, write_interim,
    write_request, write_response,
};

/// Bytes a head may have, its blank line included; beyond it is 431.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// Fields a head may have; beyond it is 431.
pub const FIELD_LIMIT: usize = 256;

/// Heads up to this many fields, nearly all, are parsed with less stack touched.
const FEW_FIELDS: usize = 48;

#[cfg(test)]
mod tests;
