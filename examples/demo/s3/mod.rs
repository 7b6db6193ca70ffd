//! S3, both ends of it and embedded: a server that verifies signatures and keeps its objects in
//! memory, and a small client that signs.
//!
//! The demo and the integration tests use it; neither uses all of it.

#![allow(
    dead_code,
    unused_imports,
    reason = "two users, and each leaves out another part"
)]

mod client;
mod connection;
mod listing;
mod server;
mod service;
mod sigv4;
mod store;
mod uploads;

pub(crate) use client::{Error, Request, S3Client};
pub(crate) use connection::{Connection, Response};
pub(crate) use server::{HEALTH_PATH, S3Server};
pub(crate) use sigv4::Credentials;
pub(crate) use store::{Attributes, Object, Store};

#[cfg(test)]
mod tests;
