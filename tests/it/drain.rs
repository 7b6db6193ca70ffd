//! The end: requests in flight finish, the exit code says whether all did.

use std::net::TcpStream;
use std::time::Instant;

use rustix::process::Signal;

use crate::vocabulary::{
    Client, Origin, OriginConnection, PATIENCE, Running, Sidekick, wait_until,
};

/// A download of 10 bytes, half of which has arrived.
fn download(sidekick: &Running, origin: &Origin) -> (Client, OriginConnection) {
    let mut client = sidekick.client();
    client.send("GET /slow HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        .unwrap();
    client.read_head();
    assert_eq!(client.connection.exactly(5).unwrap(), b"first");
    (client, backend)
}

fn wait_until_refused(sidekick: &Running) {
    wait_until("connecting is refused", || {
        TcpStream::connect_timeout(&sidekick.address(), PATIENCE).is_err()
    });
}

#[test]
fn process_without_a_request_ends_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let origin = Origin::saying("ok");
        let mut sidekick = Sidekick::new().site([&origin]).start();
        sidekick.get("/");
        sidekick.signal(signal);
        assert_eq!(sidekick.wait_exit().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn download_in_flight_completes() {
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new().site([&origin]).start();
    let (mut client, mut backend) = download(&sidekick, &origin);
    sidekick.signal(Signal::TERM);
    wait_until_refused(&sidekick);
    assert!(!sidekick.has_exited(), "a request is in flight");

    backend.send(" half").unwrap();
    assert_eq!(client.connection.exactly(5).unwrap(), b" half");
    client.expect_eof();
    assert_eq!(sidekick.wait_exit().code(), Some(0));
}

#[test]
fn upload_in_flight_completes() {
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\nfirst");
    let mut backend = origin.take_connection();
    backend.read_request();
    assert_eq!(backend.exactly(5).unwrap(), b"first");
    sidekick.signal(Signal::TERM);
    wait_until_refused(&sidekick);

    client.send(" half");
    assert_eq!(backend.exactly(5).unwrap(), b" half");
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    let response = client.read_response();
    assert_eq!(response.text(), "ok");
    assert_eq!(response.field("Connection").as_deref(), Some("close"));
    client.expect_eof();
    assert_eq!(sidekick.wait_exit().code(), Some(0));
}

#[test]
fn idle_connections_close_at_once() {
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new().site([&origin]).start();
    let (mut busy, mut backend) = download(&sidekick, &origin);
    let mut unused = sidekick.client();
    let mut idle = sidekick.client();
    assert_eq!(idle.get("/v1/health").status(), 200);

    sidekick.signal(Signal::TERM);
    idle.expect_eof();
    unused.expect_eof();
    assert!(!sidekick.has_exited());
    backend.send(" half").unwrap();
    assert_eq!(busy.connection.exactly(5).unwrap(), b" half");
    assert_eq!(sidekick.wait_exit().code(), Some(0));
}

#[test]
fn deadline_cuts_what_does_not_finish() {
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new()
        .site([&origin])
        .option("--shutdown-timeout", "300ms")
        .start();
    let (mut client, _backend) = download(&sidekick, &origin);
    sidekick.signal(Signal::TERM);
    client.expect_closed();
    assert_eq!(sidekick.wait_exit().code(), Some(1));
}

#[test]
fn second_signal_ends_at_once() {
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new()
        .site([&origin])
        .option("--shutdown-timeout", "1h")
        .start();
    let (_client, _backend) = download(&sidekick, &origin);
    sidekick.signal(Signal::TERM);
    wait_until_refused(&sidekick);
    assert!(!sidekick.has_exited());
    let started = Instant::now();
    sidekick.signal(Signal::TERM);
    assert!(!sidekick.wait_exit().success(), "a download was cut");
    assert!(started.elapsed() < PATIENCE / 2);
}

#[test]
fn client_that_will_not_read_does_not_outlive_the_deadline() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")?;
        let block = vec![b'x'; 1 << 20];
        (0..256).try_for_each(|_| connection.send(&block))
    });
    let mut sidekick = Sidekick::new()
        .site([&origin])
        .option("--shutdown-timeout", "300ms")
        .start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    client.read_head();
    sidekick.signal(Signal::TERM);
    assert_eq!(sidekick.wait_exit().code(), Some(1));
}
