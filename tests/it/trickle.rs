//! Time-outs bound the lack of progress, never a transfer's total time.

use std::time::Duration;

use crate::vocabulary::{Origin, Running, Sidekick, holds_for};

const PAUSE: Duration = Duration::from_millis(300);

/// Everything that waits for a head or for the next request is shorter than a pause.
fn impatient(origin: &Origin) -> Running {
    Sidekick::new()
        .site([origin])
        .option("--header-timeout", "150ms")
        .option("--idle-timeout", "150ms")
        .start()
}

fn pause(origin: &Origin) {
    holds_for(PAUSE, "the backend's connection is open", || {
        origin.open_connections() > 0
    });
}

#[test]
fn answer_may_take_longer_than_any_head_of_a_client() {
    let origin = Origin::by_hand();
    let sidekick = impatient(&origin);
    let mut client = sidekick.client();
    client.send("GET /list HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    pause(&origin);
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    assert_eq!(client.read_response().text(), "ok");
}

#[test]
fn slow_download_is_not_cut() {
    let origin = Origin::by_hand();
    let sidekick = impatient(&origin);
    let mut client = sidekick.client();
    client.send("GET /events HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_head().status(), 200);
    for _ in 0..3 {
        pause(&origin);
        backend.send("1\r\nx\r\n").unwrap();
        assert_eq!(client.connection.chunk().unwrap(), b"x");
    }
    backend.send("0\r\n\r\n").unwrap();
    assert_eq!(client.connection.chunk().unwrap(), b"");
}

#[test]
fn slow_upload_is_not_cut() {
    let origin = Origin::by_hand();
    let sidekick = impatient(&origin);
    let mut client = sidekick.client();
    client.send("PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    for _ in 0..3 {
        pause(&origin);
        client.send("x");
        assert_eq!(backend.exactly(1).unwrap(), b"x");
    }
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(client.read_response().status(), 204);
}
