//! A snapshot from sites and what was found of their names so far.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::found::Found;
use crate::balance::LoadTable;
use crate::config::{Endpoint, Host, SiteConfig};
use crate::topology::{Backend, Identity, Site, Snapshot};

/// A snapshot, and whether it is one on the way to another.
#[derive(Debug)]
pub(super) struct Assembly {
    pub(super) snapshot: Snapshot,
    /// How many backends are in it only until others serve in their place.
    pub(super) leaving: usize,
}

/// Builds the snapshot for `sites`. Backends of `known` that are still wanted stay the same
/// objects, with their connections, health and figures. With `round_robin` each address of a name
/// is a backend of its own.
///
/// A configured endpoint never loses its last backend in rotation to a change of records: those
/// that have gone stay until a new one is up.
///
/// # Errors
/// One line: more backends than the load table has places.
pub(super) fn assemble(
    sites: &[SiteConfig],
    found: &Found,
    round_robin: bool,
    known: Option<&Snapshot>,
    loads: &Arc<LoadTable>,
) -> Result<Assembly, String> {
    let mut leaving = 0;
    let mut assembled = Vec::with_capacity(sites.len());
    for (number, config) in sites.iter().enumerate() {
        let known = known.and_then(|snapshot| snapshot.sites().get(number));
        let known = known.map_or(&[][..], Site::backends);
        let mut backends = wanted(config, number, found, round_robin, known, loads)?;
        let stay = last_in_rotation(config, &backends, known);
        leaving += stay.len();
        backends.extend(stay);
        assembled.push(Site::new(backends));
    }
    Ok(Assembly {
        snapshot: Snapshot::new(assembled, Arc::clone(loads)),
        leaving,
    })
}

/// The backends of a site as configuration and records say.
fn wanted(
    config: &SiteConfig,
    site: usize,
    found: &Found,
    round_robin: bool,
    known: &[Arc<Backend>],
    loads: &Arc<LoadTable>,
) -> Result<Vec<Arc<Backend>>, String> {
    let known: HashMap<&str, &Arc<Backend>> = known
        .iter()
        .map(|backend| (&**backend.label(), backend))
        .collect();
    let mut labels = HashSet::with_capacity(config.endpoints.len());
    let mut backends = Vec::with_capacity(config.endpoints.len());
    for configured in &config.endpoints {
        for endpoint in found.endpoints(configured) {
            for (label, addresses) in servers(&endpoint, found, round_robin) {
                // Two services may name the same server.
                if !labels.insert(label.clone()) {
                    continue;
                }
                backends.push(if let Some(backend) = known.get(label.as_str()) {
                    backend.resolved(&addresses);
                    Arc::clone(backend)
                } else {
                    let identity = Identity {
                        label: label.into(),
                        endpoint: endpoint.clone(),
                        configured: configured.clone(),
                        site,
                    };
                    Arc::new(new_backend(identity, addresses, loads)?)
                });
            }
        }
    }
    Ok(backends)
}

/// Of the backends that are wanted no more, those in rotation whose configured endpoint has no
/// other one in rotation.
fn last_in_rotation(
    config: &SiteConfig,
    wanted: &[Arc<Backend>],
    known: &[Arc<Backend>],
) -> Vec<Arc<Backend>> {
    let configured: HashSet<&Endpoint> = config.endpoints.iter().collect();
    let stay: HashSet<&str> = wanted.iter().map(|backend| &**backend.label()).collect();
    let served: HashSet<&Endpoint> = wanted
        .iter()
        .filter(|backend| backend.is_up())
        .map(|backend| &backend.identity().configured)
        .collect();
    let is_last = |backend: &&Arc<Backend>| {
        let origin = &backend.identity().configured;
        backend.is_up()
            && !stay.contains(&**backend.label())
            && configured.contains(origin)
            && !served.contains(origin)
    };
    known.iter().filter(is_last).cloned().collect()
}

/// The servers that an endpoint stands for: label and addresses of each.
fn servers(
    endpoint: &Endpoint,
    found: &Found,
    round_robin: bool,
) -> Vec<(String, Vec<SocketAddr>)> {
    let addresses = found.addresses_of(endpoint);
    let is_name = matches!(endpoint.host, Host::Name(_));
    if round_robin && is_name && !addresses.is_empty() {
        let alone = |address| (format!("{}://{address}", endpoint.scheme), vec![address]);
        return addresses.into_iter().map(alone).collect();
    }
    vec![(endpoint.to_string(), addresses)]
}

fn new_backend(
    identity: Identity,
    addresses: Vec<SocketAddr>,
    loads: &Arc<LoadTable>,
) -> Result<Backend, String> {
    let load = loads
        .register(identity.site)
        .ok_or("too many backends: their table is full")?;
    Ok(Backend::new(identity, load, addresses.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::{Assembly, assemble};
    use crate::balance::{LoadTable, Standing};
    use crate::config::SiteConfig;
    use crate::discovery::found::Found;
    use crate::net::Target;
    use crate::topology::Snapshot;

    fn site(endpoints: &[&str]) -> SiteConfig {
        SiteConfig {
            endpoints: endpoints.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn addresses(found: &mut Found, host: &str, ips: &[&str]) {
        found.addresses(host, ips.iter().map(|ip| ip.parse().unwrap()).collect());
    }

    fn servers(found: &mut Found, service: &str, targets: &[(&str, u16)]) {
        let target = |(host, port): &(&str, u16)| Target {
            host: (*host).to_owned(),
            port: *port,
        };
        found.servers(service, targets.iter().map(target).collect());
    }

    fn labels(snapshot: &Snapshot) -> Vec<String> {
        snapshot
            .backends()
            .map(|backend| backend.label().to_string())
            .collect()
    }

    fn stand(snapshot: &Snapshot, label: &str, standing: Standing) {
        let named = snapshot
            .backends()
            .find(|backend| &**backend.label() == label);
        named.unwrap().load().set_standing(standing);
    }

    #[test]
    fn a_backend_that_stays_keeps_its_identity() {
        let loads = LoadTable::new(8, Instant::now());
        let none = Found::default();
        let first = [site(&["http://10.0.0.1:1", "http://10.0.0.2:1"])];
        let before = assemble(&first, &none, false, None, &loads).unwrap();
        let second = [site(&["http://10.0.0.2:1", "http://10.0.0.3:1"])];
        let after = assemble(&second, &none, false, Some(&before.snapshot), &loads).unwrap();
        assert_eq!(
            labels(&after.snapshot),
            ["http://10.0.0.2:1", "http://10.0.0.3:1"]
        );
        let kept = before.snapshot.backends().nth(1).unwrap();
        assert!(Arc::ptr_eq(kept, after.snapshot.backends().next().unwrap()));
    }

    #[test]
    fn in_round_robin_mode_each_address_is_a_backend() {
        let loads = LoadTable::new(8, Instant::now());
        let sites = [site(&["http://s3.example:9000"])];
        let mut found = Found::default();
        let before = assemble(&sites, &found, true, None, &loads)
            .unwrap()
            .snapshot;
        assert_eq!(labels(&before), ["http://s3.example:9000"]);
        addresses(&mut found, "s3.example", &["10.0.0.1", "10.0.0.2", "::1"]);
        let after = assemble(&sites, &found, true, Some(&before), &loads).unwrap();
        assert_eq!(
            labels(&after.snapshot),
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
        let mut found = Found::default();
        addresses(&mut found, "s3.example", &["10.0.0.1", "10.0.0.2"]);
        let Assembly { snapshot, .. } = assemble(&sites, &found, false, None, &loads).unwrap();
        assert_eq!(labels(&snapshot), ["http://s3.example:9000"]);
        assert_eq!(snapshot.backends().next().unwrap().addresses().len(), 2);
    }

    #[test]
    fn a_service_is_a_backend_a_target_and_port() {
        let loads = LoadTable::new(8, Instant::now());
        let sites = [site(&["http://_s3._tcp.example", "http://a.example:9001"])];
        let mut found = Found::default();
        let before = assemble(&sites, &found, false, None, &loads)
            .unwrap()
            .snapshot;
        assert_eq!(
            labels(&before),
            ["http://_s3._tcp.example", "http://a.example:9001"]
        );
        let targets = [
            ("a.example.", 9000),
            ("a.example.", 9001),
            ("?.example.", 1),
        ];
        servers(&mut found, "_s3._tcp.example", &targets);
        addresses(&mut found, "a.example.", &["10.0.0.1"]);
        let after = assemble(&sites, &found, false, Some(&before), &loads)
            .unwrap()
            .snapshot;
        assert_eq!(
            labels(&after),
            ["http://a.example:9000", "http://a.example:9001"],
            "each server once, and no target that is none"
        );
        let first = after.backends().next().unwrap();
        assert_eq!(first.identity().endpoint.authority(), "a.example:9000");
        assert_eq!(*first.addresses(), ["10.0.0.1:9000".parse().unwrap()]);
    }

    #[test]
    fn the_last_backend_in_rotation_stays_until_a_new_one_is_up() {
        let loads = LoadTable::new(8, Instant::now());
        let sites = [site(&["http://s3.example:9000"])];
        let mut found = Found::default();
        let mut assemble = |ips: &[&str], known: Option<&Snapshot>| {
            addresses(&mut found, "s3.example", ips);
            assemble(&sites, &found, true, known, &loads).unwrap()
        };
        let (old, new) = ("http://10.0.0.1:9000", "http://10.0.0.3:9000");
        let before = assemble(&["10.0.0.1", "10.0.0.2"], None).snapshot;
        stand(&before, old, Standing::Up);
        let between = assemble(&["10.0.0.3"], Some(&before));
        assert_eq!(labels(&between.snapshot), [new, old]);
        assert_eq!(between.leaving, 1);
        stand(&between.snapshot, new, Standing::Up);
        let after = assemble(&["10.0.0.3"], Some(&between.snapshot));
        assert_eq!(labels(&after.snapshot), [new]);
        assert_eq!(after.leaving, 0);
    }

    #[test]
    fn a_backend_whose_endpoint_is_configured_no_more_goes_at_once() {
        let loads = LoadTable::new(8, Instant::now());
        let none = Found::default();
        let old = [site(&["http://10.0.0.1:1"])];
        let before = assemble(&old, &none, false, None, &loads).unwrap().snapshot;
        stand(&before, "http://10.0.0.1:1", Standing::Up);
        let new = [site(&["http://10.0.0.2:1"])];
        let after = assemble(&new, &none, false, Some(&before), &loads).unwrap();
        assert_eq!(labels(&after.snapshot), ["http://10.0.0.2:1"]);
    }

    #[test]
    fn more_backends_than_places_are_refused() {
        let loads = LoadTable::new(1, Instant::now());
        let sites = [site(&["http://10.0.0.1:1"]), site(&["http://10.0.0.2:1"])];
        let refusal = assemble(&sites, &Found::default(), false, None, &loads).unwrap_err();
        assert!(refusal.starts_with("too many backends"), "{refusal}");
    }
}
