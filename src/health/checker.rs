//! When to check which backend, and telling of what was found.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{sleep, sleep_until, timeout};

use super::Probe;
use super::probe::ProbeError;
use crate::config::HealthConfig;
use crate::event::{Event, Filter, HealthEvent, Sender, TraceEvent, TraceKind};
use crate::topology::{Backend, Transition};

/// A check that follows a request's complaint waits up to this long, so that many sidecars that
/// complain of the same backend at once do not ask it all at once.
const AFTER_DOUBT: Duration = Duration::from_millis(200);

/// Tells the log and the trace what checks and requests find.
#[derive(Clone, Debug)]
pub struct Reporter {
    events: Sender,
    filter: Filter,
}

impl Reporter {
    /// Sends to `events` what `filter` wants.
    pub fn new(events: Sender, filter: Filter) -> Self {
        Self { events, filter }
    }

    /// The backend went up or down; `downtime` is the length of the outage that ended.
    pub fn changed(&self, backend: &Backend, transition: Transition, downtime: Duration) {
        if self.filter.wants_log() {
            self.events.send(Event::from(HealthEvent {
                endpoint: backend.label().clone(),
                up: transition.up,
                reason: transition.reason,
                downtime,
                at: SystemTime::now(),
            }));
        }
    }

    fn checked(
        &self,
        backend: &Backend,
        probe: &Probe,
        took: Duration,
        found: &Result<(), ProbeError>,
    ) {
        let status = match found {
            Ok(()) => Some(200),
            Err(error) => error.status(),
        };
        if !self
            .filter
            .wants_trace(TraceKind::HealthCheck, status, found.is_err())
        {
            return;
        }
        let error = found
            .as_ref()
            .err()
            .map(|error| error.to_string().into_boxed_str());
        let now = SystemTime::now();
        self.events.send(TraceEvent {
            kind: TraceKind::HealthCheck,
            endpoint: backend.label().clone(),
            at: now.checked_sub(took).unwrap_or(now),
            client: None,
            rx: 0,
            tx: 0,
            latency: took,
            first_byte: status.map(|_| took),
            health_error: error,
            status,
            method: (*b"GET").into(),
            target: probe.path().as_bytes().into(),
            detail: None,
            attempts: 1,
            error: None,
            cache: None,
        });
    }
}

/// The checks of one backend.
#[derive(Debug)]
pub struct HealthChecker {
    backend: Arc<Backend>,
    probe: Probe,
    /// The port to ask on, where it is not the backend's own.
    port: Option<u16>,
    interval: Duration,
    optimistic: bool,
    reporter: Reporter,
}

impl HealthChecker {
    /// Checks `backend` as `config` says; `last_site` has a health path of its own.
    pub fn new(
        backend: Arc<Backend>,
        config: &HealthConfig,
        last_site: bool,
        reporter: Reporter,
    ) -> Self {
        let path = if last_site {
            &config.read_path
        } else {
            &config.path
        };
        let probe = Probe::new(&backend.identity().endpoint, path, config.timeout);
        Self {
            probe,
            port: config.port,
            interval: config.interval,
            optimistic: config.optimistic,
            reporter,
            backend,
        }
    }

    /// Checks at once, then again and again until the task is aborted. A name gets the time of
    /// one check to be looked up first.
    pub async fn run(self) {
        if self.backend.addresses().is_empty() {
            let _ = timeout(self.probe.within(), self.backend.doubt().notified()).await;
        }
        // Each backend gets a phase of its own, so that neither the checks of one process nor those
        // of a fleet that started together fall on the same moment.
        let mut pause = self.interval.mul_f64(fastrand::f64());
        loop {
            self.check().await;
            self.wait(pause).await;
            pause = self.interval;
        }
    }

    async fn check(&self) {
        // A complaint that came before this check is answered by it.
        tokio::select! {
            biased;
            () = self.backend.doubt().notified() => {}
            () = std::future::ready(()) => {}
        }
        let began = Instant::now();
        let mut addresses = self.backend.addresses();
        if let Some(port) = self.port {
            addresses = addresses
                .iter()
                .map(|address| {
                    let mut address = *address;
                    address.set_port(port);
                    address
                })
                .collect();
        }
        let found = self.probe.check(&addresses).await;
        let now = Instant::now();
        self.reporter
            .checked(&self.backend, &self.probe, now - began, &found);
        let change = match &found {
            Ok(()) => self.backend.observe(now, |health| health.check_passed(now)),
            Err(error) => {
                self.backend.metrics().health_failed();
                let reason = error.to_string();
                self.backend
                    .observe(now, |health| health.check_failed(now, &reason))
            }
        };
        if let Some((transition, downtime)) = change {
            self.reporter.changed(&self.backend, transition, downtime);
        }
    }

    /// Waits for the next check's time: `pause`, or a request's complaint. Sees to what is due of
    /// the backend's health meanwhile. An optimist asks a backend that is up only after a complaint.
    async fn wait(&self, pause: Duration) {
        let backend = &self.backend;
        let is_content = self.optimistic && backend.is_up();
        let next = (!is_content).then(|| Instant::now() + pause);
        loop {
            let due = backend.due();
            tokio::select! {
                () = at(next) => return,
                () = backend.doubt().notified() => {
                    sleep(AFTER_DOUBT.mul_f64(fastrand::f64())).await;
                    return;
                }
                () = at(due) => {
                    let now = Instant::now();
                    if let Some((transition, downtime)) = backend.observe(now, |health| health.tick(now)) {
                        self.reporter.changed(backend, transition, downtime);
                    }
                }
            }
        }
    }
}

/// Waits until `moment`; for ever without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
