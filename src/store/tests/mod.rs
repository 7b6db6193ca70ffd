//! One contract, every store; then what only a bucket can suffer.

mod asked;
mod authority;
mod contract;
mod faults;
mod granter;
mod keys;
mod secure;
mod server;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

use super::{AnyStore, Backing, NoKeys, Object, Upload};
use crate::config::{BucketConfig, KeySource, Keys, NameServers, Secret, StoreConfig, TlsVersion};
use crate::net::tls::{TlsConnector, Trust, client_config};
use crate::net::{Dialer, Resolver};

/// Runs a claim as a worker would.
fn run<T>(claim: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, claim)
}

fn backing(address: SocketAddr, secret: &str) -> Backing {
    keyed(&format!("http://{address}"), given(secret)).unwrap()
}

fn given(secret: &str) -> KeySource {
    KeySource::Given(Keys {
        access_key: Secret::new("AK"),
        secret_key: Secret::new(secret),
        session_token: None,
    })
}

fn keyed(endpoint: &str, keys: KeySource) -> Result<Backing, NoKeys> {
    Backing::new(&StoreConfig::S3(BucketConfig {
        endpoint: endpoint.parse().unwrap(),
        bucket: "cache".to_owned(),
        region: "us-east-1".to_owned(),
        keys,
    }))
}

fn open(backing: &Backing) -> AnyStore {
    open_trusting(backing, Trust::Anyone)
}

fn open_trusting(backing: &Backing, trust: Trust) -> AnyStore {
    let config = client_config(trust, None, TlsVersion::V13).unwrap();
    let dialer = Dialer::new(Arc::new(TlsConnector::new(config)), std::rc::Rc::default());
    backing.open(dialer, Resolver::new(NameServers::default()))
}

async fn write_all(upload: &mut Upload, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = poll_fn(|context| upload.poll_write(context, bytes)).await?;
        bytes = &bytes[count..];
    }
    Ok(())
}

async fn bytes_of(object: Option<Object>) -> Vec<u8> {
    let object = object.expect("there is an object");
    object.collect(Duration::from_secs(5)).await.unwrap()
}
