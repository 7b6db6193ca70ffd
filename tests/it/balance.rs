//! Which backend gets a request, and which site.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::vocabulary::{Health, Origin, Sidekick, holds_for, wait_until};

fn four() -> Vec<Origin> {
    (0..4).map(|_| Origin::saying("ok")).collect()
}

#[test]
fn ten_requests_in_a_row_touch_all_four_idle_backends() {
    let origins = four();
    let sidekick = Sidekick::new().site(&origins).start();
    for _ in 0..10 {
        assert_eq!(sidekick.get("/").status(), 200);
    }
    let counts: Vec<usize> = origins.iter().map(Origin::request_count).collect();
    assert_eq!(counts.iter().sum::<usize>(), 10);
    assert!(counts.iter().all(|count| *count >= 2), "{counts:?}");
}

#[test]
fn one_clients_requests_are_spread_as_well() {
    let origins = four();
    let sidekick = Sidekick::new().site(&origins).start();
    let mut client = sidekick.client();
    for _ in 0..8 {
        assert_eq!(client.get("/").status(), 200);
    }
    let counts: Vec<usize> = origins.iter().map(Origin::request_count).collect();
    assert_eq!(counts, [2, 2, 2, 2]);
}

#[test]
fn least_avoids_the_backend_that_is_busy() {
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let origins = [(); 2].map(|()| {
        let held = held.clone();
        Origin::scripted(move |connection| {
            if connection.request.target() == "/hold" {
                // An error as well: the test has ended.
                let _ = held.lock().expect("unpoisoned").recv();
            }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        })
    });
    let sidekick = Sidekick::new().site(&origins).start();
    let mut waiting = sidekick.client();
    waiting.send("GET /hold HTTP/1.1\r\nHost: b\r\n\r\n");
    wait_until("one backend is busy", || {
        origins.iter().any(|origin| origin.request_count() == 1)
    });
    // One connection: its request is settled before its next one is read.
    let mut client = sidekick.client();
    for _ in 0..6 {
        assert_eq!(client.get("/").status(), 200);
    }
    let mut counts = [origins[0].request_count(), origins[1].request_count()];
    counts.sort_unstable();
    assert_eq!(
        counts,
        [1, 6],
        "one has a request in flight, the other none"
    );
    release.send(()).unwrap();
    assert_eq!(waiting.read_response().status(), 200);
}

#[test]
fn random_and_p2c_use_every_backend() {
    for policy in ["random", "p2c"] {
        let origins = [Origin::saying("a"), Origin::saying("b")];
        let sidekick = Sidekick::new()
            .site(&origins)
            .option("--host-balance", policy)
            .start();
        let mut client = sidekick.client();
        for _ in 0..200 {
            assert_eq!(client.get("/").status(), 200);
        }
        let used = |least| origins.iter().all(|origin| origin.request_count() > least);
        // Twenty of two hundred fair coins: off by more than eleven standard deviations. The other
        // one chooses the faster one, which may be the same one for long.
        assert!(used(if policy == "random" { 20 } else { 0 }), "{policy}");
    }
}

#[test]
fn round_robin_takes_turns() {
    let origins = four();
    let sidekick = Sidekick::new()
        .site(&origins)
        .option("--host-balance", "round-robin")
        .option("--threads", "1")
        .start();
    for _ in 0..8 {
        assert_eq!(sidekick.get("/").status(), 200);
    }
    let counts: Vec<usize> = origins.iter().map(Origin::request_count).collect();
    assert_eq!(counts, [2, 2, 2, 2]);
}

#[test]
fn first_site_that_can_serve_serves() {
    let (first, second) = (Origin::saying("first"), Origin::saying("second"));
    let sidekick = Sidekick::new().site([&first]).site([&second]).start();
    for _ in 0..6 {
        assert_eq!(sidekick.get("/").text(), "first");
    }
    assert_eq!(second.request_count(), 0);
}

#[test]
fn site_two_serves_while_site_one_is_down() {
    let (first, also_first) = (Origin::saying("first"), Origin::saying("first"));
    let second = Origin::saying("second");
    let sidekick = Sidekick::new()
        .site([&first, &also_first])
        .site([&second])
        .health_every("50ms")
        .start();
    first.sick();
    sidekick.wait_until_down(&first);
    assert_eq!(
        sidekick.get("/").text(),
        "first",
        "a site with one backend up serves"
    );
    also_first.answer_health_with(Health::HangUp);
    sidekick.wait_until_down(&also_first);
    assert_eq!(sidekick.get("/").text(), "second");

    also_first.well();
    sidekick.wait_until_up(&also_first);
    assert_eq!(
        sidekick.get("/").text(),
        "first",
        "the earlier site is back"
    );
}

#[test]
fn change_of_site_disturbs_nothing_in_flight() {
    let (first, second) = (Origin::by_hand(), Origin::saying("second"));
    let sidekick = Sidekick::new()
        .site([&first])
        .site([&second])
        .health_every("50ms")
        .start();
    let mut client = sidekick.client();
    client.send("GET /slow HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = first.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        .unwrap();
    let head = client.read_head();

    first.sick();
    sidekick.wait_until_down(&first);
    assert_eq!(sidekick.get("/").text(), "second");
    backend.send(" half").unwrap();
    assert_eq!(head.content_length(), Some(10));
    assert_eq!(client.connection.exactly(10).unwrap(), b"first half");
}

#[test]
fn backend_that_comes_back_is_used_again() {
    let origins = [Origin::saying("a"), Origin::saying("b")];
    let sidekick = Sidekick::new().site(&origins).health_every("50ms").start();
    origins[0].sick();
    sidekick.wait_until_down(&origins[0]);
    let before = origins[0].request_count();
    for _ in 0..4 {
        assert_eq!(sidekick.get("/").text(), "b");
    }
    holds_for(
        Duration::from_millis(100),
        "a backend that is down is left alone",
        || origins[0].request_count() == before,
    );
    origins[0].well();
    sidekick.wait_until_up(&origins[0]);
    // Slow start may give it less than its share, not nothing.
    let served = (0..200).any(|_| sidekick.get("/").text() == "a");
    assert!(served);
}
