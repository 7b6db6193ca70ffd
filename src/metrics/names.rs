//! Every metric's name, kind, labels and help, once. The exposition reads this list, and so does
//! the reference page; what is not here does not exist.

use std::fmt::Write;

/// What a metric's values do over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, and starts at zero with the process.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by size, with the bounds of [`BOUNDS`](super::BOUNDS).
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name in full, `_total` included.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels' names, in the order they are written.
    pub labels: &'static [&'static str],
    /// One sentence without a full stop, backslash or line end.
    pub help: &'static str,
}

const ENDPOINT: &[&str] = &["endpoint"];
const BACKEND: &[&str] = &["endpoint", "site"];
const BACKEND_CODE: &[&str] = &["endpoint", "site", "code"];
const BACKEND_TO: &[&str] = &["endpoint", "site", "to"];

macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal $labels:expr, $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $constant: Metric =
                Metric { name: $name, kind: Kind::$kind, labels: $labels, help: $help };
        )+
        /// All metrics, in the order of the reference page.
        pub const ALL: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    REQUESTS = Counter "sidekick_requests_total" ENDPOINT,
        "Requests sent to the backend, failed ones included";
    ERRORS = Counter "sidekick_errors_total" ENDPOINT,
        "Requests that failed at the backend";
    RX_BYTES = Counter "sidekick_rx_bytes_total" ENDPOINT,
        "Bytes of request heads and bodies received from clients for the backend";
    TX_BYTES = Counter "sidekick_tx_bytes_total" ENDPOINT,
        "Bytes of response heads and bodies sent to clients from the backend";
    HEALTH_ERRORS = Counter "sidekick_health_error_counts" ENDPOINT,
        "Health checks that found the backend wanting";
    BACKEND_UP = Gauge "sidekick_backend_up" BACKEND,
        "Whether the backend is up (1) or down (0)";
    IN_FLIGHT = Gauge "sidekick_requests_in_flight" BACKEND,
        "Requests at the backend that have not ended";
    DURATION = Histogram "sidekick_request_duration_seconds" BACKEND,
        "Time from the request's head to the last byte of its answer";
    FIRST_BYTE = Histogram "sidekick_time_to_first_byte_seconds" BACKEND,
        "Time from the request's head to the first byte of its answer";
    RESPONSES = Counter "sidekick_responses_total" BACKEND_CODE,
        "Answers of the backend by class: 1xx to 5xx, none when the backend gave no answer";
    RETRIES = Counter "sidekick_retries_total" BACKEND,
        "Requests sent again after they failed at the backend";
    RESUMES = Counter "sidekick_resumes_total" BACKEND,
        "Downloads that broke at the backend and went on from another";
    CONNECTS = Counter "sidekick_connects_total" BACKEND,
        "Connections made to the backend";
    CONNECT_ERRORS = Counter "sidekick_connect_errors_total" BACKEND,
        "Connections to the backend that could not be made";
    REUSES = Counter "sidekick_connection_reuses_total" BACKEND,
        "Requests that went over a connection kept open";
    TRANSITIONS = Counter "sidekick_health_transitions_total" BACKEND_TO,
        "Times the backend went up or down";
    DOWNTIME = Counter "sidekick_backend_downtime_seconds_total" BACKEND,
        "Time the backend was down, the present outage included";
    CLIENT_CONNECTIONS = Gauge "sidekick_client_connections" &[],
        "Open connections from clients";
    CLIENT_CONNECTIONS_ACCEPTED = Counter "sidekick_client_connections_accepted_total" &[],
        "Connections accepted from clients";
    HANDSHAKES_FAILED = Counter "sidekick_tls_handshake_errors_total" &[],
        "Clients that connected and did not come to a TLS session";
    RETRIES_BOUNDED = Counter "sidekick_retry_budget_spent_total" &[],
        "Retries wanted when the budget was spent: only backends in rotation were asked";
    LOCAL_RESPONSES = Counter "sidekick_local_responses_total" &["code"],
        "Answers that sidekick gave by itself, by class: 4xx are refused requests";
    DROPPED_LINES = Counter "sidekick_dropped_lines_total" &[],
        "Log and trace lines dropped because their reader was too slow or gone";
    CACHE_REQUESTS = Counter "sidekick_cache_requests_total" &["result"],
        "Requests the cache looked at: hit, revalidated or stale when the store answered; expired, \
         miss or bypass when it did not";
    CACHE_SERVED_BYTES = Counter "sidekick_cache_served_bytes_total" &[],
        "Body bytes that clients got from the cache's store";
    CACHE_FILLS = Counter "sidekick_cache_fills_total" &["result"],
        "Fills of the cache: stored; lagging when the store was slower than the client; incomplete \
         when the body was cut off or invalidated; failed when the store refused or broke";
    CACHE_STORED_BYTES = Counter "sidekick_cache_stored_bytes_total" &[],
        "Body bytes that the cache's store took, of whole bodies";
    CACHE_EVICTIONS = Counter "sidekick_cache_evictions_total" &[],
        "Stored responses taken out because they were gone, changed or invalidated";
    CACHE_STORE_ERRORS = Counter "sidekick_cache_store_errors_total" &["operation"],
        "Times the cache's store failed at a look-up, read, fill, update or delete";
    CACHE_STORE_UP = Gauge "sidekick_cache_store_up" &[],
        "Whether the cache's store is up (1) or down (0)";
    BUILD = Gauge "sidekick_build_info" &["version"],
        "Always 1; the label tells the version";
    CPU = Counter "process_cpu_seconds_total" &[],
        "Processor time used, user and system";
    RESIDENT = Gauge "process_resident_memory_bytes" &[],
        "Resident memory";
    OPEN_FILES = Gauge "process_open_fds" &[],
        "Open file descriptors";
    MAX_FILES = Gauge "process_max_fds" &[],
        "Most file descriptors the process may open";
    THREADS = Gauge "process_threads" &[],
        "Threads of the process";
    STARTED = Gauge "process_start_time_seconds" &[],
        "When the process started, in seconds since 1970";
}

/// The reference page of all metrics, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         Served at `/.prometheus/metrics`, as OpenMetrics text when the scraper accepts that and \
         as Prometheus text otherwise. Counters start at zero with the process.\n\n\
         `endpoint` is the backend's address as it was given, `site` the number of its site, \
         from 1. Metrics of the cache are there when it is on.\n\n\
         | name | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for Metric {
        name,
        kind,
        labels,
        help,
    } in ALL
    {
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {help} |",
            kind.word(),
            labels.join(", ")
        );
    }
    let bounds: Vec<_> = super::BOUNDS
        .iter()
        .map(|bound| bound.as_secs_f64().to_string())
        .collect();
    let _ = write!(
        page,
        "\nHistogram bounds, in seconds: {}.\n",
        bounds.join(", ")
    );
    page
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;

    const PAGE: &str = "docs/reference/metrics.md";

    #[test]
    fn the_reference_page_is_the_list() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        let page = std::fs::read_to_string(path).unwrap_or_default();
        let cure =
            "write it anew: cargo run --example reference metrics > docs/reference/metrics.md";
        assert!(page == reference(), "{PAGE} has drifted; {cure}");
    }

    #[test]
    fn every_name_is_well_formed_and_there_once() {
        let mut seen = HashSet::new();
        for Metric {
            name, kind, help, ..
        } in ALL
        {
            assert!(seen.insert(*name), "{name} twice");
            assert!(
                name.bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_lowercase()),
                "{name}"
            );
            // The predecessor's name for health errors is the one counter without the suffix.
            let counts = *kind == Kind::Counter && *name != HEALTH_ERRORS.name;
            assert_eq!(name.ends_with("_total"), counts, "{name}");
            assert!(
                !help.contains(['\n', '\\', '|']) && !help.ends_with('.'),
                "{name}"
            );
        }
    }
}
