//! One worker's connections to the store: its own, so that neither the store nor a backend can use
//! up what the other needs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CONNECT;
use super::bucket::Bucket;
use crate::net::{Dialer, Resolver, Stream};
use crate::store::error::StoreError;
use crate::store::keys::Way;

/// Idle connections that a worker keeps: as many as it has transfers to and from the store at a
/// busy time.
const MOST_IDLE: usize = 64;

/// Stores close what is idle for a minute or so; what is left before that does not break in use.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// A connection is let go of this long before the time-out that the store announced.
const MARGIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Connections {
    bucket: Arc<Bucket>,
    dialer: Dialer,
    resolver: Resolver,
    idle: RefCell<Vec<Idle>>,
    next_address: Cell<usize>,
}

#[derive(Debug)]
struct Idle {
    stream: Stream,
    until: Instant,
}

/// Where a connection to the store belongs when nothing is outstanding on it.
#[derive(Clone, Debug)]
pub struct Home {
    connections: Rc<Connections>,
    /// For how long, if the store said that it keeps it at all.
    keep: Option<Duration>,
}

impl Home {
    pub(super) fn new(
        connections: &Rc<Connections>,
        persists: bool,
        announced: Option<Duration>,
    ) -> Self {
        let announced = announced.map(|timeout| timeout.saturating_sub(MARGIN).max(timeout / 2));
        Self {
            connections: Rc::clone(connections),
            keep: persists.then(|| announced.map_or(IDLE_FOR, |timeout| timeout.min(IDLE_FOR))),
        }
    }

    /// Keeps the connection for the next request, if the store keeps it too. Only for one whose
    /// body was read to its end, and nothing behind it.
    pub fn take_back(&self, stream: Stream) {
        if let Some(keep) = self.keep {
            self.connections.put(stream, keep);
        }
    }
}

impl Connections {
    pub(super) fn new(bucket: Arc<Bucket>, dialer: Dialer, resolver: Resolver) -> Self {
        Self {
            bucket,
            dialer,
            resolver,
            idle: RefCell::default(),
            next_address: Cell::new(0),
        }
    }

    pub(super) fn bucket(&self) -> &Arc<Bucket> {
        &self.bucket
    }

    /// How others than the store are reached.
    pub(super) fn way(&self) -> Way<'_> {
        Way {
            dialer: &self.dialer,
            resolver: &self.resolver,
        }
    }

    /// The freshest idle connection that is still good.
    pub(super) fn checkout(&self) -> Option<Stream> {
        let generation = self.dialer.generation(self.bucket.endpoint());
        let now = Instant::now();
        let mut idle = self.idle.borrow_mut();
        while let Some(mut freshest) = idle.pop() {
            if freshest.until <= now {
                // The rest is older.
                idle.clear();
            } else if freshest.stream.generation() == generation && freshest.stream.is_idle_now() {
                return Some(freshest.stream);
            }
        }
        None
    }

    fn put(&self, stream: Stream, keep: Duration) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= MOST_IDLE {
            idle.remove(0);
        }
        idle.push(Idle {
            stream,
            until: Instant::now() + keep,
        });
    }

    /// Closes what has been idle for too long, or was closed by the store.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        self.idle
            .borrow_mut()
            .retain_mut(|idle| now < idle.until && idle.stream.is_idle());
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<Stream, StoreError> {
        let addresses = self.bucket.addresses(&self.resolver).await?;
        let first = self.next_address.get();
        self.next_address.set(first.wrapping_add(1));
        self.dialer
            .dial(self.bucket.endpoint(), &addresses, first, CONNECT)
            .await
            .map_err(|error| StoreError::undialed(&error))
    }
}
