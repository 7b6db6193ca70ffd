//! One machine word a candidate, so that picking reads one dense array and nothing else.
//!
//! ```text
//!  63    62        61 ......... 43   42 ............ 0
//!  down  ejected   in flight (19)    last used (43, in 8 µs since the table was made)
//! ```
//!
//! Read as a number, the order of the words is the order of preference of `least`: in rotation
//! before ejected before down, then the fewest in flight, then the one idle longest.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

const DOWN: u64 = 1 << 63;
const EJECTED: u64 = 1 << 62;
const STANDING: u64 = DOWN | EJECTED;
const IN_FLIGHT_SHIFT: u32 = 43;
const ONE_IN_FLIGHT: u64 = 1 << IN_FLIGHT_SHIFT;
const IN_FLIGHT: u64 = ((1 << 19) - 1) << IN_FLIGHT_SHIFT;
const LAST_USED: u64 = ONE_IN_FLIGHT - 1;
/// 2^43 units of 8 µs are 2.2 years; after that, ties are decided wrongly for a moment.
const MICROS_PER_UNIT: u128 = 8;

/// Whether a candidate may get requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In rotation.
    Up,
    /// Out of rotation, while its checks do not say that it is down.
    Ejected,
    /// Its checks say down.
    Down,
}

/// What a load word said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(u64);

impl Word {
    /// Whether the candidate may get requests.
    pub fn standing(self) -> Standing {
        match self.0 & STANDING {
            0 => Standing::Up,
            EJECTED => Standing::Ejected,
            _ => Standing::Down,
        }
    }

    /// Requests in flight.
    pub fn in_flight(self) -> u32 {
        ((self.0 & IN_FLIGHT) >> IN_FLIGHT_SHIFT) as u32
    }
}

/// The load words of all candidates, side by side.
#[derive(Debug)]
pub struct LoadTable {
    words: Box<[AtomicU64]>,
    free: Mutex<Vec<u32>>,
    epoch: Instant,
}

impl LoadTable {
    /// A table for at most `capacity` candidates; 8 bytes each, touched only when used. Last-used
    /// times count from `epoch`.
    pub fn new(capacity: u32, epoch: Instant) -> Arc<Self> {
        Arc::new(Self {
            words: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
            free: Mutex::new((0..capacity).rev().collect()),
            epoch,
        })
    }

    /// Takes a place for a new candidate, ejected until something is known of it; `None` when the
    /// table is full. Places are given out in ascending order, so neighbours lie side by side.
    pub fn register(self: &Arc<Self>) -> Option<Load> {
        let place = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()?;
        self.words[place as usize].store(EJECTED, Ordering::Relaxed);
        Some(Load {
            table: Arc::clone(self),
            place,
        })
    }

    /// What the word at `place` says now. A place outside the table reads as down.
    pub fn word(&self, place: u32) -> Word {
        Word(
            self.words
                .get(place as usize)
                .map_or(DOWN, |word| word.load(Ordering::Relaxed)),
        )
    }
}

/// A candidate's place in the table; given back when dropped.
#[derive(Debug)]
pub struct Load {
    table: Arc<LoadTable>,
    place: u32,
}

impl Load {
    /// The index of this candidate's word.
    pub fn place(&self) -> u32 {
        self.place
    }

    /// What the word says now.
    pub fn word(&self) -> Word {
        self.table.word(self.place)
    }

    /// The table this place belongs to.
    pub fn table(&self) -> &Arc<LoadTable> {
        &self.table
    }

    /// Counts a request that starts at `now`.
    pub fn begin(&self, now: Instant) {
        let stamp = self.stamp(now);
        self.update(|word| ((word & !LAST_USED) | stamp) + ONE_IN_FLIGHT);
    }

    /// Counts the end, at `now`, of a request counted by [`Load::begin`].
    pub fn end(&self, now: Instant) {
        let stamp = self.stamp(now);
        self.update(|word| ((word & !LAST_USED) | stamp) - ONE_IN_FLIGHT);
    }

    /// Sets whether the candidate may get requests.
    pub fn set_standing(&self, standing: Standing) {
        let bits = match standing {
            Standing::Up => 0,
            Standing::Ejected => EJECTED,
            Standing::Down => DOWN,
        };
        self.update(|word| (word & !STANDING) | bits);
    }

    fn stamp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.table.epoch).as_micros() / MICROS_PER_UNIT;
        since as u64 & LAST_USED
    }

    fn update(&self, change: impl Fn(u64) -> u64) {
        let word = &self.table.words[self.place as usize];
        let mut current = word.load(Ordering::Relaxed);
        while let Err(actual) = word.compare_exchange_weak(
            current,
            change(current),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            current = actual;
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.table.words[self.place as usize].store(DOWN, Ordering::Relaxed);
        self.table
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.place);
    }
}
