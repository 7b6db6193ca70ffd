//! A final answer during an upload reaches the client.

use std::io::Write;
use std::thread;

use crate::vocabulary::{Origin, Sidekick};

const TOO_LARGE: &str =
    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\n<Error/>";

/// Answers before the body and hangs up, as a server does that has had enough.
fn refusing() -> Origin {
    Origin::scripted(|connection| {
        connection.send(TOO_LARGE)?;
        connection.close();
        Ok(())
    })
}

#[test]
fn answer_survives_a_client_that_goes_on_sending() {
    const LENGTH: usize = 16 << 20;
    let origin = refusing();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send(format!(
        "PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: {LENGTH}\r\n\r\n"
    ));
    let mut sender = client.connection.sender();
    let sending = thread::spawn(move || {
        let block = vec![b'x'; 64 * 1024];
        // The other side may stop reading at any time.
        (0..LENGTH / block.len())
            .take_while(|_| sender.write_all(&block).is_ok())
            .count()
    });
    let response = client.read_response();
    assert_eq!(
        (response.status(), response.text().as_str()),
        (413, "<Error/>")
    );
    client.expect_closed();
    sending.join().unwrap();
}

#[test]
fn answer_before_the_body_is_no_failure_of_the_backend() {
    let origin = refusing();
    let sidekick = Sidekick::new().site([&origin]).start();
    for _ in 0..3 {
        let mut client = sidekick.client();
        client.send("PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: 100\r\n\r\nsome");
        assert_eq!(client.read_response().status(), 413);
        client.expect_closed();
    }
    assert_eq!(origin.request_count(), 3);
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
}

#[test]
fn backend_connection_with_half_an_upload_is_not_used_again() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    });
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let mut client = sidekick.client();
    client.send("PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: 100\r\n\r\nsome");
    assert_eq!(client.read_response().status(), 403);
    client.vanish();
    assert_eq!(sidekick.get("/next").status(), 403);
    let requests = origin.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].connection, requests[1].connection);
}
