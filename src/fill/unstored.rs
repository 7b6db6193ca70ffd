//! What was looked for a moment ago and is not stored: small objects, parts of objects that nobody
//! reads whole, listings. Looking again for each request would cost a round trip to the store each
//! time, and find nothing.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::cache::CacheKey;

/// How long what others store in the meantime may be missed.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Keys that are remembered; one takes the place of another.
const PLACES: usize = 4096;

/// One worker's memory of keys. Two keys that look alike cost a look-up or a missed hit, never a
/// wrong answer.
#[derive(Debug)]
pub(super) struct Unstored {
    hasher: RandomState,
    /// When the memory began; times are counted from it in milliseconds.
    began: Instant,
    places: Box<[Cell<Place>]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    mark: u64,
    until: u64,
}

impl Unstored {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            hasher: RandomState::new(),
            began: now,
            places: vec![Cell::default(); PLACES].into(),
        }
    }

    /// Nothing is stored under this key, nor will be by what follows.
    pub(super) fn remember(&self, key: &CacheKey, now: Instant) {
        let mark = self.hasher.hash_one(key);
        let until = self.millis(now + REMEMBERED);
        self.place(mark).set(Place { mark, until });
    }

    /// Whether there is no sense in looking.
    pub(super) fn has(&self, key: &CacheKey, now: Instant) -> bool {
        let mark = self.hasher.hash_one(key);
        let place = self.place(mark).get();
        place.mark == mark && self.millis(now) < place.until
    }

    /// Something is being stored.
    pub(super) fn forget(&self, key: &CacheKey) {
        let mark = self.hasher.hash_one(key);
        let place = self.place(mark);
        if place.get().mark == mark {
            place.set(Place::default());
        }
    }

    fn place(&self, mark: u64) -> &Cell<Place> {
        &self.places[mark as usize % PLACES]
    }

    fn millis(&self, time: Instant) -> u64 {
        let since = time.saturating_duration_since(self.began).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RequestHead;

    fn key(path: &str) -> CacheKey {
        let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut head = RequestHead::default();
        head.parse(text.as_bytes()).unwrap();
        CacheKey::of(&head, text.as_bytes(), "http")
    }

    #[test]
    fn what_is_not_stored_is_remembered_for_a_while() {
        let now = Instant::now();
        let unstored = Unstored::new(now);
        assert!(!unstored.has(&key("/a"), now));
        unstored.remember(&key("/a"), now);
        assert!(unstored.has(&key("/a"), now + REMEMBERED / 2));
        assert!(!unstored.has(&key("/a?b"), now));
        assert!(!unstored.has(&key("/a"), now + REMEMBERED));
        unstored.remember(&key("/a"), now);
        unstored.forget(&key("/a"));
        assert!(!unstored.has(&key("/a"), now));
    }

    #[test]
    fn memory_is_bounded_and_never_mistaken() {
        let now = Instant::now();
        let unstored = Unstored::new(now);
        for number in 0..3 * PLACES {
            unstored.remember(&key(&format!("/{number}")), now);
        }
        let remembered =
            (0..3 * PLACES).filter(|number| unstored.has(&key(&format!("/{number}")), now));
        let count = remembered.count();
        assert!(count > PLACES / 2 && count <= PLACES, "{count}");
        assert!(!unstored.has(&key("/other"), now));
    }
}
