//! The shared S3 cache. It has no flags: the environment sets it.

/// Where the cache's store is; the cache is off while this is empty.
pub(crate) const ENDPOINT: &str = "SIDEKICK_CACHE_ENDPOINT";
