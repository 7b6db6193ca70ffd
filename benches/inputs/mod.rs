//! What is measured, and on what: the same for time and for instructions.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sidekick::balance::{Accept, Candidates, Load, LoadTable, Peers, Picker, Policy, Standing};
use sidekick::http::{
    ChunkScanner, ClientSide, Forwarded, Method, Parsed, RequestHead, ResponseHead, Version,
    write_request, write_response,
};

/// A request as curl sends it.
pub(crate) const SMALL_REQUEST: &[u8] = b"GET /bucket/key HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\
    User-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";

/// A request as an S3 client in an application sends it.
pub(crate) const SIGNED_REQUEST: &[u8] = b"GET /warehouse/db/table/part-00017-5d2c.snappy.parquet?versionId=\
    3HL4kqtJvjVBH40Nrjfkd HTTP/1.1\r\nHost: s3.example:9000\r\nAccept-Encoding: identity\r\n\
    amz-sdk-invocation-id: 8c4b0d5e-52a1-4c0f-9f3f-6d4f1f1f1b11\r\n\
    amz-sdk-request: attempt=1; max=4\r\nUser-Agent: aws-sdk-java/2.25.1 Linux/6.1 OpenJDK/17 \
    spark/3.5.1 hadoop/3.3.6 cfg/retry-mode/standard\r\n\
    x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n\
    X-Amz-Date: 20260122T120000Z\r\nX-Amz-Security-Token: FwoGZXIvYXdzEJr//////////wEaDKx1\r\n\
    x-amz-checksum-mode: ENABLED\r\nRange: bytes=4194304-8388607\r\n\
    Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260122/us-east-1/s3/aws4_request, \
    SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;host;range;x-amz-content-sha256;x-amz-date, \
    Signature=4f1c2b7f0f9f4d1f8d6f0a7f3c5f2e1d0b9a8f7e6d5c4b3a29181706f5e4d3c2\r\n\
    Connection: Keep-Alive\r\n\r\n";

/// A response as an S3 server sends it.
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\n\
    Content-Length: 4194304\r\nContent-Range: bytes 4194304-8388607/134217728\r\n\
    Content-Type: application/octet-stream\r\nETag: \"9b2cf535f27731c974343645a3985328-16\"\r\n\
    Last-Modified: Thu, 22 Jan 2026 11:58:12 GMT\r\nServer: MinIO\r\n\
    Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n\
    Vary: Origin\r\nVary: Accept-Encoding\r\nX-Amz-Id-2: dd9025bab4ad464b049177c95eb6ebf374d3b3fd\r\n\
    X-Amz-Request-Id: 188D2F3C5A8B9E10\r\nX-Content-Type-Options: nosniff\r\n\
    X-Xss-Protection: 1; mode=block\r\nDate: Thu, 22 Jan 2026 12:00:00 GMT\r\n\r\n";

/// Reads a request head.
pub(crate) fn parse_request(head: &mut RequestHead, bytes: &[u8]) {
    head.clear();
    let parsed = head.parse(black_box(bytes));
    assert!(matches!(parsed, Ok(Parsed::Complete)), "{parsed:?}");
}

/// Reads a response head.
pub(crate) fn parse_response(head: &mut ResponseHead, bytes: &[u8]) {
    head.clear();
    let parsed = head.parse(black_box(bytes), Method::Get, false);
    assert!(matches!(parsed, Ok(Parsed::Complete)), "{parsed:?}");
}

/// A request head that was read, and room for it as a backend gets it.
pub(crate) fn request_to_write(bytes: &[u8]) -> (RequestHead, Vec<u8>) {
    let mut head = RequestHead::default();
    parse_request(&mut head, bytes);
    (head, Vec::with_capacity(4096))
}

/// Writes a request head as a backend gets it.
pub(crate) fn write_to_backend(head: &RequestHead, bytes: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let forwarded = Forwarded {
        client: "192.0.2.17",
        proto: "http",
    };
    write_request(black_box(head), bytes, &forwarded, out);
}

/// A response head that was read, and room for it as a client gets it.
pub(crate) fn response_to_write() -> (ResponseHead, Vec<u8>) {
    let mut head = ResponseHead::default();
    parse_response(&mut head, RESPONSE);
    (head, Vec::with_capacity(4096))
}

/// Writes a response head as a client gets it.
pub(crate) fn write_to_client(head: &ResponseHead, out: &mut Vec<u8>) {
    out.clear();
    let to = ClientSide {
        version: Version::Http11,
        keep_alive: true,
        framing: head.framing(),
    };
    write_response(black_box(head), RESPONSE, &to, out);
}

const LATENCY: Duration = Duration::from_millis(1);

/// Backends in rotation, all idle.
#[derive(Debug)]
pub(crate) struct Field {
    table: Arc<LoadTable>,
    loads: Vec<Load>,
    peers: Peers,
    picker: Picker,
    now: Instant,
}

impl Field {
    /// `count` backends, picked by `policy`.
    pub(crate) fn of(policy: Policy, count: u32) -> Self {
        let now = Instant::now();
        let table = match policy {
            Policy::P2c => LoadTable::with_latencies(count, now),
            _ => LoadTable::new(count, now),
        };
        let loads: Vec<Load> = std::iter::from_fn(|| table.register(0))
            .take(count as usize)
            .collect();
        for load in &loads {
            load.set_standing(Standing::Up);
        }
        let peers = Peers::new(loads.iter().map(Load::place));
        Self {
            table,
            loads,
            peers,
            picker: Picker::new(policy, fastrand::Rng::with_seed(1), now),
            now,
        }
    }

    /// What a request does to the load table: picks a backend, begins and ends there.
    pub(crate) fn request(&mut self) {
        let candidates = Candidates::new(&self.table, &self.peers, &[], Accept::InRotation);
        let picked = self.picker.pick(black_box(candidates), self.now);
        if let Some(load) = picked.and_then(|index| self.loads.get(index)) {
            load.begin(self.now);
            load.end(self.now);
            load.took(black_box(LATENCY), false, self.now);
        }
    }
}

/// A body of `size` bytes in chunks of `chunk` bytes.
pub(crate) fn chunked(size: usize, chunk: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..size / chunk {
        body.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        body.resize(body.len() + chunk, b'x');
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    body
}

/// Finds the ends of all chunks.
pub(crate) fn scan(body: &[u8]) {
    let scanned = ChunkScanner::default().scan(black_box(body));
    assert!(scanned.is_ok_and(|scan| scan.done));
}
