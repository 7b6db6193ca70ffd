//! The request path. One request makes seven stops; see `ARCHITECTURE.md`.

mod body;
mod budget;
mod cached;
mod client;
mod connection;
mod deliver;
mod exchange;
mod fault;
mod forward;
mod http1;
mod http2;
mod leg;
mod progress;
mod relay;
mod report;
mod resume;
mod retry;
mod route;
mod serve;
mod tunnel;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use budget::RetryBudget;
use exchange::{Answer, Exchange};
use route::Reach;
pub use serve::serve;

use crate::admin::Local;
use crate::balance::{Picker, Policy};
use crate::event::{Filter, Sender};
use crate::fill::{Cabinet, Keeper};
use crate::health::Reporter;
use crate::metrics::WorkerCells;
use crate::net::tls::{Handshakes, TlsAcceptor, TlsConnector};
use crate::net::{Deadlines, Dialer, PipeShare, Pipes, Resolver, Spares, Stack};
use crate::topology::{LocalSnapshot, Publisher, SnapshotHandle};
use crate::upstream::Pool;

/// Exchanges a worker keeps for reuse; more are made when more requests run at once. Those that
/// nobody needs for a while are let go.
const SPARE_EXCHANGES: usize = 1024;

/// Buffers between HTTP/2 connections and their sockets that a worker keeps for reuse; a connection
/// has two at most, and none while nothing moves.
const SPARE_BUFFERS: usize = 64;

/// Bounds on a lack of progress, and on repetition.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A kept-alive connection without a request.
    pub idle: Duration,
    /// A request head that was begun.
    pub header: Duration,
    /// A connection to a backend.
    pub connect: Duration,
    /// A body, or a response, that makes no progress.
    pub stall: Duration,
    /// Attempts of one request after the first.
    pub retries: u32,
}

/// What a worker's requests are told from outside.
#[derive(Debug)]
pub struct Parts {
    /// Bounds.
    pub limits: Limits,
    /// Which backend gets the next request.
    pub policy: Policy,
    /// Which events are wanted, asked before one is built.
    pub filter: Filter,
    /// Where events go.
    pub events: Sender,
    /// What this worker counts about its clients.
    pub cells: Arc<WorkerCells>,
    /// What is answered without a backend.
    pub local: Arc<Local>,
    /// Where the snapshot is published.
    pub publisher: Arc<Publisher>,
    /// How long connections to backends are kept idle.
    pub backend_idle: Duration,
    /// How many pipes it may have.
    pub pipes: PipeShare,
    /// How clients are received by TLS; in clear text without.
    pub acceptor: Option<Arc<TlsAcceptor>>,
    /// How backends are reached by TLS.
    pub connector: Arc<TlsConnector>,
    /// The shared cache, and how its store's name is looked up; none while it is off.
    pub cache: Option<(Cabinet, Resolver)>,
}

/// What the requests of one worker share; it never leaves the worker's thread.
#[derive(Debug)]
pub struct Proxy {
    /// What was told from outside.
    parts: Parts,
    /// For what goes on when the connection that began it has ended.
    me: Weak<Self>,
    /// The worker's deadlines and coarse clock.
    pub deadlines: Rc<Deadlines>,
    reporter: Reporter,
    handshakes: Rc<Handshakes>,
    pool: Pool,
    keeper: Option<Rc<Keeper>>,
    snapshot: RefCell<SnapshotHandle>,
    exchanges: Stack<Box<Exchange>>,
    answers: Stack<Answer>,
    buffers: Rc<Spares>,
    pipes: Pipes,
    picker: RefCell<Picker>,
    budget: RefCell<RetryBudget>,
    random: RefCell<fastrand::Rng>,
    draining: Cell<bool>,
}

impl Proxy {
    /// A proxy for the worker of this thread.
    pub fn new(mut parts: Parts, mut random: fastrand::Rng, now: Instant) -> Rc<Self> {
        let buffers = Rc::new(Spares::keeping(SPARE_BUFFERS));
        let handshakes = Rc::new(Handshakes::new(Rc::clone(&buffers)));
        let dialer = Dialer::new(Arc::clone(&parts.connector), Rc::clone(&handshakes));
        let cache = parts.cache.take();
        let keeper = cache.map(|(cabinet, resolver)| cabinet.open(dialer.clone(), resolver));
        Rc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            deadlines: Deadlines::new(now),
            reporter: Reporter::new(parts.events.clone(), parts.filter.clone()),
            pool: Pool::new(dialer, parts.backend_idle),
            keeper,
            handshakes,
            snapshot: RefCell::new(parts.publisher.handle()),
            exchanges: Stack::keeping(SPARE_EXCHANGES),
            answers: Stack::keeping(SPARE_EXCHANGES),
            buffers,
            pipes: Pipes::within(parts.pipes),
            picker: RefCell::new(Picker::new(parts.policy, random.fork(), now)),
            budget: RefCell::new(RetryBudget::new(now)),
            random: RefCell::new(random),
            draining: Cell::new(false),
            parts,
        })
    }

    /// The snapshot for a request that begins now; it keeps it to its end.
    fn snapshot(&self) -> LocalSnapshot {
        let mut handle = self.snapshot.borrow_mut();
        if handle.refresh() {
            self.pool.keep_only(handle.snapshot());
        }
        Rc::clone(handle.snapshot())
    }

    /// Moves the coarse clock, ends what is overdue; to be called every [`Deadlines::TICK`].
    pub fn tick(&self, now: Instant) {
        self.budget.borrow_mut().tick(now);
        self.deadlines.tick(now);
    }

    /// Takes an exchange back whose requests are over.
    fn put_back(&self, mut exchange: Box<Exchange>) {
        exchange.inbox.clear();
        exchange.answered(&self.answers);
        self.exchanges.put(exchange);
    }

    /// Counts a retry in the budget; how far it may go.
    fn retry_reach(&self) -> Reach {
        let reach = self.budget.borrow_mut().reach();
        if reach == Reach::InRotation {
            self.parts.cells.retry_bounded();
        }
        reach
    }

    /// Lets go of what is idle and of no more use: connections to backends, pipes, buffers.
    pub fn sweep(&self, now: Instant) {
        self.pool.sweep(now);
        self.pipes.sweep();
        self.exchanges.shed();
        self.answers.shed();
        self.buffers.shed();
        if let Some(keeper) = &self.keeper {
            keeper.sweep();
        }
    }

    /// Whether nothing is on its way into the cache's store.
    pub fn is_quiet(&self) -> bool {
        self.keeper.as_ref().is_none_or(|keeper| keeper.is_quiet())
    }

    /// Ends idle client connections now and the others after their request.
    pub fn drain(&self) {
        self.draining.set(true);
        self.deadlines.wake_all();
    }

    fn is_draining(&self) -> bool {
        self.draining.get()
    }
}

#[cfg(test)]
mod tests;
