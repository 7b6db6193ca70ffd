//! What look-ups have found so far, and what is to be looked up.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::config::{Endpoint, Host, SiteConfig};
use crate::net::Target;

/// What is looked up again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Query {
    /// The addresses of a host.
    Addresses(String),
    /// The servers that offer a service.
    Servers(String),
}

impl Query {
    /// What `endpoint` waits for, if its host is a name.
    pub(super) fn of(endpoint: &Endpoint) -> Option<Self> {
        match (&endpoint.host, endpoint.service()) {
            (_, Some(service)) => Some(Self::Servers(service.to_owned())),
            (Host::Name(name), None) => Some(Self::Addresses(name.clone())),
            (Host::Ip(_), None) => None,
        }
    }
}

/// The last good answer of every look-up.
#[derive(Debug, Default)]
pub(super) struct Found {
    addresses: HashMap<String, Vec<IpAddr>>,
    servers: HashMap<String, Vec<Target>>,
}

impl Found {
    /// Takes the addresses of a host over; returns whether they are others than before.
    pub(super) fn addresses(&mut self, host: &str, found: Vec<IpAddr>) -> bool {
        replace(&mut self.addresses, host, found)
    }

    /// Takes the servers of a service over; returns whether they are others than before.
    pub(super) fn servers(&mut self, service: &str, found: Vec<Target>) -> bool {
        replace(&mut self.servers, service, found)
    }

    /// Whether there was a good answer.
    pub(super) fn knows(&self, query: &Query) -> bool {
        match query {
            Query::Addresses(host) => self.addresses.contains_key(host),
            Query::Servers(service) => self.servers.contains_key(service),
        }
    }

    /// Everything to be looked up for `sites`: what is configured, and the hosts of the servers
    /// that were found.
    pub(super) fn queries(&self, sites: &[SiteConfig]) -> BTreeSet<Query> {
        let mut queries = BTreeSet::new();
        for endpoint in sites.iter().flat_map(|site| &site.endpoints) {
            queries.extend(Query::of(endpoint));
            for server in self.endpoints(endpoint) {
                queries.extend(Query::of(&server));
            }
        }
        queries
    }

    /// The endpoints that `endpoint` stands for: itself, unless it is a service whose servers are
    /// known.
    pub(super) fn endpoints(&self, endpoint: &Endpoint) -> Vec<Endpoint> {
        let servers: Vec<Endpoint> = endpoint
            .service()
            .and_then(|service| self.servers.get(service))
            .into_iter()
            .flatten()
            // A record whose target cannot be connected to is none.
            .filter_map(|at| Endpoint::from_record(endpoint.scheme, &at.host, at.port).ok())
            .collect();
        if servers.is_empty() {
            return vec![endpoint.clone()];
        }
        servers
    }

    /// The addresses of `endpoint`, none while its host is a name without an answer.
    pub(super) fn addresses_of(&self, endpoint: &Endpoint) -> Vec<SocketAddr> {
        let found = match &endpoint.host {
            Host::Ip(ip) => std::slice::from_ref(ip),
            Host::Name(name) => self.addresses.get(name).map_or(&[][..], Vec::as_slice),
        };
        let at_port = |ip: &IpAddr| SocketAddr::new(*ip, endpoint.port);
        found.iter().map(at_port).collect()
    }
}

fn replace<T: PartialEq>(all: &mut HashMap<String, Vec<T>>, name: &str, found: Vec<T>) -> bool {
    let changed = all.get(name) != Some(&found);
    if changed {
        all.insert(name.to_owned(), found);
    }
    changed
}
