//! Connections live as long as both sides want.

#![expect(clippy::disallowed_methods, reason = "time passes")]

use std::thread;
use std::time::Duration;

use crate::vocabulary::{Origin, Sidekick, request, wait_until};

/// Answers with the target it was asked for.
fn naming_the_target() -> Origin {
    Origin::scripted(|connection| {
        connection.body()?;
        let target = connection.request.target();
        let length = target.len();
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{target}"
        ))
    })
}

#[test]
fn hundred_requests_use_one_connection_each_side() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for number in 0..100 {
        let target = format!("/{number}");
        let response = if number % 2 == 0 {
            client.get(&target)
        } else {
            client.put(&target, "x")
        };
        assert_eq!(response.text(), target);
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn backend_connection_outlives_its_client() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    for number in 0..10 {
        assert_eq!(sidekick.get(&format!("/{number}")).status(), 200);
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn fifty_pipelined_requests_are_answered_in_order() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    let mut all = Vec::new();
    for number in 0..50 {
        all.extend(request(
            "PUT",
            &format!("/{number}"),
            &vec![b'x'; number * 100],
        ));
    }
    client.send(all);
    for number in 0..50 {
        assert_eq!(client.read_response().text(), format!("/{number}"));
    }
}

#[test]
fn close_of_the_client_is_honoured_in_any_case() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new().site([&origin]).start();
    for connection in ["close", "Close", "CLOSE", "foo, close"] {
        let mut client = sidekick.client();
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: b\r\nConnection: {connection}\r\n\r\n"
        ));
        let response = client.read_response();
        assert_eq!(
            response.field("Connection").as_deref(),
            Some("close"),
            "{connection}"
        );
        client.expect_eof();
    }
}

#[test]
fn request_behind_a_closing_one_is_not_served() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send(
        "GET /1 HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
    );
    assert_eq!(client.read_response().text(), "/1");
    client.expect_closed();
    assert_eq!(origin.request().head.target(), "/1");
}

#[test]
fn half_closed_client_still_gets_its_answers() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET /1 HTTP/1.1\r\nHost: b\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
    client.connection.finish().unwrap();
    assert_eq!(client.read_response().text(), "/1");
    assert_eq!(client.read_response().text(), "/2");
    client.expect_eof();
}

#[test]
fn idle_backend_connections_that_die_are_noticed() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let mut client = sidekick.client();
    assert_eq!(client.get("/1").text(), "/1");
    wait_until("the origin has let go", || {
        origin.close_connections();
        origin.open_connections() == 0
    });
    assert_eq!(client.get("/2").text(), "/2");
    assert_eq!(origin.connections(), 2);
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
}

#[test]
fn clients_without_a_request_keep_nobody_waiting() {
    let origin = naming_the_target();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let silent: Vec<_> = (0..200).map(|_| sidekick.client()).collect();
    assert_eq!(sidekick.get("/").status(), 200);
    assert_eq!(
        origin.connections(),
        1,
        "a client that says nothing costs no backend connection"
    );
    drop(silent);
}

#[test]
fn backend_connection_is_left_before_the_time_that_the_backend_keeps_it() {
    let origin = Origin::replying(
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=100\r\nContent-Length: 0\r\n\r\n",
    );
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let mut client = sidekick.client();
    for _ in 0..2 {
        assert_eq!(client.get("/").status(), 200);
    }
    assert_eq!(origin.connections(), 1, "a moment later it is used again");
    thread::sleep(Duration::from_millis(700));
    assert_eq!(client.get("/").status(), 200);
    assert_eq!(
        origin.connections(),
        2,
        "half the time is over: not any more"
    );
}
