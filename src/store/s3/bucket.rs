//! What all workers of a process share of a bucket: where it is, the keys, the store's clock and
//! whether it is up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::time::timeout;

use super::CONNECT;
use crate::config::{BucketConfig, Endpoint, Host};
use crate::net::Resolver;
use crate::store::error::{Awaited, StoreError};
use crate::store::health::Health;
use crate::store::keys::{Keyring, NoKeys};

/// Addresses are looked up again after what their records say, within these bounds.
const SHORTEST_TTL: Duration = Duration::from_secs(5);
const LONGEST_TTL: Duration = Duration::from_mins(5);

/// Amazon's hosts have a name for each bucket; other stores take it in the path.
const VIRTUAL_HOSTED: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// A bucket of a store.
#[derive(Debug)]
pub(in crate::store) struct Bucket {
    endpoint: Endpoint,
    /// Before the name of an object: `/bucket`, or nothing.
    path: String,
    region: String,
    keyring: Keyring,
    /// Seconds that the store's clock is ahead of ours.
    skew: AtomicI64,
    addresses: Mutex<Option<Found>>,
    health: Health,
}

#[derive(Clone, Debug)]
struct Found {
    addresses: Arc<[SocketAddr]>,
    until: Instant,
}

impl Bucket {
    /// Takes the keys that are at hand: reads a file. Without any it is down.
    pub(in crate::store) fn new(config: &BucketConfig) -> Result<Self, NoKeys> {
        let keyring = Keyring::new(&config.keys)?;
        let (endpoint, path) = addressing(&config.endpoint, &config.bucket);
        Ok(Self {
            endpoint,
            path,
            region: config.region.clone(),
            skew: AtomicI64::new(0),
            addresses: Mutex::default(),
            health: Health::new(!keyring.is_empty()),
            keyring,
        })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The path of an object, or of the bucket itself for an empty name.
    pub(super) fn path_of(&self, name: &str) -> String {
        if name.is_empty() && !self.path.is_empty() {
            return self.path.clone();
        }
        format!("{}/{name}", self.path)
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Seconds since 1970, by the store's clock as far as it is known.
    pub(super) fn now(&self) -> u64 {
        our_clock().saturating_add_signed(self.skew.load(Ordering::Relaxed))
    }

    /// The store's clock shows `theirs`.
    pub(super) fn learn_clock(&self, theirs: u64) {
        let skew = i64::try_from(i128::from(theirs) - i128::from(our_clock())).unwrap_or(0);
        self.skew.store(skew, Ordering::Relaxed);
    }

    /// Where the store is. Addresses that are known are kept while its name does not resolve.
    pub(super) async fn addresses(
        &self,
        resolver: &Resolver,
    ) -> Result<Arc<[SocketAddr]>, StoreError> {
        let name = match &self.endpoint.host {
            Host::Ip(address) => {
                let address = SocketAddr::new(*address, self.endpoint.port);
                return Ok(Arc::new([address]));
            }
            Host::Name(name) => name,
        };
        let known = self.found().clone();
        if let Some(found) = known.as_ref().filter(|found| Instant::now() < found.until) {
            return Ok(Arc::clone(&found.addresses));
        }
        let failure = match timeout(CONNECT, resolver.resolve(name)).await {
            Ok(Ok(answer)) => {
                let addresses = answer.found.into_iter();
                let found = Found {
                    addresses: addresses
                        .map(|address| SocketAddr::new(address, self.endpoint.port))
                        .collect(),
                    until: Instant::now() + answer.ttl.clamp(SHORTEST_TTL, LONGEST_TTL),
                };
                *self.found() = Some(found.clone());
                return Ok(found.addresses);
            }
            Ok(Err(error)) => StoreError::Unreachable(error.to_string()),
            Err(_) => StoreError::TimedOut(Awaited::Connection),
        };
        known.map(|found| found.addresses).ok_or(failure)
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Option<Found>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server that is asked, and what stands before an object's name in the path. A bucket whose
/// name has a dot matches no certificate for `*.host`.
fn addressing(endpoint: &Endpoint, bucket: &str) -> (Endpoint, String) {
    let in_path = (endpoint.clone(), format!("/{bucket}"));
    let Host::Name(host) = &endpoint.host else {
        return in_path;
    };
    let host = host.to_ascii_lowercase();
    let has_names = VIRTUAL_HOSTED.iter().any(|end| host.ends_with(end));
    if !has_names || bucket.contains(['.', '_']) {
        return in_path;
    }
    let named = format!("{}://{bucket}.{}", endpoint.scheme, endpoint.authority());
    named
        .parse()
        .map_or(in_path, |endpoint| (endpoint, String::new()))
}

fn our_clock() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::addressing;

    #[test]
    fn only_amazons_hosts_have_a_name_for_each_bucket() {
        for (endpoint, bucket, server, path) in [
            ("http://store:9000", "cache", "http://store:9000", "/cache"),
            ("http://10.0.0.1", "cache", "http://10.0.0.1", "/cache"),
            (
                "https://s3.eu-west-1.amazonaws.com",
                "cache",
                "https://cache.s3.eu-west-1.amazonaws.com",
                "",
            ),
            (
                "https://s3.amazonaws.com:443",
                "my.cache",
                "https://s3.amazonaws.com:443",
                "/my.cache",
            ),
            (
                "http://notamazonaws.com",
                "cache",
                "http://notamazonaws.com",
                "/cache",
            ),
        ] {
            let (asked, before) = addressing(&endpoint.parse().unwrap(), bucket);
            assert_eq!((asked.label(), &*before), (server, path));
        }
    }
}
