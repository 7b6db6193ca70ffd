//! A connection that cannot be made costs the client nothing.

use std::time::{Duration, Instant};

use crate::vocabulary::{Origin, PATIENCE, Sidekick, chunked_request, request};

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"];

/// Two backends, one of which stops listening after both were up.
fn half_dead() -> (Origin, Origin, crate::vocabulary::Running) {
    let (dead, live) = (Origin::echo(), Origin::echo());
    let sidekick = Sidekick::new().site([&dead, &live]).start();
    dead.refuse();
    (dead, live, sidekick)
}

#[test]
fn refused_connection_is_tried_elsewhere_whatever_the_method() {
    for method in METHODS {
        let (dead, live, sidekick) = half_dead();
        for number in 0..2 {
            let response = sidekick.exchange(request(method, "/key", b"<held/>"));
            assert_eq!(response.status(), 200, "{method} {number}");
        }
        assert_eq!(
            (dead.request_count(), live.request_count()),
            (0, 2),
            "{method}"
        );
        assert!(
            live.requests()
                .iter()
                .all(|request| request.body.as_deref() == Some(b"<held/>"))
        );
    }
}

#[test]
fn body_of_64_kib_is_held_for_the_second_backend() {
    let (_dead, live, sidekick) = half_dead();
    let body = vec![b'x'; 64 * 1024];
    for _ in 0..2 {
        let mut client = sidekick.client();
        assert!(client.exchange(request("POST", "/key", &body)).body == body);
        assert!(
            client
                .exchange(chunked_request("POST", "/key", &body, 1000))
                .body
                == body
        );
    }
    assert_eq!(live.request_count(), 4);
}

#[test]
fn large_upload_is_not_begun_before_there_is_a_connection() {
    let (_dead, live, sidekick) = half_dead();
    let body = vec![b'x'; 4 << 20];
    for _ in 0..2 {
        assert!(
            sidekick
                .client()
                .exchange(request("POST", "/key", &body))
                .body
                == body
        );
    }
    assert_eq!(live.request_count(), 2);
}

#[test]
fn connection_never_made_is_given_up_on_in_time() {
    let (hole, live) = (Origin::saying("hole"), Origin::saying("live"));
    let sidekick = Sidekick::new()
        .site([&hole, &live])
        .option("--connect-timeout", "200ms")
        .start();
    hole.close_connections();
    hole.black_hole();
    let started = Instant::now();
    for _ in 0..2 {
        let response = sidekick.exchange(request("POST", "/", b"x"));
        assert_eq!(response.text(), "live");
    }
    assert!(
        started.elapsed() < PATIENCE / 2,
        "took {:?}",
        started.elapsed()
    );
}

#[test]
fn refusing_backend_is_out_of_rotation_at_once() {
    let (dead, live) = (Origin::saying("dead"), Origin::saying("live"));
    let sidekick = Sidekick::new().site([&dead, &live]).start();
    dead.refuse();
    for _ in 0..4 {
        assert_eq!(sidekick.get("/").text(), "live");
    }
    let failures = sidekick.metric_of("sidekick_connect_errors_total", &dead);
    assert!(
        (1.0..=2.0).contains(&failures),
        "{failures} connects to a backend known to be dead"
    );
}

#[test]
fn next_site_serves_when_all_of_the_first_refuse() {
    let (first, second) = (Origin::saying("first"), Origin::saying("second"));
    let sidekick = Sidekick::new().site([&first]).site([&second]).start();
    first.refuse();
    assert_eq!(
        sidekick.exchange(request("POST", "/", b"x")).text(),
        "second"
    );
}

#[test]
fn backend_that_listens_again_is_used_again() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).health_every("50ms").start();
    origin.refuse();
    origin.close_connections();
    assert_eq!(sidekick.get("/").status(), 502);
    sidekick.wait_until_down(&origin);
    origin.listen_again();
    sidekick.wait_until_up(&origin);
    assert_eq!(sidekick.get("/").status(), 200);
}

#[test]
fn every_backend_dead_is_an_error_soon() {
    let origins: Vec<Origin> = (0..3).map(|_| Origin::saying("ok")).collect();
    let sidekick = Sidekick::new().site(&origins).start();
    origins.iter().for_each(Origin::refuse);
    let started = Instant::now();
    assert_eq!(sidekick.get("/").status(), 502);
    assert_eq!(sidekick.get("/").status(), 502);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "took {:?}",
        started.elapsed()
    );
}
