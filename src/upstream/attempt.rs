//! One request at one backend, counted from its beginning to its end.

use std::rc::Rc;
use std::time::Instant;

use super::Upstream;
use crate::metrics::Finished;

/// Holds the in-flight count of a backend; dropping it settles load and figures, on every path,
/// exactly once.
#[derive(Debug)]
pub struct Attempt {
    upstream: Rc<Upstream>,
    began: Instant,
    finished: Finished,
}

impl Attempt {
    /// Begins an attempt.
    pub fn begin(upstream: Rc<Upstream>, now: Instant) -> Self {
        upstream.backend().load().begin(now);
        Self {
            upstream,
            began: now,
            finished: Finished::default(),
        }
    }

    /// Where it goes.
    pub fn upstream(&self) -> &Rc<Upstream> {
        &self.upstream
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The response head is here.
    pub fn answered(&mut self, status: u16, now: Instant) {
        self.finished.status = Some(status);
        self.finished.failed = status >= 500;
        self.finished.first_byte = Some(now.saturating_duration_since(self.began));
    }

    /// The backend did not keep its side.
    pub fn failed(&mut self) {
        self.finished.failed = true;
    }

    /// Counts head and body bytes from and to the client.
    pub fn transferred(&mut self, rx: u64, tx: u64) {
        self.finished.rx = rx;
        self.finished.tx = tx;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let now = Instant::now();
        self.finished.duration = now.saturating_duration_since(self.began);
        let load = self.upstream.backend().load();
        load.end(now);
        let Finished {
            failed,
            first_byte,
            duration,
            ..
        } = self.finished;
        // An attempt that nobody waited for to the end says nothing.
        if let Some(latency) = first_byte.or(failed.then_some(duration)) {
            load.took(latency, failed, now);
        }
        self.upstream.cells().finished(&self.finished);
    }
}
