//! sidekick: a sidecar load balancer for HTTP and S3.
//!
//! The crate is a library with a thin binary around it; the library promises no API to anybody
//! else. Read `ARCHITECTURE.md` first. The modules stand here in import order: a module imports
//! only those above it, and `tests/architecture.rs` holds us to that.

// Linux, as safe functions.
pub mod sys;

// HTTP/1.1 as values: heads, framing, chunks, head writing, own answers.
pub mod http;

// Flags, environment and file, as one typed value.
pub mod config;

// What is counted, by whom, and how it reads when scraped.
pub mod metrics;

// Picking one of N.
pub mod balance;

// Sites, backends, health, and the snapshot that workers route by.
pub mod topology;

// What happened: events, their channel, their lines.
pub mod event;

// Streams, listeners, dialing, names, buffers, deadlines.
pub mod net;

// Idle connections to backends, and the guard that counts each attempt.
pub mod upstream;

// Active checks.
pub mod health;

// Names to addresses, addresses to backends.
pub mod discovery;

// What RFC 9111 says of requests and responses: keys, freshness, validation, stored heads.
pub mod cache;

// Where the cache keeps its objects: a bucket, or memory.
pub mod store;

// What changes the cache's store: fills, evictions, invalidations; and looks that mind them.
pub mod fill;

// What is answered without a backend.
pub mod admin;

// The request path.
pub mod proxy;

// The live table.
pub mod tui;

// Threads, signals, drain and reload.
pub mod server;

// The composition root.
pub mod app;
