//! The live table: what the process does, on a terminal, twice a second.
//!
//! [`Table`] is a value that the caller makes anew for every picture; [`draw`] is a function of
//! it and of [`View`]; [`run`] puts both on a terminal, with its keys.

mod columns;
mod draw;
mod screen;
mod view;

use std::time::Duration;

use crate::metrics::{CacheSample, Downtime, Totals};

pub use draw::draw;
pub use screen::{Screen, run};
pub use view::{Key, View};

/// What a backend's status column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In rotation.
    Up,
    /// Out of rotation: its check fails.
    Down,
    /// Out of rotation for a while: its requests failed although its check says up.
    Ejected,
    /// Out of rotation because somebody asked for it; requests in flight finish.
    Draining,
}

/// One backend's line.
#[derive(Clone, Debug)]
pub struct Row {
    /// The number of its site, from 1.
    pub site: String,
    /// Its address as it was given.
    pub host: String,
    /// Whether it serves.
    pub status: Status,
    /// Requests that ended.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Bytes from clients.
    pub rx: u64,
    /// Bytes to clients.
    pub tx: u64,
    /// All outages together.
    pub downtime: Duration,
    /// The latest outage; none when there never was any.
    pub last_downtime: Option<Duration>,
    /// The shortest request; none before the first.
    pub min: Option<Duration>,
    /// The mean.
    pub avg: Option<Duration>,
    /// What 99 of 100 requests do not exceed.
    pub p99: Option<Duration>,
    /// Requests that have not ended.
    pub in_flight: u64,
}

impl Row {
    /// The line of a backend with these figures.
    pub fn new(
        site: impl Into<String>,
        host: impl Into<String>,
        status: Status,
        totals: &Totals,
        downtime: Downtime,
        in_flight: u64,
    ) -> Self {
        Self {
            site: site.into(),
            host: host.into(),
            status,
            calls: totals.requests,
            failures: totals.errors,
            rx: totals.rx,
            tx: totals.tx,
            downtime: downtime.total,
            last_downtime: downtime.last,
            min: totals.duration.min(),
            avg: totals.duration.mean(),
            p99: totals.duration.quantile(990),
            in_flight,
        }
    }
}

/// One picture's content.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The program's version.
    pub version: String,
    /// Where clients connect: `http://0.0.0.0:8080`.
    pub listen: String,
    /// Since the process started.
    pub uptime: Duration,
    /// The process ends when the requests in flight have.
    pub draining: bool,
    /// The latest word to people: a refused reload, a certificate that expires.
    pub notice: Option<String>,
    /// The cache; none when it is off.
    pub cache: Option<CacheSample>,
    /// The backends, in the order of the sites.
    pub rows: Vec<Row>,
}

#[cfg(test)]
mod tests;
