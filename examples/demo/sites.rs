//! Two sites of two S3 servers each.
//!
//! All four serve one store: to a reader that is replication between the sites without delay.

use crate::narrator::Narrator;
use crate::s3::{Credentials, Request, S3Client, S3Server, Store};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Requests received by each server of each site.
pub(crate) type Tally = [[u64; 2]; 2];

/// How long anything may take to show.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often to look whether it shows.
const GLANCE: Duration = Duration::from_millis(5);

/// The servers, by site in order of preference.
pub(crate) struct Sites {
    servers: [[S3Server; 2]; 2],
}

impl Sites {
    /// Starts all four servers.
    pub(crate) fn start(credentials: &Credentials) -> io::Result<Self> {
        let store = Store::default();
        let server = || S3Server::start(store.clone(), credentials);
        Ok(Self {
            servers: [[server()?, server()?], [server()?, server()?]],
        })
    }

    /// The servers of the preferred site.
    pub(crate) fn first(&self) -> &[S3Server; 2] {
        &self.servers[0]
    }

    /// The sites as sidekick's command line names them.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = String> {
        self.servers.iter().map(|site| {
            let [one, two] = site.each_ref().map(S3Server::address);
            format!("http://{one},http://{two}")
        })
    }

    /// Says which server is where.
    pub(crate) fn announce(&self, narrator: &Narrator) {
        for (index, site) in self.arguments().enumerate() {
            narrator.say(&format!(
                "site {}: {}",
                index + 1,
                site.replace(',', " and ")
            ));
        }
    }

    /// The requests received so far.
    pub(crate) fn tally(&self) -> Tally {
        self.servers
            .each_ref()
            .map(|site| site.each_ref().map(S3Server::requests))
    }

    /// Waits until sidekick has checked every server and says that it can serve.
    pub(crate) async fn wait_until_checked(&self, sidekick: SocketAddr) -> io::Result<()> {
        let mut client = S3Client::new(sidekick, Credentials::new("", ""));
        let request = Request {
            method: "GET",
            path: "/v1/health",
            ..Request::default()
        };
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let checked = self
                .servers
                .iter()
                .flatten()
                .all(|server| server.health_checks() > 0);
            let answer = client.send_anonymous(&request).await;
            if checked && answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            sleep(GLANCE).await;
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "sidekick does not become healthy",
        ))
    }
}

/// Waits until `holds` of the requests received; how long that took, if it ever did.
pub(crate) async fn wait_until(holds: impl Fn(Tally) -> bool, sites: &Sites) -> Option<Duration> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if holds(sites.tally()) {
            return Some(started.elapsed());
        }
        sleep(GLANCE).await;
    }
    None
}
