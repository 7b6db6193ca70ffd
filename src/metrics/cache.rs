//! What is counted about the shared cache: how requests were answered, what went into the store
//! and came out of it, and whether the store is up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::cell::{Cell, add};

/// An enum that is a label: its values, and the word for each, are one list.
macro_rules! label {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All values, in the order of their indices.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The label's value.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

label! {
    /// How a request was answered that the cache looked at.
    CacheResult {
        /// From the store, nobody was asked.
        Hit = "hit",
        /// From the store, after the backend answered 304.
        Revalidated = "revalidated",
        /// From the store although stale.
        Stale = "stale",
        /// What is stored was stale, and the backend's answer was passed on.
        Expired = "expired",
        /// Nothing was stored.
        Miss = "miss",
        /// None of the cache's business: the method, a range, a customer's key.
        Bypass = "bypass",
    }
}

label! {
    /// How a fill ended.
    FillEnd {
        /// The whole body is in the store.
        Stored = "stored",
        /// The store was slower than the client and was given up on.
        Lagging = "lagging",
        /// The body did not arrive whole, or was invalidated meanwhile.
        Incomplete = "incomplete",
        /// The store refused or broke.
        Failed = "failed",
    }
}

label! {
    /// What the store is asked to do.
    StoreOperation {
        /// To tell what it has.
        LookUp = "look-up",
        /// To give a body.
        Read = "read",
        /// To take a body.
        Fill = "fill",
        /// To take the head that a 304 refreshed.
        Update = "update",
        /// To forget.
        Delete = "delete",
    }
}

/// A figure for each [`CacheResult`].
type Results<T> = [T; CacheResult::ALL.len()];

/// A figure for each [`FillEnd`].
type Fills<T> = [T; FillEnd::ALL.len()];

/// A figure for each [`StoreOperation`].
type Operations<T> = [T; StoreOperation::ALL.len()];

/// What one worker counts about the cache.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct CacheCells {
    results: Results<Cell>,
    fills: Fills<Cell>,
    store_errors: Operations<Cell>,
    served: Cell,
    stored: Cell,
    evictions: Cell,
}

impl CacheCells {
    /// A request that the cache looked at has been answered.
    pub fn answered(&self, result: CacheResult) {
        add(&self.results[result as usize], 1);
    }

    /// Clients got body bytes from the store.
    pub fn served(&self, bytes: u64) {
        add(&self.served, bytes);
    }

    /// A fill has ended, one way or another.
    pub fn filled(&self, end: FillEnd) {
        add(&self.fills[end as usize], 1);
    }

    /// The store took a whole body of so many bytes.
    pub fn stored(&self, bytes: u64) {
        add(&self.stored, bytes);
    }

    /// A stored response was taken out: gone, changed or invalidated.
    pub fn evicted(&self) {
        add(&self.evictions, 1);
    }

    /// The store did not do what it was asked.
    pub fn store_failed(&self, operation: StoreOperation) {
        add(&self.store_errors[operation as usize], 1);
    }

    fn add_to(&self, total: &mut CacheSample) {
        add_all(&mut total.results, &self.results);
        add_all(&mut total.fills, &self.fills);
        add_all(&mut total.store_errors, &self.store_errors);
        total.served += value(&self.served);
        total.stored += value(&self.stored);
        total.evictions += value(&self.evictions);
    }
}

fn add_all(sums: &mut [u64], cells: &[Cell]) {
    for (sum, cell) in sums.iter_mut().zip(cells) {
        *sum += value(cell);
    }
}

fn value(cell: &Cell) -> u64 {
    cell.load(Ordering::Relaxed)
}

/// The counters of the cache. One a process, and only when the cache is on.
#[derive(Debug)]
pub struct CacheMetrics {
    workers: Mutex<Vec<Arc<CacheCells>>>,
    up: AtomicBool,
}

impl Default for CacheMetrics {
    fn default() -> Self {
        Self {
            workers: Mutex::default(),
            up: AtomicBool::new(true),
        }
    }
}

impl CacheMetrics {
    /// Counters at zero, of a store that is up until a check says otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// New cells for one worker, to be written by that worker alone.
    pub fn cells(&self) -> Arc<CacheCells> {
        let cells = Arc::new(CacheCells::default());
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&cells));
        cells
    }

    /// The store went up or down.
    pub fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
    }

    /// Whether the store is up.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The sum over all workers. Takes a lock that no request ever waits for.
    pub fn sample(&self) -> CacheSample {
        let mut sample = CacheSample {
            up: self.is_up(),
            ..CacheSample::default()
        };
        for cells in self
            .workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            cells.add_to(&mut sample);
        }
        sample
    }
}

/// The counters of the cache at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSample {
    /// Requests that the cache looked at, indexed by [`CacheResult`].
    pub results: Results<u64>,
    /// Fills that ended, indexed by [`FillEnd`].
    pub fills: Fills<u64>,
    /// What the store did not do, indexed by [`StoreOperation`].
    pub store_errors: Operations<u64>,
    /// Body bytes that clients got from the store.
    pub served: u64,
    /// Body bytes that the store took, of whole bodies.
    pub stored: u64,
    /// Stored responses that were taken out.
    pub evictions: u64,
    /// Whether the store is up.
    pub up: bool,
}

impl CacheSample {
    /// Requests that the store could have answered: all but those the cache let pass.
    pub fn eligible(&self) -> u64 {
        let all: u64 = self.results.iter().sum();
        all - self.results[CacheResult::Bypass as usize]
    }

    /// Requests that the store answered.
    pub fn from_store(&self) -> u64 {
        use CacheResult::{Hit, Revalidated, Stale};
        [Hit, Revalidated, Stale]
            .map(|result| self.results[result as usize])
            .iter()
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::names;
    use super::*;

    #[test]
    fn a_sample_is_the_sum_of_all_workers() {
        let metrics = CacheMetrics::new();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let cells = metrics.cells();
                std::thread::spawn(move || {
                    for _ in 0..1000 {
                        cells.answered(CacheResult::Hit);
                        cells.served(1 << 20);
                    }
                    cells.filled(FillEnd::Stored);
                    cells.stored(500);
                    cells.evicted();
                    cells.store_failed(StoreOperation::Delete);
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("a worker that only counts");
        }
        let sum = CacheSample {
            results: [4000, 0, 0, 0, 0, 0],
            fills: [4, 0, 0, 0],
            store_errors: [0, 0, 0, 0, 4],
            served: 4000 << 20,
            stored: 2000,
            evictions: 4,
            up: true,
        };
        assert_eq!(metrics.sample(), sum);
    }

    #[test]
    fn every_value_of_a_label_is_counted_in_a_place_of_its_own() {
        let metrics = CacheMetrics::new();
        let cells = metrics.cells();
        for (index, result) in CacheResult::ALL.into_iter().enumerate() {
            (0..=index).for_each(|_| cells.answered(result));
        }
        for (index, end) in FillEnd::ALL.into_iter().enumerate() {
            (0..=index).for_each(|_| cells.filled(end));
        }
        for (index, operation) in StoreOperation::ALL.into_iter().enumerate() {
            (0..=index).for_each(|_| cells.store_failed(operation));
        }
        let sample = metrics.sample();
        assert_eq!(sample.results, [1, 2, 3, 4, 5, 6]);
        assert_eq!(sample.fills, [1, 2, 3, 4]);
        assert_eq!(sample.store_errors, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn every_word_is_there_once_and_in_the_help() {
        let results = CacheResult::ALL.map(CacheResult::word);
        let fills = FillEnd::ALL.map(FillEnd::word);
        let operations = StoreOperation::ALL.map(StoreOperation::word);
        for (words, metric) in [
            (&results[..], names::CACHE_REQUESTS),
            (&fills[..], names::CACHE_FILLS),
            (&operations[..], names::CACHE_STORE_ERRORS),
        ] {
            let unique: HashSet<_> = words.iter().collect();
            assert_eq!(unique.len(), words.len(), "{words:?}");
            for word in words {
                assert!(metric.help.contains(word), "{}: {word}", metric.name);
            }
        }
    }

    #[test]
    fn the_store_is_up_until_somebody_says_otherwise() {
        let metrics = CacheMetrics::new();
        assert!(metrics.is_up() && metrics.sample().up);
        metrics.set_up(false);
        assert!(!metrics.is_up() && !metrics.sample().up);
        metrics.set_up(true);
        assert!(metrics.is_up() && metrics.sample().up);
    }

    #[test]
    fn what_the_cache_lets_pass_is_neither_from_the_store_nor_missed() {
        let answered = |results: &[CacheResult]| {
            let metrics = CacheMetrics::new();
            let cells = metrics.cells();
            for result in results {
                cells.answered(*result);
            }
            let sample = metrics.sample();
            (sample.from_store(), sample.eligible())
        };
        assert_eq!(answered(&[]), (0, 0));
        assert_eq!(answered(&[CacheResult::Bypass]), (0, 0));
        assert_eq!(answered(&CacheResult::ALL), (3, 5));
        assert_eq!(answered(&[CacheResult::Expired, CacheResult::Miss]), (0, 2));
    }
}
