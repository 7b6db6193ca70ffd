//! HTTP/1.0 on either side.

use crate::vocabulary::{Origin, Sidekick, request};

#[test]
fn backend_of_old_is_closed_after_its_answer() {
    let origin = Origin::replying_and_closing("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "ok");
        assert_eq!(client.exchange(request("POST", "/", b"x")).text(), "ok");
    }
    assert_eq!(origin.connections(), 6);
}

#[test]
fn backend_of_old_without_keep_alive_is_not_asked_again() {
    // It leaves the connection open, yet it never said that it would read another request.
    let origin = Origin::replying("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    assert_eq!(client.get("/1").text(), "ok");
    assert_eq!(client.get("/2").text(), "ok");
    assert_eq!(origin.connections(), 2);
}

#[test]
fn answers_to_new_clients_are_of_their_version() {
    let origin = Origin::replying_and_closing("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let response = sidekick.get("/");
    assert_eq!(response.head.start_line(), "HTTP/1.1 200 OK");
}

#[test]
fn body_until_close_keeps_a_new_client_in_step() {
    let origin = Origin::replying_and_closing("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    let response = client.get("/");
    assert_eq!(response.text(), "until the end");
    if response.head.is_chunked() {
        assert_eq!(client.get("/").text(), "until the end");
    }
}
