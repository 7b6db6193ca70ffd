//! The cells that a worker writes while it serves.
//!
//! Each cell has one writer, so adding is a load and a store, both relaxed; a reader elsewhere
//! sees a value that is at most a moment old. Two writers would lose counts: never share cells
//! between workers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::cell::{Cell, add};
use super::histogram::HistogramCells;
use super::totals::{Classes, Totals, class};

/// One request's end, as its worker knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finished {
    /// The status the backend answered with; none when no answer came.
    pub status: Option<u16>,
    /// Whether it counts as an error of the backend.
    pub failed: bool,
    /// Head and body bytes received from the client.
    pub rx: u64,
    /// Head and body bytes sent to the client.
    pub tx: u64,
    /// From the request's head to the answer's last byte.
    pub duration: Duration,
    /// From the request's head to the answer's first byte.
    pub first_byte: Option<Duration>,
}

/// What one worker counts about one backend. Less than a KiB, so that thousands may stand side
/// by side, and aligned to a cache line, so that workers do not disturb each other.
#[derive(Debug)]
#[repr(align(64))]
pub struct BackendCells {
    requests: Cell,
    errors: Cell,
    rx: Cell,
    tx: Cell,
    classes: Classes<Cell>,
    retries: Cell,
    resumes: Cell,
    connects: Cell,
    connect_errors: Cell,
    reuses: Cell,
    duration: HistogramCells,
    first_byte: HistogramCells,
}

impl BackendCells {
    pub(super) const fn new() -> Self {
        Self {
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            rx: AtomicU64::new(0),
            tx: AtomicU64::new(0),
            classes: [const { AtomicU64::new(0) }; 6],
            retries: AtomicU64::new(0),
            resumes: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            connect_errors: AtomicU64::new(0),
            reuses: AtomicU64::new(0),
            duration: HistogramCells::new(),
            first_byte: HistogramCells::new(),
        }
    }

    /// A request to the backend has ended, one way or another.
    pub fn finished(&self, end: &Finished) {
        add(&self.requests, 1);
        if end.failed {
            add(&self.errors, 1);
        }
        add(&self.rx, end.rx);
        add(&self.tx, end.tx);
        add(&self.classes[class(end.status)], 1);
        self.duration.observe(end.duration);
        if let Some(first_byte) = end.first_byte {
            self.first_byte.observe(first_byte);
        }
    }

    /// A connection to the backend was made.
    pub fn connected(&self) {
        add(&self.connects, 1);
    }

    /// A connection to the backend could not be made.
    pub fn connect_failed(&self) {
        add(&self.connect_errors, 1);
    }

    /// A request went over a connection that was kept open.
    pub fn reused(&self) {
        add(&self.reuses, 1);
    }

    /// A request that failed at this backend was sent again.
    pub fn retried(&self) {
        add(&self.retries, 1);
    }

    /// A download that broke at this backend went on from another.
    pub fn resumed(&self) {
        add(&self.resumes, 1);
    }

    pub(super) fn add_to(&self, total: &mut Totals) {
        let value = |cell: &Cell| cell.load(Ordering::Relaxed);
        total.requests += value(&self.requests);
        total.errors += value(&self.errors);
        total.rx += value(&self.rx);
        total.tx += value(&self.tx);
        for (sum, cell) in total.classes.iter_mut().zip(&self.classes) {
            *sum += value(cell);
        }
        total.retries += value(&self.retries);
        total.resumes += value(&self.resumes);
        total.connects += value(&self.connects);
        total.connect_errors += value(&self.connect_errors);
        total.reuses += value(&self.reuses);
        self.duration.add_to(&mut total.duration);
        self.first_byte.add_to(&mut total.first_byte);
    }
}

/// What one worker counts about its clients.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct WorkerCells {
    accepted: Cell,
    closed: Cell,
    retries_bounded: Cell,
    handshakes_failed: Cell,
    local: Classes<Cell>,
}

impl WorkerCells {
    /// A client's connection was taken on.
    pub fn connection_opened(&self) {
        add(&self.accepted, 1);
    }

    /// A client's connection has ended; once for each [`WorkerCells::connection_opened`].
    pub fn connection_closed(&self) {
        add(&self.closed, 1);
    }

    /// sidekick answered by itself, with this status: a refusal, an error, a local path.
    pub fn answered(&self, status: u16) {
        add(&self.local[class(Some(status))], 1);
    }

    /// A retry was wanted when the retry budget was spent.
    pub fn retry_bounded(&self) {
        add(&self.retries_bounded, 1);
    }

    /// A client connected, and no TLS session came of it.
    pub fn handshake_failed(&self) {
        add(&self.handshakes_failed, 1);
    }

    pub(super) fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    pub(super) fn retries_bounded(&self) -> u64 {
        self.retries_bounded.load(Ordering::Relaxed)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(super) fn closed(&self) -> u64 {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) fn add_local(&self, total: &mut Classes<u64>) {
        for (sum, cell) in total.iter_mut().zip(&self.local) {
            *sum += cell.load(Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_backends_on_four_workers_stay_small() {
        assert!(
            size_of::<BackendCells>() < 1024,
            "{} bytes",
            size_of::<BackendCells>()
        );
    }

    #[test]
    fn what_is_no_status_counts_as_no_answer() {
        let classes = [
            None,
            Some(100),
            Some(204),
            Some(302),
            Some(404),
            Some(503),
            Some(999),
        ];
        assert_eq!(classes.map(class), [0, 1, 2, 3, 4, 5, 0]);
    }
}
