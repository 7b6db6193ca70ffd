//! A store in the memory of this process: bounded by bytes, the least recently used goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::object::{Body, Object};
use super::upload::Upload;
use super::{Store, StoreError};

/// What an object costs beside its bytes and its name: places in two maps.
const OVERHEAD: u64 = 256;

/// All workers of a process share the objects; clones are the same store.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug)]
struct Shelf {
    most: u64,
    held: u64,
    objects: HashMap<Box<str>, Held>,
    /// Names by when they were used last.
    used: BTreeMap<u64, Box<str>>,
    /// Counts uses and objects; no two are the same.
    turn: u64,
}

#[derive(Debug)]
struct Held {
    bytes: Bytes,
    etag: Box<[u8]>,
    used: u64,
}

impl Shelf {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn find(&mut self, name: &str) -> Option<(Bytes, Box<[u8]>)> {
        let turn = self.next_turn();
        let held = self.objects.get_mut(name)?;
        if let Some(name) = self.used.remove(&held.used) {
            self.used.insert(turn, name);
        }
        held.used = turn;
        Some((held.bytes.clone(), held.etag.clone()))
    }

    fn remove(&mut self, name: &str) {
        if let Some(held) = self.objects.remove(name) {
            self.used.remove(&held.used);
            self.held -= weight(name, held.bytes.len() as u64);
        }
    }

    fn insert(&mut self, name: &str, bytes: Bytes) -> Result<(), StoreError> {
        let weight = weight(name, bytes.len() as u64);
        if weight > self.most {
            return Err(StoreError::Full);
        }
        self.remove(name);
        while self.held + weight > self.most {
            let Some((_, oldest)) = self.used.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
        let used = self.next_turn();
        self.held += weight;
        self.used.insert(used, name.into());
        let etag = format!("\"{used:x}\"").into_bytes().into();
        self.objects.insert(name.into(), Held { bytes, etag, used });
        Ok(())
    }
}

fn weight(name: &str, length: u64) -> u64 {
    length + 2 * name.len() as u64 + OVERHEAD
}

impl MemoryStore {
    /// An empty store of at most `most` bytes.
    pub fn new(most: u64) -> Self {
        Self {
            shelf: Arc::new(Mutex::new(Shelf {
                most,
                held: 0,
                objects: HashMap::new(),
                used: BTreeMap::new(),
                turn: 0,
            })),
        }
    }

    /// Bytes that it holds, names and bookkeeping included.
    pub fn held(&self) -> u64 {
        self.shelf().held
    }

    /// Held for as long as it takes to look a name up and to drop what gives way; nothing is copied
    /// meanwhile.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn get(
        &self,
        name: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Option<Object>, StoreError> {
        let Some((bytes, etag)) = self.shelf().find(name) else {
            return Ok(None);
        };
        let bytes = match range {
            None => bytes,
            Some((first, last)) => cut(&bytes, first, last)?,
        };
        Ok(Some(Object {
            length: bytes.len() as u64,
            etag: Some(etag),
            body: Body::Memory(bytes),
        }))
    }

    async fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.shelf().find(name) {
            Some((bytes, _)) if bytes.len() > most => Err(StoreError::TooLarge),
            found => Ok(found.map(|(bytes, _)| bytes.to_vec())),
        }
    }

    async fn write(&self, name: &str, bytes: &[u8], _: &str) -> Result<(), StoreError> {
        let bytes = Bytes::copy_from_slice(bytes);
        self.shelf().insert(name, bytes)
    }

    async fn put(&self, name: &str, length: u64) -> Result<Upload, StoreError> {
        if weight(name, length) > self.shelf().most {
            return Err(StoreError::Full);
        }
        Ok(Upload::to_memory(MemoryUpload {
            store: self.clone(),
            name: name.into(),
            length,
            bytes: Vec::new(),
        }))
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.shelf().remove(name);
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn is_up(&self) -> bool {
        true
    }
}

/// The bytes from `first` to `last`, itself included, as far as there are any.
fn cut(bytes: &Bytes, first: u64, last: u64) -> Result<Bytes, StoreError> {
    let length = bytes.len() as u64;
    let end = last.saturating_add(1).min(length);
    if first < end {
        Ok(bytes.slice(first as usize..end as usize))
    } else {
        Err(StoreError::BeyondEnd)
    }
}

/// An object on its way to the shelf.
#[derive(Debug)]
pub(super) struct MemoryUpload {
    store: MemoryStore,
    name: Box<str>,
    length: u64,
    /// Grows as bytes come: an announced length is no reason to take memory.
    bytes: Vec<u8>,
}

impl MemoryUpload {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, StoreError> {
        if (self.bytes.len() + bytes.len()) as u64 > self.length {
            return Err(StoreError::Incomplete);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    pub(super) fn finish(self) -> Result<(), StoreError> {
        if self.bytes.len() as u64 != self.length {
            return Err(StoreError::Incomplete);
        }
        // Without the room that the vector grew by.
        let bytes = Bytes::from(self.bytes.into_boxed_slice());
        self.store.shelf().insert(&self.name, bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shelf(most: u64) -> MemoryStore {
        MemoryStore::new(most)
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let each = weight("a", 100);
        let store = shelf(2 * each);
        let put = |name: &str| store.shelf().insert(name, Bytes::from_static(&[7; 100]));
        let has = |name: &str| store.shelf().objects.contains_key(name);
        put("a").unwrap();
        put("b").unwrap();
        assert!(store.shelf().find("a").is_some());
        put("c").unwrap();
        assert!(has("a") && has("c") && !has("b"));
    }

    #[test]
    fn what_can_never_fit_is_refused_and_displaces_nothing() {
        let store = shelf(weight("a", 100));
        let mut shelf = store.shelf();
        shelf.insert("a", Bytes::from_static(&[7; 100])).unwrap();
        let refused = shelf.insert("b", Bytes::from_static(&[7; 101]));
        assert_eq!(refused, Err(StoreError::Full));
        assert!(shelf.objects.contains_key("a"));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(
            steps in prop::collection::vec((0..6_u8, 0..900_usize, 0..3_u8), 1..60),
        ) {
            let store = shelf(3_000);
            let mut shelf = store.shelf();
            for (name, length, step) in steps {
                let name = name.to_string();
                match step {
                    0 => shelf.remove(&name),
                    1 => drop(shelf.find(&name)),
                    _ => shelf.insert(&name, vec![0; length].into()).unwrap(),
                }
                let weights = shelf.objects.iter().map(|(name, held)| weight(name, held.bytes.len() as u64));
                prop_assert_eq!(weights.sum::<u64>(), shelf.held);
                prop_assert!(shelf.held <= shelf.most);
                prop_assert_eq!(shelf.used.len(), shelf.objects.len());
            }
        }

        #[test]
        fn a_range_is_what_it_would_be_of_a_slice(length in 0..20_usize, first in 0..25_u64, last in any::<u64>()) {
            let bytes: Bytes = (0..length as u8).collect::<Vec<u8>>().into();
            for last in [last, last % 25] {
                let expected: Vec<u8> = bytes.iter().copied().filter(|&byte| u64::from(byte) >= first && u64::from(byte) <= last).collect();
                prop_assert_eq!(cut(&bytes, first, last).unwrap_or_default(), expected);
            }
        }
    }
}
