//! Every variable, right and wrong.

mod sources;

use std::ffi::OsString;
use std::time::Duration;

use super::{BucketConfig, CacheConfig, KeySource, Keys, StoreConfig};
use crate::config::Secret;
use crate::config::error::Error;

const FULL: [(&str, &str); 4] = [
    ("SIDEKICK_CACHE_ENDPOINT", "http://store:9000"),
    ("SIDEKICK_CACHE_ACCESS_KEY", "AK"),
    ("SIDEKICK_CACHE_SECRET_KEY", "hunter2"),
    ("SIDEKICK_CACHE_BUCKET", "cache"),
];

/// The full configuration with these variables set otherwise.
fn with(changes: &[(&str, &str)]) -> Result<Option<CacheConfig>, Error> {
    CacheConfig::from_variables(&|name: &str| {
        let mut all = changes.iter().chain(&FULL);
        let (_, value) = all.find(|(known, _)| *known == name)?;
        Some(OsString::from(*value))
    })
}

fn bucket(changes: &[(&str, &str)]) -> BucketConfig {
    match with(changes).unwrap().unwrap().store {
        StoreConfig::S3(bucket) => bucket,
        StoreConfig::Memory { .. } => panic!("a bucket was configured"),
    }
}

fn keys(access: &str, secret: &str, token: Option<&str>) -> KeySource {
    KeySource::Given(Keys {
        access_key: Secret::new(access),
        secret_key: Secret::new(secret),
        session_token: token.map(Secret::new),
    })
}

const NO_KEYS: [(&str, &str); 3] = [
    ("SIDEKICK_CACHE_ACCESS_KEY", ""),
    ("SIDEKICK_CACHE_SECRET_KEY", ""),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

#[test]
fn without_an_endpoint_there_is_no_cache() {
    assert_eq!(with(&[("SIDEKICK_CACHE_ENDPOINT", "")]), Ok(None));
}

#[test]
fn what_is_not_set_has_its_default() {
    let config = with(&[]).unwrap().unwrap();
    assert_eq!(config.min_size, 1 << 20);
    assert_eq!(config.health_every, Duration::from_mins(1));
    let bucket = bucket(&[]);
    assert_eq!(bucket.endpoint.label(), "http://store:9000");
    assert_eq!((&*bucket.bucket, &*bucket.region), ("cache", "us-east-1"));
    assert_eq!(bucket.keys, keys("AK", "hunter2", None));
}

#[test]
fn every_variable_is_read() {
    let config = with(&[
        ("SIDEKICK_CACHE_MIN_SIZE", "32MiB"),
        ("SIDEKICK_CACHE_HEALTH_DURATION", "5"),
    ]);
    let config = config.unwrap().unwrap();
    assert_eq!(config.min_size, 32 << 20);
    assert_eq!(config.health_every, Duration::from_secs(5));
    assert_eq!(
        bucket(&[("SIDEKICK_CACHE_REGION", "eu-west-1")]).region,
        "eu-west-1"
    );
}

#[test]
fn a_store_in_memory_needs_nothing_else() {
    let config = CacheConfig::from_variables(&|name: &str| {
        (name == "SIDEKICK_CACHE_ENDPOINT").then(|| OsString::from("memory:256MiB"))
    });
    let store = config.unwrap().unwrap().store;
    assert_eq!(store, StoreConfig::Memory { most: 256 << 20 });
}

#[test]
fn half_and_wrong_configurations_are_refused_in_one_line_with_their_cure() {
    for (changes, variable, cure) in [
        (
            &[("SIDEKICK_CACHE_BUCKET", "")][..],
            "BUCKET",
            "name the bucket",
        ),
        (
            &[("SIDEKICK_CACHE_SECRET_KEY", "")],
            "SECRET_KEY",
            "set it too",
        ),
        (
            &[("SIDEKICK_CACHE_ACCESS_KEY", "")],
            "ACCESS_KEY",
            "set it too",
        ),
        (
            &[("SIDEKICK_CACHE_SECRET_KEY", "hunter2\n")],
            "SECRET_KEY",
            "the key alone",
        ),
        (&NO_KEYS, "ACCESS_KEY", "set `SIDEKICK_CACHE_ACCESS_KEY`"),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "store:9000")],
            "ENDPOINT",
            "http://store:9000",
        ),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "s3://b")],
            "ENDPOINT",
            "memory:256MiB",
        ),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "http://h/b")],
            "ENDPOINT",
            "remove `/b`",
        ),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "http://AK:hunter2@h")],
            "ENDPOINT",
            "no user name",
        ),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "http://_s3._tcp.h")],
            "ENDPOINT",
            "name and port",
        ),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "memory:")],
            "ENDPOINT",
            "32MiB",
        ),
        (
            &[("SIDEKICK_CACHE_ENDPOINT", "memory:0")],
            "ENDPOINT",
            "memory:256MiB",
        ),
        (
            &[("SIDEKICK_CACHE_BUCKET", "a/b")],
            "BUCKET",
            "`a/b` is not",
        ),
        (
            &[("SIDEKICK_CACHE_BUCKET", "...")],
            "BUCKET",
            "is not the name",
        ),
        (
            &[("SIDEKICK_CACHE_REGION", "a\r\nb")],
            "REGION",
            "like us-east-1",
        ),
        (&[("SIDEKICK_CACHE_MIN_SIZE", "lots")], "MIN_SIZE", "32MiB"),
        (
            &[("SIDEKICK_CACHE_HEALTH_DURATION", "0")],
            "HEALTH_DURATION",
            "1 to 86400",
        ),
        (
            &[("SIDEKICK_CACHE_HEALTH_DURATION", "-1")],
            "HEALTH_DURATION",
            "negative",
        ),
    ] {
        let line = with(changes).expect_err(variable).to_string();
        assert!(
            line.contains(&format!("`SIDEKICK_CACHE_{variable}`")),
            "{line}"
        );
        assert!(line.contains(cure), "{line}");
        assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
    }
}

#[test]
fn no_key_is_shown() {
    let shown = format!("{:?}", with(&[]));
    assert!(
        !shown.contains("hunter2") && !shown.contains("\"AK\""),
        "{shown}"
    );
}
