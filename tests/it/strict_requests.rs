//! What two parsers could read two ways is refused (RFC 9112), and no backend ever sees it.

use crate::vocabulary::{Origin, Running, Sidekick, escaped};

/// A GET with these lines behind its Host.
fn with(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: bucket.example\r\n{lines}\r\n").into_bytes()
}

fn framed(lines: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: bucket.example\r\n{lines}\r\n{body}").into_bytes()
}

fn assert_refused(sidekick: &Running, request: &[u8], status: u16) {
    let mut client = sidekick.client();
    client.send(request);
    let response = client.read_response();
    let shown = escaped(&request[..request.len().min(300)]);
    assert_eq!(response.status(), status, "{shown}\ngot {}", response.head);
    assert_eq!(
        response.field("Server").as_deref(),
        Some("sidekick"),
        "{shown}"
    );
    assert_eq!(
        response.field("Connection").as_deref(),
        Some("close"),
        "{shown}"
    );
    client.expect_closed();
}

/// Every one of these is refused with `status`, reaches nobody and harms no backend's name.
fn assert_all_refused(requests: &[Vec<u8>], status: u16) {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    for request in requests {
        assert_refused(&sidekick, request, status);
    }
    assert_eq!(origin.connections(), 0, "{:?}", origin.requests());
    assert_eq!(
        sidekick
            .metric_of("sidekick_errors_total", &origin)
            .to_string(),
        "0"
    );
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
    assert_eq!(sidekick.get("/").status(), 200);
}

#[test]
fn two_framings_are_refused() {
    let chunked = "0\r\n\r\n";
    assert_all_refused(
        &[
            framed(
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                chunked,
            ),
            framed(
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                chunked,
            ),
            framed(
                "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                chunked,
            ),
            framed(
                "content-length: 5\r\nTRANSFER-ENCODING: chunked\r\n",
                chunked,
            ),
        ],
        400,
    );
}

#[test]
fn doubtful_lengths_are_refused() {
    let lengths = [
        "5, 5",
        "5,5",
        "5 5",
        "+5",
        "-5",
        "0x5",
        "5a",
        "a",
        "",
        "5.0",
        "5;",
        "\"5\"",
        "18446744073709551616",
        "99999999999999999999999",
        "\u{665}",
    ];
    let mut requests: Vec<Vec<u8>> = lengths
        .iter()
        .map(|length| framed(&format!("Content-Length: {length}\r\n"), "hello"))
        .collect();
    requests.push(framed(
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "hello",
    ));
    requests.push(framed(
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "hello!",
    ));
    assert_all_refused(&requests, 400);
}

#[test]
fn transfer_codings_other_than_chunked_are_refused() {
    let codings = [
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,",
        ", chunked",
        "chunked;q=1",
        "xchunked",
        "chunkedx",
        "\"chunked\"",
        "chunked chunked",
        "",
    ];
    let mut requests: Vec<Vec<u8>> = codings
        .iter()
        .map(|coding| framed(&format!("Transfer-Encoding: {coding}\r\n"), "0\r\n\r\n"))
        .collect();
    requests.push(framed(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "0\r\n\r\n",
    ));
    requests.push(framed(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "0\r\n\r\n",
    ));
    requests
        .push(b"POST / HTTP/1.0\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into());
    assert_all_refused(&requests, 400);
}

#[test]
fn doubtful_field_lines_are_refused() {
    assert_all_refused(
        &[
            with("X-Space : x\r\n"),
            with("X-Tab\t: x\r\n"),
            with("X-Folded: one\r\n two\r\n"),
            with("X-Folded: one\r\n\ttwo\r\n"),
            with(" X-Leading: x\r\n"),
            with("No-Colon\r\n"),
            with(": no name\r\n"),
            with("Bad Name: x\r\n"),
            with("Bad(Name: x\r\n"),
            with("Bad@Name: x\r\n"),
            with("Bad\"Name: x\r\n"),
            with("B\u{e4}d: x\r\n"),
            b"GET / HTTP/1.1\r\n Host: bucket.example\r\n\r\n".into(),
            b"GET / HTTP/1.1\r\n\tX: y\r\nHost: bucket.example\r\n\r\n".into(),
        ],
        400,
    );
}

#[test]
fn line_ends_other_than_crlf_are_refused() {
    assert_all_refused(
        &[
            b"GET / HTTP/1.1\nHost: bucket.example\n\n".into(),
            b"GET / HTTP/1.1\nHost: bucket.example\r\n\r\n".into(),
            b"GET / HTTP/1.1\r\nHost: bucket.example\n\r\n".into(),
            b"GET / HTTP/1.1\r\nHost: bucket.example\r\n\n".into(),
            with("X-Bare: a\rb\r\n"),
            with("X-Bare: a\nX-Other: b\r\n"),
            with("X-Bare: a\r\r\n"),
            b"GET /\r HTTP/1.1\r\nHost: bucket.example\r\n\r\n".into(),
        ],
        400,
    );
}

#[test]
fn control_characters_are_refused() {
    let controls = (0..0x20)
        .chain([0x7f])
        .filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n'));
    let mut requests = Vec::new();
    for control in controls.map(char::from) {
        requests.push(with(&format!("X-Control: a{control}b\r\n")));
        requests.push(with(&format!("X-{control}: a\r\n")));
        requests.push(format!("GET /{control} HTTP/1.1\r\nHost: b\r\n\r\n").into_bytes());
        requests.push(format!("G{control}T / HTTP/1.1\r\nHost: b\r\n\r\n").into_bytes());
    }
    assert_all_refused(&requests, 400);
}

#[test]
fn request_has_exactly_one_host() {
    assert_all_refused(
        &[
            b"GET / HTTP/1.1\r\n\r\n".into(),
            b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n".into(),
            with("Host: bucket.example\r\n"),
            with("host: other.example\r\n"),
            b"GET http://bucket.example/ HTTP/1.1\r\n\r\n".into(),
        ],
        400,
    );
}

#[test]
fn unknown_versions_are_refused() {
    let versions = [
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/1.10",
        "HTTP/1",
        "HTTP/2.0",
        "HTTP/3",
        "http/1.1",
        "HTTP/11",
        "HTTP/1.1x",
        "HTTP 1.1",
        "HTP/1.1",
        "HTTP/01.1",
        "HTTP/-1.1",
        "",
    ];
    let mut requests: Vec<Vec<u8>> = versions
        .iter()
        .map(|version| format!("GET / {version}\r\nHost: b\r\n\r\n").into_bytes())
        .collect();
    requests.push(b"GET /\r\nHost: b\r\n\r\n".into());
    assert_all_refused(&requests, 400);
}

#[test]
fn doubtful_request_lines_are_refused() {
    assert_all_refused(
        &[
            b"GET /a b HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET /a\tb HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET  / HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET /  HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET\t/ HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET / HTTP/1.1 \r\nHost: b\r\n\r\n".into(),
            b" GET / HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"G(T / HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"G:T / HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET key HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"GET HTTP/1.1\r\nHost: b\r\n\r\n".into(),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".into(),
        ],
        400,
    );
}

#[test]
fn oversized_heads_are_refused() {
    let many = "X-Field: 1\r\n".repeat(256);
    assert_all_refused(
        &[
            with(&format!("X-Long: {}\r\n", "x".repeat(64 * 1024))),
            with(&"X-Kilo: {}\r\n".replace("{}", &"x".repeat(1014)).repeat(65)),
            with(&many),
            format!("GET /{} HTTP/1.1\r\nHost: b\r\n\r\n", "k".repeat(64 * 1024)).into_bytes(),
        ],
        431,
    );
}

#[test]
fn heads_within_the_limits_pass() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let many = "X-Field: 1\r\n".repeat(255);
    let long = format!("X-Long: {}\r\n", "x".repeat(60 * 1024));
    for lines in [many, long] {
        assert_eq!(sidekick.exchange(with(&lines)).status(), 200);
    }
    let requests = origin.requests();
    assert_eq!(requests[0].head.values("X-Field").len(), 255);
    assert_eq!(
        requests[1].head.field("X-Long").map(|value| value.len()),
        Some(60 * 1024)
    );
}

#[test]
fn bad_chunks_never_make_a_whole_request() {
    let bodies = [
        "g\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5;a\0b\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\r\nBad Trailer: x\r\n\r\n",
        "5\r\nhello\r\n0\r\nX : x\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: a\r\n folded\r\n\r\n",
    ];
    let origin = Origin::scripted(|connection| {
        connection.body()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    for body in bodies {
        assert_refused(
            &sidekick,
            &framed("Transfer-Encoding: chunked\r\n", body),
            400,
        );
    }
    let whole: Vec<_> = origin
        .requests()
        .into_iter()
        .filter(|seen| seen.body.is_some())
        .collect();
    assert!(whole.is_empty(), "{whole:?}");
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
    assert_eq!(sidekick.get("/").status(), 200);
}

#[test]
fn tunnels_to_anywhere_are_not_offered() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    let status = client.read_response().status();
    assert!((400..=501).contains(&status), "{status}");
    assert_eq!(origin.connections(), 0);
}
