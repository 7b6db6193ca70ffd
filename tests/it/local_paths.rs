//! What sidekick answers itself on the data port.

use crate::vocabulary::{Origin, Sidekick};

#[test]
fn health_is_good_while_any_site_can_serve() {
    let (first, second) = (Origin::saying("1"), Origin::saying("2"));
    let sidekick = Sidekick::new()
        .site([&first])
        .site([&second])
        .health_every("50ms")
        .start();
    assert_eq!(sidekick.get("/v1/health").status(), 200);
    first.sick();
    sidekick.wait_until_down(&first);
    assert_eq!(sidekick.get("/v1/health").status(), 200);
    second.sick();
    sidekick.wait_until_down(&second);
    assert_eq!(sidekick.get("/v1/health").status(), 502);
    second.well();
    sidekick.wait_until_up(&second);
    assert_eq!(sidekick.get("/v1/health").status(), 200);
}

#[test]
fn local_paths_never_reach_a_backend() {
    let origin = Origin::saying("backend");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for target in ["/v1/health", "/.prometheus/metrics"] {
        let response = client.get(target);
        assert_eq!(response.status(), 200);
        assert_eq!(response.field("Server").as_deref(), Some("sidekick"));
    }
    assert_eq!(
        client.get("/v1/bucket").text(),
        "backend",
        "the connection serves both"
    );
    assert_eq!(origin.request().head.target(), "/v1/bucket");
}

#[test]
fn neighbours_of_local_paths_are_the_backends() {
    let origin = Origin::saying("backend");
    let sidekick = Sidekick::new().site([&origin]).start();
    for target in [
        "/v1/healthy",
        "/v1/health/",
        "/v1",
        "/.prometheus/metrics/x",
        "/V1/HEALTH",
    ] {
        assert_eq!(sidekick.get(target).text(), "backend", "{target}");
    }
}

#[test]
fn head_of_a_local_path_has_no_body() {
    let origin = Origin::saying("backend");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    let response = client.exchange("HEAD /v1/health HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(response.status(), 200);
    assert_eq!(client.get("/v1/health").status(), 200);
}

#[test]
fn metrics_speak_of_every_backend_of_every_site() {
    let origins = [
        Origin::saying("a"),
        Origin::saying("b"),
        Origin::saying("c"),
    ];
    let sidekick = Sidekick::new()
        .site(&origins[..2])
        .site(&origins[2..])
        .start();
    for origin in &origins {
        for name in [
            "sidekick_requests_total",
            "sidekick_errors_total",
            "sidekick_rx_bytes_total",
            "sidekick_tx_bytes_total",
            "sidekick_health_error_counts",
            "sidekick_requests_in_flight",
            "sidekick_request_duration_seconds_count",
            "sidekick_time_to_first_byte_seconds_count",
        ] {
            assert_eq!(sidekick.metric_of(name, origin).to_string(), "0", "{name}");
        }
        assert_eq!(
            sidekick
                .metric_of("sidekick_backend_up", origin)
                .to_string(),
            "1"
        );
    }
    let response = sidekick.get("/.prometheus/metrics");
    let kind = response.field("Content-Type").expect("a Content-Type");
    assert!(kind.starts_with("text/plain"), "{kind}");
}

#[test]
fn requests_and_bytes_are_counted_for_their_backend() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).start();
    let body = vec![b'x'; 10_000];
    for _ in 0..3 {
        sidekick.client().put("/key", &body);
    }
    assert_eq!(
        sidekick
            .metric_of("sidekick_requests_total", &origin)
            .to_string(),
        "3"
    );
    assert_eq!(
        sidekick
            .metric_of("sidekick_errors_total", &origin)
            .to_string(),
        "0"
    );
    for name in ["sidekick_rx_bytes_total", "sidekick_tx_bytes_total"] {
        let bytes = sidekick.metric_of(name, &origin);
        assert!((30_000.0..33_000.0).contains(&bytes), "{name} {bytes}");
    }
}

#[test]
fn failed_checks_are_counted() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).health_every("50ms").start();
    origin.sick();
    sidekick.wait_until_down(&origin);
    assert!(sidekick.metric_of("sidekick_health_error_counts", &origin) >= 1.0);
}
