//! One machine word a candidate, so that picking reads one dense array and nothing else.
//!
//! ```text
//!  63    62        61 ......... 43   42 ............ 0
//!  down  ejected   in flight (19)    last used (43, in 8 µs since the table was made)
//! ```
//!
//! Read as a number, the order of the words is the order of preference of `least`: in rotation
//! before ejected before down, then the fewest in flight, then the one idle longest.
//!
//! Words lie in rows of [`ROW`], and each row has its least word beside it, kept by whoever changes
//! a word: the best of a thousand is found by reading some thirty least words and one row. A row
//! belongs to one group, so candidates that compete share rows with nobody else.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

const DOWN: u64 = 1 << 63;
const EJECTED: u64 = 1 << 62;
const STANDING: u64 = DOWN | EJECTED;
const IN_FLIGHT_SHIFT: u32 = 43;
const ONE_IN_FLIGHT: u64 = 1 << IN_FLIGHT_SHIFT;
const IN_FLIGHT: u64 = ((1 << 19) - 1) << IN_FLIGHT_SHIFT;
const LAST_USED: u64 = ONE_IN_FLIGHT - 1;
/// Words in a row. Changing a word may read its row again and picking reads a word of each row, so
/// the square root of the number of backends would be best; this fits a thousand.
pub(super) const ROW: u32 = 32;
/// A place that nobody holds.
const VACANT: u64 = DOWN;
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

    /// Standing and requests in flight in the order of preference, without the time of last use.
    pub(super) fn rank(self) -> u64 {
        self.0 >> IN_FLIGHT_SHIFT
    }
}

/// The load words of all candidates, side by side.
///
/// Changes of words and of least words are sequentially consistent: of two threads that change a
/// row at once, at least one sees what the other did. When nobody is at it, every least word is
/// right.
#[derive(Debug)]
pub struct LoadTable {
    words: Box<[AtomicU64]>,
    least: Box<[AtomicU64]>,
    register: Mutex<Register>,
    epoch: Instant,
}

/// Who may still come, and where.
#[derive(Debug)]
struct Register {
    /// Rows that no group has yet.
    rows: Range<u32>,
    /// Free places of each group's rows; the next one to give out comes last.
    free: Vec<Vec<u32>>,
}

impl LoadTable {
    /// A table for `capacity` candidates; 8 bytes each, touched only when used. A group takes whole
    /// rows, so the last of each may stay half empty. Last-used times count from `epoch`.
    pub fn new(capacity: u32, epoch: Instant) -> Arc<Self> {
        let rows = capacity.div_ceil(ROW);
        Arc::new(Self {
            words: (0..rows * ROW).map(|_| AtomicU64::new(0)).collect(),
            least: (0..rows).map(|_| AtomicU64::new(VACANT)).collect(),
            register: Mutex::new(Register {
                rows: 0..rows,
                free: Vec::new(),
            }),
            epoch,
        })
    }

    /// Takes a place for a new candidate of `group`, ejected until something is known of it;
    /// `None` when the table is full. A group's places are given out in ascending order.
    pub fn register(self: &Arc<Self>, group: usize) -> Option<Load> {
        let place = self.take_place(group)?;
        self.change(place, |_| EJECTED);
        Some(Load {
            table: Arc::clone(self),
            group,
            place,
        })
    }

    fn take_place(&self, group: usize) -> Option<u32> {
        let mut register = self.locked();
        if register.free.len() <= group {
            register.free.resize_with(group + 1, Vec::new);
        }
        if register.free[group].is_empty() {
            let row = register.rows.next()?;
            let places = row * ROW..(row + 1) * ROW;
            for place in places.clone() {
                self.words[place as usize].store(VACANT, Ordering::SeqCst);
            }
            register.free[group].extend(places.rev());
        }
        register.free[group].pop()
    }

    fn give_place_back(&self, group: usize, place: u32) {
        self.locked().free[group].push(place);
    }

    fn locked(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the word at `place` says now. A place outside the table reads as down.
    pub fn word(&self, place: u32) -> Word {
        Word(
            self.words
                .get(place as usize)
                .map_or(DOWN, |word| word.load(Ordering::Relaxed)),
        )
    }

    /// The least word of a row, without reading the row. Another thread may be about to change it.
    pub(super) fn least(&self, row: u32) -> Word {
        Word(self.least[row as usize].load(Ordering::Relaxed))
    }

    /// Changes a word, and the least word of its row when that is another one now.
    fn change(&self, place: u32, change: impl Fn(u64) -> u64) {
        let word = &self.words[place as usize];
        let mut before = word.load(Ordering::Relaxed);
        let after = loop {
            let after = change(before);
            match word.compare_exchange_weak(before, after, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break after,
                Err(actual) => before = actual,
            }
        };
        let row = place / ROW;
        let least = self.least[row as usize].load(Ordering::SeqCst);
        if after < least || before == least {
            self.settle(row);
        }
    }

    /// Finds the least word of a row anew. What another thread changes meanwhile is seen by the
    /// second look here, or it sees the word set here and settles the row itself.
    fn settle(&self, row: u32) {
        loop {
            let least = self.read_row(row);
            self.least[row as usize].store(least, Ordering::SeqCst);
            if self.read_row(row) == least {
                return;
            }
        }
    }

    fn read_row(&self, row: u32) -> u64 {
        let start = (row * ROW) as usize;
        let words = &self.words[start..start + ROW as usize];
        let loaded = words.iter().map(|word| word.load(Ordering::SeqCst));
        loaded.min().unwrap_or(VACANT)
    }
}

/// A candidate's place in the table; given back when dropped.
#[derive(Debug)]
pub struct Load {
    table: Arc<LoadTable>,
    group: usize,
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
        self.table.change(self.place, |word| {
            ((word & !LAST_USED) | stamp) + ONE_IN_FLIGHT
        });
    }

    /// Counts the end, at `now`, of a request counted by [`Load::begin`].
    pub fn end(&self, now: Instant) {
        let stamp = self.stamp(now);
        self.table.change(self.place, |word| {
            ((word & !LAST_USED) | stamp) - ONE_IN_FLIGHT
        });
    }

    /// Sets whether the candidate may get requests.
    pub fn set_standing(&self, standing: Standing) {
        let bits = match standing {
            Standing::Up => 0,
            Standing::Ejected => EJECTED,
            Standing::Down => DOWN,
        };
        self.table
            .change(self.place, |word| (word & !STANDING) | bits);
    }

    fn stamp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.table.epoch).as_micros() / MICROS_PER_UNIT;
        since as u64 & LAST_USED
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.table.change(self.place, |_| VACANT);
        self.table.give_place_back(self.group, self.place);
    }
}
