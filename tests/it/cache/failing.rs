//! Whatever the store does, the client gets the right bytes, and soon.

use std::time::{Duration, Instant};

use super::site::{ALICE, Reader, Site, status};
use crate::vocabulary::{Bucket, Trouble, wait_until};

const LARGE: usize = 16 << 20;

#[test]
fn a_body_that_breaks_off_in_the_store_goes_on_from_the_backend() {
    // The object of heads is smaller than any of these.
    for cut in [1000, 20_000, LARGE / 2, LARGE - 1] {
        let (site, bucket) = (Site::new(LARGE), Bucket::new());
        let sidekick = site.cached_in(&bucket);
        let mut alice = Reader::new(&sidekick, ALICE);
        alice.fill("stored", 1);
        bucket.be(Some(Trouble::CutGet(cut)));
        let response = alice.get();
        assert_eq!(response.status(), 200, "{cut}");
        assert_eq!(status(&response), "sidekick; fwd=stale; fwd-status=304");
        assert!(response.body[..] == site.object()[..], "{cut}");
        let part = alice.ask("GET", "/b/k", "Range: bytes=1000000-\r\n");
        assert_eq!(part.status(), 206, "{cut}");
        assert_eq!(status(&part), "sidekick; fwd=stale; fwd-status=304");
        assert!(part.body[..] == site.object()[1_000_000..], "{cut}");
        bucket.be(None);
        assert!(alice.get().body[..] == site.object()[..]);
    }
}

#[test]
fn a_store_that_stands_still_in_the_middle_is_left() {
    let (site, bucket) = (Site::new(LARGE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    bucket.be(Some(Trouble::StuckGet(LARGE / 2)));
    let began = Instant::now();
    let response = alice.get();
    assert!(response.body[..] == site.object()[..]);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    // What came from the backend was not served from the store.
    let served = sidekick.metric("sidekick_cache_served_bytes_total", &[]);
    let served = served.expect("the cache is on") as usize;
    assert!(served <= LARGE / 2 && served > LARGE / 4, "{served}");
    let rest = site.last_request();
    assert!(
        rest.field("Range")
            .is_some_and(|range| range.starts_with("bytes="))
    );
    // It is not asked again before a check has passed.
    assert_eq!(status(&alice.get()), "sidekick; fwd=bypass");
    bucket.be(None);
    wait_until("the store is used again", || {
        status(&alice.get()) == "sidekick; fwd=stale; fwd-status=304"
    });
}

#[test]
fn a_store_that_does_not_answer_is_not_waited_for() {
    let (site, bucket) = (Site::new(100_000), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    bucket.be(Some(Trouble::Frozen));
    let began = Instant::now();
    for _ in 0..20 {
        assert!(alice.get().body[..] == site.object()[..]);
    }
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    bucket.be(None);
    wait_until("the store is used again", || {
        status(&alice.get()) == "sidekick; fwd=stale; fwd-status=304"
    });
}

#[test]
fn a_store_that_is_gone_is_missed_by_nobody() {
    let (site, bucket) = (Site::new(100_000), Bucket::new());
    bucket.origin.refuse();
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    for _ in 0..3 {
        assert!(alice.get().body[..] == site.object()[..]);
    }
    wait_until("it is told", || {
        sidekick.metric("sidekick_cache_store_up", &[]) == Some(0.0)
    });
    assert_eq!(status(&alice.get()), "sidekick; fwd=bypass");
    let line = sidekick.stdout_line_where(|line| line.contains("is not used"));
    assert!(line.contains(&bucket.origin.url()), "{line}");
    bucket.origin.listen_again();
    wait_until("it is used", || status(&alice.get()).ends_with("stored"));
    let line = sidekick.stdout_line_where(|line| line.contains("is up"));
    assert!(line.contains(&bucket.origin.url()), "{line}");
}

#[test]
fn what_is_missing_or_broken_in_the_store_is_a_miss() {
    type Damage = fn(&Bucket);
    let damages: [(&str, Damage); 4] = [
        ("no body", |bucket| bucket.remove("/body-")),
        ("no head", |bucket| bucket.remove("/head")),
        ("a short body", |bucket| bucket.replace("/body-", b"short")),
        ("a head of noise", |bucket| {
            bucket.replace("/head", b"\x7fnoise");
        }),
    ];
    for (what, damage) in damages {
        let (site, bucket) = (Site::new(100_000), Bucket::new());
        let sidekick = site.cached_in(&bucket);
        let mut alice = Reader::new(&sidekick, ALICE);
        alice.fill("stored", 1);
        damage(&bucket);
        let response = alice.get();
        assert_eq!(response.status(), 200, "{what}");
        assert!(response.body[..] == site.object()[..], "{what}");
        wait_until(&format!("it is stored again after {what}"), || {
            let response = alice.get();
            assert!(response.body[..] == site.object()[..], "{what}");
            status(&response) == "sidekick; fwd=stale; fwd-status=304"
        });
    }
}

/// It cannot be taken away, so nobody here believes it any more.
#[test]
fn what_could_not_be_invalidated_is_not_served() {
    let (site, bucket) = (Site::new(100_000), Bucket::new());
    site.say("Cache-Control: public, max-age=600\r\n");
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.fill("stored", 1);
    bucket.be(Some(Trouble::Frozen));
    let new = super::site::bytes_of(5, 100_000);
    assert_eq!(alice.put(&new).status(), 200);
    assert!(alice.get().body[..] == new[..]);
    bucket.be(None);
    wait_until("the store is used again", || {
        let response = alice.get();
        assert!(response.body[..] == new[..]);
        status(&response).starts_with("sidekick; hit")
    });
}
