//! Deadlines of a worker's connections: setting one is a store to a cell, a slow tick looks for
//! those that are over. No timer is registered or cancelled on a request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// One worker's deadlines and its coarse clock.
#[derive(Debug)]
pub struct Deadlines {
    now: Cell<Instant>,
    entries: RefCell<Vec<Rc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    /// Where this entry stands in the list, so that dropping a ticket is one swap.
    place: Cell<usize>,
    due: Cell<Option<Instant>>,
    waker: Waker,
}

/// One connection's deadline; forgotten when dropped.
#[derive(Debug)]
pub struct Ticket {
    entry: Rc<Entry>,
    deadlines: Rc<Deadlines>,
}

impl Deadlines {
    /// How often [`Deadlines::tick`] should be called: the precision of every deadline.
    pub const TICK: Duration = Duration::from_millis(100);

    /// No deadlines yet; the coarse clock shows `now`.
    pub fn new(now: Instant) -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(now),
            entries: RefCell::default(),
        })
    }

    /// The time of the last tick or registration: at most one tick old while there are tickets.
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// A ticket for the task behind `waker`, without a deadline yet.
    pub fn register(self: &Rc<Self>, waker: Waker, now: Instant) -> Ticket {
        self.now.set(now);
        let mut entries = self.entries.borrow_mut();
        let entry = Rc::new(Entry {
            place: Cell::new(entries.len()),
            due: Cell::new(None),
            waker,
        });
        entries.push(Rc::clone(&entry));
        Ticket {
            entry,
            deadlines: Rc::clone(self),
        }
    }

    /// Moves the clock and wakes every task whose deadline is over.
    pub fn tick(&self, now: Instant) {
        self.now.set(now);
        for entry in self.entries.borrow().iter() {
            if entry.due.get().is_some_and(|due| due <= now) {
                entry.waker.wake_by_ref();
            }
        }
    }

    /// Wakes every task, whatever its deadline: something they all should look at has changed.
    pub fn wake_all(&self) {
        for entry in self.entries.borrow().iter() {
            entry.waker.wake_by_ref();
        }
    }

    /// Tickets that are held.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether no ticket is held, so that ticking can stop.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }
}

impl Ticket {
    /// Sets the deadline to `after` from now.
    pub fn set(&self, after: Duration) {
        self.entry.due.set(self.deadlines.now().checked_add(after));
    }

    /// Takes the deadline away.
    pub fn clear(&self) {
        self.entry.due.set(None);
    }

    /// Whether a deadline is set and over.
    pub fn is_over(&self) -> bool {
        self.entry
            .due
            .get()
            .is_some_and(|due| due <= self.deadlines.now())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut entries = self.deadlines.entries.borrow_mut();
        let place = self.entry.place.get();
        entries.swap_remove(place);
        if let Some(moved) = entries.get(place) {
            moved.place.set(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};
    use std::time::{Duration, Instant};

    use super::Deadlines;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_task_is_woken_when_its_deadline_is_over_and_not_before() {
        let start = Instant::now();
        let deadlines = Deadlines::new(start);
        let counter = Arc::new(Counter::default());
        let ticket = deadlines.register(Waker::from(Arc::clone(&counter)), start);
        ticket.set(Duration::from_secs(1));
        deadlines.tick(start + Duration::from_millis(999));
        assert!(!ticket.is_over());
        assert_eq!(counter.0.load(Ordering::Relaxed), 0);
        deadlines.tick(start + Duration::from_secs(1));
        assert!(ticket.is_over());
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
        ticket.clear();
        assert!(!ticket.is_over());
    }

    #[test]
    fn a_dropped_ticket_is_forgotten() {
        let start = Instant::now();
        let deadlines = Deadlines::new(start);
        let first = deadlines.register(Waker::noop().clone(), start);
        let second = deadlines.register(Waker::noop().clone(), start);
        drop(first);
        assert_eq!(deadlines.len(), 1);
        drop(second);
        assert!(deadlines.is_empty());
    }
}
