//! Keys from each source over real sockets: how they are asked for, replaced, and missed.

mod missing;
mod renewal;
mod sources;

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_local};

use super::asked::Asked;
use super::granter::{Granter, Reply};
use super::server::{SECRET, Server};
use super::{keyed, open, open_trusting};
use crate::config::{Authorization, ContainerKeys, KeySource, WebIdentity};
use crate::net::tls::Trust;
use crate::store::{AnyStore, Store, StoreError, watch};

const HOUR: Duration = Duration::from_hours(1);

/// A bucket whose keys come from somewhere, and the watch that gets them.
struct Watched {
    store: AnyStore,
    server: Rc<Server>,
    /// What was told: nothing for up, and the line for down.
    told: Rc<RefCell<Vec<Option<String>>>>,
    watching: JoinHandle<()>,
}

impl Watched {
    fn start(source: KeySource) -> Self {
        Self::begin(source, Duration::from_mins(1), Trust::Anyone)
    }

    fn checked(source: KeySource, every: Duration) -> Self {
        Self::begin(source, every, Trust::Anyone)
    }

    fn trusting(source: KeySource, trust: Trust) -> Self {
        Self::begin(source, Duration::from_mins(1), trust)
    }

    fn begin(source: KeySource, every: Duration, trust: Trust) -> Self {
        let (server, address) = Server::start();
        let backing = keyed(&format!("http://{address}"), source).unwrap();
        let shown = format!("{backing:?}");
        assert!(
            !shown.contains(SECRET) && !shown.contains("hunter2"),
            "{shown}"
        );
        let (watched, told) = (open_trusting(&backing, trust), Rc::default());
        let telling: Rc<RefCell<Vec<Option<String>>>> = Rc::clone(&told);
        let watching = spawn_local(async move {
            let tell = |change: Result<(), &StoreError>| {
                telling
                    .borrow_mut()
                    .push(change.err().map(ToString::to_string));
            };
            watch(&watched, every, tell).await;
        });
        Self {
            store: open(&backing),
            server,
            told,
            watching,
        }
    }

    async fn until_up(&self) {
        until(|| self.store.is_up()).await;
        assert_eq!(self.store.read("a/b", 9).await, Ok(None));
    }

    /// The line that was told first.
    async fn first_line(&self) -> String {
        until(|| !self.told.borrow().is_empty()).await;
        self.told.borrow()[0]
            .clone()
            .expect("it was told to be down")
    }

    /// Access key and session token of the last request.
    fn signed_by(&self) -> (String, Option<String>) {
        self.server.signed_by.borrow().clone()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

async fn until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(15), "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A file that is gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(text: &str) -> Self {
        let name = format!("sidekick-keys-{}-{}", std::process::id(), fastrand::u64(..));
        let scratch = Self(std::env::temp_dir().join(name));
        fs::write(&scratch.0, text).unwrap();
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn says(body: String) -> Reply {
    Reply::Says(200, body)
}

fn session(access_key: &str) -> (String, Option<String>) {
    (access_key.to_owned(), Some(format!("session-{access_key}")))
}

fn role(granter: &Granter, token_file: &Path) -> KeySource {
    KeySource::WebIdentity(Box::new(WebIdentity {
        token_file: token_file.to_owned(),
        role: "arn:aws:iam::1:role/r".to_owned(),
        session: "pod-7".to_owned(),
        service: granter.url.parse().unwrap(),
    }))
}

fn agent(granter: &Granter, authorization: Option<Authorization>) -> KeySource {
    let here = granter.url.replace("127.0.0.1", "localhost");
    KeySource::Container(Box::new(ContainerKeys {
        service: here.parse().unwrap(),
        path: "/v1/keys?id=7".to_owned(),
        authorization,
    }))
}

fn instance(granter: &Granter) -> KeySource {
    KeySource::Instance {
        service: granter.url.parse().unwrap(),
    }
}

/// The metadata service of a machine whose role is `r1`.
fn metadata(asked: &Asked, keys: impl FnOnce() -> Reply) -> Reply {
    match (&*asked.method, &*asked.path) {
        ("PUT", "/latest/api/token") => {
            let seconds = &asked.fields["x-aws-ec2-metadata-token-ttl-seconds"];
            assert!((1..=21_600).contains(&seconds.parse::<u32>().unwrap()));
            says("metadata-token".to_owned())
        }
        _ if !asked.fields.contains_key("x-aws-ec2-metadata-token") => {
            Reply::Says(401, String::new())
        }
        ("GET", "/latest/meta-data/iam/security-credentials/") => says("r1\n".to_owned()),
        ("GET", "/latest/meta-data/iam/security-credentials/r1") => keys(),
        _ => Reply::Says(404, String::new()),
    }
}
