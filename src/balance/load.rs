//! One machine word a candidate, so that picking reads one dense array and nothing else.
//!
//! ```text
//!  63    62       61       60 ......... 43   42 ............ 0
//!  down  ejected  warming  in flight (18)    last used (43, in 8 µs since the table was made)
//! ```
//!
//! Read as a number, the order of the words is the order of preference of `least`: fully up before
//! warming before ejected before down, then the fewest in flight, then the one idle longest.
//!
//! Words lie in rows of [`ROW`], and each row has a promise beside it, a word that none of its words
//! is below: the best of a thousand is found by reading some thirty promises and one row. Whoever
//! lowers a word lowers the promise; it is raised when a row was read and holds less than promised,
//! not by every request that begins. A row belongs to one group, so candidates that compete share
//! rows with nobody else.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Ramp;
use super::latency::Latency;

const DOWN: u64 = 1 << 63;
const EJECTED: u64 = 1 << 62;
const WARMING: u64 = 1 << 61;
const STANDING: u64 = DOWN | EJECTED | WARMING;
const IN_FLIGHT_SHIFT: u32 = 43;
const ONE_IN_FLIGHT: u64 = 1 << IN_FLIGHT_SHIFT;
const IN_FLIGHT: u64 = ((1 << 18) - 1) << IN_FLIGHT_SHIFT;
const LAST_USED: u64 = ONE_IN_FLIGHT - 1;
/// Words in a row. Picking reads a row and up to a word of each other one, so the square root of the
/// number of backends would be best; this fits a thousand.
pub(super) const ROW: u32 = 32;
/// A place that nobody holds.
const VACANT: u64 = DOWN;
/// 2^43 units of 8 µs are 2.2 years; after that, ties are decided wrongly for a moment.
const MICROS_PER_UNIT: u128 = 8;

/// Whether a candidate may get requests; better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// In rotation.
    Up,
    /// In rotation after an outage, with less than its share.
    Warming,
    /// Out of rotation, while its checks do not say that it is down.
    Ejected,
    /// Its checks say down.
    Down,
}

/// What a load word said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(u64);

impl Standing {
    /// Whether requests go there as a matter of course.
    pub fn is_in_rotation(self) -> bool {
        self <= Standing::Warming
    }
}

impl Word {
    /// Whether the candidate may get requests.
    pub fn standing(self) -> Standing {
        match self.0 & STANDING {
            0 => Standing::Up,
            WARMING => Standing::Warming,
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

    /// Fully up with nothing in flight, before which nothing ranks.
    pub(super) fn is_idle(self) -> bool {
        self.rank() == 0
    }
}

/// The load words of all candidates, side by side.
///
/// Changes of words and of promises are sequentially consistent: of two threads that are at a row at
/// once, at least one sees what the other did. When nobody is at it, every promise holds.
#[derive(Debug)]
pub struct LoadTable {
    words: Box<[AtomicU64]>,
    /// Each row's.
    promises: Box<[AtomicU64]>,
    /// Each candidate's [`Ramp`], for while it is warming.
    ramps: Box<[AtomicU64]>,
    /// How many candidates are warming.
    warming: AtomicU32,
    /// Empty where nobody asks for latencies.
    latencies: Box<[AtomicU64]>,
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
    /// A table for `capacity` candidates; 16 bytes each, touched only when used. A group takes whole
    /// rows, so the last of each may stay half empty. Last-used times count from `epoch`.
    pub fn new(capacity: u32, epoch: Instant) -> Arc<Self> {
        Arc::new(Self::empty(capacity, epoch))
    }

    /// A table that also keeps latencies, for `p2c`; 8 bytes more each.
    pub fn with_latencies(capacity: u32, epoch: Instant) -> Arc<Self> {
        let table = Self::empty(capacity, epoch);
        let latencies = table.words.iter().map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { latencies, ..table })
    }

    fn empty(capacity: u32, epoch: Instant) -> Self {
        let rows = capacity.div_ceil(ROW);
        Self {
            words: (0..rows * ROW).map(|_| AtomicU64::new(0)).collect(),
            promises: (0..rows).map(|_| AtomicU64::new(VACANT)).collect(),
            ramps: (0..rows * ROW).map(|_| AtomicU64::new(0)).collect(),
            warming: AtomicU32::new(0),
            latencies: Box::default(),
            register: Mutex::new(Register {
                rows: 0..rows,
                free: Vec::new(),
            }),
            epoch,
        }
    }

    /// Takes a place for a new candidate of `group`, ejected until something is known of it;
    /// `None` when the table is full. A group's places are given out in ascending order.
    pub fn register(self: &Arc<Self>, group: usize) -> Option<Load> {
        let place = self.take_place(group)?;
        self.set_latency(place, Latency::default());
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

    /// Whether any candidate of the table is warming, or was a moment ago.
    pub(super) fn is_warming(&self) -> bool {
        self.warming.load(Ordering::Relaxed) != 0
    }

    /// What the candidate at `place`, which is warming, weighs beside one that is fully up.
    pub(super) fn weight(&self, place: u32, now: Instant) -> f32 {
        let ramp = self.ramps.get(place as usize);
        let ramp = ramp.map_or(0, |ramp| ramp.load(Ordering::Relaxed));
        Ramp::weight(ramp, now.saturating_duration_since(self.epoch))
    }

    /// How quickly the candidate at `place` has answered of late.
    pub(super) fn latency(&self, place: u32) -> Latency {
        let cell = self.latencies.get(place as usize);
        Latency::from_bits(cell.map_or(0, |cell| cell.load(Ordering::Relaxed)))
    }

    /// Two that do this at once may lose one answer, which an average can bear.
    fn set_latency(&self, place: u32, latency: Latency) {
        if let Some(cell) = self.latencies.get(place as usize) {
            cell.store(latency.bits(), Ordering::Relaxed);
        }
    }

    /// The time in milliseconds since the table was made; starts anew after 49 days.
    pub(super) fn millis(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.epoch).as_millis() as u32
    }

    /// No word of the row is below this one, unless another thread is about to say so.
    pub(super) fn promise(&self, row: u32) -> Word {
        Word(self.promises[row as usize].load(Ordering::Relaxed))
    }

    /// Changes a word, and the promise of its row when that does not hold for it.
    fn change(&self, place: u32, change: impl Fn(u64) -> u64) {
        self.exchange(place, change);
    }

    /// As [`LoadTable::change`], where standing may change: keeps the count of those warming.
    fn change_standing(&self, place: u32, change: impl Fn(u64) -> u64) {
        let (before, after) = self.exchange(place, change);
        match (before & WARMING, after & WARMING) {
            (0, WARMING) => self.warming.fetch_add(1, Ordering::Relaxed),
            (WARMING, 0) => self.warming.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    /// Changes a word; says what it was and what it is.
    fn exchange(&self, place: u32, change: impl Fn(u64) -> u64) -> (u64, u64) {
        let word = &self.words[place as usize];
        let mut before = word.load(Ordering::Relaxed);
        let after = loop {
            let after = change(before);
            match word.compare_exchange_weak(before, after, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break after,
                Err(actual) => before = actual,
            }
        };
        let promise = &self.promises[(place / ROW) as usize];
        if after < promise.load(Ordering::SeqCst) {
            promise.fetch_min(after, Ordering::SeqCst);
        }
        (before, after)
    }

    /// Has a row that holds less than promised promise what it holds. Who lowers a word meanwhile is
    /// seen by the second look here, or sees the promise made here and lowers it.
    pub(super) fn settle(&self, row: u32) {
        loop {
            let least = self.read_row(row);
            self.promises[row as usize].store(least, Ordering::SeqCst);
            if self.read_row(row) >= least {
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

    /// Tells how long the candidate took to answer, or to fail, for policies that ask.
    pub fn took(&self, latency: Duration, failed: bool, now: Instant) {
        let table = &*self.table;
        if table.latencies.is_empty() {
            return;
        }
        let before = table.latency(self.place);
        let after = if failed {
            before.failed(latency, table.millis(now))
        } else {
            before.answered(latency, table.millis(now))
        };
        table.set_latency(self.place, after);
    }

    /// Sets how its share grows while it is warming.
    pub fn set_ramp(&self, ramp: Ramp) {
        let bits = ramp.bits(self.table.epoch);
        self.table.ramps[self.place as usize].store(bits, Ordering::Relaxed);
    }

    /// Sets whether the candidate may get requests.
    pub fn set_standing(&self, standing: Standing) {
        let bits = match standing {
            Standing::Up => 0,
            Standing::Warming => WARMING,
            Standing::Ejected => EJECTED,
            Standing::Down => DOWN,
        };
        self.table
            .change_standing(self.place, |word| (word & !STANDING) | bits);
    }

    fn stamp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.table.epoch).as_micros() / MICROS_PER_UNIT;
        since as u64 & LAST_USED
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.table.change_standing(self.place, |_| VACANT);
        self.table.give_place_back(self.group, self.place);
    }
}
