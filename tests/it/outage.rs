//! A backend that freezes, and all of them gone for a while: who notices, and for how long.

#![expect(
    clippy::disallowed_methods,
    reason = "what freezes does so for a time; outages last"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::vocabulary::{Health, Origin, Sidekick, wait_until};

/// Answers at once, unless it is frozen: then it keeps all connections and says nothing.
fn freezing(frozen: &Arc<AtomicBool>) -> Origin {
    let frozen = Arc::clone(frozen);
    Origin::scripted(move |connection| {
        let began = Instant::now();
        while frozen.load(Ordering::SeqCst) && began.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(20));
        }
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    })
}

#[test]
fn frozen_backend_delays_only_what_it_had() {
    const CLIENTS: usize = 8;
    const NOTICED: Duration = Duration::from_millis(900);
    let frozen = Arc::new(AtomicBool::new(false));
    let others: Vec<Origin> = (0..3).map(|_| Origin::saying("ok")).collect();
    let victim = freezing(&frozen);
    let sidekick = Sidekick::new()
        .option("--health-timeout", "500ms")
        .site(others.iter().chain([&victim]))
        .start();
    let over = AtomicBool::new(false);
    let slow: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = sidekick.client();
                    let mut slow = 0;
                    while !over.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        assert_eq!(client.get("/").status(), 200);
                        slow += usize::from(began.elapsed() > NOTICED);
                        thread::sleep(Duration::from_millis(2));
                    }
                    slow
                })
            })
            .collect();
        victim.wait_for_requests(10);
        victim.answer_health_with(Health::Silence);
        frozen.store(true, Ordering::SeqCst);
        sidekick.wait_until_down(&victim);
        let had = victim.request_count();
        thread::sleep(Duration::from_millis(1500));
        assert_eq!(victim.request_count(), had, "nobody goes there any more");
        over.store(true, Ordering::Relaxed);
        let slow = clients
            .into_iter()
            .map(|client| client.join().expect("no error"));
        let slow = slow.sum();
        frozen.store(false, Ordering::SeqCst);
        slow
    });
    // Whoever waits there counts as in flight, so the others are preferred.
    assert!(
        (1..=CLIENTS / 2).contains(&slow),
        "{slow} requests were slow"
    );
}

#[test]
fn lot_that_is_down_is_left_alone_and_used_again_within_a_health_interval() {
    const OUTAGE: Duration = Duration::from_secs(3);
    let origins: Vec<Origin> = (0..3).map(|_| Origin::saying("ok")).collect();
    let sidekick = Sidekick::new()
        .option("--threads", "1")
        .health_every("1s")
        .site(&origins)
        .start();
    let sum = |metric: &str| -> u64 {
        let each = origins
            .iter()
            .map(|origin| sidekick.metric_of(metric, origin) as u64);
        each.sum()
    };
    let mut client = sidekick.client();
    for origin in &origins {
        origin.refuse();
        origin.close_connections();
    }
    let is_down = |origin: &Origin| sidekick.metric_of("sidekick_backend_up", origin) < 0.5;
    wait_until("all are down", || {
        assert_eq!(client.get("/").status(), 502);
        origins.iter().all(is_down) && sum("sidekick_health_error_counts") >= 3
    });
    let retries = sum("sidekick_retries_total");
    assert!(retries <= 3 + 10, "{retries} retries in all");
    let attempts = sum("sidekick_connect_errors_total");
    let began = Instant::now();
    while began.elapsed() < OUTAGE {
        assert_eq!(client.get("/").status(), 502);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        sum("sidekick_connect_errors_total"),
        attempts,
        "nobody asks who is down"
    );
    for origin in &origins {
        origin.listen_again();
    }
    let began = Instant::now();
    wait_until("it serves again", || client.get("/").status() == 200);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "back after {took:?}");
}
