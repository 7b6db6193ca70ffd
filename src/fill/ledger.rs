//! What this process is about to change in the store, so that nothing of it happens twice, in the
//! wrong order, or too late.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};

use crate::cache::{CacheKey, Resource};

/// Bytes that may wait in all fills at once.
const MOST_FILLING: usize = 64 << 20;

/// What a fill costs beside the bytes that wait in it.
const EACH: usize = 16 << 10;

/// Resources whose invalidation failed that are remembered.
const MOST_OUTDATED: usize = 4096;

/// One a process, shared by its workers. Locks are held for a few look-ups in maps.
#[derive(Debug, Default)]
pub struct Ledger {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// Counts readings and invalidations: a smaller number is earlier.
    turn: u64,
    /// When the readings that are under way began.
    readings: BTreeSet<u64>,
    /// When resources were invalidated last, as far as a reading began before.
    invalidated: HashMap<Resource, u64>,
    /// When keys were filled last, likewise.
    filled: HashMap<CacheKey, u64>,
    /// What is being filled, and the bytes that may wait in each.
    filling: HashMap<CacheKey, usize>,
    filling_bytes: usize,
    changing: HashMap<Resource, Queue>,
    /// Resources that the store still has, though they were invalidated.
    outdated: HashSet<Resource>,
}

/// The changes of a resource that have not reached the store.
#[derive(Debug, Default)]
struct Queue {
    pending: usize,
    order: Arc<AsyncMutex<()>>,
    settled: Arc<Notify>,
}

/// A request for a resource that is under way, or the fill that came of it. What it learns is void
/// when the resource is invalidated after it began.
#[derive(Debug)]
pub struct Reading {
    ledger: Arc<Ledger>,
    resource: Resource,
    began: u64,
}

/// The right to fill a key; dropping it gives it back.
#[derive(Debug)]
pub(super) struct FillRight {
    ledger: Arc<Ledger>,
    key: CacheKey,
}

/// A change that was announced: looks at its resource wait for it. Dropping it lets them go.
#[derive(Debug)]
pub(super) struct Change {
    ledger: Arc<Ledger>,
    resource: Resource,
    order: Arc<AsyncMutex<()>>,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins.
    pub fn reading(self: &Arc<Self>, resource: Resource) -> Reading {
        let mut books = self.books();
        books.turn += 1;
        let began = books.turn;
        books.readings.insert(began);
        Reading {
            ledger: Arc::clone(self),
            resource,
            began,
        }
    }

    /// Whoever began to read the resource before knows nothing of it any more.
    pub(super) fn invalidated(&self, resource: &Resource) {
        let mut books = self.books();
        books.turn += 1;
        let turn = books.turn;
        if !books.readings.is_empty() {
            books.invalidated.insert(resource.clone(), turn);
        }
    }

    /// The right to fill a key, in which at most so many bytes will wait, unless somebody has it, or
    /// had it and filled the key since the reading began, or there are too many fills.
    pub(super) fn fill(
        self: &Arc<Self>,
        key: &CacheKey,
        waiting: usize,
        reading: &Reading,
    ) -> Option<FillRight> {
        let mut books = self.books();
        let weight = waiting + EACH;
        let is_full = books.filling_bytes + weight > MOST_FILLING;
        let filled = books.filled.get(key);
        let is_late = filled.is_some_and(|turn| *turn > reading.began);
        if is_full || is_late || books.filling.contains_key(key) {
            return None;
        }
        books.filling.insert(key.clone(), weight);
        books.filling_bytes += weight;
        Some(FillRight {
            ledger: Arc::clone(self),
            key: key.clone(),
        })
    }

    /// Announces a change.
    pub(super) fn change(self: &Arc<Self>, resource: &Resource) -> Change {
        let mut books = self.books();
        let queue = books.changing.entry(resource.clone()).or_default();
        queue.pending += 1;
        Change {
            ledger: Arc::clone(self),
            resource: resource.clone(),
            order: Arc::clone(&queue.order),
        }
    }

    /// Waits until no change of the resource is announced.
    pub(super) async fn settled(&self, resource: &Resource) {
        while let Some(settled) = self.settling(resource) {
            settled.await;
        }
    }

    /// Made while the books are locked, so that no end of a change is missed.
    fn settling(&self, resource: &Resource) -> Option<OwnedNotified> {
        let books = self.books();
        let queue = books.changing.get(resource)?;
        Some(Arc::clone(&queue.settled).notified_owned())
    }

    /// The store still has what was invalidated.
    pub(super) fn set_outdated(&self, resource: &Resource) {
        let mut books = self.books();
        if books.outdated.len() >= MOST_OUTDATED
            && let Some(other) = books.outdated.iter().next().cloned()
        {
            books.outdated.remove(&other);
        }
        books.outdated.insert(resource.clone());
    }

    /// Whether the store may have what was invalidated, which whoever asks has to mend.
    pub(super) fn take_outdated(&self, resource: &Resource) -> bool {
        self.books().outdated.remove(resource)
    }
}

impl Reading {
    /// What it reads.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Whether what it learnt still counts.
    pub(super) fn is_current(&self) -> bool {
        let books = self.ledger.books();
        let invalidated = books.invalidated.get(&self.resource);
        invalidated.is_none_or(|turn| *turn < self.began)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut books = self.ledger.books();
        let was_first = books.readings.first() == Some(&self.began);
        books.readings.remove(&self.began);
        if was_first {
            let first = books.readings.first().copied().unwrap_or(u64::MAX);
            books.invalidated.retain(|_, turn| *turn > first);
            books.filled.retain(|_, turn| *turn > first);
        }
    }
}

impl FillRight {
    /// The key is in the store. Whoever looked before and found nothing brings nothing new.
    pub(super) fn filled(&self) {
        let mut books = self.ledger.books();
        books.turn += 1;
        let turn = books.turn;
        if !books.readings.is_empty() {
            books.filled.insert(self.key.clone(), turn);
        }
    }
}

impl Drop for FillRight {
    fn drop(&mut self) {
        let mut books = self.ledger.books();
        let weight = books.filling.remove(&self.key).unwrap_or_default();
        books.filling_bytes -= weight;
    }
}

impl Change {
    pub(super) fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Waits until it is this change's turn.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.order).lock_owned().await
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        let mut books = self.ledger.books();
        let Some(queue) = books.changing.get_mut(&self.resource) else {
            return;
        };
        queue.pending -= 1;
        if queue.pending == 0
            && let Some(queue) = books.changing.remove(&self.resource)
        {
            queue.settled.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::super::tests::{key, resource};
    use super::*;

    #[test]
    fn what_was_read_before_an_invalidation_is_void() {
        let ledger = Arc::new(Ledger::default());
        let before = ledger.reading(resource("/a"));
        let other = ledger.reading(resource("/b"));
        ledger.invalidated(&resource("/a"));
        let after = ledger.reading(resource("/a"));
        assert!(!before.is_current());
        assert!(other.is_current() && after.is_current());
        drop(after);
        assert!(!before.is_current());
    }

    #[test]
    fn invalidations_are_remembered_for_as_long_as_somebody_reads() {
        let ledger = Arc::new(Ledger::default());
        ledger.invalidated(&resource("/a"));
        assert!(ledger.books().invalidated.is_empty());
        let first = ledger.reading(resource("/x"));
        ledger.invalidated(&resource("/a"));
        let second = ledger.reading(resource("/x"));
        ledger.invalidated(&resource("/b"));
        drop(first);
        assert_eq!(ledger.books().invalidated.len(), 1);
        drop(second);
        let books = ledger.books();
        assert!(books.invalidated.is_empty() && books.readings.is_empty());
    }

    #[test]
    fn a_key_is_filled_once_at_a_time() {
        let ledger = Arc::new(Ledger::default());
        let reading = ledger.reading(resource("/a"));
        let right = ledger.fill(&key("/a?1"), 1, &reading);
        assert!(right.is_some() && ledger.fill(&key("/a?1"), 1, &reading).is_none());
        let other = ledger.fill(&key("/a?2"), 1, &reading);
        assert!(other.is_some());
        drop(right);
        assert!(ledger.fill(&key("/a?1"), 1, &reading).is_some());
    }

    #[test]
    fn a_reading_from_before_a_fill_fills_nothing_again() {
        let ledger = Arc::new(Ledger::default());
        let (first, late) = (
            ledger.reading(resource("/a")),
            ledger.reading(resource("/a")),
        );
        let right = ledger.fill(&key("/a?1"), 1, &first).expect("nobody has it");
        right.filled();
        drop((right, first));
        assert!(ledger.fill(&key("/a?1"), 1, &late).is_none());
        assert!(ledger.fill(&key("/a?2"), 1, &late).is_some());
        let next = ledger.reading(resource("/a"));
        assert!(ledger.fill(&key("/a?1"), 1, &next).is_some());
        drop((late, next));
        assert!(ledger.books().filled.is_empty());
    }

    #[test]
    fn fills_are_bounded_by_what_waits_in_them() {
        let ledger = Arc::new(Ledger::default());
        let reading = ledger.reading(resource("/"));
        let filled = |size: usize| {
            let rights: Vec<_> = (0..5000)
                .filter_map(|number| ledger.fill(&key(&format!("/{number}")), size, &reading))
                .collect();
            rights.len()
        };
        assert_eq!(filled(1 << 20), 63);
        assert_eq!(filled(0), 4096);
        assert_eq!(ledger.books().filling_bytes, 0);
    }

    #[test]
    fn looks_wait_for_every_change_that_was_announced() {
        let ledger = Arc::new(Ledger::default());
        let mut context = Context::from_waker(Waker::noop());
        let a = resource("/a");
        let (first, second) = (ledger.change(&a), ledger.change(&a));
        let mut look = pin!(ledger.settled(&a));
        assert_eq!(look.as_mut().poll(&mut context), Poll::Pending);
        drop(first);
        assert_eq!(look.as_mut().poll(&mut context), Poll::Pending);
        let other = resource("/b");
        assert_eq!(
            pin!(ledger.settled(&other)).poll(&mut context),
            Poll::Ready(())
        );
        drop(second);
        assert_eq!(look.as_mut().poll(&mut context), Poll::Ready(()));
        assert!(ledger.books().changing.is_empty());
    }

    #[test]
    fn changes_of_a_resource_follow_each_other() {
        let ledger = Arc::new(Ledger::default());
        let mut context = Context::from_waker(Waker::noop());
        let a = resource("/a");
        let (first, second) = (ledger.change(&a), ledger.change(&a));
        let mut one = pin!(first.turn());
        let Poll::Ready(turn) = one.as_mut().poll(&mut context) else {
            panic!("it is alone");
        };
        let mut other = pin!(second.turn());
        assert!(other.as_mut().poll(&mut context).is_pending());
        drop(turn);
        assert!(other.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn what_could_not_be_taken_away_is_told_once() {
        let ledger = Arc::new(Ledger::default());
        let a = resource("/a");
        ledger.set_outdated(&a);
        assert!(ledger.take_outdated(&a) && !ledger.take_outdated(&a));
        for number in 0..MOST_OUTDATED + 10 {
            ledger.set_outdated(&resource(&format!("/{number}")));
        }
        assert_eq!(ledger.books().outdated.len(), MOST_OUTDATED);
    }
}
