//! What is allowed but probably not meant.

use std::collections::HashSet;

use super::args::listen::ListenAddress;
use super::endpoint::Endpoint;
use super::site::SiteConfig;

/// Fewer sites than this, alike or not, are how one writes a main site and its fallback.
const SITES_ALIKE: usize = 3;

/// One line for each probable mistake.
pub(crate) fn about(sites: &[SiteConfig], listen: &ListenAddress) -> Vec<String> {
    let endpoints = sites.iter().flat_map(|site| &site.endpoints);
    let circles = endpoints
        .filter(|endpoint| is_itself(endpoint, listen))
        .map(|endpoint| {
            format!("`{endpoint}` is the own listen address: requests would go in circles")
        });
    one_cluster_in_many_arguments(sites)
        .into_iter()
        .chain(circles)
        .collect()
}

/// A shell expands `{1..4}` into four arguments, which makes four sites.
fn one_cluster_in_many_arguments(sites: &[SiteConfig]) -> Option<String> {
    let alone = sites.iter().all(|site| site.endpoints.len() == 1);
    let shapes: HashSet<String> = sites
        .iter()
        .flat_map(|site| &site.endpoints)
        .map(|endpoint| endpoint.label().replace(|c: char| c.is_ascii_digit(), ""))
        .collect();
    (sites.len() >= SITES_ALIKE && alone && shapes.len() == 1).then(|| {
        format!(
            "{} sites of one endpoint each: servers of one cluster belong into one argument, \
             separated by commas or written with {{1...{}}}",
            sites.len(),
            sites.len()
        )
    })
}

fn is_itself(endpoint: &Endpoint, listen: &ListenAddress) -> bool {
    let here = match &listen.host {
        None => endpoint.host.is_loopback(),
        Some(host) => *host == endpoint.host || host.is_loopback() && endpoint.host.is_loopback(),
    };
    here && endpoint.port == listen.port
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(sites: &[&str], listen: &str) -> Vec<String> {
        let sites: Vec<_> = sites
            .iter()
            .map(|text| SiteConfig::parse(text).expect(text))
            .collect();
        about(&sites, &ListenAddress::parse(listen).expect(listen))
    }

    #[test]
    fn a_cluster_spread_over_arguments_is_told() {
        let told = warnings(
            &["http://m1:9000", "http://m2:9000", "http://m10:9000"],
            ":8080",
        );
        assert!(
            told[0].starts_with("3 sites of one endpoint each"),
            "{told:?}"
        );
        assert!(warnings(&["http://m1", "http://m2"], ":8080").is_empty());
        assert!(warnings(&["http://a", "http://b", "http://c"], ":8080").is_empty());
        assert!(warnings(&["http://m1,http://m2", "http://m3", "http://m4"], ":8080").is_empty());
    }

    #[test]
    fn a_loop_to_the_own_port_is_told() {
        for (endpoint, listen, told) in [
            ("http://localhost:8080", ":8080", true),
            ("http://127.0.0.1:8080", "localhost:8080", true),
            ("http://10.0.0.1:8080", "10.0.0.1:8080", true),
            ("http://10.0.0.1:8080", ":8080", false),
            ("http://localhost:9000", ":8080", false),
            ("http://localhost:8080", "10.0.0.1:8080", false),
        ] {
            assert_eq!(
                !warnings(&[endpoint], listen).is_empty(),
                told,
                "{endpoint} {listen}"
            );
        }
    }
}
