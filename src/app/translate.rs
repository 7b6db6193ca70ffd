//! What was configured, as the rooms take it.

use std::time::Duration;

use crate::balance::Policy;
use crate::config::{Balance, Config};
use crate::proxy::Limits;

/// A body, or an answer, that makes no progress for this long is cut.
const STALL: Duration = Duration::from_mins(5);

/// How many workers: one a core, unless told otherwise.
pub(super) fn threads(config: &Config) -> usize {
    let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config
        .limits
        .threads
        .map_or_else(available, std::num::NonZero::get)
}

/// Open files that pipes may take up: an eighth of all, so that connections never lack one.
pub(super) fn pipe_files(open_files: Option<u64>) -> usize {
    let open_files = open_files.and_then(|files| usize::try_from(files).ok());
    open_files.unwrap_or(usize::MAX) / 8
}

/// Who picks.
pub(super) fn policy(balance: Balance) -> Policy {
    match balance {
        Balance::Least => Policy::Least,
        Balance::Random => Policy::Random,
        Balance::RoundRobin => Policy::RoundRobin,
        Balance::P2c => Policy::P2c,
    }
}

/// Bounds on a connection.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        idle: config.limits.idle,
        header: config.limits.header,
        connect: config.limits.connect,
        stall: STALL,
        retries: config.limits.retries,
    }
}
