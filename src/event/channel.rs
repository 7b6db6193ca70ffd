//! The ring between those who see things happen and the one who writes them down.
//!
//! Bounded, and allocated once. A full ring drops the newest and counts it. The receiver is woken
//! only if it sleeps, so a busy process pays for a push and no system call.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Event;

/// A ring of `capacity` events and its two ends.
pub fn channel(capacity: usize) -> (Sender, Receiver) {
    let ring = Ring {
        queue: VecDeque::with_capacity(capacity),
        asleep: false,
        closed: false,
    };
    let shared = Arc::new(Shared {
        capacity,
        ring: Mutex::new(ring),
        news: Condvar::new(),
        dropped: AtomicU64::new(0),
    });
    (
        Sender {
            door: Arc::new(Door(Arc::clone(&shared))),
        },
        Receiver { shared },
    )
}

#[derive(Debug)]
struct Ring {
    queue: VecDeque<Event>,
    /// The receiver waits for the next event, and nobody has woken it yet.
    asleep: bool,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    ring: Mutex<Ring>,
    news: Condvar,
    dropped: AtomicU64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }
}

/// Closes the ring when the last sender goes.
#[derive(Debug)]
struct Door(Arc<Shared>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The end where events go in; clone it freely.
#[derive(Clone, Debug)]
pub struct Sender {
    door: Arc<Door>,
}

impl Sender {
    /// Hands an event over, or drops and counts it when the ring is full or closed. Never waits
    /// for the reader of the lines.
    pub fn send(&self, event: impl Into<Event>) {
        let shared = &self.door.0;
        let event = event.into();
        let mut ring = shared.lock();
        if ring.closed || ring.queue.len() >= shared.capacity {
            drop(ring);
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        ring.queue.push_back(event);
        let wake = mem::take(&mut ring.asleep);
        drop(ring);
        if wake {
            shared.news.notify_one();
        }
    }

    /// How many events were dropped so far, those that could not be written included.
    pub fn dropped(&self) -> u64 {
        self.door.0.dropped.load(Ordering::Relaxed)
    }
}

/// The end where events come out; one thread's.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
}

/// What woke a [`Receiver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Events are in the batch.
    Events,
    /// The patience ran out; the batch is empty.
    Quiet,
    /// Nothing is left and nothing will come; the batch is empty.
    Closed,
}

/// Closes a ring from the receiving side, as the last sender would by going.
#[derive(Debug)]
pub(super) struct Closer(Arc<Shared>);

impl Closer {
    pub(super) fn close(&self) {
        self.0.close();
    }
}

impl Receiver {
    pub(super) fn closer(&self) -> Closer {
        Closer(Arc::clone(&self.shared))
    }

    /// Waits for events and takes all there are by exchanging queues: `batch` must be empty, and
    /// brings its memory for the next ones. Without `patience` it waits as long as it takes.
    pub(super) fn wait(&self, batch: &mut VecDeque<Event>, patience: Option<Duration>) -> Wake {
        let mut ring = self.shared.lock();
        while ring.queue.is_empty() {
            if ring.closed {
                return Wake::Closed;
            }
            ring.asleep = true;
            let Some(patience) = patience else {
                ring = self
                    .shared
                    .news
                    .wait(ring)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (back, timeout) = self
                .shared
                .news
                .wait_timeout(ring, patience)
                .unwrap_or_else(PoisonError::into_inner);
            ring = back;
            if timeout.timed_out() && ring.queue.is_empty() {
                ring.asleep = false;
                return if ring.closed {
                    Wake::Closed
                } else {
                    Wake::Quiet
                };
            }
        }
        ring.asleep = false;
        mem::swap(&mut ring.queue, batch);
        Wake::Events
    }

    /// Lets events gather for a while, unless the ring is closed. Nobody is woken by a push.
    pub(super) fn linger(&self, while_: Duration) {
        let ring = self.shared.lock();
        let closed = |ring: &mut Ring| !ring.closed;
        drop(self.shared.news.wait_timeout_while(ring, while_, closed));
    }

    /// An empty queue as large as the ring, for [`Receiver::wait`].
    pub(super) fn batch(&self) -> VecDeque<Event> {
        VecDeque::with_capacity(self.shared.capacity)
    }

    /// Counts events that came through and could not be written.
    pub(super) fn count_dropped(&self, events: u64) {
        self.shared.dropped.fetch_add(events, Ordering::Relaxed);
    }

    /// As [`Sender::dropped`].
    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn event() -> Event {
        Event::info("", SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_full_ring_drops_the_newest_and_counts() {
        let (sender, receiver) = channel(2);
        for text in ["one", "two", "three"] {
            sender.send(Event::info(text, SystemTime::UNIX_EPOCH));
        }
        assert_eq!(sender.dropped(), 1);
        let mut batch = receiver.batch();
        assert_eq!(receiver.wait(&mut batch, None), Wake::Events);
        let texts: Vec<_> = batch
            .iter()
            .map(|event| match event {
                Event::Notice(notice) => notice.text.as_str(),
                _ => "",
            })
            .collect();
        assert_eq!(texts, ["one", "two"]);
    }

    #[test]
    fn what_is_queued_comes_out_after_the_last_sender_went() {
        let (sender, receiver) = channel(8);
        sender.clone().send(event());
        sender.send(event());
        drop(sender);
        let mut batch = receiver.batch();
        assert_eq!(receiver.wait(&mut batch, None), Wake::Events);
        assert_eq!(batch.len(), 2);
        batch.clear();
        assert_eq!(receiver.wait(&mut batch, None), Wake::Closed);
    }

    #[test]
    fn a_closed_ring_takes_nothing_more() {
        let (sender, receiver) = channel(8);
        receiver.closer().close();
        sender.send(event());
        assert_eq!(sender.dropped(), 1);
        assert_eq!(receiver.wait(&mut receiver.batch(), None), Wake::Closed);
    }

    #[test]
    fn silence_ends_with_the_patience() {
        let (_sender, receiver) = channel(8);
        let patience = Some(Duration::from_millis(1));
        assert_eq!(receiver.wait(&mut receiver.batch(), patience), Wake::Quiet);
    }

    #[test]
    fn every_event_of_every_thread_arrives_or_is_counted() {
        let (sender, receiver) = channel(64);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || (0..5_000).for_each(|_| sender.send(event())))
            })
            .collect();
        let reader = std::thread::spawn(move || {
            let mut batch = receiver.batch();
            let mut seen = 0;
            while receiver.wait(&mut batch, None) == Wake::Events {
                seen += batch.len() as u64;
                batch.clear();
            }
            seen + receiver.dropped()
        });
        for thread in threads {
            thread.join().expect("a thread that only sends");
        }
        drop(sender);
        assert_eq!(reader.join().expect("a thread that only reads"), 20_000);
    }
}
