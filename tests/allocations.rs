//! What a request costs in allocations: nothing, from the second one of a connection on.
//!
//! A binary of its own, since the counting allocator counts everything in the process. Client and
//! backend are plain threads that allocate nothing while they are measured.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use sidekick::app::{self, Outcome, Signals};
use sidekick::config::{self, Config, Invocation};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const GET: &[u8] = b"GET /bucket/key?versionId=1 HTTP/1.1\r\nHost: s3.example\r\nAuthorization: \
    AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y\r\nX-Amz-Date: 20261122T000000Z\
    \r\nAccept: */*\r\n\r\n";
const PUT: &[u8] =
    b"PUT /bucket/key HTTP/1.1\r\nHost: s3.example\r\nContent-Length: 5\r\n\r\nhello";
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: origin\r\nETag: \"abc\"\r\nContent-Length: 12\r\n\r\nhello, world";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

fn parsed(arguments: &[&str]) -> Config {
    let arguments = arguments.iter().map(OsString::from);
    match config::parse(arguments, &|_| None, &config::read_file).expect("arguments are right") {
        Invocation::Run(config, _) => *config,
        other => panic!("not a run: {other:?}"),
    }
}

/// Answers each request, told by its blank line and five bytes more for a PUT, on kept-alive
/// connections. Every other answer is chunked.
#[expect(
    clippy::disallowed_methods,
    reason = "the origin's own socket, an address"
)]
fn origin() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    let mut chunked = false;
    while let Ok(count @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += count;
        let head = buffer[..filled]
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        let Some(head) = head else { continue };
        let body = if buffer.starts_with(b"PUT") { 5 } else { 0 };
        if filled < head + 4 + body {
            continue;
        }
        filled = 0;
        chunked = !chunked;
        if stream
            .write_all(if chunked { CHUNKED } else { ANSWER })
            .is_err()
        {
            return;
        }
    }
}

/// Sends `request` and reads the answer to its end.
fn ask(client: &mut TcpStream, request: &[u8], buffer: &mut [u8]) {
    client.write_all(request).expect("the request is taken");
    let mut filled = 0;
    loop {
        filled += client
            .read(&mut buffer[filled..])
            .expect("an answer in time");
        let answer = &buffer[..filled];
        if answer.ends_with(b"hello, world") || answer.ends_with(b"0\r\n\r\n") {
            assert!(answer.starts_with(b"HTTP/1.1 200 "));
            return;
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the client's own socket, to an address"
)]
fn a_kept_alive_connection_allocates_nothing_after_its_first_requests() {
    let site = format!("http://{}", origin());
    let config = parsed(&[
        "--address",
        "127.0.0.1:0",
        "--quiet",
        "--threads",
        "1",
        "--health-duration",
        "1h",
        &site,
    ]);
    let running = app::start(config, None, Signals::Ignored).expect("it starts");
    let mut client = TcpStream::connect(running.address()).expect("it listens");
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out can be set");
    let mut buffer = [0; 4096];
    // The first ones warm up: the connection to the origin, the buffers, the first check's end.
    for _ in 0..200 {
        ask(&mut client, GET, &mut buffer);
        ask(&mut client, PUT, &mut buffer);
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..500 {
        ask(&mut client, GET, &mut buffer);
        ask(&mut client, PUT, &mut buffer);
    }
    let change = region.change();
    assert_eq!(change.allocations + change.reallocations, 0, "{change:?}");
    drop(client);
    assert_eq!(running.shutdown(), Outcome::Drained);
}
