//! Which backends are being checked.

use std::sync::Arc;

use tokio::task::AbortHandle;

use super::{HealthChecker, Reporter};
use crate::config::HealthConfig;
use crate::net::Dialer;
use crate::topology::{Backend, Snapshot};

/// The running checks, one a backend.
#[derive(Debug)]
pub struct Roster {
    config: HealthConfig,
    dialer: Dialer,
    reporter: Reporter,
    checks: Vec<(Arc<Backend>, AbortHandle)>,
}

impl Roster {
    /// Nobody is checked yet.
    pub fn new(config: HealthConfig, dialer: Dialer, reporter: Reporter) -> Self {
        Self {
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
        let checker = HealthChecker::new(
            Arc::clone(backend),
            &self.config,
            last_site,
            self.dialer.clone(),
            self.reporter.clone(),
        );
        tokio::task::spawn_local(checker.run()).abort_handle()
    }
}
