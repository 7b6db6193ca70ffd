//! What happened, as typed values; the way from the workers to the writer; the lines people and
//! parsers read.
//!
//! ```text
//! worker ── Filter: wanted? ── Event ── Sender ─┐
//! worker ── Filter: wanted? ── Event ── Sender ─┤ ring, drops when full
//! control ─ Filter: wanted? ── Event ── Sender ─┘   └── Writer thread ── Format ── stdout
//! ```
//!
//! A worker asks the [`Filter`] before it builds anything, and hands the typed value over; the
//! line is made on the writer's thread. A slow reader of stdout fills the ring, from where on
//! events are dropped and counted: no request waits for a line.

mod channel;
mod field_value;
mod filter;
pub mod human;
mod line;
mod writer;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use channel::{Receiver, Sender, channel};
pub use filter::{Filter, FilterSpec, TraceScope};
pub use line::Format;
pub use writer::Writer;

/// Something that may become a line. Boxed, so that the ring's slots are two words.
#[derive(Clone, Debug)]
pub enum Event {
    /// A backend went up or down.
    Health(Box<HealthEvent>),
    /// A request or a health check ended.
    Trace(Box<TraceEvent>),
    /// A word to the people who run the process.
    Notice(Box<Notice>),
}

/// A backend went up or down.
#[derive(Clone, Debug)]
pub struct HealthEvent {
    /// The backend's address as it was given.
    pub endpoint: Arc<str>,
    /// Whether it is up now.
    pub up: bool,
    /// Why, for people: `connection refused`, `200 OK`.
    pub reason: String,
    /// How long the outage lasted that this ended; zero when it goes down.
    pub downtime: Duration,
    /// When.
    pub at: SystemTime,
}

/// Whose request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// The application's.
    Application,
    /// Our own health check.
    HealthCheck,
}

/// A request or a health check that ended.
#[derive(Clone, Debug)]
pub struct TraceEvent {
    /// Whose request it was.
    pub kind: TraceKind,
    /// The address of the last backend it was sent to; empty when it was sent to none.
    pub endpoint: Arc<str>,
    /// When the request's head was complete.
    pub at: SystemTime,
    /// The client's address; none for health checks.
    pub client: Option<IpAddr>,
    /// Head and body bytes from the client.
    pub rx: u64,
    /// Head and body bytes to the client.
    pub tx: u64,
    /// From the request's head to the answer's last byte.
    pub latency: Duration,
    /// From the request's head to the answer's first byte; none when there was no answer.
    pub first_byte: Option<Duration>,
    /// What a failed health check found.
    pub health_error: Option<Box<str>>,
    /// The status the client got; none when it got no answer.
    pub status: Option<u16>,
    /// The method as it came.
    pub method: Box<[u8]>,
    /// The request target as it came, path and query; signatures are taken out of the line.
    pub target: Box<[u8]>,
    /// Both heads' fields, when [`Filter::wants_detail`].
    pub detail: Option<Box<Detail>>,
    /// How many backends were asked; 0 when none was.
    pub attempts: u32,
    /// Why it failed, for people.
    pub error: Option<Box<str>>,
    /// What the cache did: `HIT`, `MISS`, ...; none when it is off.
    pub cache: Option<&'static str>,
}

/// A field of a head: name and value as they came. Secrets are taken out of the line.
pub type Field = (Box<[u8]>, Box<[u8]>);

/// The fields of both heads, in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The request's.
    pub request: Vec<Field>,
    /// The response's.
    pub response: Vec<Field>,
}

/// Whether a notice is for information or tells of an error of the program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should act; shown even with `--quiet`.
    Error,
}

/// A word to the people who run the process.
#[derive(Clone, Debug)]
pub struct Notice {
    /// How loud.
    pub severity: Severity,
    /// One line.
    pub text: String,
    /// When.
    pub at: SystemTime,
}

impl Event {
    /// A notice for information.
    pub fn info(text: impl Into<String>, at: SystemTime) -> Self {
        Self::Notice(Box::new(Notice {
            severity: Severity::Info,
            text: text.into(),
            at,
        }))
    }

    /// A notice of an error of the program itself.
    pub fn error(text: impl Into<String>, at: SystemTime) -> Self {
        Self::Notice(Box::new(Notice {
            severity: Severity::Error,
            text: text.into(),
            at,
        }))
    }
}

impl From<HealthEvent> for Event {
    fn from(event: HealthEvent) -> Self {
        Self::Health(Box::new(event))
    }
}

impl From<TraceEvent> for Event {
    fn from(event: TraceEvent) -> Self {
        Self::Trace(Box::new(event))
    }
}
