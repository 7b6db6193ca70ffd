//! A client that speaks HTTP/2 gets what one of HTTP/1.1 gets.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use rustix::process::Signal;

use crate::stall::client;
use crate::vocabulary::{
    Asked, Frames, Http2Client, Origin, PATIENCE, PREFACE, Sidekick, framed, get_block, holds_for,
    http2_request, wait_until,
};

/// Bytes that show where they are missing or doubled.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// Answers GET with these bytes, and everything else with the request's own body.
fn serving(object: &[u8]) -> Origin {
    let object = Bytes::copy_from_slice(object);
    Origin::scripted(move |connection| {
        let sent = connection.body()?;
        let method = connection.request.method();
        let body = if method == "GET" || method == "HEAD" {
            object.clone()
        } else {
            sent.into()
        };
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nServer: origin\r\nETag: \"t\"\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))?;
        if method == "HEAD" {
            return Ok(());
        }
        connection.send(&body)
    })
}

fn request(method: &str, path: &str) -> http::Request<()> {
    http2_request(method, path).body(()).unwrap()
}

#[test]
fn request_and_response_pass_as_they_came() {
    let origin = serving(b"hello");
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    let request = http2_request("GET", "/b//k/../%2f?x=%20&versionId=")
        .header("authorization", "AWS4-HMAC-SHA256 a, b")
        .header("x-amz-date", "today")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("te", "trailers");
    let answer = client.ask(request.body(()).unwrap());
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.field("server"), Some("origin"));
    assert_eq!(answer.field("etag"), Some("\"t\""));
    assert_eq!(answer.field("content-length"), Some("5"));
    assert_eq!(answer.field("x-proxy"), Some("true"));
    assert_eq!(answer.field("connection"), None);

    let head = origin.request().head;
    assert_eq!(
        head.start_line(),
        "GET /b//k/../%2f?x=%20&versionId= HTTP/1.1"
    );
    assert_eq!(head.field("Host").as_deref(), Some("bucket.example"));
    assert_eq!(
        head.field("Authorization").as_deref(),
        Some("AWS4-HMAC-SHA256 a, b")
    );
    assert_eq!(head.field("Cookie").as_deref(), Some("a=1; b=2"));
    assert_eq!(head.field("X-Forwarded-For").as_deref(), Some("127.0.0.1"));
    assert_eq!(head.field("X-Forwarded-Proto").as_deref(), Some("http"));
    assert_eq!(head.field("TE").as_deref(), Some("trailers"));
    assert!(!head.has("Content-Length") && !head.has("Transfer-Encoding"));
}

#[test]
fn head_has_the_fields_and_no_body() {
    let origin = serving(b"hello");
    let sidekick = Sidekick::new().site([&origin]).start();
    let answer = sidekick.http2().ask(request("HEAD", "/k"));
    assert_eq!(answer.field("content-length"), Some("5"));
    assert!(answer.body.is_empty());
}

#[test]
fn upload_has_its_length_or_comes_in_chunks() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    assert_eq!(
        client.put("/known", b"with a length").text(),
        "with a length"
    );
    let mut asked = client.begin(request("POST", "/unknown"), false);
    asked.send(b"without ", false).unwrap();
    asked.send(b"one", false).unwrap();
    asked.send(b"", true).unwrap();
    assert_eq!(asked.answer().text(), "without one");
    let nothing = client.ask(request("PUT", "/nothing"));
    assert_eq!(nothing.status(), 200);

    let requests = origin.requests();
    assert_eq!(requests[0].head.content_length(), Some(13));
    assert!(requests[1].head.is_chunked());
    assert_eq!(requests[2].head.content_length(), Some(0));
    assert!(!requests[2].head.is_chunked());
}

#[test]
fn large_bodies_pass_both_ways_at_once_and_unchanged() {
    const LENGTH: usize = 64 << 20;
    let object = pattern(LENGTH);
    let origin = serving(&object);
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let client = sidekick.http2();
    std::thread::scope(|scope| {
        for way in 0..4 {
            let (client, object) = (&client, &object);
            scope.spawn(move || {
                let body = if way % 2 == 0 {
                    client.begin(request("GET", "/k"), true).head_and_rest()
                } else {
                    let mut asked = client.begin(request("PUT", "/k"), false);
                    let sent = &object[..LENGTH / 4];
                    asked.send(sent, true).unwrap();
                    let echoed = asked.head_and_rest();
                    assert!(echoed == sent, "upload {way}");
                    return;
                };
                assert!(&body == object, "download {way}");
            });
        }
    });
    assert!(
        sidekick.peak_memory() < 64 << 20,
        "{}",
        sidekick.peak_memory()
    );
}

#[test]
fn trailers_pass_both_ways() {
    let origin = Origin::scripted(|connection| {
        connection.body()?;
        connection.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
             5\r\nhello\r\n0\r\nX-Sum: down\r\n\r\n",
        )
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    let mut asked = client.begin(request("PUT", "/k"), false);
    asked.send(b"body", false).unwrap();
    asked.send_trailers(&[("x-sum", "up")]).unwrap();
    let answer = asked.answer();
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.trailers.unwrap()["x-sum"], "down");
    assert_eq!(origin.request().body.unwrap(), b"body");
    assert_eq!(origin.request().trailers, ["x-sum: up"]);
}

#[test]
fn response_until_close_ends_with_it_and_is_reset_when_cut() {
    let origin = Origin::replying_and_closing("HTTP/1.1 200 OK\r\n\r\nall there is");
    let sidekick = Sidekick::new().site([&origin]).start();
    let answer = sidekick.http2().get("/k");
    assert_eq!(answer.text(), "all there is");

    for framing in [
        "",
        "Content-Length: 100\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{framing}\r\n5\r\nhello\r\n");
        let origin = Origin::scripted(move |connection| {
            connection.send(&text)?;
            // The client gets it before the connection breaks.
            connection.some()?;
            connection.reset();
            Ok(())
        });
        let sidekick = Sidekick::new().site([&origin]).start();
        let client = sidekick.http2();
        let mut asked = client.begin(request("PUT", "/k"), false);
        assert_eq!(asked.head().unwrap().status(), 200);
        asked.send(b"x", true).unwrap();
        let cut = asked.rest().unwrap_err();
        assert_eq!(cut.reason(), Some(Reason::INTERNAL_ERROR), "{framing}");
    }
}

#[test]
fn host_must_agree_with_the_authority() {
    let origin = serving(b"hello");
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    let status = |host: &str| {
        let request = http2_request("GET", "/k").header("host", host);
        client.ask(request.body(()).unwrap()).status()
    };
    assert_eq!(status("bucket.example"), 200);
    assert_eq!(status("other.example"), 400);
    assert_eq!(origin.request_count(), 1);

    let mut frames = Frames::connect(sidekick.address());
    let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/k")];
    let block = crate::vocabulary::header_block(&fields);
    frames.frame(1, 5, 1, &block).unwrap();
    assert_eq!(status_of(&mut frames), "400");
    assert_eq!(origin.request_count(), 1);
}

/// The status of the next response: a literal that the library indexes by one byte.
fn status_of(frames: &mut Frames) -> String {
    loop {
        let (kind, _, _, payload) = frames.next().expect("a response");
        if kind == 1 {
            return match payload[0] {
                0x88 => "200".into(),
                0x8c => "400".into(),
                _ => {
                    let text = &payload[2..];
                    format!("{text:02x?}")
                }
            };
        }
    }
}

#[test]
fn fields_of_a_connection_reset_the_stream_and_reach_no_backend() {
    let origin = serving(b"hello");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut frames = Frames::connect(sidekick.address());
    let refused = [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("keep-alive", "timeout=5"),
        ("te", "gzip"),
    ];
    for (stream, field) in (1..).step_by(2).zip(refused) {
        frames
            .frame(1, 5, stream, &get_block("/k", &[field]))
            .unwrap();
        let reset = frames.next_of(3).expect("a reset");
        assert_eq!(reset, [0, 0, 0, 1], "PROTOCOL_ERROR");
    }
    // What is no name or no value breaks the whole connection.
    for field in [("Upper", "case"), ("line", "a\r\nb: c"), ("nul", "\0")] {
        let mut frames = Frames::connect(sidekick.address());
        frames.frame(1, 5, 1, &get_block("/k", &[field])).unwrap();
        assert_eq!(frames.goodbye(), Some(1), "PROTOCOL_ERROR for {field:?}");
    }
    assert_eq!(origin.request_count(), 0);
}

#[test]
fn connect_is_not_implemented() {
    let origin = serving(b"");
    let sidekick = Sidekick::new().site([&origin]).start();
    let connect = http::Request::connect("bucket.example:443")
        .body(())
        .unwrap();
    let answer = sidekick.http2().ask(connect);
    assert_eq!(answer.status(), 501);
    assert_eq!(origin.request_count(), 0);
}

#[test]
fn hundred_continue_comes_from_the_backend() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    let expecting = http2_request("PUT", "/k")
        .header("expect", "100-continue")
        .header("content-length", 4);
    let mut asked = client.begin(expecting.body(()).unwrap(), false);
    let mut backend = origin.take_connection();
    assert_eq!(
        backend.read_request().field("Expect").as_deref(),
        Some("100-continue")
    );
    backend.send("HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    assert_eq!(asked.interim(), Some(100));
    asked.send(b"body", true).unwrap();
    assert_eq!(backend.exactly(4).unwrap(), b"body");
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    assert_eq!(asked.answer().status(), 200);
}

#[test]
fn early_answer_arrives_and_the_upload_is_stopped_without_an_error() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")?;
        connection.close();
        Ok(())
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    let mut asked = client.begin(request("PUT", "/k"), false);
    asked.send(&[b'x'; 1000], false).unwrap();
    let head = asked.head().unwrap();
    assert_eq!(head.status(), 403);
    assert_eq!(asked.rest().unwrap(), b"no");
    assert_eq!(asked.reset_by_server(), Reason::NO_ERROR);
    assert_eq!(client.get("/next").status(), 403);
}

/// A client that finds the reset behind the answer in one read may never look at the answer.
#[test]
fn early_answer_can_be_read_before_the_upload_is_stopped() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")?;
        connection.close();
        Ok(())
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut frames = Frames::connect(sidekick.address());
    let put = [("content-length", "1000")];
    frames.frame(1, 4, 1, &get_block("/k", &put)).unwrap();
    frames.frame(0, 0, 1, b"first").unwrap();
    while frames.next().unwrap().0 != 0 {}
    let answered = Instant::now();
    assert_eq!(frames.next_of(3).unwrap(), [0; 4], "NO_ERROR");
    assert!(answered.elapsed() >= Duration::from_millis(50));
}

#[test]
fn reset_cancels_at_the_backend_at_once() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();

    let mut waiting = client.begin(request("GET", "/waiting"), true);
    let mut backend = origin.take_connection();
    backend.read_request();
    waiting.reset();
    assert!(
        backend.some().unwrap_or_default().is_empty(),
        "it is closed"
    );

    let mut downloading = client.begin(request("GET", "/downloading"), true);
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        .unwrap();
    downloading.head().unwrap();
    downloading.reset();
    assert!(
        backend.some().unwrap_or_default().is_empty(),
        "it is closed"
    );

    let mut uploading = client.begin(request("PUT", "/uploading"), false);
    uploading.send(b"some", false).unwrap();
    let mut backend = origin.take_connection();
    backend.read_request();
    assert_eq!(backend.chunk().unwrap(), b"some");
    uploading.reset();
    assert!(
        backend.some().unwrap_or_default().is_empty(),
        "it is closed"
    );

    assert!(client.is_open());
    assert!(sidekick.metric_of("sidekick_backend_up", &origin) > 0.5);
    wait_until("nothing is in flight", || {
        sidekick.metric_of("sidekick_requests_in_flight", &origin) < 0.5
    });
}

#[test]
fn download_survives_its_backend() {
    let object = pattern(1 << 20);
    let dying = {
        let object = object.clone();
        move |connection: &mut crate::vocabulary::OriginConnection| {
            let head = "HTTP/1.1 200 OK\r\nETag: \"t\"\r\nContent-Length: 1048576\r\n\r\n";
            let range = connection.request.field("Range");
            if let Some(range) = range {
                let first: usize = range["bytes=".len()..]
                    .split('-')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                connection.send(format!(
                    "HTTP/1.1 206 Partial\r\nETag: \"t\"\r\nContent-Length: {}\r\n\
                     Content-Range: bytes {first}-1048575/1048576\r\n\r\n",
                    object.len() - first
                ))?;
                return connection.send(&object[first..]);
            }
            connection.send(head)?;
            connection.send(&object[..300_000])?;
            connection.close();
            Ok(())
        }
    };
    let origins = [Origin::scripted(dying.clone()), Origin::scripted(dying)];
    let sidekick = Sidekick::new().site(&origins).start();
    let answer = sidekick.http2().get("/k");
    assert!(answer.body == object);
}

#[test]
fn slow_backend_lets_no_more_than_the_window_in() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let client = sidekick.http2();
    let mut asked = client.begin(request("PUT", "/k"), false);
    let mut backend = origin.take_connection();
    backend.read_request();
    // The kernel's buffers towards the backend take some as well.
    let block = vec![b'x'; 16 << 10];
    let mut sent = 0;
    while sent < 64 << 20 {
        if asked.room(block.len()) < block.len() {
            let before = sent;
            std::thread::park_timeout(Duration::from_millis(200));
            if asked.room(block.len()) < block.len() && before == sent {
                break;
            }
        }
        asked.send(&block, false).unwrap();
        sent += block.len();
    }
    assert!(sent < 24 << 20, "{sent} bytes were taken");
    assert!(
        sidekick.peak_memory() < 32 << 20,
        "{}",
        sidekick.peak_memory()
    );
    // Others go on meanwhile.
    assert_eq!(client.get("/v1/health").status(), 200);
}

#[test]
fn slow_reader_costs_bounded_memory() {
    let object = vec![b'x'; 64 << 20];
    let origin = serving(&object);
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(64 << 20)
        .initial_connection_window_size(1 << 30);
    let client = Http2Client::connect_with(sidekick.address(), &builder);
    let before = sidekick.peak_memory();
    let mut asked: Vec<Asked> = (0..8)
        .map(|_| client.begin(request("GET", "/k"), true))
        .collect();
    let mut tiny = h2::client::Builder::new();
    tiny.initial_window_size(1);
    let stalled = Http2Client::connect_with(sidekick.address(), &tiny);
    let mut slow: Vec<Asked> = (0..32)
        .map(|_| stalled.begin(request("GET", "/k"), true))
        .collect();
    for asked in &mut slow {
        asked.head().unwrap();
    }
    for asked in &mut asked {
        asked.head().unwrap();
    }
    assert_eq!(stalled.get("/v1/health").status(), 200);
    let grown = sidekick.peak_memory() - before;
    assert!(grown < 24 << 20, "grown by {grown} bytes");
}

#[test]
fn both_versions_share_a_port_and_the_preface_may_come_in_pieces() {
    let origin = serving(b"hello");
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut old = sidekick.client();
    assert_eq!(old.get("/k").text(), "hello");
    // On a connection of HTTP/1.1 the preface is a request line like any other.
    old.send(PREFACE);
    assert_eq!(old.read_response().status(), 400);

    let mut frames = Frames::silent(sidekick.address());
    for byte in PREFACE {
        frames.send(&[*byte]).unwrap();
        std::thread::park_timeout(Duration::from_millis(1));
    }
    frames.send(&framed(4, 0, 0, b"")).unwrap();
    frames.frame(1, 5, 1, &get_block("/k", &[])).unwrap();
    assert_eq!(status_of(&mut frames), "200");
}

#[test]
fn preface_that_stops_is_timed_out() {
    let origin = serving(b"");
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--header-timeout", "300ms")
        .start();
    let mut client = sidekick.client();
    client.send(&PREFACE[..20]);
    assert_eq!(client.read_response().status(), 408);
    client.expect_closed();
}

#[test]
fn local_pages_and_errors_are_the_same() {
    let origin = serving(b"");
    let sidekick = Sidekick::new().site([&origin]).start();
    let client = sidekick.http2();
    assert_eq!(client.get("/v1/health").status(), 200);
    assert!(
        client
            .get("/.prometheus/metrics")
            .text()
            .contains("sidekick_backend_up")
    );
    origin.refuse();
    origin.close_connections();
    let answer = client.get("/b/k&amp");
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.field("content-type"), Some("application/xml"));
    assert_eq!(answer.field("retry-after"), Some("1"));
    assert!(
        answer.text().contains("<Resource>/b/k&amp;amp</Resource>"),
        "{}",
        answer.text()
    );
}

#[test]
fn request_has_its_trace_line() {
    let origin = serving(b"hello");
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--trace", "application")
        .start();
    sidekick.http2().get("/traced?q=1");
    let line = sidekick.stdout_line_where(|line| line.contains("/traced"));
    assert!(
        line.contains("[200 OK]") && line.contains("GET /traced?q=1 127.0.0.1"),
        "{line}"
    );
}

#[test]
fn drain_says_goodbye_and_lets_requests_in_flight_finish() {
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new().site([&origin]).start();
    let idle = sidekick.http2();
    idle.get("/v1/health");
    let client = sidekick.http2();
    let mut asked = client.begin(request("GET", "/k"), true);
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        .unwrap();
    asked.head().unwrap();
    sidekick.signal(Signal::TERM);
    assert_eq!(idle.end(), None);
    wait_until("no stream can be opened", || {
        client.try_begin(request("GET", "/late"), true).is_err()
    });
    assert!(!sidekick.has_exited());
    backend.send(" half").unwrap();
    assert_eq!(asked.rest().unwrap(), b"first half");
    assert_eq!(sidekick.wait_exit().code(), Some(0));
}

#[test]
fn idle_connection_is_told_goodbye_and_a_busy_one_is_not() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--idle-timeout", "300ms")
        .start();
    let idle = sidekick.http2();
    let busy = sidekick.http2();
    let mut asked = busy.begin(request("GET", "/k"), true);
    let mut backend = origin.take_connection();
    backend.read_request();
    assert_eq!(idle.end(), None);
    holds_for(Duration::from_millis(700), "it waits", || busy.is_open());
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    asked.head().unwrap();
    assert_eq!(asked.rest().unwrap(), b"ok");
    assert_eq!(busy.end(), None);
}

#[test]
fn client_that_vanishes_ends_its_requests() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut stream = TcpStream::connect_timeout(&sidekick.address(), PATIENCE).unwrap();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&framed(4, 0, 0, b"")).unwrap();
    stream
        .write_all(&framed(1, 5, 1, &get_block("/k", &[])))
        .unwrap();
    let mut backend = origin.take_connection();
    backend.read_request();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    assert!(
        backend.some().unwrap_or_default().is_empty(),
        "it is closed"
    );
}

#[test]
fn silent_backend_is_a_gateway_timeout_and_a_stalled_download_a_reset() {
    let origin = Origin::by_hand();
    let mut frames = Frames::over(client(&origin));
    frames.greet();
    frames.frame(1, 5, 1, &get_block("/silent", &[])).unwrap();
    let silent = origin.take_connection();
    let body = frames.next_of(0).unwrap();
    assert!(String::from_utf8_lossy(&body).contains("<Code>GatewayTimeout</Code>"));
    drop(silent);

    frames.frame(1, 5, 3, &get_block("/half", &[])).unwrap();
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        .unwrap();
    assert_eq!(frames.next_of(0).unwrap(), b"half");
    assert_eq!(frames.next_of(3).unwrap(), [0, 0, 0, 2], "INTERNAL_ERROR");
}
