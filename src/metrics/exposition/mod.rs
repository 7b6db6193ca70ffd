//! The text that a scraper reads, made from sums that were taken beforehand.

mod page;

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

use super::backend::{BackendMetrics, Downtime};
use super::cache::CacheSample;
use super::process::ProcessSample;
use super::totals::Totals;
use page::Page;

/// The two dialects of the text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4: for everything that does not ask for more.
    Prometheus,
    /// `OpenMetrics` text 1.0.0: for those who accept it.
    OpenMetrics,
}

impl Format {
    /// The dialect for a request's `Accept` value: `OpenMetrics` for those who name it.
    pub fn accepted(accept: Option<&[u8]>) -> Self {
        let named = accept.is_some_and(|accept| {
            accept
                .to_ascii_lowercase()
                .windows(28)
                .any(|part| part == b"application/openmetrics-text")
        });
        if named {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The value of the answer's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// One backend at the moment of a scrape.
#[derive(Clone, Debug)]
pub struct BackendSample {
    /// Label `endpoint`: the backend's address as it was given.
    pub endpoint: Arc<str>,
    /// Label `site`: the number of its site, from 1.
    pub site: Arc<str>,
    /// Whether it is up.
    pub up: bool,
    /// Requests at the backend that have not ended.
    pub in_flight: u64,
    /// What the workers counted.
    pub totals: Totals,
    /// Failed health checks.
    pub health_errors: u64,
    /// How often it went up, how often down.
    pub transitions: (u64, u64),
    /// How long it was down.
    pub downtime: Downtime,
}

impl BackendSample {
    /// Takes the sums of a backend's counters; `now` ends the present outage, for the count.
    pub fn new(
        endpoint: Arc<str>,
        site: Arc<str>,
        metrics: &BackendMetrics,
        in_flight: u64,
        now: Instant,
    ) -> Self {
        Self {
            endpoint,
            site,
            up: metrics.is_up(),
            in_flight,
            totals: metrics.totals(),
            health_errors: metrics.health_errors(),
            transitions: metrics.transitions(),
            downtime: metrics.downtime(now),
        }
    }
}

/// Everything a scrape shows.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// Every backend of every site.
    pub backends: Vec<BackendSample>,
    /// The process.
    pub process: ProcessSample,
    /// The cache; none when it is off.
    pub cache: Option<CacheSample>,
}

/// The whole answer to a scrape.
pub fn exposition(scrape: Scrape, format: Format) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page { scrape, format }));
    let mut text = String::new();
    // Writing to a string fails only if a value's own encoding does, and none of ours does; the
    // text so far is then the best answer there is.
    let written = encode_registry(&mut text, &registry);
    if format == Format::OpenMetrics && written.is_ok() {
        let _ = encode_eof(&mut text);
    }
    text
}

#[cfg(test)]
mod tests;
