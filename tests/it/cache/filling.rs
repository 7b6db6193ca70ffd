//! The store is filled while a client reads, once, whole or not at all, and never at the client's
//! expense.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::site::{ALICE, Reader, Site, signed_by, status, wait_for_fills};
use crate::vocabulary::{Bucket, Client, Running, Sidekick, Trouble};

const LARGE: usize = 24 << 20;
/// What may wait for the store at any time.
const SMALL: usize = 900_000;

#[test]
fn many_readers_of_a_cold_object_cause_one_write() {
    let (site, bucket) = (Site::new(4 << 20), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let response = Reader::new(&sidekick, ALICE).get();
                assert!(response.body[..] == site.object()[..]);
            });
        }
    });
    wait_for_fills(&sidekick, "stored", 1);
    assert_eq!(bucket.count("PUT", "/body-"), 1);
    assert_eq!(bucket.count("PUT", "/head"), 1);
}

/// The store takes nothing while the client has long had everything; what it was too slow for comes
/// from a backend afterwards.
#[test]
fn a_store_that_lags_costs_the_client_nothing_and_gets_the_object_all_the_same() {
    let (site, bucket) = (Site::new(LARGE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    bucket.be(Some(Trouble::HeldPut));
    let mut alice = Reader::new(&sidekick, ALICE);
    let response = alice.get();
    assert!(response.body[..] == site.object()[..]);
    bucket.be(None);
    wait_for_fills(&sidekick, "stored", 1);
    let rest = site.last_request();
    let range = rest.field("Range").expect("the rest is asked for");
    assert!(range.ends_with(&format!("-{}", LARGE - 1)), "{range}");
    assert_eq!(rest.values("If-Match"), ["\"v1\""]);
    assert_eq!(site.origin.request_count(), 2);
    let stored = alice.get();
    assert!(stored.body[..] == site.object()[..]);
    assert_eq!(status(&stored), "sidekick; fwd=stale; fwd-status=304");
    let held = bucket.count("PUT", "/body-");
    assert_eq!(held, 1, "in one upload");
}

#[test]
fn the_rest_of_another_version_is_not_taken() {
    let (site, bucket) = (Site::new(LARGE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    bucket.be(Some(Trouble::HeldPut));
    let mut client = begin_to_read(&sidekick);
    let old = site.object();
    // Nobody fetches anything before the client has everything.
    site.change();
    let body = client.connection.exactly(LARGE).expect("it comes whole");
    assert!(body[..] == old[..]);
    bucket.be(None);
    wait_for_fills(&sidekick, "lagging", 1);
    assert_eq!(bucket.names("").len(), 0);
    assert!(Reader::new(&sidekick, ALICE).get().body[..] == site.object()[..]);
}

fn begin_to_read(sidekick: &Running) -> Client {
    let mut client = sidekick.client();
    client.send(format!(
        "GET /b/k HTTP/1.1\r\nHost: s3.example\r\n{}\r\n",
        signed_by(ALICE)
    ));
    assert_eq!(client.read_head().status(), 200);
    client
}

/// A client that has read so many bytes resets its connection, with nothing on its way.
fn leave_after(read: usize, site: &Site, bucket: &Bucket) -> Running {
    site.served().hold = Some(read);
    let sidekick = site.cached_in(bucket);
    let mut client = begin_to_read(&sidekick);
    client.connection.exactly(read).expect("so much comes");
    client.connection.reset_on_close().expect("it is open");
    drop(client);
    sidekick
}

#[test]
fn a_client_that_leaves_late_does_not_take_the_fill_along() {
    let (site, bucket) = (Site::new(SMALL), Bucket::new());
    let sidekick = leave_after(SMALL * 2 / 3, &site, &bucket);
    wait_for_fills(&sidekick, "stored", 1);
    let range = site.last_request().field("Range");
    let rest = format!("bytes={}-{}", SMALL * 2 / 3, SMALL - 1);
    assert_eq!(range, Some(rest));
    let stored = Reader::new(&sidekick, ALICE).get();
    assert!(stored.body[..] == site.object()[..]);
    assert_eq!(status(&stored), "sidekick; fwd=stale; fwd-status=304");
}

#[test]
fn a_client_that_leaves_early_leaves_nothing_behind() {
    let (site, bucket) = (Site::new(SMALL), Bucket::new());
    let sidekick = leave_after(SMALL / 3, &site, &bucket);
    wait_for_fills(&sidekick, "incomplete", 1);
    assert!(bucket.names("").is_empty());
    assert_eq!(site.origin.request_count(), 1);
}

#[test]
fn a_body_that_is_cut_is_stored_when_it_went_on() {
    let (site, other, bucket) = (Site::new(LARGE), Site::new(LARGE), Bucket::new());
    site.served().cut = Some(LARGE / 3);
    other.served().cut = Some(LARGE / 3);
    let both = Sidekick::new().site([&site.origin, &other.origin]);
    let sidekick = bucket.behind(both).start();
    let mut alice = Reader::new(&sidekick, ALICE);
    let response = alice.fill("stored", 1);
    assert!(response.body[..] == site.object()[..]);
    let stored = alice.get();
    assert!(stored.body[..] == site.object()[..]);
    assert_eq!(status(&stored), "sidekick; fwd=stale; fwd-status=304");
}

#[test]
fn a_store_that_refuses_is_left_alone_for_a_while() {
    let (site, bucket) = (Site::new(2 << 20), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    bucket.be(Some(Trouble::ReadOnly));
    let mut alice = Reader::new(&sidekick, ALICE);
    assert!(alice.fill("failed", 1).body[..] == site.object()[..]);
    let line = sidekick.stdout_line_where(|line| line.contains("takes no objects"));
    assert!(line.contains("the store refuses with 403"), "{line}");
    for _ in 0..5 {
        let response = alice.get();
        assert!(response.body[..] == site.object()[..]);
        assert_eq!(status(&response), "sidekick; fwd=uri-miss");
    }
    assert_eq!(bucket.count("PUT", ""), 1);
    let errors = sidekick.metric(
        "sidekick_cache_store_errors_total",
        &[("operation", "fill")],
    );
    assert_eq!(errors, Some(1.0));
}

#[test]
fn a_drain_lets_the_last_fill_end() {
    let (site, bucket) = (Site::new(2 << 20), Bucket::new());
    let mut sidekick = site.cached_in(&bucket);
    bucket.be(Some(Trouble::SlowPut(Duration::from_millis(300))));
    Reader::new(&sidekick, ALICE).get();
    sidekick.signal(Signal::TERM);
    assert_eq!(sidekick.wait_exit().code(), Some(0));
    assert_eq!(bucket.names("/head").len(), 1);
}
