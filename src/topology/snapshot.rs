//! The immutable picture of all sites that workers route by, swapped whole.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Backend, Transition};
use crate::balance::{LoadTable, Peers};

/// Backends that are equally good to use, in one place of the order of preference.
#[derive(Debug)]
pub struct Site {
    backends: Box<[Arc<Backend>]>,
    /// The same backends in the load table, in the same order.
    peers: Peers,
}

impl Site {
    /// A site of these backends.
    pub fn new(backends: Vec<Arc<Backend>>) -> Self {
        let peers = Peers::new(backends.iter().map(|backend| backend.load().place()));
        Self {
            backends: backends.into(),
            peers,
        }
    }

    /// Its backends.
    pub fn backends(&self) -> &[Arc<Backend>] {
        &self.backends
    }

    /// The backends' places in the load table, in the order of [`Site::backends`].
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Whether a backend of it is in rotation.
    pub fn can_serve(&self) -> bool {
        self.backends.iter().any(|backend| backend.is_up())
    }

    /// Whether one more backend may leave and half of the site stays in rotation.
    fn can_spare_one(&self) -> bool {
        let out = self.backends.iter().filter(|one| !one.is_up()).count();
        2 * (out + 1) <= self.backends.len()
    }
}

/// All sites at one moment, best first.
#[derive(Debug)]
pub struct Snapshot {
    sites: Box<[Site]>,
    loads: Arc<LoadTable>,
    /// Held while an answer may take a backend out, so that no two leave on the same room.
    leaving: Mutex<()>,
}

impl Snapshot {
    /// A snapshot of these sites, whose backends' loads are all in `loads`.
    pub fn new(sites: Vec<Site>, loads: Arc<LoadTable>) -> Self {
        Self {
            sites: sites.into(),
            loads,
            leaving: Mutex::default(),
        }
    }

    /// The sites, best first.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The table with every backend's load word.
    pub fn loads(&self) -> &LoadTable {
        &self.loads
    }

    /// All backends of all sites.
    pub fn backends(&self) -> impl Iterator<Item = &Arc<Backend>> {
        self.sites.iter().flat_map(|site| site.backends.iter())
    }

    /// Tells a backend's health of an answer by which it [`Backend::is_moved_by`].
    pub fn answered(
        &self,
        backend: &Arc<Backend>,
        status: u16,
        now: Instant,
    ) -> Option<(Transition, Duration)> {
        let _leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        let has_it = |site: &&Site| site.backends.iter().any(|one| Arc::ptr_eq(one, backend));
        let site = || self.sites.iter().find(has_it);
        backend.observe(now, |health| {
            health.answered(now, status, || site().is_some_and(Site::can_spare_one))
        })
    }

    /// Whether any site has a backend in rotation.
    pub fn can_serve(&self) -> bool {
        self.sites.iter().any(Site::can_serve)
    }
}

/// Where the control thread puts the snapshot and workers find it.
#[derive(Debug)]
pub struct Publisher {
    generation: AtomicU64,
    current: Mutex<Arc<Snapshot>>,
}

impl Publisher {
    /// Publishes the first snapshot.
    pub fn new(snapshot: Snapshot) -> Arc<Self> {
        Arc::new(Self {
            generation: AtomicU64::new(1),
            current: Mutex::new(Arc::new(snapshot)),
        })
    }

    /// Swaps the snapshot; requests that run keep the one they began with.
    pub fn publish(&self, snapshot: Snapshot) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The snapshot of now.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A reader's handle, one a worker.
    pub fn handle(self: &Arc<Self>) -> SnapshotHandle {
        SnapshotHandle {
            publisher: Arc::clone(self),
            seen: 0,
            snapshot: Rc::new(self.current()),
        }
    }
}

/// A worker's share of a snapshot: counted by this thread alone, so that taking it up for a request
/// writes to no memory that another worker reads.
pub type LocalSnapshot = Rc<SharedSnapshot>;

/// A snapshot as all threads share it.
type SharedSnapshot = Arc<Snapshot>;

/// A worker's own copy of the pointer: one atomic load a request while nothing changes, and no
/// counter that other threads write to.
#[derive(Debug)]
pub struct SnapshotHandle {
    publisher: Arc<Publisher>,
    seen: u64,
    snapshot: LocalSnapshot,
}

impl SnapshotHandle {
    /// Takes up a newer snapshot; returns whether there was one.
    pub fn refresh(&mut self) -> bool {
        let generation = self.publisher.generation.load(Ordering::Acquire);
        if generation == self.seen {
            return false;
        }
        self.snapshot = Rc::new(self.publisher.current());
        self.seen = generation;
        true
    }

    /// The snapshot as of the last [`SnapshotHandle::refresh`].
    pub fn snapshot(&self) -> &LocalSnapshot {
        &self.snapshot
    }
}
