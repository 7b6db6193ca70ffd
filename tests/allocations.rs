//! What a request costs in allocations: nothing, from the second one of a connection on.
//!
//! A binary of its own, since the counting allocator counts everything in the process. Client and
//! backend are plain threads that allocate nothing while they are measured.

#![expect(clippy::expect_used, reason = "a test says what it expected")]
#![expect(
    clippy::disallowed_methods,
    reason = "the sockets of the two ends, to addresses; nobody says when all is quiet"
)]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use sidekick::app::{self, Outcome, Running, Signals};
use sidekick::config::{self, Config, Invocation};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 100;

/// A request, and what its answer ends with.
struct Exchange {
    head: &'static str,
    /// Bytes of the request's body.
    sent: usize,
    answer: &'static str,
    /// Bytes of the answer's body, that of the chunked one with its framing.
    received: usize,
}

const EXCHANGES: [Exchange; 6] = [
    Exchange {
        head: "GET /small?versionId=1 HTTP/1.1\r\nHost: s3.example\r\nAuthorization: \
            AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y\r\n\
            X-Amz-Date: 20261122T000000Z\r\nAccept: */*\r\n\r\n",
        sent: 0,
        answer: "HTTP/1.1 200 OK\r\nServer: origin\r\nETag: \"abc\"\r\nContent-Length: 12\r\n\r\n",
        received: 12,
    },
    Exchange {
        head: "GET /chunked HTTP/1.1\r\nHost: s3.example\r\n\r\n",
        sent: 0,
        answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        received: CHUNKED.len(),
    },
    Exchange {
        head: "PUT /small HTTP/1.1\r\nHost: s3.example\r\nContent-Length: 5\r\n\r\n",
        sent: 5,
        answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        received: 0,
    },
    Exchange {
        head: "GET /medium HTTP/1.1\r\nHost: s3.example\r\n\r\n",
        sent: 0,
        answer: "HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nContent-Length: 65536\r\n\r\n",
        received: 64 << 10,
    },
    // These two are spliced.
    Exchange {
        head: "GET /large HTTP/1.1\r\nHost: s3.example\r\n\r\n",
        sent: 0,
        answer: "HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nContent-Length: 1000000\r\n\r\n",
        received: BODY.len(),
    },
    Exchange {
        head: "PUT /large HTTP/1.1\r\nHost: s3.example\r\nContent-Length: 1000000\r\n\r\n",
        sent: BODY.len(),
        answer: "HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nContent-Length: 0\r\n\r\n",
        received: 0,
    },
];

const CHUNKED: &[u8] = b"5\r\nhello\r\n0\r\n\r\n";
/// Less than the turn of a transfer: the first that is over makes the runtime's list of those who
/// wait for their next one, once for each worker, and no request says when.
static BODY: [u8; 1_000_000] = [b'x'; 1_000_000];

fn parsed(arguments: &[&str]) -> Config {
    let arguments = arguments.iter().map(OsString::from);
    match config::parse(arguments, &|_| None, &config::read_file).expect("arguments are right") {
        Invocation::Run(config, _) => *config,
        other => panic!("not a run: {other:?}"),
    }
}

/// Answers the requests of [`EXCHANGES`], and checks of its health, on kept-alive connections.
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
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let mut buffer = [0; 16 << 10];
    while let Some((head, more)) = read_head(&mut stream, &mut buffer) {
        // Up to the space behind the target.
        let asked = |exchange: &&Exchange| {
            let mut spaces = exchange.head.match_indices(' ');
            let end = spaces.nth(1).map_or(0, |(at, _)| at);
            buffer[..head].starts_with(&exchange.head.as_bytes()[..=end])
        };
        let exchange = EXCHANGES.iter().find(asked).unwrap_or(&EXCHANGES[2]);
        let sent = if buffer.starts_with(b"PUT") {
            exchange.sent
        } else {
            0
        };
        if read_body(&mut stream, &mut buffer, sent - more).is_none() {
            return;
        }
        let body = match exchange.received {
            chunked if chunked == CHUNKED.len() => CHUNKED,
            length => &BODY[..length],
        };
        if stream
            .write_all(exchange.answer.as_bytes())
            .and_then(|()| stream.write_all(body))
            .is_err()
        {
            return;
        }
    }
}

/// Reads a head; its length, and how many bytes came behind it.
fn read_head(stream: &mut TcpStream, buffer: &mut [u8]) -> Option<(usize, usize)> {
    let mut filled = 0;
    loop {
        let count = stream
            .read(&mut buffer[filled..])
            .ok()
            .filter(|count| *count > 0)?;
        filled += count;
        let mut windows = buffer[..filled].windows(4);
        if let Some(end) = windows.position(|window| window == b"\r\n\r\n") {
            return Some((end + 4, filled - end - 4));
        }
    }
}

fn read_body(stream: &mut TcpStream, buffer: &mut [u8], mut left: usize) -> Option<()> {
    while left > 0 {
        let most = left.min(buffer.len());
        left -= stream
            .read(&mut buffer[..most])
            .ok()
            .filter(|count| *count > 0)?;
    }
    Some(())
}

/// Sends the request and reads the answer to its end.
fn ask(client: &mut TcpStream, exchange: &Exchange, buffer: &mut [u8]) {
    let head = exchange.head.as_bytes();
    client.write_all(head).expect("the request is taken");
    let body = &BODY[..exchange.sent];
    client.write_all(body).expect("the body is taken");
    let (_, more) = read_head(client, buffer).expect("an answer in time");
    assert!(buffer.starts_with(b"HTTP/1.1 200 "));
    read_body(client, buffer, exchange.received - more).expect("a whole answer");
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).expect("it listens");
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out can be set");
    client.set_nodelay(true).expect("TCP_NODELAY");
    client
}

/// Waits for the end of the first check of the backend's health, the only one.
fn wait_until_checked(running: &Running) {
    let started = Instant::now();
    loop {
        let mut client = connect(running.address());
        client
            .write_all(b"GET /.prometheus/metrics HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
            .expect("the request is taken");
        let mut page = String::new();
        client.read_to_string(&mut page).expect("a page");
        let mut lines = page.lines();
        if lines.any(|line| line.starts_with("sidekick_backend_up{") && line.ends_with(" 1")) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{page}");
    }
}

/// Waits until what else there was to be done is done: news of the check, the ends of connections.
fn wait_until_quiet() {
    let busy = || {
        let region = Region::new(ALLOCATOR);
        thread::sleep(Duration::from_millis(50));
        let change = region.change();
        change.allocations + change.deallocations > 0
    };
    while busy() {}
}

#[test]
fn a_kept_alive_connection_allocates_nothing_after_its_first_request() {
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
    wait_until_checked(&running);
    let mut buffer = [0; 16 << 10];
    // The worker's own lists get their room once: of spare buffers, of spare pipes of each size.
    let mut first = connect(running.address());
    for exchange in &EXCHANGES {
        ask(&mut first, exchange, &mut buffer);
    }
    drop(first);
    let mut client = connect(running.address());
    ask(&mut client, &EXCHANGES[0], &mut buffer);
    wait_until_quiet();
    let region = Region::new(ALLOCATOR);
    for _ in 0..ROUNDS {
        for exchange in &EXCHANGES {
            ask(&mut client, exchange, &mut buffer);
        }
    }
    let change = region.change();
    assert_eq!(change.allocations + change.reallocations, 0, "{change:?}");
    drop(client);
    assert_eq!(running.shutdown(), Outcome::Drained);
}
