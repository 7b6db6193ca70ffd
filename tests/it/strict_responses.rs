//! The same rules read backends: a malformed response is 502, and the backend's failure.

use crate::vocabulary::{Origin, Sidekick, escaped};

/// Each of these, as a backend's whole answer, is 502 for the client.
fn assert_all_bad(responses: &[Vec<u8>]) {
    for bytes in responses {
        let shown = escaped(&bytes[..bytes.len().min(300)]);
        let origin = Origin::replying_and_closing(bytes.clone());
        let sidekick = Sidekick::new().site([&origin]).start();
        let response = sidekick.get("/");
        assert_eq!(response.status(), 502, "{shown}");
        assert_eq!(
            response.field("Server").as_deref(),
            Some("sidekick"),
            "{shown}"
        );
        assert_eq!(
            sidekick
                .metric_of("sidekick_errors_total", &origin)
                .to_string(),
            "1",
            "{shown}"
        );
        assert_eq!(origin.request_count(), 1, "{shown}");
    }
}

fn with(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\nhello").into_bytes()
}

#[test]
fn two_framings_are_bad() {
    assert_all_bad(&[
        with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ]);
}

#[test]
fn doubtful_lengths_are_bad() {
    let lengths = [
        "5, 5",
        "+5",
        "-5",
        "0x5",
        "5a",
        "",
        "99999999999999999999999",
    ];
    let mut responses: Vec<Vec<u8>> = lengths
        .iter()
        .map(|length| with(&format!("Content-Length: {length}\r\n")))
        .collect();
    responses.push(with("Content-Length: 5\r\nContent-Length: 5\r\n"));
    responses.push(with("Content-Length: 5\r\nContent-Length: 6\r\n"));
    assert_all_bad(&responses);
}

#[test]
fn transfer_codings_other_than_chunked_are_bad() {
    assert_all_bad(&[
        with("Transfer-Encoding: gzip\r\n"),
        with("Transfer-Encoding: gzip, chunked\r\n"),
        with("Transfer-Encoding: chunked, chunked\r\n"),
        with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        with("Transfer-Encoding: xchunked\r\n"),
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
    ]);
}

#[test]
fn doubtful_field_lines_are_bad() {
    assert_all_bad(&[
        with("X-Space : x\r\n"),
        with("X-Folded: one\r\n two\r\n"),
        with(" X-Leading: x\r\n"),
        with("No-Colon\r\n"),
        with(": no name\r\n"),
        with("Bad Name: x\r\n"),
        with("Bad@Name: x\r\n"),
    ]);
}

#[test]
fn line_ends_other_than_crlf_and_control_characters_are_bad() {
    assert_all_bad(&[
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n".into(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n".into(),
        with("X-Bare: a\rb\r\n"),
        with("X-Bare: a\nX-Other: b\r\n"),
        with("X-Nul: a\0b\r\n"),
        with("X-Control: a\x01b\r\n"),
        with("X-Control: a\x7fb\r\n"),
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n".into(),
    ]);
}

#[test]
fn doubtful_status_lines_are_bad() {
    let lines = [
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 099 Low",
        "HTTP/1.1  200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1200 OK",
        "ICY 200 OK",
        "SSH-2.0-OpenSSH_9.2",
    ];
    let responses: Vec<Vec<u8>> = lines
        .iter()
        .map(|line| format!("{line}\r\nContent-Length: 0\r\n\r\n").into())
        .collect();
    assert_all_bad(&responses);
}

#[test]
fn oversized_heads_are_bad() {
    assert_all_bad(&[
        with(&format!("X-Long: {}\r\n", "x".repeat(64 * 1024))),
        with(&"X-Field: 1\r\n".repeat(257)),
    ]);
}

#[test]
fn switch_of_protocols_that_nobody_asked_for_is_bad() {
    assert_all_bad(&[
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n".into(),
    ]);
}

#[test]
fn bad_chunks_are_a_cut_never_a_clean_end() {
    for body in [
        "5\r\nhello\r\ng\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r\n5\nworld\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\n",
        "5\r\nhello\r\n0\r\nBad Trailer: x\r\n\r\n",
        "5\r\nhello\r\nfffffffffffffffff\r\n",
    ] {
        let origin = Origin::by_hand();
        let sidekick = Sidekick::new().site([&origin]).start();
        let mut client = sidekick.client();
        client.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
        let mut backend = origin.take_connection();
        backend.read_request();
        // The head is on its way before the body goes wrong.
        backend
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        let head = client.read_head();
        assert_eq!(head.status(), 200);
        backend.send(body).unwrap();
        client.read_cut_body(&head);
    }
}

#[test]
fn reason_may_be_empty() {
    let origin = Origin::replying("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
    let sidekick = Sidekick::new().site([&origin]).start();
    assert_eq!(sidekick.get("/").text(), "ok");
}
