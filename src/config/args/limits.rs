//! Bounds on time and number.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::health::positive;
use crate::config::duration;
use crate::config::error::Error;
use crate::config::flag::Flag;
use crate::config::setting::{Settings, whole};

pub(crate) const SHUTDOWN_TIMEOUT: Flag = Flag::duration(
    "shutdown-timeout",
    "Time that requests in flight have to finish at the end",
)
.default("30s");

pub(crate) const IDLE_TIMEOUT: Flag = Flag::duration(
    "idle-timeout",
    "Close a client's connection that has carried no request for so long",
)
.default("60s");

pub(crate) const HEADER_TIMEOUT: Flag = Flag::duration(
    "header-timeout",
    "Time a client has to send a request's head once begun",
)
.default("10s");

pub(crate) const CONNECT_TIMEOUT: Flag = Flag::duration(
    "connect-timeout",
    "Time a backend has to accept a connection",
)
.default("3s");

pub(crate) const MAX_CONNECTIONS: Flag = Flag::number(
    "max-connections",
    "N",
    "Most client connections at a time; 0 sets no limit",
)
.default("0");

pub(crate) const RETRIES: Flag = Flag::number(
    "retries",
    "N",
    "Most further attempts at a request that a backend failed, where repeating is safe",
)
.default("7");

pub(crate) const THREADS: Flag = Flag::number(
    "threads",
    "N",
    "Worker threads; 0 is one a core this process may use",
)
.default("0");

pub(crate) const FLAGS: &[&Flag] = &[
    &SHUTDOWN_TIMEOUT,
    &IDLE_TIMEOUT,
    &HEADER_TIMEOUT,
    &CONNECT_TIMEOUT,
    &MAX_CONNECTIONS,
    &RETRIES,
    &THREADS,
];

/// Bounds on time and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time that requests in flight have to finish once the process is to end; may be zero.
    pub shutdown: Duration,
    /// Time a kept-alive client connection may stay without a request; longer than zero.
    pub idle: Duration,
    /// Time a client has for a request's head once its first byte came; longer than zero.
    pub header: Duration,
    /// Time a backend has to accept a connection; longer than zero.
    pub connect: Duration,
    /// Most client connections at a time; `None` sets no limit.
    pub max_connections: Option<NonZeroUsize>,
    /// Most attempts at a request after the first.
    pub retries: u32,
    /// Worker threads; `None` is one a core this process may use.
    pub threads: Option<NonZeroUsize>,
}

impl Limits {
    pub(crate) fn build(settings: &Settings) -> Result<Self, Error> {
        let number = |most| move |text: &str| whole(text, 0, most);
        let count = |flag, most| -> Result<Option<NonZeroUsize>, Error> {
            Ok(NonZeroUsize::new(
                settings.value(flag, number(most))? as usize
            ))
        };
        Ok(Self {
            shutdown: settings.value(&SHUTDOWN_TIMEOUT, duration::parse)?,
            idle: settings.value(&IDLE_TIMEOUT, positive)?,
            header: settings.value(&HEADER_TIMEOUT, positive)?,
            connect: settings.value(&CONNECT_TIMEOUT, positive)?,
            max_connections: count(&MAX_CONNECTIONS, u32::MAX)?,
            retries: settings.value(&RETRIES, number(100))?,
            threads: count(&THREADS, 1024)?,
        })
    }
}
