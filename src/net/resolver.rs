//! Names to addresses and servers, by our own look-ups: never through the C library, whose
//! resolver blocks.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::system_conf::parse_resolv_conf;

use crate::config::NameServers;

/// What a name stands for, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// Sorted, none twice, at least one.
    pub found: Vec<T>,
    /// How long the answer may be used, as its records say.
    pub ttl: Duration,
}

/// A server that offers a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Its name, absolute.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}",
            self.host.trim_end_matches('.'),
            self.port
        )
    }
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
#[derive(Clone, Debug)]
pub struct Resolver {
    name_servers: NameServers,
}

impl Resolver {
    /// Asks these servers.
    pub fn new(name_servers: NameServers) -> Self {
        Self { name_servers }
    }

    /// All addresses of `name`, IPv4 and IPv6.
    ///
    /// # Errors
    /// No such name, no address, no server that answers.
    pub async fn resolve(&self, name: &str) -> Result<Answer<IpAddr>, ResolveError> {
        let said = |error: NetError| failed(name, &why(&error, "addresses"));
        let resolver = self.configured().map_err(said)?;
        let found = resolver.lookup_ip(name).await.map_err(said)?;
        answer(found.iter().collect(), found.valid_until())
            .ok_or_else(|| failed(name, "the name has no address"))
    }

    /// The servers that offer the service `name`: of its SRV records those with the lowest
    /// priority number. The weights are not looked at.
    ///
    /// # Errors
    /// No such name, no server, no name server that answers.
    pub async fn servers(&self, name: &str) -> Result<Answer<Target>, ResolveError> {
        let said = |error: NetError| failed(name, &why(&error, "SRV records"));
        let resolver = self.configured().map_err(said)?;
        let found = resolver.srv_lookup(name).await.map_err(said)?;
        let records = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(record) => Some(record),
                _ => None,
            });
        answer(preferred(records), found.valid_until())
            .ok_or_else(|| failed(name, "the service is not offered"))
    }

    /// By the system's configuration; without one, by the hosts file alone.
    fn configured(&self) -> Result<TokioResolver, NetError> {
        let read = fs::read(&self.name_servers.resolv_conf).map_err(NetError::from);
        let (config, mut options) = read.and_then(parse_resolv_conf).unwrap_or_else(|_| {
            let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
            (nobody, ResolverOpts::default())
        });
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.cache_size = 0;
        let (domain, search, mut servers) = config.into_parts();
        for connection in servers
            .iter_mut()
            .flat_map(|server| &mut server.connections)
        {
            connection.port = self.name_servers.port;
        }
        let config = ResolverConfig::from_parts(domain, search, servers);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
    }
}

fn answer<T: Ord>(mut found: Vec<T>, valid_until: Instant) -> Option<Answer<T>> {
    found.sort_unstable();
    found.dedup();
    let ttl = valid_until.saturating_duration_since(Instant::now());
    (!found.is_empty()).then_some(Answer { found, ttl })
}

/// The targets with the lowest priority number. The root as a target says that there is no server
/// (RFC 2782).
fn preferred<'a>(records: impl Iterator<Item = &'a SRV>) -> Vec<Target> {
    let offered: Vec<&SRV> = records.filter(|record| !record.target.is_root()).collect();
    let lowest = offered.iter().map(|record| record.priority).min();
    offered
        .into_iter()
        .filter(|record| Some(record.priority) == lowest)
        .map(|record| Target {
            host: record.target.to_ascii(),
            port: record.port,
        })
        .collect()
}

fn failed(name: &str, why: &str) -> ResolveError {
    ResolveError(format!("cannot resolve {name}: {why}"))
}

/// The reason in words that an operator would use, in one line.
fn why(error: &NetError, wanted: &str) -> String {
    match error {
        error if error.is_nx_domain() => "no such name".to_owned(),
        error if error.is_no_records_found() => format!("no such name, or one without {wanted}"),
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
    use hickory_resolver::proto::rr::Name;
    use hickory_resolver::proto::rr::rdata::SRV;

    use super::{NameServers, Resolver, preferred};

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    fn system() -> Resolver {
        Resolver::new(NameServers::default())
    }

    #[test]
    fn the_hosts_file_is_honoured() {
        let answer = run(system().resolve("localhost")).unwrap();
        assert!(
            answer.found.iter().all(std::net::IpAddr::is_loopback),
            "{answer:?}"
        );
    }

    #[test]
    fn a_name_that_cannot_be_one_is_an_error_in_one_line() {
        let error = run(system().resolve("no such..name"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot resolve no such..name: "),
            "{error}"
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn the_lowest_priority_number_that_has_a_target_is_preferred() {
        let record = |priority, weight, port, target: &str| {
            SRV::new(priority, weight, port, Name::from_ascii(target).unwrap())
        };
        let records = [
            record(0, 0, 0, "."),
            record(10, 5, 9000, "a.example."),
            record(20, 0, 9000, "c.example."),
            record(10, 95, 9001, "a.example."),
        ];
        let found = preferred(records.iter());
        let found: Vec<_> = found.iter().map(|at| (&*at.host, at.port)).collect();
        assert_eq!(found, [("a.example.", 9000), ("a.example.", 9001)]);
    }
}
