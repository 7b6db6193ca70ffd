//! When to check which backend, and telling of what was found.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::Probe;
use super::probe::ProbeError;
use super::rounds::Rounds;
use crate::config::HealthConfig;
use crate::event::{Event, Filter, HealthEvent, Sender, TraceEvent, TraceKind};
use crate::topology::{Backend, Transition};

/// A check that follows a request's complaint waits up to this long, so that many sidecars that
/// complain of the same backend at once do not ask it all at once.
const AFTER_DOUBT: Duration = Duration::from_millis(200);

/// Between a check that followed a complaint and the next that does: slow requests complain again
/// and again of a backend whose checks pass.
const BETWEEN_DOUBTS: Duration = Duration::from_secs(1);

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
    rounds: Rounds,
    /// The port to ask on, where it is not the backend's own.
    port: Option<u16>,
    interval: Duration,
    optimistic: bool,
    reporter: Reporter,
}

impl HealthChecker {
    /// Checks `backend` by `probe`, when `config` says and it is time for a round.
    pub fn new(
        backend: Arc<Backend>,
        config: &HealthConfig,
        probe: Probe,
        rounds: Rounds,
        reporter: Reporter,
    ) -> Self {
        Self {
            probe,
            rounds,
            port: config.port,
            interval: config.interval,
            optimistic: config.optimistic,
            reporter,
            backend,
        }
    }

    /// Checks until the task is aborted: the backend, and apart from it each address that joins.
    pub async fn run(self) {
        tokio::join!(self.check_backend(), self.check_newcomers());
    }

    /// Checks at once, then again and again. A name gets the time of one check to be looked up
    /// first.
    async fn check_backend(&self) {
        if self.backend.addresses().is_empty() {
            let _ = timeout(self.probe.within(), self.backend.doubt().notified()).await;
        }
        // Each backend gets a phase of its own, so that neither the checks of one process nor those
        // of a fleet that started together fall on the same moment.
        let mut pause = self.interval.mul_f64(fastrand::f64());
        let mut calm = Duration::ZERO;
        loop {
            self.check().await;
            let heard = Instant::now() + std::mem::replace(&mut calm, Duration::ZERO);
            if self.wait(pause, heard).await == Woken::ByComplaint {
                calm = BETWEEN_DOUBTS;
            }
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
        let addresses = self.backend.addresses();
        let asked: Vec<_> = addresses.iter().map(|at| self.asked_at(*at)).collect();
        let found = self.probe.check(&asked).await;
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

    /// Checks each address that joins by itself, whatever becomes of the others, and at every
    /// interval again until it passes or has gone.
    async fn check_newcomers(&self) {
        loop {
            let mut checks = JoinSet::new();
            for address in self.backend.unchecked_addresses() {
                let (probe, asked) = (self.probe.clone(), self.asked_at(address));
                checks.spawn_local(async move {
                    let began = Instant::now();
                    let found = probe.check(&[asked]).await;
                    (address, began.elapsed(), found)
                });
            }
            while let Some(checked) = checks.join_next().await {
                let Ok((address, took, found)) = checked else {
                    continue;
                };
                self.reporter
                    .checked(&self.backend, &self.probe, took, &found);
                if found.is_ok() {
                    self.backend.admit(address);
                    // A backend that is down is up again if this address makes it so.
                    self.backend.doubt().notify_one();
                }
            }
            let again = !self.backend.unchecked_addresses().is_empty();
            tokio::select! {
                () = self.backend.newcomers().notified() => {}
                () = sleep(self.interval), if again => {}
            }
        }
    }

    fn asked_at(&self, mut address: SocketAddr) -> SocketAddr {
        if let Some(port) = self.port {
            address.set_port(port);
        }
        address
    }

    /// Waits for the next check's time: `pause`, or a request's complaint, which is heard from
    /// `heard` on. Sees to what is due of the backend's health meanwhile. An optimist asks a
    /// backend that is up only after a complaint.
    async fn wait(&self, pause: Duration, heard: Instant) -> Woken {
        let backend = &self.backend;
        let complaint = async {
            backend.doubt().notified().await;
            sleep_until(heard.into()).await;
            sleep(AFTER_DOUBT.mul_f64(fastrand::f64())).await;
        };
        let mut complaint = pin!(complaint);
        let is_content = self.optimistic && backend.is_up();
        let next = (!is_content).then(|| self.rounds.nearest(Instant::now() + pause));
        loop {
            let due = backend.due();
            tokio::select! {
                () = at(next) => return Woken::ByTime,
                () = &mut complaint => return Woken::ByComplaint,
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

/// What ended a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    ByTime,
    ByComplaint,
}

/// Waits until `moment`; for ever without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
