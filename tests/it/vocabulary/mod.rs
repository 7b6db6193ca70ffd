//! The words the claims are written in: a process under test, an origin, a name server, a client,
//! patience.

mod authority;
mod body;
mod bucket;
mod client;
mod connection;
mod descriptors;
mod exchange;
mod http2;
mod message;
mod name_server;
mod objects;
mod origin;
mod patience;
mod resident;
mod sidekick;
mod transport;

pub(crate) use authority::{AUTHORITY, Authority, Certificates};
pub(crate) use body::{Digest, Digesting, blocks, whole};
pub(crate) use bucket::{Bucket, Trouble, asked_range};
pub(crate) use client::{Client, chunked_request, request};
pub(crate) use connection::{Connection, End};
pub(crate) use exchange::{Answer, Ask, Caller, Ending, Speech, Upload};
pub(crate) use http2::{
    Asked, Frames, Http2Client, PREFACE, framed, get_block, header_block, http2_request,
};
pub(crate) use message::{Head, Response, escaped};
pub(crate) use name_server::{Mood, NameServer};
pub(crate) use objects::Objects;
pub(crate) use origin::{Health, Origin, OriginConnection, Security};
pub(crate) use patience::{PATIENCE, holds_for, wait_until};
pub(crate) use resident::Resident;
pub(crate) use sidekick::{Finished, Running, Sidekick};
