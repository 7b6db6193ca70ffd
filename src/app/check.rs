//! `--check`: what would run, without running it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::SystemTime;

use super::StartError;
use super::cache::Cache;
use super::certificates::Certificates;
use crate::config::{Config, Host};
use crate::net::Resolver;

/// Says what would run, with every certificate read and every name looked up. A name that does not
/// resolve is no error: its backend would be down until it does.
///
/// # Errors
/// One line: a certificate cannot be used, there are no keys to the cache's store, or the system has
/// no runtime to give.
pub fn check(config: &Config) -> Result<String, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::new)?;
    let resolver = Resolver::new(config.dns.name_servers.clone());
    let mut said = config.to_string();
    for line in Certificates::open(config, SystemTime::now())?.findings() {
        let _ = write!(said, "\n{line}");
    }
    if let Some(cache) = &config.cache {
        Cache::open(cache)?;
    }
    let mut services: BTreeSet<&str> = BTreeSet::new();
    let mut hosts: BTreeSet<String> = BTreeSet::new();
    for endpoint in config.sites.iter().flat_map(|site| &site.endpoints) {
        if let Some(service) = endpoint.service() {
            services.insert(service);
        } else if let Host::Name(name) = &endpoint.host {
            hosts.insert(name.clone());
        }
    }
    for service in services {
        let found = runtime.block_on(resolver.servers(service));
        let servers: Result<Vec<String>, _> = found.map(|answer| {
            hosts.extend(answer.found.iter().map(|server| server.host.clone()));
            answer.found.iter().map(ToString::to_string).collect()
        });
        let _ = write!(said, "\n{}", line(service, servers));
    }
    for host in hosts {
        let found = runtime.block_on(resolver.resolve(&host));
        let addresses = found.map(|answer| answer.found.iter().map(ToString::to_string).collect());
        let _ = write!(said, "\n{}", line(&host, addresses));
    }
    Ok(said)
}

fn line(name: &str, found: Result<Vec<String>, impl std::fmt::Display>) -> String {
    match found {
        Ok(found) => format!("{name} resolves to {}", found.join(", ")),
        Err(error) => format!("{error}: its backends would be down until it resolves"),
    }
}
