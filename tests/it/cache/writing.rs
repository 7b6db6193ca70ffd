//! What changes is not served as it was.

use std::sync::Arc;
use std::time::Duration;

use super::site::{ALICE, MALLORY, Reader, Site, bytes_of, fills, status, wait_for_fills};
use crate::vocabulary::{Bucket, Trouble, holds_for, wait_until};

const SIZE: usize = 300_000;

#[test]
fn a_put_takes_the_stored_version_away() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=600\r\n");
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    assert!(status(&alice.get()).starts_with("sidekick; hit"));
    let new = bytes_of(9, SIZE);
    assert_eq!(alice.put(&new).status(), 200);
    // At once, for anybody.
    let response = Reader::new(&sidekick, ALICE).get();
    assert!(response.body[..] == new[..]);
    wait_for_fills(&sidekick, "stored", 2);
    let hit = alice.get();
    assert!(hit.body[..] == new[..] && status(&hit).starts_with("sidekick; hit"));
    wait_until("the old body is gone", || bucket.names("/body-").len() == 1);
}

#[test]
fn a_delete_takes_it_away_and_a_refused_one_does_not() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=600\r\n");
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    let mut mallory = Reader::new(&sidekick, MALLORY);
    assert_eq!(mallory.ask("DELETE", "/b/k", "").status(), 403);
    assert!(status(&alice.get()).starts_with("sidekick; hit"));
    assert_eq!(alice.ask("DELETE", "/b/k", "").status(), 204);
    assert_eq!(alice.get().status(), 404);
    wait_until("nothing is stored", || bucket.names("").is_empty());
}

#[test]
fn a_change_behind_our_back_is_seen_by_the_next_reader() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    site.change();
    let changed = alice.fill("stored", 2);
    assert!(changed.body[..] == site.object()[..]);
    assert_eq!(status(&changed), "sidekick; fwd=stale; stored");
    let again = alice.get();
    assert!(again.body[..] == site.object()[..]);
    assert_eq!(status(&again), "sidekick; fwd=stale; fwd-status=304");
    wait_until("the old body is gone", || bucket.names("/body-").len() == 1);
    site.served().object = None;
    assert_eq!(alice.get().status(), 404);
    wait_until("nothing is stored", || bucket.names("").is_empty());
    let evictions = sidekick.metric("sidekick_cache_evictions_total", &[]);
    assert_eq!(evictions, Some(2.0));
}

/// The answer to a GET that began before a PUT must not be stored after it.
#[test]
fn a_fill_that_is_older_than_a_put_is_not_committed() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=600\r\n");
    let sidekick = site.cached_in(&bucket);
    bucket.be(Some(Trouble::SlowPut(Duration::from_millis(600))));
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.get();
    let new: Arc<[u8]> = bytes_of(7, SIZE);
    assert_eq!(alice.put(&new).status(), 200);
    bucket.be(None);
    wait_for_fills(&sidekick, "incomplete", 1);
    assert!(alice.get().body[..] == new[..]);
    wait_until("no body is left of it", || {
        bucket.names("/body-").len() as u64 == fills(&sidekick, "stored")
    });
    holds_for(Duration::from_millis(200), "it is the new one", || {
        alice.get().body[..] == new[..]
    });
}
