//! All that is stored of one resource, in one object: what is looked up, and what an unsafe
//! request takes away, at once.

use super::StoredHead;
use crate::cache::key::{CacheKey, Resource};
use crate::cache::vary::Vary;
use crate::http::RequestHead;

/// Stored responses of one resource, at most: so many queries and variants. The oldest goes when
/// another comes, so that no client fills the store by asking one object in many ways.
pub const MOST_RESPONSES: usize = 16;

/// Bytes that all heads of one resource may have as they are stored.
pub const MOST_BYTES: usize = 256 * 1024;

/// The stored responses of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredResponses {
    pub(super) heads: Vec<StoredHead>,
}

/// What the store has for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected<'s> {
    /// This response (RFC 9111 §4).
    Response(&'s StoredHead),
    /// Only responses to requests with other fields (§4.1).
    OtherVariant,
    /// Nothing of this key.
    Nothing,
}

impl StoredResponses {
    /// Reads what an object holds. Anything that is not, byte for byte, what
    /// [`StoredResponses::encode`] wrote for this resource is a miss: `None`.
    pub fn decode(bytes: &[u8], resource: &Resource) -> Option<Self> {
        super::decode::responses(bytes, resource)
    }

    /// As an object of the store.
    pub fn encode(&self, resource: &Resource) -> Vec<u8> {
        super::encode::responses(self, resource)
    }

    /// The response for a request: of its key, and matching it in all fields that the response
    /// varied on. Of several, the most recent by its `Date` (RFC 9111 §4).
    pub fn select(&self, key: &CacheKey, request: &RequestHead, bytes: &[u8]) -> Selected<'_> {
        let mut same_key = self
            .heads
            .iter()
            .filter(|stored| *stored.query == *key.query())
            .peekable();
        if same_key.peek().is_none() {
            return Selected::Nothing;
        }
        same_key
            .filter(|stored| is_match(stored, request, bytes))
            .max_by_key(|stored| (stored.time("Date"), stored.response_time))
            .map_or(Selected::OtherVariant, Selected::Response)
    }

    /// Puts a response in the place of all that its request would have selected. Returns the names
    /// of bodies that nothing names any more.
    pub fn insert(
        &mut self,
        head: StoredHead,
        request: &RequestHead,
        bytes: &[u8],
    ) -> Vec<Box<str>> {
        let (mut gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.heads)
            .into_iter()
            .partition(|stored| stored.query == head.query && is_match(stored, request, bytes));
        self.heads = kept;
        self.heads.push(head);
        while self.heads.len() > MOST_RESPONSES || self.is_too_large() {
            let oldest = (0..self.heads.len()).min_by_key(|&at| self.heads[at].response_time);
            let Some(oldest) = oldest else { break };
            gone.push(self.heads.remove(oldest));
        }
        self.unnamed(gone)
    }

    /// Takes a response out, whoever updated its head since it was selected. Returns the names of
    /// bodies that nothing names any more.
    pub fn remove(&mut self, outdated: &StoredHead) -> Vec<Box<str>> {
        let identity = |head: &StoredHead| (head.query.clone(), head.variant, head.body.clone());
        let outdated = identity(outdated);
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.heads)
            .into_iter()
            .partition(|stored| identity(stored) == outdated);
        self.heads = kept;
        self.unnamed(gone)
    }

    fn unnamed(&self, gone: Vec<StoredHead>) -> Vec<Box<str>> {
        gone.into_iter()
            .map(|head| head.body)
            .filter(|body| !body.is_empty() && self.heads.iter().all(|head| head.body != *body))
            .collect()
    }

    /// Every stored head.
    pub fn heads(&self) -> &[StoredHead] {
        &self.heads
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    fn is_too_large(&self) -> bool {
        let bytes: usize = self.heads.iter().map(super::encode::size).sum();
        bytes > MOST_BYTES
    }
}

fn is_match(stored: &StoredHead, request: &RequestHead, bytes: &[u8]) -> bool {
    Vary::of(&stored.fields).variant(request, bytes) == Some(stored.variant)
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{head, request};
    use super::*;

    fn stored(target: &str, fields: &str, answer: &str, time: u64) -> (CacheKey, StoredHead) {
        let (request, bytes) = request("GET", target, fields);
        let key = CacheKey::of(&request, &bytes, "http");
        let mut head = head(200, answer, time);
        head.query = key.query().into();
        head.variant = Vary::of(&head.fields).variant(&request, &bytes).unwrap();
        (key, head)
    }

    fn insert(all: &mut StoredResponses, target: &str, fields: &str, answer: &str, time: u64) {
        let (request, bytes) = request("GET", target, fields);
        let (_, head) = stored(target, fields, answer, time);
        all.insert(head, &request, &bytes);
    }

    fn select(all: &StoredResponses, target: &str, fields: &str) -> Result<u64, bool> {
        let (request, bytes) = request("GET", target, fields);
        let key = CacheKey::of(&request, &bytes, "http");
        match all.select(&key, &request, &bytes) {
            Selected::Response(stored) => Ok(stored.response_time),
            Selected::OtherVariant => Err(true),
            Selected::Nothing => Err(false),
        }
    }

    #[test]
    fn variants_and_queries_stand_side_by_side() {
        let mut all = StoredResponses::default();
        insert(&mut all, "/k", "Foo: 1\r\n", "Vary: Foo\r\n", 1);
        insert(&mut all, "/k", "Foo: 2\r\n", "Vary: Foo\r\n", 2);
        insert(&mut all, "/k?v", "", "", 3);
        assert_eq!(select(&all, "/k", "Foo: 1\r\n"), Ok(1));
        assert_eq!(select(&all, "/k", "Foo: 2\r\n"), Ok(2));
        assert_eq!(select(&all, "/k", "Foo: 3\r\n"), Err(true));
        assert_eq!(select(&all, "/k?v", "Foo: 3\r\n"), Ok(3));
        assert_eq!(select(&all, "/k?w", ""), Err(false));
    }

    #[test]
    fn a_response_takes_the_place_of_what_its_request_selects() {
        let mut all = StoredResponses::default();
        insert(&mut all, "/k", "Foo: 1\r\n", "Vary: Foo\r\n", 1);
        insert(&mut all, "/k", "Foo: 1\r\n", "Vary: Foo\r\n", 2);
        assert_eq!(
            (all.heads().len(), select(&all, "/k", "Foo: 1\r\n")),
            (1, Ok(2))
        );
        insert(&mut all, "/k", "Foo: 2\r\n", "", 3);
        assert_eq!(all.heads().len(), 2);
        // The newest of two that match.
        assert_eq!(select(&all, "/k", "Foo: 1\r\n"), Ok(3));
    }

    #[test]
    fn the_oldest_goes_when_there_are_many() {
        let mut all = StoredResponses::default();
        for time in 0..=MOST_RESPONSES as u64 {
            insert(&mut all, &format!("/k?{time}"), "", "", 100 + time);
        }
        assert_eq!(all.heads().len(), MOST_RESPONSES);
        assert_eq!(select(&all, "/k?0", ""), Err(false));
        let wide = format!("X: {}\r\n", "x".repeat(60_000));
        for time in 0..6 {
            insert(&mut all, &format!("/k?wide{time}"), "", &wide, 200 + time);
        }
        assert_eq!(all.heads().len(), 4);
        assert_eq!(select(&all, "/k?wide5", ""), Ok(205));
    }

    #[test]
    fn what_is_removed_is_not_selected_and_its_body_is_named() {
        let mut all = StoredResponses::default();
        let (request, bytes) = request("GET", "/k", "");
        let (_, mut head) = stored("/k", "", "", 1);
        head.body = "one".into();
        assert!(all.insert(head.clone(), &request, &bytes).is_empty());
        // Updated in the meantime: another head, the same body.
        let updated = StoredHead {
            response_time: 2,
            ..head.clone()
        };
        assert!(all.insert(updated, &request, &bytes).is_empty());
        let other = StoredHead {
            body: "two".into(),
            ..head.clone()
        };
        assert_eq!(
            all.insert(other.clone(), &request, &bytes),
            [Box::from("one")]
        );
        assert!(all.remove(&head).is_empty() && !all.is_empty());
        assert_eq!(all.remove(&other), [Box::from("two")]);
        assert!(all.is_empty());
    }
}
