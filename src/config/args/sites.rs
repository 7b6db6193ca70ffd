//! How requests are spread and how names become addresses.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::error::{Error, Problem};
use crate::config::flag::Flag;
use crate::config::setting::Settings;
use crate::config::{duration, site::SiteConfig};

pub(crate) const HOST_BALANCE: Flag = Flag::choice(
    "host-balance",
    &["least", "random", "round-robin", "p2c"],
    "Which backend gets a request; least is the one with the fewest in flight, p2c the one of two \
     at random with the lower latency times requests in flight",
)
.default("least");

pub(crate) const RR_DNS_MODE: Flag = Flag::switch(
    "rr-dns-mode",
    "Treat each address of the one endpoint's name as a backend; Host and TLS name stay the name",
);

pub(crate) const DNS_TTL: Flag = Flag::duration(
    "dns-ttl",
    "Longest time between look-ups of a backend's name; a shorter TTL of the record wins",
)
.default("10m");

pub(crate) const FLAGS: &[&Flag] = &[&HOST_BALANCE, &RR_DNS_MODE, &DNS_TTL];

/// Which of a site's backends gets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// The one with the fewest requests in flight.
    Least,
    /// Any.
    Random,
    /// One after the other.
    RoundRobin,
    /// The better of two at random, by latency and load.
    P2c,
}

impl Balance {
    pub(crate) fn build(settings: &Settings) -> Result<Self, Error> {
        settings.value(&HOST_BALANCE, |text| match text {
            "least" => Ok(Self::Least),
            "random" => Ok(Self::Random),
            "round-robin" => Ok(Self::RoundRobin),
            "p2c" => Ok(Self::P2c),
            _ => Err(Problem::new("expected least, random, round-robin or p2c")),
        })
    }
}

/// How names become addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// Whether each address of the one endpoint's name is a backend of its own.
    pub round_robin: bool,
    /// Upper bound between look-ups, at least a second.
    pub ttl_max: Duration,
    /// Who is asked.
    pub name_servers: NameServers,
}

/// Where it is written which name servers to ask. No flag sets it: a machine has one resolver
/// configuration. A test has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServers {
    /// Servers, search domains and options, as resolv.conf(5) says.
    pub resolv_conf: PathBuf,
    /// The port of every server.
    pub port: u16,
}

impl Default for NameServers {
    fn default() -> Self {
        Self {
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            port: 53,
        }
    }
}

impl DnsConfig {
    pub(crate) fn build(settings: &Settings, sites: &[SiteConfig]) -> Result<Self, Error> {
        let round_robin = settings.switch(&RR_DNS_MODE)?;
        let endpoints: usize = sites.iter().map(|site| site.endpoints.len()).sum();
        if round_robin && endpoints != 1 {
            return Err(settings.refuse(
                &RR_DNS_MODE,
                "true",
                &Problem::new(format!(
                    "needs exactly one endpoint, whose name has many addresses; {endpoints} are given"
                )),
            ));
        }
        let ttl_max = settings.value(&DNS_TTL, |text| {
            let ttl = duration::parse(text)?;
            if ttl < Duration::from_secs(1) {
                return Err(Problem::new("must be 1s or longer"));
            }
            Ok(ttl)
        })?;
        Ok(Self {
            round_robin,
            ttl_max,
            name_servers: NameServers::default(),
        })
    }
}
