//! A snapshot from sites and the addresses known so far.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::balance::LoadTable;
use crate::config::{Endpoint, Host, SiteConfig};
use crate::topology::{Backend, Identity, Site, Snapshot};

/// What names were found to stand for.
pub(super) type Addresses = HashMap<String, Vec<IpAddr>>;

/// Builds the snapshot for `sites`. Backends of `known` that are still wanted stay the same
/// objects, with their connections, health and figures. With `round_robin` each address of a name
/// is a backend of its own.
///
/// # Errors
/// One line: more backends than the load table has places.
pub(super) fn assemble(
    sites: &[SiteConfig],
    addresses: &Addresses,
    round_robin: bool,
    known: Option<&Snapshot>,
    loads: &Arc<LoadTable>,
) -> Result<Snapshot, String> {
    let known: HashMap<(usize, &str), &Arc<Backend>> = known
        .iter()
        .flat_map(|snapshot| snapshot.backends())
        .map(|backend| ((backend.identity().site, &**backend.label()), backend))
        .collect();
    let mut assembled = Vec::with_capacity(sites.len());
    for (site, config) in sites.iter().enumerate() {
        let mut backends = Vec::with_capacity(config.endpoints.len());
        for endpoint in &config.endpoints {
            for (label, found) in servers(endpoint, addresses, round_robin) {
                backends.push(match known.get(&(site, label.as_str())) {
                    Some(backend) => {
                        move_to(backend, found);
                        Arc::clone(backend)
                    }
                    None => Arc::new(new_backend(&label, endpoint, site, found, loads)?),
                });
            }
        }
        assembled.push(Site::new(backends));
    }
    Ok(Snapshot::new(assembled, Arc::clone(loads)))
}

/// The servers that an endpoint stands for: label and addresses of each.
fn servers(
    endpoint: &Endpoint,
    addresses: &Addresses,
    round_robin: bool,
) -> Vec<(String, Vec<SocketAddr>)> {
    let name = match &endpoint.host {
        Host::Ip(ip) => {
            return vec![(
                endpoint.to_string(),
                vec![SocketAddr::new(*ip, endpoint.port)],
            )];
        }
        Host::Name(name) => name,
    };
    let found: Vec<SocketAddr> = addresses
        .get(name)
        .into_iter()
        .flatten()
        .map(|ip| SocketAddr::new(*ip, endpoint.port))
        .collect();
    if round_robin && !found.is_empty() {
        return found
            .into_iter()
            .map(|address| (format!("{}://{address}", endpoint.scheme), vec![address]))
            .collect();
    }
    vec![(endpoint.to_string(), found)]
}

/// A backend that is somewhere else now should be checked there at once.
fn move_to(backend: &Backend, found: Vec<SocketAddr>) {
    if !found.is_empty() && *backend.addresses() != *found {
        backend.set_addresses(found.into());
        backend.doubt().notify_one();
    }
}

fn new_backend(
    label: &str,
    endpoint: &Endpoint,
    site: usize,
    found: Vec<SocketAddr>,
    loads: &Arc<LoadTable>,
) -> Result<Backend, String> {
    let load = loads
        .register(site)
        .ok_or("too many backends: their table is full")?;
    let identity = Identity {
        label: label.into(),
        endpoint: endpoint.clone(),
        site,
    };
    Ok(Backend::new(identity, load, found.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::{Addresses, assemble};
    use crate::balance::LoadTable;
    use crate::config::SiteConfig;
    use crate::topology::Snapshot;

    fn site(endpoints: &[&str]) -> SiteConfig {
        SiteConfig {
            endpoints: endpoints.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn labels(snapshot: &Snapshot) -> Vec<String> {
        snapshot
            .backends()
            .map(|backend| backend.label().to_string())
            .collect()
    }

    #[test]
    fn a_backend_that_stays_keeps_its_identity() {
        let loads = LoadTable::new(8, Instant::now());
        let none = Addresses::new();
        let first = [site(&["http://10.0.0.1:1", "http://10.0.0.2:1"])];
        let before = assemble(&first, &none, false, None, &loads).unwrap();
        let second = [site(&["http://10.0.0.2:1", "http://10.0.0.3:1"])];
        let after = assemble(&second, &none, false, Some(&before), &loads).unwrap();
        assert_eq!(labels(&after), ["http://10.0.0.2:1", "http://10.0.0.3:1"]);
        let kept = before.backends().nth(1).unwrap();
        assert!(Arc::ptr_eq(kept, after.backends().next().unwrap()));
    }

    #[test]
    fn in_round_robin_mode_each_address_is_a_backend() {
        let loads = LoadTable::new(8, Instant::now());
        let sites = [site(&["http://s3.example:9000"])];
        let mut found = Addresses::new();
        let before = assemble(&sites, &found, true, None, &loads).unwrap();
        assert_eq!(labels(&before), ["http://s3.example:9000"]);
        let addresses = ["10.0.0.1", "10.0.0.2", "::1"].map(|ip| ip.parse().unwrap());
        found.insert("s3.example".to_owned(), addresses.to_vec());
        let after = assemble(&sites, &found, true, Some(&before), &loads).unwrap();
        assert_eq!(
            labels(&after),
            [
                "http://10.0.0.1:9000",
                "http://10.0.0.2:9000",
                "http://[::1]:9000"
            ]
        );
    }

    #[test]
    fn a_name_in_ordinary_mode_is_one_backend_with_all_its_addresses() {
        let loads = LoadTable::new(8, Instant::now());
        let sites = [site(&["http://s3.example:9000"])];
        let addresses = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        let found = Addresses::from([("s3.example".to_owned(), addresses.to_vec())]);
        let snapshot = assemble(&sites, &found, false, None, &loads).unwrap();
        assert_eq!(labels(&snapshot), ["http://s3.example:9000"]);
        assert_eq!(snapshot.backends().next().unwrap().addresses().len(), 2);
    }

    #[test]
    fn more_backends_than_places_are_refused() {
        let loads = LoadTable::new(1, Instant::now());
        let sites = [site(&["http://10.0.0.1:1"]), site(&["http://10.0.0.2:1"])];
        let refusal = assemble(&sites, &Addresses::new(), false, None, &loads).unwrap_err();
        assert!(refusal.starts_with("too many backends"), "{refusal}");
    }
}
