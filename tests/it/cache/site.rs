//! An S3 server with one object and three kinds of readers, and the sidekick with a cache before it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::vocabulary::{
    Bucket, Client, Head, Origin, OriginConnection, Response, Running, Sidekick, asked_range,
    wait_until,
};

/// Bytes that tell their own position, and the version.
pub(super) fn bytes_of(version: u8, size: usize) -> Arc<[u8]> {
    (0..size)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8 ^ version.wrapping_mul(31))
        .collect()
}

/// A signature whose access key is this; it is believed unless the key is [`MALLORY`].
pub(super) fn signed_by(who: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={who}/20261125/us-east-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=00\r\n"
    )
}

pub(super) const ALICE: &str = "ALICE";
pub(super) const BOB: &str = "BOB";
/// Whom the server refuses.
pub(super) const MALLORY: &str = "MALLORY";

/// What the server holds.
#[derive(Clone, Debug)]
pub(super) struct Served {
    /// None when the object is gone.
    pub(super) object: Option<Arc<[u8]>>,
    pub(super) version: u8,
    /// Further field lines of the answer.
    pub(super) fields: String,
    /// Whether who shows nothing may read.
    pub(super) is_public: bool,
    /// The first answer with a body is cut after so many bytes.
    pub(super) cut: Option<usize>,
    /// The same, and nothing more comes until the other side has enough.
    pub(super) hold: Option<usize>,
    pub(super) is_chunked: bool,
}

pub(super) struct Site {
    pub(super) origin: Origin,
    served: Arc<Mutex<Served>>,
}

impl Site {
    pub(super) fn new(size: usize) -> Self {
        let served = Arc::new(Mutex::new(Served {
            object: Some(bytes_of(1, size)),
            version: 1,
            fields: String::new(),
            is_public: false,
            cut: None,
            hold: None,
            is_chunked: false,
        }));
        let serving = Arc::clone(&served);
        Self {
            origin: Origin::scripted(move |connection| serve(connection, &serving)),
            served,
        }
    }

    pub(super) fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().expect("unpoisoned")
    }

    pub(super) fn object(&self) -> Arc<[u8]> {
        self.served().object.clone().expect("not deleted")
    }

    pub(super) fn last_request(&self) -> Head {
        let mut requests = self.origin.requests();
        requests.pop().expect("somebody has asked").head
    }

    /// Its answers have these field lines, too.
    pub(super) fn say(&self, fields: &str) {
        fields.clone_into(&mut self.served().fields);
    }

    /// Somebody else replaces the object.
    pub(super) fn change(&self) {
        let mut served = self.served();
        served.version += 1;
        let size = served.object.as_ref().map_or(0, |object| object.len());
        served.object = Some(bytes_of(served.version, size));
    }

    /// A sidekick with a cache in the bucket.
    pub(super) fn cached_in(&self, bucket: &Bucket) -> Running {
        bucket.behind(self.sidekick()).start()
    }

    pub(super) fn sidekick(&self) -> Sidekick {
        Sidekick::new().site([&self.origin])
    }
}

fn serve(connection: &mut OriginConnection, served: &Mutex<Served>) -> io::Result<()> {
    let head = connection.request.clone();
    let line = head.start_line();
    let method = line.split(' ').next().unwrap_or_default().to_owned();
    let uploaded = connection.body()?;
    let mut held = served.lock().expect("unpoisoned");
    if is_refused(&head, &held) {
        return refuse(connection, &method, "403 Forbidden");
    }
    if method == "PUT" {
        held.version += 1;
        held.object = Some(uploaded.into());
        return refuse(connection, "HEAD", "200 OK");
    }
    if method == "DELETE" {
        held.object = None;
        return connection.send("HTTP/1.1 204 No Content\r\n\r\n");
    }
    let (cut, hold) = if method == "GET" {
        (held.cut.take(), held.hold.take())
    } else {
        (None, None)
    };
    let Served {
        object,
        version,
        fields,
        is_chunked,
        ..
    } = held.clone();
    drop(held);
    let Some(object) = object else {
        return refuse(connection, &method, "404 Not Found");
    };
    let etag = format!("\"v{version}\"");
    if head.field("If-Match").is_some_and(|wanted| wanted != etag) {
        return refuse(connection, &method, "412 Precondition Failed");
    }
    if head
        .field("If-None-Match")
        .is_some_and(|known| known.contains(&etag))
    {
        return connection.send(format!(
            "HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n{fields}\r\n"
        ));
    }
    let (status, body, range) = match asked_range(&head, object.len()) {
        None => ("200 OK", &object[..], String::new()),
        Some((first, last)) => (
            "206 Partial Content",
            &object[first..=last],
            format!("Content-Range: bytes {first}-{last}/{}\r\n", object.len()),
        ),
    };
    if is_chunked {
        connection.send(format!(
            "HTTP/1.1 {status}\r\nETag: {etag}\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"
        ))?;
        for chunk in body.chunks(1000) {
            connection.send(format!("{:x}\r\n", chunk.len()))?;
            connection.send(chunk)?;
            connection.send("\r\n")?;
        }
        return connection.send("0\r\n\r\n");
    }
    let length = body.len();
    connection.send(format!(
        "HTTP/1.1 {status}\r\nETag: {etag}\r\n{fields}{range}Content-Length: {length}\r\n\r\n"
    ))?;
    match cut {
        _ if method == "HEAD" => Ok(()),
        _ if hold.is_some_and(|most| most < length) => {
            connection.send(&body[..hold.unwrap_or(length)])?;
            connection.rest().map(drop)
        }
        Some(most) if most < length => {
            connection.send(&body[..most])?;
            connection.die();
            Ok(())
        }
        _ => connection.send(body),
    }
}

fn is_refused(head: &Head, served: &Served) -> bool {
    let shown = head
        .field("Authorization")
        .into_iter()
        .chain(Some(head.start_line()).filter(|line| line.contains("X-Amz-Signature")));
    let mut shown = shown.peekable();
    if shown.peek().is_none() {
        return !served.is_public;
    }
    shown.any(|credentials| credentials.contains(MALLORY))
}

fn refuse(connection: &mut OriginConnection, method: &str, status: &str) -> io::Result<()> {
    let text = if method == "HEAD" { "" } else { "refused" };
    let length = text.len();
    connection.send(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{text}"
    ))
}

/// One reader.
pub(super) struct Reader<'s> {
    client: Client,
    sidekick: &'s Running,
    credentials: String,
}

impl<'s> Reader<'s> {
    pub(super) fn new(sidekick: &'s Running, who: &str) -> Self {
        Self::showing(sidekick, signed_by(who))
    }

    pub(super) fn anonymous(sidekick: &'s Running) -> Self {
        Self::showing(sidekick, String::new())
    }

    fn showing(sidekick: &'s Running, credentials: String) -> Self {
        Self {
            client: sidekick.client(),
            sidekick,
            credentials,
        }
    }

    #[track_caller]
    pub(super) fn get(&mut self) -> Response {
        self.ask("GET", "/b/k", "")
    }

    #[track_caller]
    pub(super) fn ask(&mut self, method: &str, target: &str, fields: &str) -> Response {
        let credentials = &self.credentials;
        self.client.exchange(format!(
            "{method} {target} HTTP/1.1\r\nHost: s3.example\r\n{credentials}{fields}\r\n"
        ))
    }

    #[track_caller]
    pub(super) fn put(&mut self, body: &[u8]) -> Response {
        let credentials = &self.credentials;
        let length = body.len();
        let head = format!(
            "PUT /b/k HTTP/1.1\r\nHost: s3.example\r\n{credentials}Content-Length: {length}\r\n\r\n"
        );
        self.client.exchange([head.as_bytes(), body].concat())
    }

    /// Reads the object, and waits until so many fills have ended so.
    #[track_caller]
    pub(super) fn fill(&mut self, result: &str, count: u64) -> Response {
        let response = self.get();
        wait_for_fills(self.sidekick, result, count);
        response
    }
}

#[track_caller]
pub(super) fn wait_for_fills(sidekick: &Running, result: &str, count: u64) {
    wait_until(&format!("{count} fills are {result}"), || {
        fills(sidekick, result) >= count
    });
}

pub(super) fn fills(sidekick: &Running, result: &str) -> u64 {
    let name = "sidekick_cache_fills_total";
    let value = sidekick.metric(name, &[("result", result)]);
    value.expect("the cache is on") as u64
}

/// What the cache says that it did.
pub(super) fn status(response: &Response) -> String {
    response.head.field("Cache-Status").unwrap_or_default()
}
