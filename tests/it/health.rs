//! Who is up: active checks, and what requests teach.

use std::net::IpAddr;
use std::time::Duration;

use crate::vocabulary::{Health, Origin, Sidekick, holds_for, request, wait_until};

#[test]
fn only_200_is_up() {
    for status in [201, 204, 206, 302, 400, 401, 403, 404, 500, 503] {
        let origin = Origin::saying("ok");
        let sidekick = Sidekick::new().site([&origin]).health_every("50ms").start();
        origin.answer_health_with(Health::Status(status));
        sidekick.wait_until_down(&origin);
        origin.well();
        sidekick.wait_until_up(&origin);
    }
}

#[test]
fn backend_without_a_good_check_gets_no_request() {
    let (well, sick) = (Origin::saying("well"), Origin::saying("sick"));
    sick.sick();
    let sidekick = Sidekick::new().site([&well, &sick]).start_cold();
    sidekick.wait_until_up(&well);
    for _ in 0..6 {
        assert_eq!(sidekick.get("/").text(), "well");
    }
    assert_eq!(sick.request_count(), 0);
}

#[test]
fn check_that_is_never_answered_is_down() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .health_every("50ms")
        .option("--health-timeout", "100ms")
        .start();
    origin.answer_health_with(Health::Silence);
    sidekick.wait_until_down(&origin);
    origin.well();
    sidekick.wait_until_up(&origin);
}

#[test]
fn answer_without_end_is_not_read_to_the_end() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).health_every("50ms").start();
    origin.answer_health_with(Health::Endless);
    let before = origin.health_checks().len();
    // Each further check means that the one before was given up on, long before its time-out.
    wait_until("three more checks", || {
        origin.health_checks().len() > before + 3
    });
    assert!(sidekick.peak_memory() < 256 << 20);
}

#[test]
fn refused_check_is_down() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).health_every("50ms").start();
    origin.refuse();
    origin.close_connections();
    sidekick.wait_until_down(&origin);
    origin.listen_again();
    sidekick.wait_until_up(&origin);
}

#[test]
fn check_is_a_get_of_the_path_as_given() {
    for (given, asked) in [
        (
            "/minio/health/live?maintenance=true",
            "/minio/health/live?maintenance=true",
        ),
        ("minio/health", "/minio/health"),
        ("/a%20b//c", "/a%20b//c"),
    ] {
        let path = asked.split('?').next().unwrap_or_default();
        let origin = Origin::saying("ok").checked_at(path);
        let _sidekick = Sidekick::new()
            .site([&origin])
            .option("--health-path", given)
            .start();
        let check = origin.health_checks().remove(0);
        assert_eq!(
            (check.method().as_str(), check.target().as_str()),
            ("GET", asked)
        );
        assert_eq!(check.field("Host"), Some(origin.address().to_string()));
    }
}

#[test]
fn last_site_may_be_asked_for_reads_only() {
    let (first, last) = (
        Origin::saying("1"),
        Origin::saying("2").checked_at("/health/read"),
    );
    let _sidekick = Sidekick::new()
        .site([&first])
        .site([&last])
        .option("--read-health-path", "/health/read")
        .start();
    assert!(
        first
            .health_checks()
            .iter()
            .all(|check| check.target() == "/health")
    );
    assert!(
        last.health_checks()
            .iter()
            .all(|check| check.target() == "/health/read")
    );
}

#[test]
fn checks_may_have_a_port_of_their_own() {
    let (origin, checked) = (Origin::saying("data"), Origin::saying("checks"));
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--health-port", checked.port().to_string())
        .health_every("50ms")
        .start();
    assert!(origin.health_checks().is_empty());
    assert_eq!(sidekick.get("/").text(), "data");
    checked.sick();
    sidekick.wait_until_down(&origin);
}

#[test]
fn checks_and_requests_never_share_a_connection() {
    let origin = Origin::scripted(|connection| {
        connection.body()?;
        let served = connection.served.to_string();
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{served}",
            served.len()
        ))
    });
    let sidekick = Sidekick::new()
        .site([&origin])
        .health_every("20ms")
        .option("--threads", "1")
        .start();
    let mut client = sidekick.client();
    for number in 1..=20 {
        assert_eq!(client.get("/").text(), number.to_string());
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn optimistic_checks_stop_once_all_is_well() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .health_every("30ms")
        .flag("--health-optimistic")
        .start();
    let checks = origin.health_checks().len();
    holds_for(
        Duration::from_millis(400),
        "no check of a backend that is up",
        || origin.health_checks().len() <= checks + 1,
    );
    origin.refuse();
    origin.close_connections();
    assert_eq!(sidekick.get("/").status(), 502);
    origin.listen_again();
    wait_until("it is checked again, and used", || {
        sidekick.get("/").status() == 200
    });
}

#[test]
fn client_errors_and_busy_answers_are_not_the_backends_death() {
    for status in [400, 403, 404, 411, 429, 503] {
        let origin = Origin::replying(format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n"));
        let sidekick = Sidekick::new().site([&origin]).start();
        for _ in 0..12 {
            assert_eq!(sidekick.get("/").status(), status);
        }
        assert_eq!(
            sidekick
                .metric_of("sidekick_backend_up", &origin)
                .to_string(),
            "1"
        );
        assert_eq!(origin.request_count(), 12);
    }
}

#[test]
fn clients_that_go_away_are_not_the_backends_death() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    for number in 0..6 {
        let mut client = sidekick.client();
        client.send(request("PUT", "/key", b"hello"));
        let mut backend = origin.take_connection();
        backend.read_request();
        if number % 2 == 0 {
            backend
                .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
                .unwrap();
            client.read_head();
        }
        client.vanish();
        backend.rest().map(drop).unwrap_or_default();
    }
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
}

#[test]
fn malformed_answer_takes_the_backend_out_at_once() {
    let bad = Origin::replying_and_closing("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n");
    let good = Origin::saying("good");
    let sidekick = Sidekick::new().site([&bad, &good]).start();
    // A failed request has the backend checked at once, and a good check brings it back.
    bad.sick();
    for _ in 0..8 {
        sidekick.get("/");
    }
    assert_eq!(bad.request_count(), 1);
}

#[test]
fn five_server_errors_in_a_row_take_a_backend_out() {
    for status in [500, 502, 504] {
        let reply = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        let (bad, good) = (Origin::replying(reply), Origin::saying("good"));
        let sidekick = Sidekick::new().site([&bad, &good]).flag("--log").start();
        bad.sick();
        let mut client = sidekick.client();
        for _ in 0..20 {
            client.get("/");
        }
        assert_eq!(bad.request_count(), 5);
        assert_eq!(good.request_count(), 15);
        let reason = format!("5 server errors in a row: {status}");
        sidekick.stdout_line_where(|line| line.contains(&reason));
    }
}

#[test]
fn busy_answers_never_take_a_backend_out() {
    let reply = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n";
    let (busy, good) = (Origin::replying(reply), Origin::saying("good"));
    let sidekick = Sidekick::new().site([&busy, &good]).start();
    let mut client = sidekick.client();
    for _ in 0..20 {
        client.get("/");
    }
    assert_eq!((busy.request_count(), good.request_count()), (10, 10));
}

#[test]
fn server_errors_never_take_out_more_than_half_of_a_site() {
    let reply = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    for (backends, stay) in [(1, 1), (3, 2), (4, 2)] {
        let origins: Vec<Origin> = (0..backends).map(|_| Origin::replying(reply)).collect();
        let sidekick = Sidekick::new().site(&origins).start();
        origins.iter().for_each(Origin::sick);
        let mut client = sidekick.client();
        for _ in 0..10 * backends {
            assert_eq!(client.get("/").status(), 500);
        }
        let up = origins
            .iter()
            .filter(|origin| sidekick.metric_of("sidekick_backend_up", origin) > 0.5);
        assert_eq!(up.count(), stay, "of {backends}");
    }
}

#[test]
fn backend_that_returns_gets_a_share_that_grows() {
    let origins = [Origin::saying("stayed"), Origin::saying("returns")];
    let sidekick = Sidekick::new().site(&origins).health_every("50ms").start();
    origins[1].sick();
    sidekick.wait_until_down(&origins[1]);
    // Its ramp will be as long as this.
    holds_for(Duration::from_secs(2), "it is left alone", || {
        sidekick.get("/").text() == "stayed"
    });
    origins[1].well();
    sidekick.wait_until_up(&origins[1]);
    let mut client = sidekick.client();
    let mut returned = |requests: usize| {
        let texts = (0..requests).map(|_| client.get("/").text());
        texts.filter(|text| text == "returns").count()
    };
    // About four of forty; half of them would be its share without a ramp.
    let early = returned(40);
    assert!(early < 15, "{early}");
    wait_until("both have the same share", || returned(20) == 10);
}

#[test]
fn names_are_looked_up_in_the_hosts_file() {
    let Ok(origin) = Origin::scripted_at(IpAddr::from([127, 0, 0, 1]), 0, |connection| {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }) else {
        panic!("loopback has a free port");
    };
    let url = format!("http://localhost:{}", origin.port());
    let sidekick = Sidekick::new()
        .argument(&url)
        .health_every("50ms")
        .start_cold();
    wait_until("localhost is up", || {
        sidekick.get("/v1/health").status() == 200
    });
    assert_eq!(sidekick.get("/").text(), "ok");
    assert_eq!(
        origin.request().head.field("Host").as_deref(),
        Some("bucket.example")
    );
}
