//! Idle connections of one worker, by backend; the freshest is used first, the rest ages out. What
//! cannot be repeated takes the oldest, if that is trusted (`idle`).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::idle::Keeping;
use crate::balance::Standing;
use crate::metrics::BackendCells;
use crate::net::{DialError, Dialer, Stream};
use crate::topology::{Backend, Snapshot};

/// Idle connections kept for one backend by one worker.
const MOST_IDLE: usize = 1024;

/// One backend as one worker sees it: its idle connections and the worker's own figures of it.
#[derive(Debug)]
pub struct Upstream {
    backend: Arc<Backend>,
    cells: Arc<BackendCells>,
    idle: RefCell<VecDeque<Idle>>,
    keeping: Cell<Keeping>,
    /// Which of several addresses the next dial starts with.
    next_address: Cell<usize>,
    /// The addresses in use after so many moves of the backend.
    addresses: RefCell<Arc<[SocketAddr]>>,
    moves: Cell<u64>,
    dialer: Dialer,
    /// Which identity and trust the idle connections were made with.
    generation: Cell<u64>,
}

#[derive(Debug)]
struct Idle {
    stream: Stream,
    since: Instant,
    until: Instant,
}

impl Upstream {
    fn new(backend: Arc<Backend>, dialer: Dialer, idle_for: Duration) -> Self {
        let cells = backend.metrics().cells();
        Self {
            generation: Cell::new(dialer.generation(&backend.identity().endpoint)),
            dialer,
            addresses: RefCell::new(backend.addresses()),
            moves: Cell::default(),
            backend,
            cells,
            idle: RefCell::default(),
            keeping: Cell::new(Keeping::new(idle_for)),
            next_address: Cell::new(0),
        }
    }

    /// The backend behind it.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// This worker's figures of the backend.
    pub fn cells(&self) -> &BackendCells {
        &self.cells
    }

    /// Takes the freshest idle connection that is still good.
    pub fn checkout(&self, now: Instant) -> Option<Stream> {
        self.follow();
        let mut idle = self.idle.borrow_mut();
        while let Some(mut freshest) = idle.pop_back() {
            if self.is_good(&mut freshest, now) {
                self.cells.reused();
                return Some(freshest.stream);
            }
        }
        None
    }

    /// The same for a request that could not be repeated on another connection: the oldest one, if
    /// it is trusted with it, looked at once more for a system call.
    pub fn checkout_trusted(&self, now: Instant) -> Option<Stream> {
        self.follow();
        let mut idle = self.idle.borrow_mut();
        while let Some(mut oldest) = idle.pop_front() {
            let age = now.saturating_duration_since(oldest.since);
            if !self.is_good(&mut oldest, now) {
                continue;
            }
            if !self.keeping.get().is_trusted(age, now) {
                idle.push_front(oldest);
                return None;
            }
            if oldest.stream.is_idle_now() {
                self.cells.reused();
                return Some(oldest.stream);
            }
            self.learn(|keeping| keeping.closed_after(age, now));
        }
        None
    }

    /// A connection that was taken out of the pool has carried a request.
    pub fn reuse_held(&self) {
        self.learn(Keeping::held);
    }

    /// A connection that was taken out of the pool turned out to be closed.
    pub fn reuse_broke(&self, now: Instant) {
        self.learn(|keeping| keeping.broke(now));
    }

    fn learn(&self, lesson: impl FnOnce(&mut Keeping)) {
        let mut keeping = self.keeping.get();
        lesson(&mut keeping);
        self.keeping.set(keeping);
    }

    /// Keeps a connection on which nothing is outstanding in either direction, unless a new one would
    /// lead elsewhere or be made otherwise; `announced` is how long the backend said it would keep it.
    pub fn put_back(&self, stream: Stream, announced: Option<Duration>, now: Instant) {
        self.follow();
        let has_moved = self.moves.get() > 0 && !self.is_in_use(&stream);
        if has_moved || stream.generation() != self.generation.get() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= MOST_IDLE {
            idle.pop_front();
        }
        idle.push_back(Idle {
            stream,
            since: now,
            until: now + self.keeping.get().keep(announced, now),
        });
    }

    /// Whether a connection can be used again. One that the backend has closed teaches how long it
    /// keeps them.
    fn is_good(&self, idle: &mut Idle, now: Instant) -> bool {
        if idle.until <= now {
            return false;
        }
        if idle.stream.is_idle() {
            return true;
        }
        let age = now.saturating_duration_since(idle.since);
        self.learn(|keeping| keeping.closed_after(age, now));
        false
    }

    /// Makes a new connection to one of the backend's addresses.
    ///
    /// # Errors
    /// As [`Dialer::dial`].
    pub async fn connect(&self, within: Duration) -> Result<Stream, DialError> {
        let addresses = self.backend.addresses();
        let first = self.next_address.get();
        self.next_address.set(first.wrapping_add(1));
        let endpoint = &self.backend.identity().endpoint;
        let connected = self.dialer.dial(endpoint, &addresses, first, within).await;
        match &connected {
            Ok(_) => self.cells.connected(),
            Err(_) => self.cells.connect_failed(),
        }
        connected
    }

    /// Closes the idle connections to addresses that the backend has left since the last time, and
    /// those that were made with another identity or trust.
    fn follow(&self) {
        let generation = self.dialer.generation(&self.backend.identity().endpoint);
        if self.generation.replace(generation) != generation {
            self.idle.borrow_mut().clear();
        }
        let moves = self.backend.moves();
        if moves == self.moves.get() {
            return;
        }
        self.moves.set(moves);
        *self.addresses.borrow_mut() = self.backend.addresses();
        self.idle
            .borrow_mut()
            .retain(|idle| self.is_in_use(&idle.stream));
    }

    fn is_in_use(&self, stream: &Stream) -> bool {
        stream
            .address()
            .is_some_and(|address| self.addresses.borrow().contains(&address))
    }

    /// Closes what has been idle for too long, what the backend has closed, and what leads to an
    /// address that it has left. A backend that is down has no good connections.
    fn sweep(&self, now: Instant) {
        self.follow();
        let is_down = self.backend.load().word().standing() == Standing::Down;
        self.idle
            .borrow_mut()
            .retain_mut(|idle| !is_down && self.is_good(idle, now));
    }
}

/// All upstreams of one worker.
#[derive(Debug)]
pub struct Pool {
    /// By the backend's place in the load table: dense, and no hashing on a request.
    upstreams: RefCell<Vec<Option<Rc<Upstream>>>>,
    dialer: Dialer,
    idle_for: Duration,
}

impl Pool {
    /// An empty pool of connections that `dialer` makes, kept idle for at most `idle_for`.
    pub fn new(dialer: Dialer, idle_for: Duration) -> Self {
        Self {
            upstreams: RefCell::default(),
            dialer,
            idle_for,
        }
    }

    /// This worker's view of `backend`.
    pub fn upstream(&self, backend: &Arc<Backend>) -> Rc<Upstream> {
        let place = backend.load().place() as usize;
        let mut upstreams = self.upstreams.borrow_mut();
        if upstreams.len() <= place {
            upstreams.resize_with(place + 1, || None);
        }
        match &upstreams[place] {
            Some(known) if Arc::ptr_eq(&known.backend, backend) => Rc::clone(known),
            _ => {
                let dialer = self.dialer.clone();
                let upstream = Upstream::new(Arc::clone(backend), dialer, self.idle_for);
                let upstream = Rc::new(upstream);
                upstreams[place] = Some(Rc::clone(&upstream));
                upstream
            }
        }
    }

    /// Closes connections that were idle for too long or that a backend closed.
    pub fn sweep(&self, now: Instant) {
        for upstream in self.upstreams.borrow().iter().flatten() {
            upstream.sweep(now);
        }
    }

    /// Lets go of backends that `snapshot` has no more; attempts under way keep theirs.
    pub fn keep_only(&self, snapshot: &Snapshot) {
        for entry in self.upstreams.borrow_mut().iter_mut() {
            let gone = entry.as_ref().is_some_and(|known| {
                !snapshot
                    .backends()
                    .any(|backend| Arc::ptr_eq(backend, &known.backend))
            });
            if gone {
                *entry = None;
            }
        }
    }
}
