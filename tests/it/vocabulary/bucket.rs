//! A bucket of an S3 store, as the cache knows it: objects by path, and what can go wrong.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::message::Head;
use super::origin::{Origin, OriginConnection, Security};
use super::sidekick::Sidekick;

/// What the bucket does with a request about an object, other than what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It takes a PUT to be forbidden.
    ReadOnly,
    /// It takes the request and says nothing.
    Frozen,
    /// It takes nothing of the body of a PUT for as long.
    SlowPut(Duration),
    /// It takes nothing of the body of a PUT before the trouble is over.
    HeldPut,
    /// The body of a GET ends after so many bytes, and the connection with it.
    CutGet(usize),
    /// The body of a GET stops after so many bytes, and the connection stays.
    StuckGet(usize),
}

#[derive(Debug, Default)]
struct Contents {
    objects: BTreeMap<String, Arc<[u8]>>,
    trouble: Option<Trouble>,
    /// The head of every request about an object.
    heads: Vec<Head>,
}

#[derive(Debug, Default)]
struct Shared {
    contents: Mutex<Contents>,
    changed: Condvar,
}

impl Shared {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().expect("unpoisoned")
    }

    /// Waits until the trouble is over.
    fn freeze(&self) {
        let contents = self.contents();
        let frozen = |contents: &mut Contents| contents.trouble.is_some();
        drop(
            self.changed
                .wait_timeout_while(contents, Duration::from_secs(20), frozen)
                .expect("unpoisoned"),
        );
    }
}

pub(crate) struct Bucket {
    pub(crate) origin: Origin,
    shared: Arc<Shared>,
}

impl Bucket {
    pub(crate) fn new() -> Self {
        Self::reached(Security::Clear)
    }

    /// Reached by TLS.
    pub(crate) fn secured() -> Self {
        Self::reached(Security::Tls)
    }

    fn reached(security: Security) -> Self {
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let script = move |connection: &mut OriginConnection| serve(connection, &serving);
        Self {
            origin: Origin::secured(security, script).narrow(),
            shared,
        }
    }

    /// The sidekick with this bucket as its cache, for bodies of any size.
    pub(crate) fn behind(&self, sidekick: Sidekick) -> Sidekick {
        sidekick
            .environment("SIDEKICK_CACHE_ENDPOINT", &self.origin.url())
            .environment("SIDEKICK_CACHE_BUCKET", "cache")
            .environment("SIDEKICK_CACHE_ACCESS_KEY", "STOREKEY")
            .environment("SIDEKICK_CACHE_SECRET_KEY", "storesecret")
            .environment("SIDEKICK_CACHE_MIN_SIZE", "0")
            .environment("SIDEKICK_CACHE_HEALTH_DURATION", "1s")
    }

    pub(crate) fn be(&self, trouble: Option<Trouble>) {
        self.shared.contents().trouble = trouble;
        self.shared.changed.notify_all();
    }

    /// The names of the objects whose name ends so, or begins a body.
    pub(crate) fn names(&self, kind: &str) -> Vec<String> {
        let contents = self.shared.contents();
        let names = contents.objects.keys();
        names.filter(|name| name.contains(kind)).cloned().collect()
    }

    pub(crate) fn remove(&self, kind: &str) {
        let mut contents = self.shared.contents();
        contents.objects.retain(|name, _| !name.contains(kind));
    }

    /// Puts something else in the place of every object of the kind.
    pub(crate) fn replace(&self, kind: &str, bytes: &[u8]) {
        let mut contents = self.shared.contents();
        for (name, object) in &mut contents.objects {
            if name.contains(kind) {
                *object = bytes.into();
            }
        }
    }

    /// Requests of a method whose path contains `kind`.
    pub(crate) fn count(&self, method: &str, kind: &str) -> usize {
        let contents = self.shared.contents();
        let wanted = |head: &&Head| {
            let line = head.start_line();
            line.starts_with(method) && line.contains(kind)
        };
        contents.heads.iter().filter(wanted).count()
    }

    /// Every request head so far.
    pub(crate) fn heads(&self) -> Vec<Head> {
        self.shared.contents().heads.clone()
    }
}

fn serve(connection: &mut OriginConnection, shared: &Shared) -> io::Result<()> {
    let head = connection.request.clone();
    let line = head.start_line();
    let mut words = line.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    if path == "/cache" {
        return empty(connection, "200 OK");
    }
    let trouble = {
        let mut contents = shared.contents();
        contents.heads.push(head.clone());
        contents.trouble
    };
    match (method.as_str(), trouble) {
        (_, Some(Trouble::Frozen)) => {
            shared.freeze();
            connection.die();
            Ok(())
        }
        ("PUT", Some(Trouble::ReadOnly)) => {
            connection.body()?;
            let error = "<Error><Code>AccessDenied</Code></Error>";
            let length = error.len();
            connection.send(format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n{error}"
            ))
        }
        ("PUT", _) => {
            match trouble {
                Some(Trouble::SlowPut(pause)) if path.contains("/body-") => shared.sleep(pause),
                Some(Trouble::HeldPut) => shared.freeze(),
                _ => {}
            }
            let body = connection.body()?;
            shared.contents().objects.insert(path, body.into());
            empty(connection, "200 OK")
        }
        ("DELETE", _) => {
            shared.contents().objects.remove(&path);
            empty(connection, "204 No Content")
        }
        _ => {
            let object = shared.contents().objects.get(&path).cloned();
            match object {
                None => empty(connection, "404 Not Found"),
                Some(object) => give(connection, shared, &head, &object, trouble),
            }
        }
    }
}

impl Shared {
    fn sleep(&self, pause: Duration) {
        let contents = self.contents();
        drop(
            self.changed
                .wait_timeout_while(contents, pause, |_| true)
                .expect("unpoisoned"),
        );
    }
}

fn empty(connection: &mut OriginConnection, status: &str) -> io::Result<()> {
    let length = if status.starts_with("204") {
        ""
    } else {
        "Content-Length: 0\r\n"
    };
    connection.send(format!("HTTP/1.1 {status}\r\n{length}\r\n"))
}

fn give(
    connection: &mut OriginConnection,
    shared: &Shared,
    head: &Head,
    object: &[u8],
    trouble: Option<Trouble>,
) -> io::Result<()> {
    let (status, body, range) = match asked_range(head, object.len()) {
        None => ("200 OK", object, String::new()),
        Some((first, last)) => (
            "206 Partial Content",
            &object[first..=last],
            format!("Content-Range: bytes {first}-{last}/{}\r\n", object.len()),
        ),
    };
    let length = body.len();
    connection.send(format!(
        "HTTP/1.1 {status}\r\nETag: \"store\"\r\n{range}Content-Length: {length}\r\n\r\n"
    ))?;
    match trouble {
        Some(Trouble::CutGet(most)) if most < length => {
            connection.send(&body[..most])?;
            connection.die();
            Ok(())
        }
        Some(Trouble::StuckGet(most)) if most < length => {
            connection.send(&body[..most])?;
            shared.freeze();
            connection.die();
            Ok(())
        }
        _ => connection.send(body),
    }
}

/// The first and the last byte of `Range: bytes=N-M`, `bytes=N-` or `bytes=-M` that the object has.
pub(crate) fn asked_range(head: &Head, size: usize) -> Option<(usize, usize)> {
    let text = head.field("Range")?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end = size - 1;
    if first.is_empty() {
        let count: usize = last.parse().ok()?;
        return Some((size - count.min(size), end));
    }
    Some((first.parse().ok()?, last.parse().unwrap_or(end).min(end)))
}
