//! The metrics of a scrape, one after the other, in the dialect's form.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::{BackendSample, Format, Scrape};
use crate::metrics::cache::{CacheResult, CacheSample, FillEnd, StoreOperation};
use crate::metrics::histogram::{BOUNDS, Distribution};
use crate::metrics::names::{self, Kind, Metric};

/// The words for answers by class, as [`Totals::classes`](crate::metrics::Totals) has them.
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

#[derive(Debug)]
pub(super) struct Page {
    pub(super) scrape: Scrape,
    pub(super) format: Format,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Whole(u64),
    Real(f64),
    Spread(&'a Distribution),
}

type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// Writes a metric's head and gives what writes its samples.
    fn family<'e>(
        &self,
        encoder: &'e mut DescriptorEncoder<'_>,
        metric: &Metric,
    ) -> Result<Family<'e>, fmt::Error> {
        let (name, kind, counts) = self.dialect(metric);
        let encoder = encoder.encode_descriptor(name, metric.help, None, kind)?;
        Ok(Family { encoder, counts })
    }

    /// The name that heads the metric, its kind, and whether the encoder is to add `_total`.
    ///
    /// `OpenMetrics` heads a counter by its name without the suffix; Prometheus text by the name
    /// in full. A counter whose name has no suffix is of unknown kind to `OpenMetrics`.
    fn dialect(&self, metric: &Metric) -> (&'static str, MetricType, bool) {
        let kind = match metric.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        };
        if metric.kind != Kind::Counter || self.format == Format::Prometheus {
            return (metric.name, kind, false);
        }
        match metric.name.strip_suffix("_total") {
            Some(stem) => (stem, kind, true),
            None => (metric.name, MetricType::Unknown, false),
        }
    }

    /// One metric with a value a backend, labelled by endpoint and site.
    fn by_backend<'a>(
        &'a self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: &Metric,
        value: impl Fn(&'a BackendSample) -> Value<'a>,
    ) -> fmt::Result {
        let mut family = self.family(encoder, metric)?;
        for backend in &self.scrape.backends {
            family.write(
                &[("endpoint", &backend.endpoint), ("site", &backend.site)],
                value(backend),
            )?;
        }
        Ok(())
    }

    /// One metric with several values a backend, told apart by a third label.
    fn by_variant<const N: usize>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: &Metric,
        label: &str,
        values: impl Fn(&BackendSample) -> [(&'static str, u64); N],
    ) -> fmt::Result {
        let mut family = self.family(encoder, metric)?;
        for backend in &self.scrape.backends {
            for (variant, value) in values(backend) {
                let labels = [
                    ("endpoint", &*backend.endpoint),
                    ("site", &*backend.site),
                    (label, variant),
                ];
                family.write(&labels, Value::Whole(value))?;
            }
        }
        Ok(())
    }

    /// One metric with a value an endpoint: an endpoint that stands in two sites is one to the
    /// dashboards of the predecessor, and a scraper refuses the same labels twice.
    fn by_endpoint(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: &Metric,
        value: impl Fn(&BackendSample) -> u64,
    ) -> fmt::Result {
        let mut sums: Vec<(&str, u64)> = Vec::with_capacity(self.scrape.backends.len());
        sums.extend(
            self.scrape
                .backends
                .iter()
                .map(|each| (&*each.endpoint, value(each))),
        );
        sums.sort_by_key(|(endpoint, _)| *endpoint);
        sums.dedup_by(|(endpoint, value), (kept, sum)| {
            let same = endpoint == kept;
            if same {
                *sum += *value;
            }
            same
        });
        let mut family = self.family(encoder, metric)?;
        for (endpoint, sum) in sums {
            family.write(&[("endpoint", endpoint)], Value::Whole(sum))?;
        }
        Ok(())
    }

    /// One metric of the process with several values, told apart by a label.
    fn by_label(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: &Metric,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut family = self.family(encoder, metric)?;
        for (variant, value) in values {
            family.write(&[(label, variant)], Value::Whole(value))?;
        }
        Ok(())
    }

    /// One metric of the process with one value.
    fn single(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: &Metric,
        value: u64,
    ) -> fmt::Result {
        self.family(encoder, metric)?
            .write(&[], Value::Whole(value))
    }

    fn backends(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        use Value::{Real, Spread, Whole};
        self.by_endpoint(to, &names::REQUESTS, |each| each.totals.requests)?;
        self.by_endpoint(to, &names::ERRORS, |each| each.totals.errors)?;
        self.by_endpoint(to, &names::RX_BYTES, |each| each.totals.rx)?;
        self.by_endpoint(to, &names::TX_BYTES, |each| each.totals.tx)?;
        self.by_endpoint(to, &names::HEALTH_ERRORS, |each| each.health_errors)?;
        self.by_backend(to, &names::BACKEND_UP, |each| Whole(each.up.into()))?;
        self.by_backend(to, &names::IN_FLIGHT, |each| Whole(each.in_flight))?;
        self.by_backend(to, &names::DURATION, |each| Spread(&each.totals.duration))?;
        self.by_backend(to, &names::FIRST_BYTE, |each| {
            Spread(&each.totals.first_byte)
        })?;
        self.by_variant(to, &names::RESPONSES, "code", |each| {
            std::array::from_fn::<_, 6, _>(|class| (CLASSES[class], each.totals.classes[class]))
        })?;
        self.by_backend(to, &names::RETRIES, |each| Whole(each.totals.retries))?;
        self.by_backend(to, &names::RESUMES, |each| Whole(each.totals.resumes))?;
        self.by_backend(to, &names::CONNECTS, |each| Whole(each.totals.connects))?;
        self.by_backend(to, &names::CONNECT_ERRORS, |each| {
            Whole(each.totals.connect_errors)
        })?;
        self.by_backend(to, &names::REUSES, |each| Whole(each.totals.reuses))?;
        self.by_variant(to, &names::TRANSITIONS, "to", |each| {
            let (up, down) = each.transitions;
            [("up", up), ("down", down)]
        })?;
        self.by_backend(to, &names::DOWNTIME, |each| {
            Real(each.downtime.total.as_secs_f64())
        })
    }

    fn process(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        use Value::{Real, Whole};
        let process = &self.scrape.process;
        let mut one = |metric: &Metric, labels: Labels<'_>, value: Option<Value<'_>>| {
            value.map_or(Ok(()), |value| {
                self.family(to, metric)?.write(labels, value)
            })
        };
        one(
            &names::CLIENT_CONNECTIONS,
            &[],
            Some(Whole(process.connections)),
        )?;
        one(
            &names::CLIENT_CONNECTIONS_ACCEPTED,
            &[],
            Some(Whole(process.accepted)),
        )?;
        one(
            &names::HANDSHAKES_FAILED,
            &[],
            Some(Whole(process.handshakes_failed)),
        )?;
        one(
            &names::RETRIES_BOUNDED,
            &[],
            Some(Whole(process.retries_bounded)),
        )?;
        one(
            &names::DROPPED_LINES,
            &[],
            Some(Whole(process.dropped_lines)),
        )?;
        one(
            &names::BUILD,
            &[("version", env!("CARGO_PKG_VERSION"))],
            Some(Whole(1)),
        )?;
        one(&names::CPU, &[], process.figures.cpu_seconds.map(Real))?;
        one(
            &names::RESIDENT,
            &[],
            process.figures.resident_bytes.map(Whole),
        )?;
        one(
            &names::OPEN_FILES,
            &[],
            process.figures.open_files.map(Whole),
        )?;
        one(&names::MAX_FILES, &[], process.figures.max_files.map(Whole))?;
        one(&names::THREADS, &[], process.figures.threads.map(Whole))?;
        let started = process
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        one(&names::STARTED, &[], Some(Real(started.as_secs_f64())))?;
        let local = CLASSES.into_iter().zip(process.local).skip(1);
        self.by_label(to, &names::LOCAL_RESPONSES, "code", local)
    }

    fn cache(&self, to: &mut DescriptorEncoder<'_>, cache: &CacheSample) -> fmt::Result {
        let results = CacheResult::ALL.map(|each| (each.word(), cache.results[each as usize]));
        self.by_label(to, &names::CACHE_REQUESTS, "result", results)?;
        self.single(to, &names::CACHE_SERVED_BYTES, cache.served)?;
        let fills = FillEnd::ALL.map(|each| (each.word(), cache.fills[each as usize]));
        self.by_label(to, &names::CACHE_FILLS, "result", fills)?;
        self.single(to, &names::CACHE_STORED_BYTES, cache.stored)?;
        self.single(to, &names::CACHE_EVICTIONS, cache.evictions)?;
        let errors =
            StoreOperation::ALL.map(|each| (each.word(), cache.store_errors[each as usize]));
        self.by_label(to, &names::CACHE_STORE_ERRORS, "operation", errors)?;
        self.single(to, &names::CACHE_STORE_UP, cache.up.into())
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.backends(&mut encoder)?;
        self.process(&mut encoder)?;
        match &self.scrape.cache {
            Some(cache) => self.cache(&mut encoder, cache),
            None => Ok(()),
        }
    }
}

struct Family<'e> {
    encoder: MetricEncoder<'e>,
    counts: bool,
}

impl Family<'_> {
    fn write(&mut self, labels: Labels<'_>, value: Value<'_>) -> fmt::Result {
        if labels.is_empty() {
            return write_value(&mut self.encoder, self.counts, value);
        }
        write_value(
            &mut self.encoder.encode_family(&labels)?,
            self.counts,
            value,
        )
    }
}

/// Only `counts` makes the encoder write `_total` after the name; all else goes as a gauge does,
/// which is the name as it is and the value.
fn write_value(encoder: &mut MetricEncoder<'_>, counts: bool, value: Value<'_>) -> fmt::Result {
    match value {
        Value::Whole(value) if counts => encoder.encode_counter::<NoLabelSet, _, u64>(&value, None),
        Value::Real(value) if counts => encoder.encode_counter::<NoLabelSet, _, u64>(&value, None),
        Value::Whole(value) => encoder.encode_gauge(&value),
        Value::Real(value) => encoder.encode_gauge(&value),
        Value::Spread(spread) => {
            let bounds = BOUNDS
                .iter()
                .map(Duration::as_secs_f64)
                .chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(spread.buckets().iter().copied()).collect();
            let sum = spread.sum().as_secs_f64();
            encoder.encode_histogram::<NoLabelSet>(sum, spread.count(), &buckets, None)
        }
    }
}
