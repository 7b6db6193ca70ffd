//! The clients: each writes, reads, lists and deletes objects of its own, knows what they must
//! hold, and takes note of whatever is not so.

use crate::s3::{Credentials, Error, S3Client};
use bytes::Bytes;
use fastrand::Rng;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The bucket that the clients work in.
pub(crate) const BUCKET: &str = "demo";

/// Objects that a client keeps at most.
const KEYS: usize = 12;

/// Keys a page of a listing holds: few, so that there are several pages.
const PAGE: usize = 5;

/// Objects have 1 KiB to 8 MiB, small ones as often as large ones on a logarithmic scale.
const SIZES_LOG2: std::ops::Range<f64> = 10.0..23.0;

/// Failures told in full.
const TOLD: usize = 5;

/// What a client waits after a failure, so that a broken balancer is not hammered.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Write,
    Read,
    ReadPart,
    ReadHead,
    List,
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "writes",
            Self::Read => "reads",
            Self::ReadPart => "ranged reads",
            Self::ReadHead => "heads",
            Self::List => "lists",
            Self::Delete => "deletes",
        })
    }
}

/// What all clients did and saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) operations: BTreeMap<Operation, u64>,
    /// Requests sent; a list takes several.
    pub(crate) requests: u64,
    /// Bytes of bodies that were written and acknowledged.
    pub(crate) written: u64,
    /// Bytes of bodies that were read and compared.
    pub(crate) read: u64,
    pub(crate) slowest: Duration,
    pub(crate) failures: u64,
    /// The first few failures in words.
    pub(crate) told: Vec<String>,
}

/// Running clients.
pub(crate) struct Traffic {
    seen: Rc<RefCell<Seen>>,
    stopping: Rc<Cell<bool>>,
    clients: JoinSet<()>,
}

impl Traffic {
    /// Makes the bucket and starts `clients` clients of `endpoint`.
    pub(crate) async fn start(
        endpoint: SocketAddr,
        credentials: &Credentials,
        clients: u32,
    ) -> Result<Self, Error> {
        let mut first = S3Client::new(endpoint, credentials.clone());
        first.create_bucket(BUCKET).await?;
        let seen = Rc::<RefCell<Seen>>::default();
        seen.borrow_mut().requests = first.requests();
        let stopping = Rc::<Cell<bool>>::default();
        let mut traffic = Self {
            seen,
            stopping,
            clients: JoinSet::new(),
        };
        for number in 1..=clients {
            let worker = Worker {
                number,
                life: 1,
                s3: S3Client::new(endpoint, credentials.clone()),
                random: Rng::with_seed(number.into()),
                objects: BTreeMap::new(),
            };
            let (seen, stopping) = (Rc::clone(&traffic.seen), Rc::clone(&traffic.stopping));
            traffic.clients.spawn_local(worker.work(seen, stopping));
        }
        Ok(traffic)
    }

    /// Lets every client finish what it is at; what they all saw.
    pub(crate) async fn stop(&mut self) -> Seen {
        self.stopping.set(true);
        while self.clients.join_next().await.is_some() {}
        self.seen.take()
    }
}

/// What an object holds: `size` bytes that follow from `seed`.
#[derive(Clone, Copy)]
struct Content {
    seed: u64,
    size: usize,
}

impl Content {
    fn bytes(self) -> Bytes {
        let mut bytes = vec![0; self.size];
        Rng::with_seed(self.seed).fill(&mut bytes);
        bytes.into()
    }
}

struct Worker {
    number: u32,
    life: u32,
    s3: S3Client,
    random: Rng,
    /// What is stored under the worker's keys, and nothing else is.
    objects: BTreeMap<String, Content>,
}

impl Worker {
    async fn work(mut self, seen: Rc<RefCell<Seen>>, stopping: Rc<Cell<bool>>) {
        while !stopping.get() {
            let operation = self.choose();
            let (started, before) = (Instant::now(), self.s3.requests());
            let outcome = self.perform(operation).await;
            let failed = outcome.is_err();
            seen.borrow_mut()
                .record(operation, &outcome, started.elapsed());
            seen.borrow_mut().requests += self.s3.requests() - before;
            if failed {
                self.begin_anew();
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }

    fn choose(&mut self) -> Operation {
        if self.objects.len() < 2 {
            return Operation::Write;
        }
        match self.random.u32(0..100) {
            0..25 => Operation::Write,
            25..65 => Operation::Read,
            65..77 => Operation::ReadPart,
            77..87 => Operation::ReadHead,
            87..94 => Operation::List,
            _ => Operation::Delete,
        }
    }

    /// Does one thing and checks its result; the bytes of the body.
    async fn perform(&mut self, operation: Operation) -> Result<usize, Error> {
        match operation {
            Operation::Write => self.write().await,
            Operation::Read => self.read().await,
            Operation::ReadPart => self.read_part().await,
            Operation::ReadHead => self.read_head().await,
            Operation::List => self.list().await,
            Operation::Delete => self.delete().await,
        }
    }

    async fn write(&mut self) -> Result<usize, Error> {
        let key = format!("{}object-{:02}", self.prefix(), self.random.usize(0..KEYS));
        let log2 = SIZES_LOG2.start + self.random.f64() * (SIZES_LOG2.end - SIZES_LOG2.start);
        let content = Content {
            seed: self.random.u64(..),
            size: log2.exp2() as usize,
        };
        let seed = content.seed.to_string();
        let fields = [
            ("content-type", "application/octet-stream"),
            ("x-amz-meta-seed", seed.as_str()),
        ];
        self.s3.put(BUCKET, &key, content.bytes(), &fields).await?;
        self.objects.insert(key, content);
        Ok(content.size)
    }

    async fn read(&mut self) -> Result<usize, Error> {
        let (key, content) = self.any();
        let response = self.s3.get(BUCKET, &key).await?;
        hold(response.body == content.bytes(), || {
            format!("{key} has other bytes than written")
        })?;
        Ok(content.size)
    }

    async fn read_part(&mut self) -> Result<usize, Error> {
        let (key, content) = self.any();
        let first = self.random.usize(0..content.size);
        let length = self.random.usize(1..=content.size - first);
        let range = (first as u64, length as u64, content.size as u64);
        let response = self.s3.get_range(BUCKET, &key, range).await?;
        let wanted = content.bytes().slice(first..first + length);
        hold(response.body == wanted, || {
            format!("part of {key} has other bytes than written")
        })?;
        Ok(length)
    }

    async fn read_head(&mut self) -> Result<usize, Error> {
        let (key, content) = self.any();
        let response = self.s3.head(BUCKET, &key).await?;
        let size = content.size.to_string();
        let seed = content.seed.to_string();
        let same = response.field("content-length") == Some(&size)
            && response.field("x-amz-meta-seed") == Some(&seed);
        hold(same, || {
            format!("the head of {key} is {:?}", response.fields)
        })?;
        Ok(0)
    }

    async fn list(&mut self) -> Result<usize, Error> {
        let keys = self.s3.list(BUCKET, &self.prefix(), PAGE).await?;
        let same = keys.iter().eq(self.objects.keys());
        hold(same, || {
            format!("the listing of {} is {keys:?}", self.prefix())
        })?;
        Ok(0)
    }

    async fn delete(&mut self) -> Result<usize, Error> {
        let (key, _) = self.any();
        self.s3.delete(BUCKET, &key).await?;
        self.objects.remove(&key);
        Ok(0)
    }

    fn any(&mut self) -> (String, Content) {
        let nth = self.random.usize(0..self.objects.len());
        self.objects.iter().nth(nth).map_or_else(
            || unreachable!("`choose` writes while there is nothing to read"),
            |(key, content)| (key.clone(), *content),
        )
    }

    fn prefix(&self) -> String {
        format!("client-{}/life-{}/", self.number, self.life)
    }

    /// After a failed write nobody knows what is stored, so the worker leaves its keys behind.
    fn begin_anew(&mut self) {
        self.life += 1;
        self.objects.clear();
    }
}

fn hold(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Error> {
    if so {
        Ok(())
    } else {
        Err(Error::Content(otherwise()))
    }
}

impl Seen {
    fn record(&mut self, operation: Operation, outcome: &Result<usize, Error>, took: Duration) {
        *self.operations.entry(operation).or_default() += 1;
        self.slowest = self.slowest.max(took);
        match outcome {
            Ok(bytes) if operation == Operation::Write => self.written += *bytes as u64,
            Ok(bytes) => self.read += *bytes as u64,
            Err(error) => {
                self.failures += 1;
                if self.told.len() < TOLD {
                    let took = took.as_secs_f64();
                    self.told.push(format!(
                        "one of the {operation}, after {took:.2} s: {error}"
                    ));
                }
            }
        }
    }
}
