//! Everything counted about one backend: the workers' cells, and what the control side knows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cells::BackendCells;
use super::totals::Totals;

/// How long a backend was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Downtime {
    /// All outages together, the present one included.
    pub total: Duration,
    /// The latest outage, the present one if there is one; none when there never was any.
    pub last: Option<Duration>,
}

#[derive(Debug, Default)]
struct Outages {
    past: Duration,
    last: Option<Duration>,
    since: Option<Instant>,
}

/// The counters of one backend. Workers ask for their [`BackendCells`] once; the rest is written
/// by the control side, at its leisure.
#[derive(Debug, Default)]
pub struct BackendMetrics {
    workers: Mutex<Vec<Arc<BackendCells>>>,
    health_errors: AtomicU64,
    went_up: AtomicU64,
    went_down: AtomicU64,
    up: AtomicBool,
    outages: Mutex<Outages>,
}

impl BackendMetrics {
    /// Counters at zero, for a backend that nothing is known about: not up.
    pub fn new() -> Self {
        Self::default()
    }

    /// New cells for one worker, to be written by that worker alone. They count for as long as
    /// this backend's counters live, also after the worker has let go of them.
    pub fn cells(&self) -> Arc<BackendCells> {
        let cells = Arc::new(BackendCells::new());
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&cells));
        cells
    }

    /// The sum over all workers. Takes a lock that no request ever waits for.
    pub fn totals(&self) -> Totals {
        let mut total = Totals::default();
        for cells in self
            .workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            cells.add_to(&mut total);
        }
        total
    }

    /// A health check found the backend wanting.
    pub fn health_failed(&self) {
        self.health_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// The backend went up or down at `now`. Returns how long the outage lasted that this ended:
    /// zero when it goes down, or comes up for the first time.
    pub fn transitioned(&self, up: bool, now: Instant) -> Duration {
        self.up.store(up, Ordering::Relaxed);
        let counter = if up { &self.went_up } else { &self.went_down };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        if !up {
            outages.since.get_or_insert(now);
            return Duration::ZERO;
        }
        let Some(since) = outages.since.take() else {
            return Duration::ZERO;
        };
        let lasted = now.saturating_duration_since(since);
        outages.past += lasted;
        outages.last = Some(lasted);
        lasted
    }

    /// How long the backend was down, as of `now`.
    pub fn downtime(&self, now: Instant) -> Downtime {
        let outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        let present = outages
            .since
            .map(|since| now.saturating_duration_since(since));
        Downtime {
            total: outages.past + present.unwrap_or_default(),
            last: present.or(outages.last),
        }
    }

    /// Whether the backend is up, by its latest transition.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Failed health checks.
    pub fn health_errors(&self) -> u64 {
        self.health_errors.load(Ordering::Relaxed)
    }

    /// Transitions: how often it went up, how often down.
    pub fn transitions(&self) -> (u64, u64) {
        (
            self.went_up.load(Ordering::Relaxed),
            self.went_down.load(Ordering::Relaxed),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finished;
    use super::*;

    #[test]
    fn totals_are_the_sum_of_all_workers() {
        let metrics = BackendMetrics::new();
        let end = Finished {
            status: Some(200),
            rx: 64,
            tx: 1000,
            duration: Duration::from_millis(4),
            first_byte: Some(Duration::from_millis(2)),
            ..Finished::default()
        };
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let cells = metrics.cells();
                std::thread::spawn(move || {
                    for _ in 0..1000 {
                        cells.finished(&end);
                    }
                    cells.finished(&Finished {
                        failed: true,
                        ..Finished::default()
                    });
                    cells.connected();
                    cells.connect_failed();
                    cells.reused();
                    cells.retried();
                    cells.resumed();
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("a worker that only counts");
        }
        let totals = metrics.totals();
        assert_eq!((totals.requests, totals.errors), (4004, 4));
        assert_eq!((totals.rx, totals.tx), (256_000, 4_000_000));
        assert_eq!(totals.classes, [4, 0, 4000, 0, 0, 0]);
        assert_eq!((totals.retries, totals.resumes, totals.reuses), (4, 4, 4));
        assert_eq!((totals.connects, totals.connect_errors), (4, 4));
        assert_eq!(
            (totals.duration.count(), totals.first_byte.count()),
            (4004, 4000)
        );
        assert_eq!(totals.first_byte.mean(), Some(Duration::from_millis(2)));
    }

    #[test]
    fn an_outage_counts_while_it_lasts_and_after() {
        let metrics = BackendMetrics::new();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(metrics.transitioned(true, at(0)), Duration::ZERO);
        assert_eq!(metrics.downtime(at(5)), Downtime::default());
        metrics.transitioned(false, at(10));
        assert!(!metrics.is_up());
        let present = Downtime {
            total: Duration::from_secs(3),
            last: Some(Duration::from_secs(3)),
        };
        assert_eq!(metrics.downtime(at(13)), present);
        assert_eq!(metrics.transitioned(true, at(20)), Duration::from_secs(10));
        metrics.transitioned(false, at(30));
        assert_eq!(metrics.transitioned(true, at(31)), Duration::from_secs(1));
        let past = Downtime {
            total: Duration::from_secs(11),
            last: Some(Duration::from_secs(1)),
        };
        assert_eq!(metrics.downtime(at(99)), past);
        assert_eq!(metrics.transitions(), (3, 2));
    }
}
