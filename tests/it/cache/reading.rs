//! What is stored is served again: after the backend has let this reader in, or because it said
//! that anybody may.

use std::sync::Arc;
use std::thread;

use super::site::{ALICE, BOB, Reader, Site, signed_by, status, wait_for_fills};
use crate::vocabulary::{Bucket, Certificates, http2_request, wait_until};

const SIZE: usize = 3 << 20;

#[test]
fn a_signed_reader_gets_the_stored_object_after_the_backend_said_304() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    let first = alice.fill("stored", 1);
    assert!(first.body[..] == site.object()[..]);
    assert_eq!(status(&first), "sidekick; fwd=uri-miss; stored");
    let second = alice.get();
    assert!(second.body[..] == site.object()[..]);
    assert_eq!(second.status(), 200);
    assert_eq!(status(&second), "sidekick; fwd=stale; fwd-status=304");
    let asked = site.last_request();
    assert_eq!(asked.values("If-None-Match"), ["\"v1\""]);
    assert_eq!(asked.values("Authorization").len(), 1);
    // Somebody else who may read.
    let other = Reader::new(&sidekick, BOB).get();
    assert!(other.body[..] == site.object()[..]);
    assert_eq!(status(&other), "sidekick; fwd=stale; fwd-status=304");
    assert_eq!(bucket.count("PUT", "/body-"), 1);
}

#[test]
fn a_fresh_response_for_everybody_is_served_with_nobody_asked() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=60\r\n");
    let sidekick = site.cached_in(&bucket);
    Reader::new(&sidekick, ALICE).fill("stored", 1);
    let asked = site.origin.request_count();
    let hit = Reader::anonymous(&sidekick).get();
    assert!(hit.body[..] == site.object()[..]);
    assert!(status(&hit).starts_with("sidekick; hit; ttl="));
    assert!(hit.head.field("Age").is_some());
    assert_eq!(site.origin.request_count(), asked);
    let served = sidekick.metric("sidekick_cache_served_bytes_total", &[]);
    assert_eq!(served, Some(SIZE as f64));
    let line = sidekick.stdout_line_where(|line| line.contains("cache HIT"));
    assert!(line.contains(&bucket.origin.url()), "{line}");
}

#[test]
fn ranges_heads_and_conditions_are_answered_from_the_whole() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    let object = site.object();
    for (asked, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1000000-2000000", 1_000_000, 2_000_001),
        ("bytes=3145000-", 3_145_000, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
    ] {
        let part = alice.ask("GET", "/b/k", &format!("Range: {asked}\r\n"));
        assert_eq!(part.status(), 206, "{asked}");
        assert!(part.body[..] == object[from..to], "{asked}");
        let range = format!("bytes {from}-{}/{SIZE}", to - 1);
        assert_eq!(part.head.values("Content-Range"), [range]);
        assert_eq!(status(&part), "sidekick; fwd=stale; fwd-status=304");
    }
    let head = alice.ask("HEAD", "/b/k", "");
    assert_eq!((head.status(), head.body.len()), (200, 0));
    assert_eq!(head.head.content_length(), Some(SIZE));
    let same = alice.ask("GET", "/b/k", "If-None-Match: \"v1\"\r\n");
    assert_eq!((same.status(), same.body.len()), (304, 0));
    let other = alice.ask("GET", "/b/k", "If-None-Match: \"v0\"\r\n");
    assert_eq!(other.status(), 200);
    assert!(other.body[..] == object[..]);
    assert_eq!(status(&other), "sidekick; fwd=stale; fwd-status=304");
}

#[test]
fn a_presigned_url_finds_what_a_header_stored() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    Reader::new(&sidekick, ALICE).fill("stored", 1);
    let target = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=BOB%2F20261125%2Fr%2Fs3\
                  &X-Amz-Date=20261125T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
                  &X-Amz-Signature=00";
    let response = Reader::anonymous(&sidekick).ask("GET", target, "");
    assert!(response.body[..] == site.object()[..]);
    assert_eq!(status(&response), "sidekick; fwd=stale; fwd-status=304");
}

#[test]
fn chunked_bodies_of_a_known_end_are_stored_without_their_framing() {
    let (site, bucket) = (Site::new(5000), Bucket::new());
    site.served().is_chunked = true;
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    assert!(alice.fill("stored", 1).body[..] == site.object()[..]);
    let stored = alice.get();
    assert_eq!(stored.head.content_length(), Some(5000));
    assert!(stored.body[..] == site.object()[..]);
    assert_eq!(status(&stored), "sidekick; fwd=stale; fwd-status=304");
}

/// What an old client gets has no framing any more, and may look like some.
#[test]
fn a_body_that_was_decoded_for_its_client_is_not_decoded_again() {
    let (site, bucket) = (Site::new(0), Bucket::new());
    let object: Arc<[u8]> = (*b"3\r\nabc\r\n0\r\n\r\nmore").into();
    site.served().object = Some(Arc::clone(&object));
    site.served().is_chunked = true;
    let sidekick = site.cached_in(&bucket);
    let old = sidekick.exchange(format!(
        "GET /b/k HTTP/1.0\r\nHost: s3.example\r\n{}\r\n",
        signed_by(ALICE)
    ));
    assert!(old.body[..] == object[..]);
    assert_eq!(status(&old), "sidekick; fwd=uri-miss");
    let mut alice = Reader::new(&sidekick, ALICE);
    assert!(alice.fill("stored", 1).body[..] == object[..]);
    assert!(alice.get().body[..] == object[..]);
}

#[test]
fn a_store_by_tls_is_trusted_as_backends_are() {
    let (site, bucket) = (Site::new(SIZE), Bucket::secured());
    let certificates = Certificates::new();
    let sidekick = bucket.behind(site.sidekick()).trusting(&certificates);
    let sidekick = sidekick.start();
    let mut alice = Reader::new(&sidekick, ALICE);
    assert!(alice.fill("stored", 1).body[..] == site.object()[..]);
    let stored = alice.get();
    assert!(stored.body[..] == site.object()[..]);
    assert_eq!(status(&stored), "sidekick; fwd=stale; fwd-status=304");
}

#[test]
fn a_store_that_nobody_vouches_for_is_not_used() {
    let (site, bucket) = (Site::new(SIZE), Bucket::secured());
    let sidekick = bucket.behind(site.sidekick()).start();
    let line = sidekick.stdout_line_where(|line| line.contains("is not used"));
    assert!(line.contains(&bucket.origin.url()), "{line}");
    assert!(line.contains("certificate"), "{line}");
    let response = Reader::new(&sidekick, ALICE).get();
    assert!(response.body[..] == site.object()[..]);
    assert_eq!(status(&response), "sidekick; fwd=bypass");
}

#[test]
fn empty_objects_need_no_body_in_the_store() {
    let (site, bucket) = (Site::new(0), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    assert_eq!(alice.fill("stored", 1).body.len(), 0);
    let stored = alice.get();
    assert_eq!(status(&stored), "sidekick; fwd=stale; fwd-status=304");
    assert_eq!(bucket.names("/body-").len(), 0);
}

#[test]
fn bodies_below_the_minimum_are_left_alone() {
    let (site, bucket) = (Site::new(99_999), Bucket::new());
    let sidekick = bucket
        .behind(site.sidekick())
        .environment("SIDEKICK_CACHE_MIN_SIZE", "100000")
        .start();
    let mut alice = Reader::new(&sidekick, ALICE);
    for _ in 0..2 {
        assert_eq!(status(&alice.get()), "sidekick; fwd=uri-miss");
    }
    assert_eq!(bucket.names("").len(), 0);
}

#[test]
fn the_memory_of_the_process_is_a_store_too() {
    let site = Site::new(SIZE);
    let sidekick = site
        .sidekick()
        .environment("SIDEKICK_CACHE_ENDPOINT", "memory:64MiB")
        .start();
    let mut alice = Reader::new(&sidekick, ALICE);
    assert!(alice.fill("stored", 1).body[..] == site.object()[..]);
    let whole = alice.get();
    assert!(whole.body[..] == site.object()[..]);
    assert_eq!(status(&whole), "sidekick; fwd=stale; fwd-status=304");
    let part = alice.ask("GET", "/b/k", "Range: bytes=5-9\r\n");
    assert!(part.body[..] == site.object()[5..10]);
    assert_eq!(status(&part), "sidekick; fwd=stale; fwd-status=304");
}

#[test]
fn nothing_says_anything_of_a_cache_that_is_off() {
    let site = Site::new(100);
    let sidekick = site.sidekick().start();
    let response = Reader::new(&sidekick, ALICE).get();
    assert_eq!(status(&response), "");
    assert!(!sidekick.metrics().contains("sidekick_cache"));
}

#[test]
fn one_who_wants_nobody_asked_is_told_so() {
    let (site, bucket) = (Site::new(100), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let only = "Cache-Control: only-if-cached\r\n";
    let response = Reader::new(&sidekick, ALICE).ask("GET", "/b/k", only);
    assert_eq!(response.status(), 504);
    assert_eq!(site.origin.request_count(), 0);
}

#[test]
fn a_stale_response_stands_in_for_a_backend_that_is_gone_if_it_says_so() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=0, stale-if-error=600\r\n");
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    site.origin.refuse();
    site.origin.reset_connections();
    let stale = alice.get();
    assert_eq!(stale.status(), 200);
    assert!(stale.body[..] == site.object()[..]);
    assert!(status(&stale).starts_with("sidekick; hit; ttl="));
}

#[test]
fn a_reader_by_tls_gets_the_same() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=60\r\n");
    let certificates = Certificates::new();
    let sidekick = bucket
        .behind(site.sidekick())
        .listening_by(&certificates)
        .start();
    let mut alice = Reader::new(&sidekick, ALICE);
    assert!(alice.fill("stored", 1).body[..] == site.object()[..]);
    let hit = alice.get();
    assert!(hit.body[..] == site.object()[..]);
    assert!(status(&hit).starts_with("sidekick; hit"));
}

#[test]
fn readers_by_http2_fill_the_store_and_are_served_from_it() {
    for is_chunked in [false, true] {
        let (site, bucket) = (Site::new(300_000), Bucket::new());
        site.served().is_chunked = is_chunked;
        let sidekick = site.cached_in(&bucket);
        let client = sidekick.http2();
        let get = || {
            let asked = http2_request("GET", "/b/k").header("authorization", "Bearer ALICE");
            client.ask(asked.body(()).expect("a request"))
        };
        let first = get();
        assert!(first.body[..] == site.object()[..]);
        assert_eq!(
            first.field("cache-status"),
            Some("sidekick; fwd=uri-miss; stored")
        );
        wait_for_fills(&sidekick, "stored", 1);
        let second = get();
        assert_eq!(second.status(), 200);
        assert!(second.body[..] == site.object()[..]);
        let status = second.field("cache-status");
        assert_eq!(status, Some("sidekick; fwd=stale; fwd-status=304"));
    }
}

#[test]
fn a_response_stored_in_the_middle_of_others_is_whole() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut alice = Reader::new(&sidekick, ALICE);
                for _ in 0..5 {
                    assert!(alice.get().body[..] == site.object()[..]);
                }
            });
        }
    });
    wait_for_fills(&sidekick, "stored", 1);
    wait_until("one body is stored", || bucket.names("/body-").len() == 1);
}
