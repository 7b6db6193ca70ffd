//! A worker's way to the cache's store: what a client waits for, and what is begun for it.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::change::Asker;
use super::filling::{FetchRest, Filling};
use super::ledger::{Change, Ledger, Reading};
use super::patience::Patience;
use super::tap::{self, Tap};
use super::unstored::Unstored;
use crate::cache::{Bounds, CacheKey, MOST_BYTES, Resource, StoredHead, StoredResponses};
use crate::http::ContentRange;
use crate::metrics::{CacheCells, CacheMetrics, StoreOperation};
use crate::net::{Dialer, Resolver};
use crate::store::{AnyStore, Awaited, Backing, Object, Store as _, StoreError};

/// Bytes that the object with the heads of a resource may have: what there is around them is little.
pub(super) const MOST_READ: usize = 2 * MOST_BYTES;

/// How long nothing is filled after the store refused a fill: its bucket is full, or read-only.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// The same after it broke off.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Changes of a worker that run at once; more are not begun.
const MOST_CHANGES: usize = 1024;

/// A chunked body is held until its length is known, so only small ones are taken.
const MOST_COLLECTED: u64 = tap::MOST_WAITING as u64;

/// The cache of a process.
#[derive(Clone, Debug)]
pub struct Cabinet {
    backing: Backing,
    ledger: Arc<Ledger>,
    metrics: Arc<CacheMetrics>,
    bounds: Bounds,
    refusal: Refusal,
}

/// Why the store takes no objects, as the last fill found; nothing while it does.
type Refusal = watch::Sender<Option<StoreError>>;

impl Cabinet {
    /// A cache that keeps bodies of `min_size` bytes and more.
    pub fn new(backing: Backing, metrics: Arc<CacheMetrics>, min_size: u64) -> Self {
        Self {
            backing,
            ledger: Arc::default(),
            metrics,
            bounds: Bounds {
                smallest_body: min_size,
                unknown_length: min_size < MOST_COLLECTED,
            },
            refusal: Refusal::default(),
        }
    }

    /// Follows whether the store takes objects: why not, while it does not. Its checks cannot tell,
    /// since a bucket that is full or read-only answers them.
    pub fn refusal(&self) -> watch::Receiver<Option<StoreError>> {
        self.refusal.subscribe()
    }

    /// A worker's way to it, with connections of its own that `dialer` makes.
    pub fn open(&self, dialer: Dialer, resolver: Resolver) -> Rc<Keeper> {
        let store = self.backing.open(dialer, resolver);
        Rc::new(Keeper {
            label: store.label().into(),
            store,
            ledger: Arc::clone(&self.ledger),
            cells: self.metrics.cells(),
            bounds: self.bounds,
            heads: Patience::with_heads(),
            bodies: Patience::with_bodies(),
            unstored: Unstored::new(Instant::now()),
            paused: Cell::new(None),
            refusal: self.refusal.clone(),
            running: Cell::new(0),
        })
    }
}

/// What one worker does with the store.
#[derive(Debug)]
pub struct Keeper {
    pub(super) store: AnyStore,
    pub(super) ledger: Arc<Ledger>,
    pub(super) cells: Arc<CacheCells>,
    label: Arc<str>,
    bounds: Bounds,
    /// What look-ups take, and what it takes until a body begins: some stores read it first.
    heads: Patience,
    bodies: Patience,
    unstored: Unstored,
    /// Until when nothing is filled.
    paused: Cell<Option<Instant>>,
    refusal: Refusal,
    /// Fills and changes.
    running: Cell<usize>,
}

impl Keeper {
    /// What is worth storing.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What this worker counts.
    pub fn cells(&self) -> &CacheCells {
        &self.cells
    }

    /// What the store is called in the trace.
    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Whether no fill and no change is under way.
    pub fn is_quiet(&self) -> bool {
        self.running.get() == 0
    }

    /// Closes idle connections; to be called now and then.
    pub fn sweep(&self) {
        self.store.sweep();
    }

    /// A request begins that may learn what is stored.
    pub fn reading(&self, resource: &Resource) -> Reading {
        self.ledger.reading(resource.clone())
    }

    /// What is stored of a key's resource, or nothing if the key was looked for a moment ago and was
    /// not stored; `None` when the store cannot be asked, or not soon enough.
    pub async fn look_up(self: &Rc<Self>, key: &CacheKey) -> Option<StoredResponses> {
        if !self.is_available() {
            return None;
        }
        if self.unstored.has(key, Instant::now()) {
            return Some(StoredResponses::default());
        }
        let resource = key.resource();
        if self.ledger.take_outdated(resource) {
            self.begin_clearing(resource);
            return None;
        }
        // The body is in the store already, and what is missing is small.
        let settled = timeout(self.heads.limit(), self.ledger.settled(resource));
        settled.await.ok()?;
        let (store, name) = (self.store.clone(), resource.head_name());
        let read = async move { store.read(&name, MOST_READ).await };
        match self.patiently(|keeper| &keeper.heads, read).await {
            Ok(None) => Some(StoredResponses::default()),
            // What cannot be read is no response: a newer version wrote it.
            Ok(Some(bytes)) => Some(StoredResponses::decode(&bytes, resource).unwrap_or_default()),
            Err(_) => {
                self.cells.store_failed(StoreOperation::LookUp);
                None
            }
        }
    }

    /// Nothing is stored under a key, nor anything of the backend's answer.
    pub fn passed_on(&self, key: &CacheKey) {
        self.unstored.remember(key, Instant::now());
    }

    /// The body of a stored response, or a part of it; `None` when the store does not have it, or not
    /// soon enough. What it does not have is taken out.
    pub async fn open_body(
        self: &Rc<Self>,
        resource: &Resource,
        head: &StoredHead,
        part: Option<ContentRange>,
    ) -> Option<Object> {
        if !self.is_available() {
            return None;
        }
        let (store, name) = (self.store.clone(), head.body.clone());
        let range = part.map(|part| (part.first, part.last));
        let get = async move { store.get(&name, range).await };
        let got = self.patiently(|keeper| &keeper.bodies, get);
        let expected = part.map_or(head.body_length, ContentRange::length);
        match got.await {
            Ok(Some(object)) if object.length == expected => Some(object),
            Ok(_) => {
                self.evict(resource, head.clone());
                None
            }
            Err(_) => {
                self.cells.store_failed(StoreOperation::Read);
                None
            }
        }
    }

    /// A body from the store has broken off or stood still.
    pub fn broke_off(&self, stood_still: bool) {
        self.cells.store_failed(StoreOperation::Read);
        if stood_still {
            self.store.met(&StoreError::TimedOut(Awaited::Progress));
        }
    }

    /// Begins to fill the store with a response, whose body goes through the tap; what does not come
    /// that way is fetched. `None` when it is being filled with it, or cannot be filled now.
    pub fn fill(
        self: &Rc<Self>,
        asker: Asker,
        head: StoredHead,
        length: Option<u64>,
        reading: Reading,
        rest: Option<FetchRest>,
    ) -> Option<Box<Tap>> {
        let is_paused = self.paused.get().is_some_and(|end| Instant::now() < end);
        if is_paused || !self.is_available() {
            return None;
        }
        let most = length.and_then(|length| usize::try_from(length).ok());
        let waiting = most.map_or(tap::MOST_WAITING, |length| length.min(tap::MOST_WAITING));
        let right = self.ledger.fill(&asker.key, waiting, &reading)?;
        self.unstored.forget(&asker.key);
        let takes_pipes = self.store.takes_pipes();
        let resource = asker.key.resource();
        let (tap, spout) = tap::channel(length, takes_pipes, &self.ledger, resource);
        let filling = Filling {
            keeper: Rc::clone(self),
            asker,
            head,
            length,
            spout,
            rest,
            reading,
            right,
        };
        self.run(filling.run());
        Some(Box::new(tap))
    }

    /// Puts an updated head in the place of the stored one.
    pub fn update(self: &Rc<Self>, asker: Asker, head: StoredHead, reading: Reading) {
        self.begin(&asker.key.resource().clone(), |keeper, change| async move {
            if reading.is_current() {
                keeper.insert(&change, head, &asker).await;
            }
        });
    }

    /// Takes a stored response out.
    pub fn evict(self: &Rc<Self>, resource: &Resource, head: StoredHead) {
        self.begin(resource, |keeper, change| async move {
            keeper.remove(&change, &head).await;
        });
    }

    /// Takes out all that is stored of these resources; whoever asks for them from now on does not
    /// get it.
    pub fn invalidate(self: &Rc<Self>, resources: &[Resource]) {
        for resource in resources {
            self.ledger.invalidated(resource);
            if self.is_available() {
                self.begin_clearing(resource);
            } else {
                self.ledger.set_outdated(resource);
            }
        }
    }

    fn begin_clearing(self: &Rc<Self>, resource: &Resource) {
        let begun = self.begin(resource, |keeper, change| async move {
            keeper.clear(&change).await;
        });
        if !begun {
            self.ledger.set_outdated(resource);
        }
    }

    /// The store did not take a fill, and is left alone for a while.
    pub(super) fn refused(&self, error: &StoreError) {
        let is_lasting = matches!(
            error,
            StoreError::Refused { .. } | StoreError::NoBucket | StoreError::Full
        );
        let pause = if is_lasting {
            self.refusal.send_replace(Some(error.clone()));
            AFTER_REFUSAL
        } else {
            AFTER_FAILURE
        };
        self.paused.set(Some(Instant::now() + pause));
    }

    /// The store has taken a fill.
    pub(super) fn accepted(&self) {
        self.refusal
            .send_if_modified(|refusal| refusal.take().is_some());
    }

    fn is_available(&self) -> bool {
        self.store.is_up() && !self.heads.is_suspect() && !self.bodies.is_suspect()
    }

    /// Waits for the store for as long as a client may. An answer that comes later is waited for by
    /// nobody; until it has come the store counts as away.
    async fn patiently<T: 'static>(
        self: &Rc<Self>,
        patience: fn(&Self) -> &Patience,
        asked: impl Future<Output = Result<T, StoreError>> + 'static,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let mut asked = Box::pin(asked);
        let answered = timeout(patience(self).limit(), &mut asked).await;
        if let Ok(answer) = answered {
            patience(self).took(began.elapsed());
            return answer;
        }
        patience(self).suspect(true);
        let keeper = Rc::clone(self);
        spawn_local(async move {
            if asked.await.is_ok() {
                patience(&keeper).took(began.elapsed());
            }
            patience(&keeper).suspect(false);
        });
        Err(StoreError::TimedOut(Awaited::Answer))
    }

    /// Begins a change of a resource, announced at once. Whether it was begun.
    fn begin<F: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        resource: &Resource,
        work: impl FnOnce(Rc<Self>, Change) -> F + 'static,
    ) -> bool {
        if self.running.get() >= MOST_CHANGES {
            return false;
        }
        let change = self.ledger.change(resource);
        let keeper = Rc::clone(self);
        self.run(async move {
            let turn = change.turn().await;
            work(keeper, change).await;
            drop(turn);
        });
        true
    }

    fn run(self: &Rc<Self>, work: impl Future<Output = ()> + 'static) {
        let running = Running::new(self);
        spawn_local(async move {
            work.await;
            drop(running);
        });
    }
}

/// Counts work for as long as it runs.
struct Running(Rc<Keeper>);

impl Running {
    fn new(keeper: &Rc<Keeper>) -> Self {
        keeper.running.set(keeper.running.get() + 1);
        Self(Rc::clone(keeper))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}
