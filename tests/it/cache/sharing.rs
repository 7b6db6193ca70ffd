//! What one sidekick has filled serves the others, and outlives it.

use super::site::{ALICE, BOB, Reader, Site, status};
use crate::vocabulary::{Bucket, wait_until};

#[test]
fn two_sidekicks_share_a_store() {
    let (site, bucket) = (Site::new(2 << 20), Bucket::new());
    let one = site.cached_in(&bucket);
    let other = site.cached_in(&bucket);
    Reader::new(&one, ALICE).fill("stored", 1);
    let hit = Reader::new(&other, BOB).get();
    assert!(hit.body[..] == site.object()[..]);
    assert_eq!(status(&hit), "sidekick; fwd=stale; fwd-status=304");
    // What one invalidates, the other does not have either.
    assert_eq!(Reader::new(&other, ALICE).put(b"new").status(), 200);
    wait_until("the store forgets", || bucket.names("").is_empty());
    let response = Reader::new(&one, ALICE).get();
    assert_eq!(response.body, b"new");
}

#[test]
fn what_is_stored_outlives_the_process() {
    let (site, bucket) = (Site::new(2 << 20), Bucket::new());
    let first = site.cached_in(&bucket);
    Reader::new(&first, ALICE).fill("stored", 1);
    drop(first);
    let second = site.cached_in(&bucket);
    let hit = Reader::new(&second, ALICE).get();
    assert!(hit.body[..] == site.object()[..]);
    assert_eq!(status(&hit), "sidekick; fwd=stale; fwd-status=304");
}
