//! The variables that set the cache, once: help and reference are written from here.

/// A variable without a flag.
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What stands for its value, and what counts without it.
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
}

pub(super) const ENDPOINT: &str = "SIDEKICK_CACHE_ENDPOINT";
pub(super) const ACCESS_KEY: &str = "SIDEKICK_CACHE_ACCESS_KEY";
pub(super) const SECRET_KEY: &str = "SIDEKICK_CACHE_SECRET_KEY";
pub(super) const BUCKET: &str = "SIDEKICK_CACHE_BUCKET";
pub(super) const MIN_SIZE: &str = "SIDEKICK_CACHE_MIN_SIZE";
pub(super) const HEALTH_DURATION: &str = "SIDEKICK_CACHE_HEALTH_DURATION";
pub(super) const REGION: &str = "SIDEKICK_CACHE_REGION";

/// All of them, in the order of the reference.
pub(crate) const VARIABLES: [Variable; 7] = [
    Variable {
        name: ENDPOINT,
        default: "",
        help: "Keep what may be cached in this S3-compatible store, http://HOST:PORT or https://; \
               memory:256MiB keeps it in this process. Empty, there is no cache",
    },
    Variable {
        name: BUCKET,
        default: "",
        help: "The bucket that holds the cache; it must exist",
    },
    Variable {
        name: ACCESS_KEY,
        default: "",
        help: "Key to the bucket; without both, the chain of the AWS tools is asked",
    },
    Variable {
        name: SECRET_KEY,
        default: "",
        help: "Its secret half",
    },
    Variable {
        name: REGION,
        default: "us-east-1",
        help: "Region that requests to the store are signed for",
    },
    Variable {
        name: MIN_SIZE,
        default: "1MiB",
        help: "Smallest body that is stored",
    },
    Variable {
        name: HEALTH_DURATION,
        default: "60s",
        help: "Time between two checks of the store while it is up",
    },
];
