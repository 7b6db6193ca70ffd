//! A small S3 server over real sockets: checks each signature by computing it again, keeps objects,
//! and misbehaves as it is told.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use rustls::ServerConfig;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::spawn_local;
use tokio_rustls::TlsAcceptor;

use super::asked::Asked;
use crate::http::write_http_date;
use crate::sys;

pub(super) const SECRET: &str = "the-secret";

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mood {
    #[default]
    Well,
    /// Takes a request and says nothing.
    Hangs,
    /// Sends half of each body and closes.
    Cuts,
    /// Answers 503.
    Busy,
    /// Takes no object.
    Full,
    /// Lets nobody in.
    Refuses,
    /// Has lost the bucket.
    Bucketless,
}

#[derive(Default)]
pub(super) struct Server {
    pub(super) mood: Cell<Mood>,
    /// Seconds that its clock is ahead.
    pub(super) ahead: Cell<i64>,
    pub(super) objects: RefCell<HashMap<String, Vec<u8>>>,
    pub(super) connections: Cell<usize>,
    pub(super) requests: Cell<usize>,
    /// Access key and session token of the last request.
    pub(super) signed_by: RefCell<(String, Option<String>)>,
}

impl Server {
    /// Serves on a port of its own; to be called inside a `LocalSet`.
    pub(super) fn start() -> (Rc<Self>, SocketAddr) {
        let (listener, address) = listen();
        let server = Rc::new(Self::default());
        let accepting = Rc::clone(&server);
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.set(accepting.connections.get() + 1);
                spawn_local(Rc::clone(&accepting).serve(stream));
            }
        });
        (server, address)
    }

    /// The same by TLS.
    pub(super) fn start_secure(config: Arc<ServerConfig>) -> (Rc<Self>, SocketAddr) {
        let (listener, address) = listen();
        let server = Rc::new(Self::default());
        let (accepting, acceptor) = (Rc::clone(&server), TlsAcceptor::from(config));
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, handshake) = (Rc::clone(&accepting), acceptor.accept(stream));
                spawn_local(async move {
                    if let Ok(stream) = handshake.await {
                        server.serve(stream).await;
                    }
                });
            }
        });
        (server, address)
    }

    async fn serve(self: Rc<Self>, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut bytes = Vec::new();
        // Refusals do not wait for the body.
        let waits = || self.mood.get() != Mood::Refuses;
        while let Some(asked) = Asked::read(&mut stream, &mut bytes, waits).await {
            self.requests.set(self.requests.get() + 1);
            if self.mood.get() == Mood::Hangs {
                std::future::pending::<()>().await;
            }
            let (status, fields, body) = self.answer(&asked);
            let mut head = format!("HTTP/1.1 {status} x\r\n{fields}Date: ").into_bytes();
            write_http_date(self.now(), &mut head);
            let length = body.len();
            if status != 204 {
                head.extend(format!("\r\nContent-Length: {length}").bytes());
            }
            head.extend(b"\r\n\r\n");
            let cuts = self.mood.get() == Mood::Cuts;
            if asked.method != "HEAD" {
                head.extend(&body[..if cuts { length / 2 } else { length }]);
            }
            if stream.write_all(&head).await.is_err() || cuts {
                return;
            }
        }
    }

    fn answer(&self, asked: &Asked) -> (u16, String, Vec<u8>) {
        let error = |status, code: &str| {
            let body = format!("<Error><Code>{code}</Code></Error>");
            (status, String::new(), body.into_bytes())
        };
        let nothing = |status| (status, String::new(), Vec::new());
        match self.mood.get() {
            Mood::Busy => return error(503, "SlowDown"),
            Mood::Refuses => return error(403, "AccessDenied"),
            Mood::Bucketless => return error(404, "NoSuchBucket"),
            Mood::Full if asked.method == "PUT" => return error(507, "XMinioStorageFull"),
            _ => {}
        }
        if let Err(code) = self.check_signature(asked) {
            return error(403, code);
        }
        let mut objects = self.objects.borrow_mut();
        let Some(name) = asked.path.strip_prefix("/cache") else {
            return error(404, "NoSuchBucket");
        };
        match (&*asked.method, objects.get(name)) {
            ("HEAD", _) if name.is_empty() => nothing(200),
            _ if !name.starts_with('/') => error(404, "NoSuchBucket"),
            ("PUT", _) => {
                objects.insert(name.to_owned(), asked.body.clone());
                nothing(200)
            }
            ("DELETE", _) => {
                objects.remove(name);
                nothing(204)
            }
            ("GET", Some(object)) => match asked.fields.get("range") {
                None => (200, "ETag: \"e\"\r\n".to_owned(), object.clone()),
                Some(range) => {
                    let (first, last) = range["bytes=".len()..].split_once('-').unwrap();
                    let first: usize = first.parse().unwrap();
                    let last = last.parse().unwrap_or(usize::MAX);
                    if first >= object.len() {
                        return error(416, "InvalidRange");
                    }
                    let last = last.min(object.len() - 1);
                    let total = object.len();
                    let fields =
                        format!("ETag: \"e\"\r\nContent-Range: bytes {first}-{last}/{total}\r\n");
                    (206, fields, object[first..=last].to_vec())
                }
            },
            _ => error(404, "NoSuchKey"),
        }
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since
            .unwrap()
            .as_secs()
            .saturating_add_signed(self.ahead.get())
    }

    fn check_signature(&self, asked: &Asked) -> Result<(), &'static str> {
        let value = asked.fields.get("authorization").ok_or("AccessDenied")?;
        let part = |name: &str| {
            let (_, rest) = value.split_once(name).unwrap();
            rest.split(',').next().unwrap().to_owned()
        };
        let (credential, signed) = (part("Credential="), part("SignedHeaders="));
        let (access_key, scope) = credential.split_once('/').unwrap();
        let session = asked.fields.get("x-amz-security-token").cloned();
        self.signed_by.replace((access_key.to_owned(), session));
        let time = &asked.fields["x-amz-date"];
        let now = i64::try_from(self.now()).unwrap();
        let theirs = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).unwrap();
        let theirs = theirs.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        if (theirs.timestamp().as_second() - now).abs() > 900 {
            return Err("RequestTimeTooSkewed");
        }
        let digest = &asked.fields["x-amz-content-sha256"];
        let is_digest = *digest == hex(&Sha256::digest(&asked.body));
        if digest != "UNSIGNED-PAYLOAD" && !is_digest {
            return Err("XAmzContentSHA256Mismatch");
        }
        let names = || signed.split(';');
        if !names().is_sorted() || !names().any(|name| name == "host") {
            return Err("SignatureDoesNotMatch");
        }
        let fields: Vec<String> = names()
            .map(|name| format!("{name}:{}\n", asked.fields[name]))
            .collect();
        let fields = fields.concat();
        let request = format!(
            "{}\n{}\n\n{fields}\n{signed}\n{digest}",
            asked.method, asked.path
        );
        let request = hex(&Sha256::digest(request.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{request}");
        let mut key = format!("AWS4{SECRET}").into_bytes();
        for step in scope.split('/').chain([&*text]) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(step.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
        }
        if hex(&key) == part("Signature=") {
            Ok(())
        } else {
            Err("SignatureDoesNotMatch")
        }
    }
}

/// A listener on a port of its own.
pub(super) fn listen() -> (TcpListener, SocketAddr) {
    let listener = sys::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
