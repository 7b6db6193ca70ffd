//! Active health checks.

use std::time::Duration;

use crate::config::duration;
use crate::config::error::{Error, Problem};
use crate::config::flag::Flag;
use crate::config::host::port;
use crate::config::setting::Settings;

pub(crate) const HEALTH_PATH: Flag = Flag::text(
    "health-path",
    "PATH",
    "Path and query that answer 200 on a healthy backend; a missing leading / is added",
)
.short('p')
.default("/");

pub(crate) const READ_HEALTH_PATH: Flag = Flag::text(
    "read-health-path",
    "PATH",
    "The same for the last site, which may serve reads with read quorum only",
)
.short('r')
.described_default("as --health-path");

pub(crate) const HEALTH_PORT: Flag = Flag::number(
    "health-port",
    "PORT",
    "Port of the health checks where it differs; 0 is the endpoint's own",
)
.default("0");

pub(crate) const HEALTH_DURATION: Flag =
    Flag::duration("health-duration", "Time between two checks of a backend")
        .short('d')
        .default("5s");

pub(crate) const HEALTH_TIMEOUT: Flag =
    Flag::duration("health-timeout", "A check that takes longer has failed").default("10s");

pub(crate) const HEALTH_OPTIMISTIC: Flag =
    Flag::switch("health-optimistic", "Check a backend only while it is down");

pub(crate) const FLAGS: &[&Flag] = &[
    &HEALTH_PATH,
    &READ_HEALTH_PATH,
    &HEALTH_PORT,
    &HEALTH_DURATION,
    &HEALTH_TIMEOUT,
    &HEALTH_OPTIMISTIC,
];

/// How backends are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthConfig {
    /// Request target of the checks, in origin form (RFC 9112 §3.2.1).
    pub path: String,
    /// The same for the last site; equals `path` unless given.
    pub read_path: String,
    /// Port of the checks where it is not the endpoint's own.
    pub port: Option<u16>,
    /// Time between two checks of a backend; longer than zero.
    pub interval: Duration,
    /// A check that takes longer has failed; longer than zero.
    pub timeout: Duration,
    /// Whether to check only while a backend is down.
    pub optimistic: bool,
}

impl HealthConfig {
    pub(crate) fn build(settings: &Settings) -> Result<Self, Error> {
        let path = settings.value(&HEALTH_PATH, target)?;
        let read_path = settings.optional(&READ_HEALTH_PATH, |text| match text {
            "" => Ok(path.clone()),
            _ => target(text),
        })?;
        Ok(Self {
            read_path: read_path.unwrap_or_else(|| path.clone()),
            path,
            port: Some(settings.value(&HEALTH_PORT, port)?).filter(|port| *port != 0),
            interval: settings.value(&HEALTH_DURATION, positive)?,
            timeout: settings.value(&HEALTH_TIMEOUT, positive)?,
            optimistic: settings.switch(&HEALTH_OPTIMISTIC)?,
        })
    }
}

/// A span of time that is not zero.
pub(crate) fn positive(text: &str) -> Result<Duration, Problem> {
    match duration::parse(text)? {
        Duration::ZERO => Err(Problem::new("must be longer than 0")),
        span => Ok(span),
    }
}

/// A request target in origin form; it is written into a request as it is.
fn target(text: &str) -> Result<String, Problem> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Problem::new(
            "a path has no spaces or control characters; write %20",
        ));
    }
    if !text.is_ascii() {
        return Err(Problem::new("a path is ASCII; percent-encode the rest"));
    }
    if text.contains('#') {
        return Err(Problem::new(
            "a path has no fragment; remove it from the `#` on",
        ));
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(Problem::new("write the path only, without scheme and host"));
    }
    Ok(if text.starts_with('/') {
        text.to_owned()
    } else {
        format!("/{text}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_slash_is_added() {
        assert_eq!(
            target("minio/health/live?x=1"),
            Ok("/minio/health/live?x=1".to_owned())
        );
        assert_eq!(target("/a"), Ok("/a".to_owned()));
        assert_eq!(target(""), Ok("/".to_owned()));
    }

    #[test]
    fn a_path_that_would_break_the_request_is_refused() {
        for text in [
            "/a b",
            "/a\r\nX: y",
            "/a\0",
            "/ä",
            "/a#b",
            "http://h/a",
            "/a\u{a0}b",
        ] {
            assert!(target(text).is_err(), "{text:?}");
        }
    }
}
