//! Which backends are being checked.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::rounds::Rounds;
use super::{HealthChecker, Probe, Reporter};
use crate::config::HealthConfig;
use crate::net::{Dialer, Spares};
use crate::topology::{Backend, Snapshot};

/// Buffers kept for checks that run at once.
const SPARE_BUFFERS: usize = 16;

/// The running checks, one a backend.
#[derive(Debug)]
pub struct Roster {
    config: HealthConfig,
    dialer: Dialer,
    reporter: Reporter,
    rounds: Rounds,
    buffers: Rc<Spares>,
    checks: Vec<(Arc<Backend>, AbortHandle)>,
}

impl Roster {
    /// Nobody is checked yet.
    pub fn new(config: HealthConfig, dialer: Dialer, reporter: Reporter) -> Self {
        Self {
            rounds: rounds(config.interval),
            buffers: Rc::new(Spares::keeping(SPARE_BUFFERS)),
            config,
            dialer,
            reporter,
            checks: Vec::new(),
        }
    }

    /// Starts checks of backends that are new in `snapshot` and ends those of backends it has no
    /// more. Must run inside the control thread's runtime.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let mut before = std::mem::take(&mut self.checks);
        let last = snapshot.sites().len().saturating_sub(1);
        for (site, backend) in snapshot
            .sites()
            .iter()
            .enumerate()
            .flat_map(|(number, site)| site.backends().iter().map(move |backend| (number, backend)))
        {
            let known = before
                .iter()
                .position(|(known, _)| Arc::ptr_eq(known, backend));
            let check = match known {
                Some(place) => before.swap_remove(place),
                None => (Arc::clone(backend), self.start(backend, site == last)),
            };
            self.checks.push(check);
        }
        for (_, check) in before {
            check.abort();
        }
    }

    /// Checks by another configuration from now on.
    pub fn reconfigure(&mut self, config: HealthConfig, snapshot: &Snapshot) {
        if config != self.config {
            self.rounds = rounds(config.interval);
            self.config = config;
            self.stop();
            self.follow(snapshot);
        }
    }

    /// Ends all checks.
    pub fn stop(&mut self) {
        for (_, check) in self.checks.drain(..) {
            check.abort();
        }
    }

    fn start(&self, backend: &Arc<Backend>, last_site: bool) -> AbortHandle {
        let config = &self.config;
        let path = if last_site {
            &config.read_path
        } else {
            &config.path
        };
        let probe = Probe::new(
            self.dialer.clone(),
            Rc::clone(&self.buffers),
            &backend.identity().endpoint,
            path,
            config.timeout,
        );
        let reporter = self.reporter.clone();
        let checker = HealthChecker::new(Arc::clone(backend), config, probe, self.rounds, reporter);
        tokio::task::spawn_local(checker.run()).abort_handle()
    }
}

/// Rounds that are not those of a fleet that started together.
fn rounds(interval: Duration) -> Rounds {
    let apart = interval.mul_f64(fastrand::f64() / 100.0);
    Rounds::at_interval(interval, Instant::now() + apart)
}
