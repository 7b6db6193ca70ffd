//! Bodies end where their framing says (RFC 9112 §6), and what was cut short looks cut short.

use std::time::Duration;

use crate::vocabulary::{End, Origin, Sidekick, chunked_request, holds_for, request, wait_until};

/// Around the sizes where buffers end.
const SIZES: [usize; 10] = [
    0, 1, 2, 4095, 16_384, 65_535, 65_536, 65_537, 262_144, 1_000_003,
];

fn body_of(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

#[test]
fn bodies_of_any_size_pass_by_length() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for size in SIZES {
        let body = body_of(size);
        assert!(
            client.exchange(request("POST", "/key", &body)).body == body,
            "{size} bytes"
        );
    }
}

#[test]
fn bodies_of_any_size_pass_in_chunks() {
    let origin = Origin::scripted(|connection| {
        let body = connection.body()?;
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for chunk in body.chunks(10_007) {
            connection.send(format!("{:X}\r\n", chunk.len()))?;
            connection.send(chunk)?;
            connection.send("\r\n")?;
        }
        connection.send("0\r\n\r\n")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for size in SIZES {
        let body = body_of(size);
        let response = client.exchange(chunked_request("POST", "/key", &body, 9001));
        assert!(response.body == body, "{size} bytes");
    }
}

#[test]
fn request_sent_byte_by_byte_is_the_same_request() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for byte in chunked_request("PUT", "/key", b"hello, world", 5) {
        client.send([byte]);
    }
    assert_eq!(client.read_response().text(), "hello, world");
}

#[test]
fn body_until_close_arrives_whole() {
    let reply = [
        &b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n"[..],
        &body_of(300_000),
    ]
    .concat();
    let origin = Origin::replying_and_closing(reply);
    let sidekick = Sidekick::new().site([&origin]).start();
    let response = sidekick.get("/");
    assert!(response.body == body_of(300_000));
    assert_eq!(response.field("Content-Type").as_deref(), Some("a/b"));
}

#[test]
fn reset_in_a_body_until_close_is_a_cut() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    backend.send("HTTP/1.1 200 OK\r\n\r\nsome").unwrap();
    let head = client.read_head();
    backend.reset_on_close().unwrap();
    drop(backend);
    client.read_cut_body(&head);
}

#[test]
fn cut_body_is_cut_for_old_clients_too() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")?;
        connection.close();
        Ok(())
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET / HTTP/1.0\r\nHost: b\r\n\r\n");
    client.read_head();
    let (_, end) = client.connection.rest().unwrap();
    assert_eq!(
        end,
        End::Reset,
        "without framing only a reset says that the body is not whole"
    );
}

#[test]
fn upload_cut_by_the_client_is_cut_for_the_backend() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let uploads = [
        "PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\nhello",
        "PUT /key HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ];
    for upload in uploads {
        for vanishes in [false, true] {
            let mut client = sidekick.client();
            client.send(upload);
            let mut backend = origin.take_connection();
            let head = backend.read_request();
            let begun = if head.is_chunked() {
                backend.chunk()
            } else {
                backend.exactly(5)
            };
            assert_eq!(begun.unwrap(), b"hello");
            if vanishes {
                client.vanish();
            } else {
                client.connection.finish().unwrap();
            }
            let (rest, _) = backend.rest().expect("the backend's connection ends");
            assert!(rest.is_empty(), "nothing makes the body whole");
        }
    }
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
}

#[test]
fn client_that_goes_away_takes_its_request_with_it() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET /slow HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    client.vanish();
    backend
        .rest()
        .expect("the backend is told by the end of its connection");

    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
    wait_until("the request is settled", || {
        sidekick.metric_of("sidekick_requests_in_flight", &origin) < 1.0
    });
    holds_for(
        Duration::from_millis(100),
        "the request is not sent again",
        || origin.request_count() == 1,
    );
}
