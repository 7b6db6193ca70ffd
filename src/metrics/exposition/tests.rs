use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use super::*;
use crate::metrics::names::{ALL, Kind};
use crate::metrics::{Finished, ProcessFigures};

fn backend(endpoint: &str, site: &str) -> BackendSample {
    let metrics = BackendMetrics::new();
    let cells = metrics.cells();
    cells.finished(&Finished {
        status: Some(200),
        failed: false,
        rx: 64,
        tx: 1231,
        duration: Duration::from_millis(4),
        first_byte: Some(Duration::from_micros(700)),
    });
    cells.connected();
    let now = Instant::now();
    metrics.transitioned(true, now);
    BackendSample::new(endpoint.into(), site.into(), &metrics, 3, now)
}

fn scrape(backends: Vec<BackendSample>) -> Scrape {
    let process = ProcessSample {
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        connections: 2,
        accepted: 5,
        retries_bounded: 6,
        handshakes_failed: 7,
        local: [0, 0, 1, 0, 4, 0],
        dropped_lines: 9,
        figures: ProcessFigures {
            cpu_seconds: Some(1.5),
            resident_bytes: Some(6 << 20),
            open_files: Some(12),
            max_files: None,
            threads: Some(3),
        },
    };
    Scrape {
        backends,
        process,
        cache: None,
    }
}

#[test]
fn both_dialects_read_like_this() {
    let sample = scrape(vec![backend("http://a:9000", "1")]);
    let text = |format| {
        let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
        exposition(sample.clone(), format).replace(&version, "version=\"VERSION\"")
    };
    insta::assert_snapshot!("prometheus", text(Format::Prometheus));
    insta::assert_snapshot!("openmetrics", text(Format::OpenMetrics));
}

#[test]
fn the_predecessors_names_and_label_stand_as_they_were() {
    let text = exposition(
        scrape(vec![backend("http://a:9000", "1")]),
        Format::Prometheus,
    );
    for line in [
        "sidekick_requests_total{endpoint=\"http://a:9000\"} 1",
        "sidekick_errors_total{endpoint=\"http://a:9000\"} 0",
        "sidekick_rx_bytes_total{endpoint=\"http://a:9000\"} 64",
        "sidekick_tx_bytes_total{endpoint=\"http://a:9000\"} 1231",
        "sidekick_health_error_counts{endpoint=\"http://a:9000\"} 0",
    ] {
        assert!(text.lines().any(|each| each == line), "{line} is missing");
    }
}

#[test]
fn every_metric_of_the_list_is_shown_and_no_other() {
    let mut sample = scrape(vec![backend("http://a:9000", "1")]);
    sample.process.figures.max_files = Some(1024);
    sample.cache = Some(CacheSample::default());
    let text = exposition(sample, Format::Prometheus);
    let shown: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let unique: HashSet<_> = shown.iter().copied().collect();
    assert_eq!(shown.len(), unique.len(), "a metric's head is there once");
    assert_eq!(unique, ALL.iter().map(|metric| metric.name).collect());
}

#[test]
fn labels_are_those_of_the_list() {
    let mut sample = scrape(vec![backend("http://a:9000", "1")]);
    sample.cache = Some(CacheSample::default());
    let text = exposition(sample, Format::Prometheus);
    for metric in ALL.iter().filter(|metric| metric.name != "process_max_fds") {
        let stem = match metric.kind {
            Kind::Histogram => format!("{}_sum", metric.name),
            _ => metric.name.to_owned(),
        };
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{stem}{{")));
        let line = line.or_else(|| {
            text.lines()
                .find(|line| line.starts_with(&format!("{stem} ")))
        });
        let line = line.unwrap_or_else(|| panic!("{stem} is missing"));
        let labels: Vec<_> = line
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'))
            .map(|(labels, _)| {
                labels
                    .split(',')
                    .filter_map(|each| each.split('=').next())
                    .collect()
            })
            .unwrap_or_default();
        assert_eq!(labels, metric.labels, "{stem}");
    }
}

#[test]
fn the_cache_is_there_when_it_is_on() {
    let mut sample = scrape(Vec::new());
    sample.cache = Some(CacheSample {
        results: [11, 12, 13, 14, 15, 16],
        fills: [21, 22, 23, 24],
        store_errors: [31, 32, 33, 34, 35],
        served: 6 << 30,
        stored: 5 << 30,
        evictions: 41,
        up: true,
    });
    let text = |format| {
        let text = exposition(sample.clone(), format);
        let lines = text.lines().filter(|line| line.contains("sidekick_cache_"));
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("cache_prometheus", text(Format::Prometheus));
    insta::assert_snapshot!("cache_openmetrics", text(Format::OpenMetrics));
}

#[test]
fn nothing_tells_of_a_cache_that_is_off() {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        assert!(!exposition(scrape(Vec::new()), format).contains("cache"));
    }
}

#[test]
fn an_idle_cache_shows_every_value_of_its_labels() {
    let mut sample = scrape(Vec::new());
    sample.cache = Some(CacheSample::default());
    let text = exposition(sample, Format::Prometheus);
    let zeros = text
        .lines()
        .filter(|line| line.starts_with("sidekick_cache_") && line.ends_with(" 0"));
    // Six results, four ends of a fill, five operations, and four without a label.
    assert_eq!(zeros.count(), 19);
}

#[test]
fn an_endpoint_in_two_sites_is_one_to_the_old_metrics_and_two_to_the_new() {
    let sample = scrape(vec![
        backend("http://a:9000", "1"),
        backend("http://a:9000", "2"),
    ]);
    let text = exposition(sample, Format::Prometheus);
    assert_eq!(text.matches("\nsidekick_requests_total{").count(), 1);
    assert!(text.contains("sidekick_requests_total{endpoint=\"http://a:9000\"} 2\n"));
    assert_eq!(text.matches("\nsidekick_backend_up{").count(), 2);
}

#[test]
fn a_label_cannot_break_out_of_its_quotes() {
    let text = exposition(
        scrape(vec![backend("a\"} 1\nevil 1\\", "1")]),
        Format::Prometheus,
    );
    assert!(!text.lines().any(|line| line.starts_with("evil")));
    assert!(text.contains(r#"endpoint="a\"} 1\nevil 1\\""#));
}

#[test]
fn openmetrics_goes_to_those_who_name_it() {
    let browser: &[u8] = b"text/html,*/*;q=0.8";
    let scraper: &[u8] = b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
    assert_eq!(Format::accepted(None), Format::Prometheus);
    assert_eq!(Format::accepted(Some(browser)), Format::Prometheus);
    assert_eq!(Format::accepted(Some(scraper)), Format::OpenMetrics);
}
