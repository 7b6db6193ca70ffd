//! One server that requests can go to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::balance::Load;
use crate::config::Endpoint;
use crate::metrics::BackendMetrics;
use crate::topology::{Addresses, HealthState, Transition, health_state};

/// What a backend is called and where its name came from.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The endpoint as logs and metrics label it: `http://host:port`.
    pub label: Arc<str>,
    /// What it is asked as: the endpoint as configured, or the server that an SRV record names.
    pub endpoint: Endpoint,
    /// The configured endpoint that led to it.
    pub configured: Endpoint,
    /// Its site's place in the order of preference, from zero.
    pub site: usize,
}

/// One server: its name and addresses, its load and health, its figures.
///
/// Workers and the control thread share it by `Arc`. The load is one atomic word; the rest is
/// locked for a moment on paths that are taken rarely: a dial, a check, a failure.
#[derive(Debug)]
pub struct Backend {
    identity: Identity,
    load: Load,
    addresses: Mutex<Addresses>,
    moves: AtomicU64,
    health: Mutex<HealthState>,
    /// What the health state counts, for a look without the lock.
    errors_in_a_row: AtomicU32,
    metrics: BackendMetrics,
    doubt: Notify,
    newcomers: Notify,
}

impl Backend {
    /// A backend of which nothing is known yet.
    pub fn new(identity: Identity, load: Load, addresses: Arc<[SocketAddr]>) -> Self {
        Self {
            identity,
            load,
            addresses: Mutex::new(Addresses::new(addresses)),
            moves: AtomicU64::default(),
            health: Mutex::default(),
            errors_in_a_row: AtomicU32::new(0),
            metrics: BackendMetrics::default(),
            doubt: Notify::new(),
            newcomers: Notify::new(),
        }
    }

    /// Its name and site.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The endpoint as logs and metrics label it.
    pub fn label(&self) -> &Arc<str> {
        &self.identity.label
    }

    /// Requests in flight, and whether more may come.
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Its figures.
    pub fn metrics(&self) -> &BackendMetrics {
        &self.metrics
    }

    /// Notified when a request found fault with the backend: a check should not wait for its turn.
    pub fn doubt(&self) -> &Notify {
        &self.doubt
    }

    /// Notified when its name stands for addresses that are to be checked before they are used.
    pub fn newcomers(&self) -> &Notify {
        &self.newcomers
    }

    /// The addresses in use; empty while the name has not been resolved.
    pub fn addresses(&self) -> Arc<[SocketAddr]> {
        Arc::clone(self.lock_addresses().in_use())
    }

    /// The addresses that are not in use before they have passed a check.
    pub fn unchecked_addresses(&self) -> Vec<SocketAddr> {
        self.lock_addresses().unchecked()
    }

    /// How often an address has gone out of use: a connection made before leads perhaps to one of
    /// those.
    pub fn moves(&self) -> u64 {
        self.moves.load(Ordering::Acquire)
    }

    /// Its name stands for `found` now; asks for the checks that follow from it. Requests that run
    /// are not touched. Nothing found changes nothing.
    pub fn resolved(&self, found: &[SocketAddr]) {
        let mut addresses = self.lock_addresses();
        if found.is_empty() || addresses.are_from(found) {
            return;
        }
        let first = addresses.in_use().is_empty();
        self.count_move(addresses.resolve(found.into()));
        if first {
            self.doubt.notify_one();
        } else if !addresses.unchecked().is_empty() {
            self.newcomers.notify_one();
        }
    }

    /// An address of [`Backend::unchecked_addresses`] has passed its check.
    pub fn admit(&self, address: SocketAddr) {
        let mut addresses = self.lock_addresses();
        self.count_move(addresses.admit(address));
    }

    fn count_move(&self, moved: bool) {
        if moved {
            self.moves.fetch_add(1, Ordering::Release);
        }
    }

    fn lock_addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an outcome to the health state, the only way in which health changes, and brings the
    /// load word and the figures in line. The caller reports the change it gets back, with the
    /// length of the outage that it ended.
    pub fn observe(
        &self,
        now: Instant,
        outcome: impl FnOnce(&mut HealthState) -> Option<Transition>,
    ) -> Option<(Transition, Duration)> {
        let mut health = self.health();
        let transition = outcome(&mut health);
        if let Some(ramp) = health.ramp() {
            self.load.set_ramp(ramp);
        }
        self.load.set_standing(health.standing());
        self.errors_in_a_row
            .store(health.errors_in_a_row(), Ordering::Relaxed);
        let transition = transition?;
        let downtime = self.metrics.transitioned(transition.up, now);
        Some((transition, downtime))
    }

    /// Whether an answer to a request tells its health anything: nearly none does.
    pub fn is_moved_by(&self, status: u16) -> bool {
        health_state::is_server_error(status)
            || health_state::is_recovery(status)
                && self.errors_in_a_row.load(Ordering::Relaxed) != 0
    }

    /// When its health changes by itself, as far as is known now.
    pub fn due(&self) -> Option<Instant> {
        self.health().due()
    }

    fn health(&self) -> MutexGuard<'_, HealthState> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is in rotation.
    pub fn is_up(&self) -> bool {
        self.load.word().standing().is_in_rotation()
    }
}
