//! Names to addresses, by our own look-ups: never through the C library, whose resolver blocks.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{ResolverBuilder, TokioResolver};

/// What a name stands for, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// IPv4 and IPv6 addresses, sorted, none twice, at least one.
    pub addresses: Vec<IpAddr>,
    /// How long the answer may be used, as its records say.
    pub ttl: Duration,
}

/// A name without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveError(String);

impl fmt::Display for ResolveError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Looks names up as the system is configured: `/etc/hosts`, then the servers, search domains and
/// `ndots` of `/etc/resolv.conf`.
///
/// Both files are read anew for each look-up. Look-ups are rare, and so a change of either is seen
/// without watching it; what was learnt is kept by the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resolver;

impl Resolver {
    /// All addresses of `name`.
    ///
    /// # Errors
    /// No such name, no address, no server that answers.
    pub async fn resolve(&self, name: &str) -> Result<Answer, ResolveError> {
        let failed = |why: &str| ResolveError(format!("cannot resolve {name}: {why}"));
        let said = |error: NetError| failed(&why(&error));
        let resolver = configured().build().map_err(said)?;
        let found = resolver.lookup_ip(name).await.map_err(said)?;
        let mut addresses: Vec<IpAddr> = found.iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(failed("the name has no address"));
        }
        Ok(Answer {
            addresses,
            ttl: found
                .valid_until()
                .saturating_duration_since(Instant::now()),
        })
    }
}

/// The system's configuration; without one, the hosts file alone.
fn configured() -> ResolverBuilder<TokioRuntimeProvider> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
    });
    let options: &mut ResolverOpts = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = 0;
    builder
}

/// The reason in words that an operator would use, in one line.
fn why(error: &NetError) -> String {
    match error {
        error if error.is_nx_domain() => "no such name".to_owned(),
        error if error.is_no_records_found() => "no such name, or one without addresses".to_owned(),
        NetError::Timeout => "the name servers do not answer".to_owned(),
        NetError::NoConnections => "no name server can be reached".to_owned(),
        error => error
            .to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::Resolver;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn the_hosts_file_is_honoured() {
        let answer = run(Resolver.resolve("localhost")).unwrap();
        assert!(
            answer.addresses.iter().all(std::net::IpAddr::is_loopback),
            "{answer:?}"
        );
    }

    #[test]
    fn a_name_that_cannot_be_one_is_an_error_in_one_line() {
        let error = run(Resolver.resolve("no such..name"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot resolve no such..name: "),
            "{error}"
        );
        assert!(!error.contains('\n'));
    }
}
