//! sidekick: a sidecar load balancer for HTTP and S3.
//!
//! The crate is a library with a thin binary around it; the library promises no API to anybody
//! else. Read `ARCHITECTURE.md` first. The modules stand here in import order: a module imports
//! only those above it, and `tests/architecture.rs` holds us to that.

// HTTP/1.1 as values: heads, framing, chunks, head writing, own answers.
pub mod http;

// Flags, environment and file, as one typed value.
pub mod config;

// What is counted, by whom, and how it reads when scraped.
pub mod metrics;

// What happened: events, their channel, their lines.
pub mod event;

// The live table.
pub mod tui;
