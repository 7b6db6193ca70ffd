//! 1xx answers come from the backend, when it says so, and no sooner.

use std::io::ErrorKind;
use std::time::Duration;

use crate::vocabulary::{Origin, PATIENCE, Sidekick, request};

const EXPECTING: &str =
    "PUT /key HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

#[test]
fn continue_is_never_said_for_the_backend() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send(EXPECTING);
    let mut backend = origin.take_connection();
    backend.read_request();

    client.connection.give_up_after(Duration::from_millis(300));
    let early = client.connection.head().expect_err("nobody has said 100");
    assert_eq!(early.kind(), ErrorKind::TimedOut, "{early}");

    client.connection.give_up_after(PATIENCE);
    backend.send("HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    assert_eq!(client.read_response().status(), 100);
    client.send("hello");
    assert_eq!(backend.body().unwrap(), b"hello");
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().status(), 200);
}

#[test]
fn client_that_does_not_wait_is_served_as_well() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        connection.body()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send(EXPECTING).send("hello");
    assert_eq!(client.read_response().status(), 100);
    assert_eq!(client.read_response().status(), 200);
    assert_eq!(origin.request().body.as_deref(), Some(&b"hello"[..]));
}

#[test]
fn refused_body_is_never_sent_to_the_backend() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send(EXPECTING);
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().status(), 403);
    client.vanish();

    let (bytes, _) = backend
        .rest()
        .expect("a connection with half a request is not kept");
    assert!(bytes.is_empty());
}

#[test]
fn continue_unasked_for_does_no_harm() {
    let origin = Origin::scripted(|connection| {
        connection.body()?;
        connection
            .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    let mut response = client.send(request("PUT", "/", b"x")).read_response();
    if response.status() == 100 {
        response = client.read_response();
    }
    assert_eq!((response.status(), response.text().as_str()), (200, "ok"));
    assert_eq!(
        sidekick
            .metric_of("sidekick_errors_total", &origin)
            .to_string(),
        "0"
    );
}
