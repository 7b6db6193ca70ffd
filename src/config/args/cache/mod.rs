//! The shared S3 cache. It has no flags: the environment sets it.

mod aws;
#[cfg(test)]
mod tests;
mod variables;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::duration;
use crate::config::error::{Error, Problem, shown};
use crate::config::{Endpoint, Scheme, Secret, size};
use variables::{ACCESS_KEY, BUCKET, ENDPOINT, HEALTH_DURATION, MIN_SIZE, REGION, SECRET_KEY};
pub(crate) use variables::{VARIABLES, Variable};

/// Smaller bodies cost a backend less than the store.
const DEFAULT_MIN_SIZE: u64 = 1 << 20;
const DEFAULT_HEALTH_DURATION: Duration = Duration::from_mins(1);
/// A store that is asked more often is kept busy by it; one that is asked less often is not watched.
const HEALTH_DURATIONS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(24);
const DEFAULT_REGION: &str = "us-east-1";

/// The shared cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// Where bodies are kept.
    pub store: StoreConfig,
    /// The smallest body that is stored.
    pub min_size: u64,
    /// Time between checks of the store while it is up.
    pub health_every: Duration,
}

/// Where the cache keeps what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// In this process.
    Memory {
        /// Bytes it may hold.
        most: u64,
    },
    /// In a bucket of an S3-compatible store.
    S3(BucketConfig),
}

/// A bucket and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketConfig {
    /// The store.
    pub endpoint: Endpoint,
    /// The bucket, which must exist.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whose signature.
    pub keys: KeySource,
}

/// Where the keys to the bucket come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// From the environment.
    Given(Keys),
    /// From a profile of the shared credentials file, which may change.
    Profile {
        /// The file.
        file: PathBuf,
        /// The name of the profile.
        name: String,
    },
}

/// A pair of keys, with the token that temporary ones have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The half that is sent.
    pub access_key: Secret,
    /// The half that is not.
    pub secret_key: Secret,
    /// Sent along.
    pub session_token: Option<Secret>,
}

impl CacheConfig {
    /// Whether the store, or who gives the keys to it, may be connected to by TLS.
    pub fn connects_by_tls(&self) -> bool {
        match &self.store {
            StoreConfig::Memory { .. } => false,
            StoreConfig::S3(bucket) => {
                let is_given = matches!(bucket.keys, KeySource::Given(_));
                bucket.endpoint.scheme == Scheme::Https || !is_given
            }
        }
    }

    /// The cache that the variables ask for, read through `variable`, which answers for one name;
    /// none while `SIDEKICK_CACHE_ENDPOINT` is empty.
    ///
    /// # Errors
    /// One line that names the variable that is missing or wrong. No key stands in it.
    pub fn from_variables(
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Error> {
        let Some(endpoint) = text(variable, ENDPOINT)? else {
            return Ok(None);
        };
        let store = match endpoint.strip_prefix("memory:") {
            Some(most) => StoreConfig::Memory {
                most: read(ENDPOINT, most, memory)?,
            },
            None => StoreConfig::S3(bucket(variable, &endpoint)?),
        };
        let min_size = text(variable, MIN_SIZE)?;
        let every = text(variable, HEALTH_DURATION)?;
        Ok(Some(Self {
            store,
            min_size: min_size.map_or(Ok(DEFAULT_MIN_SIZE), |text| {
                read(MIN_SIZE, &text, size::parse)
            })?,
            health_every: every.map_or(Ok(DEFAULT_HEALTH_DURATION), |text| {
                read(HEALTH_DURATION, &text, health_duration)
            })?,
        }))
    }
}

fn bucket(
    variable: &impl Fn(&str) -> Option<OsString>,
    endpoint: &str,
) -> Result<BucketConfig, Error> {
    let endpoint = read(ENDPOINT, endpoint, store_endpoint)?;
    let Some(bucket) = text(variable, BUCKET)? else {
        return Err(Error::usage(format!(
            "`{BUCKET}` is missing: name the bucket of `{ENDPOINT}` that holds the cache"
        )));
    };
    Ok(BucketConfig {
        endpoint,
        bucket: read(BUCKET, &bucket, bucket_name)?,
        region: match text(variable, REGION)? {
            None => DEFAULT_REGION.to_owned(),
            Some(region) => read(REGION, &region, region_name)?,
        },
        keys: keys(variable)?,
    })
}

fn keys(variable: &impl Fn(&str) -> Option<OsString>) -> Result<KeySource, Error> {
    let given = (text(variable, ACCESS_KEY)?, text(variable, SECRET_KEY)?);
    match given {
        (Some(access_key), Some(secret_key)) => Ok(KeySource::Given(Keys {
            access_key: key(ACCESS_KEY, access_key)?,
            secret_key: key(SECRET_KEY, secret_key)?,
            session_token: None,
        })),
        (None, None) => aws::keys(variable),
        (Some(_), None) => Err(half(ACCESS_KEY, SECRET_KEY)),
        (None, Some(_)) => Err(half(SECRET_KEY, ACCESS_KEY)),
    }
}

fn half(set: &str, missing: &str) -> Error {
    Error::usage(format!(
        "`{missing}` is missing: `{set}` is set, and a signature needs both; set it too"
    ))
}

/// A key as it may stand in a head; the message does not repeat it.
fn key(name: &str, text: String) -> Result<Secret, Error> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(text));
    }
    Err(Error::usage(format!(
        "`{name}` holds a character that no key has, such as a blank; set the key alone"
    )))
}

/// The value of a variable; one that is empty counts as unset.
fn text(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<String>, Error> {
    variable(name)
        .filter(|value| !value.is_empty())
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| Error::usage(format!("the variable `{name}` is not UTF-8 text")))
}

fn read<T>(
    name: &str,
    value: &str,
    meaning: impl FnOnce(&str) -> Result<T, Problem>,
) -> Result<T, Error> {
    meaning(value).map_err(|problem| Error::usage(format!("`{name}`: {problem}")))
}

fn memory(text: &str) -> Result<u64, Problem> {
    match size::parse(text)? {
        0 => Err(Problem::new(
            "a store without room holds nothing; write memory:256MiB, or unset it for no cache",
        )),
        most => Ok(most),
    }
}

fn store_endpoint(text: &str) -> Result<Endpoint, Problem> {
    let endpoint: Endpoint = text.parse().map_err(|problem| {
        Problem::new(format!(
            "{problem}; a store is http://host:port, https://host:port or memory:256MiB"
        ))
    })?;
    match endpoint.service() {
        None => Ok(endpoint),
        Some(_) => Err(Problem::new(
            "the store is one host, not a service of SRV records; write its name and port",
        )),
    }
}

/// What S3 stores allow, older names included: no byte of them means anything in a path.
fn bucket_name(text: &str) -> Result<String, Problem> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = (3..=255).contains(&text.len()) && text.bytes().all(allowed);
    if is_name && !text.bytes().all(|byte| byte == b'.') {
        Ok(text.to_owned())
    } else {
        Err(Problem::new(format!(
            "`{}` is not the name of a bucket; write 3 characters or more of a-z, 0-9, `-` and `.`",
            shown(text)
        )))
    }
}

fn region_name(text: &str) -> Result<String, Problem> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(Problem::new(format!(
            "`{}` is not a region; write it like us-east-1",
            shown(text)
        )))
    }
}

fn health_duration(text: &str) -> Result<Duration, Problem> {
    let every = duration::parse(text)?;
    if HEALTH_DURATIONS.contains(&every) {
        Ok(every)
    } else {
        Err(Problem::new(format!(
            "the store is checked every second to every day; write {} to {}",
            HEALTH_DURATIONS.start().as_secs(),
            HEALTH_DURATIONS.end().as_secs()
        )))
    }
}
