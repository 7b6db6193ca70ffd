//! sidekick itself, in this process. The one place of the demo that knows how it is started and
//! stopped.

use crate::s3::{Credentials, Request, S3Client};
use sidekick::app::{self, Outcome, Signals, Stop};
use sidekick::config::{self, Invocation};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::thread;
use tokio::sync::oneshot;

const METRICS_PATH: &str = "/.prometheus/metrics";

/// A running sidekick.
pub(crate) struct Running {
    address: SocketAddr,
    table: bool,
    stop: Stop,
    ended: oneshot::Receiver<Outcome>,
}

impl Running {
    /// Starts sidekick by its own command line; the environment has no say.
    pub(crate) fn start(arguments: &[String]) -> io::Result<Self> {
        let arguments = arguments.iter().map(OsString::from);
        let invocation = config::parse(arguments, &|_| None, &config::read_file);
        let Invocation::Run(config, _) = invocation.map_err(io::Error::other)? else {
            return Err(io::Error::other("the arguments do not ask to serve"));
        };
        let running = app::start(*config, None, Signals::Ignored).map_err(io::Error::other)?;
        let (address, table, stop) = (running.address(), running.has_table(), running.stop());
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("sidekick-end".to_owned())
            .spawn(move || end.send(running.wait()))?;
        Ok(Self {
            address,
            table,
            stop,
            ended,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether its live table has the terminal.
    pub(crate) fn has_table(&self) -> bool {
        self.table
    }

    /// The retries that its metrics count.
    pub(crate) async fn retries(&self) -> io::Result<u64> {
        let mut client = S3Client::new(self.address, Credentials::new("", ""));
        let request = Request {
            method: "GET",
            path: METRICS_PATH,
            ..Request::default()
        };
        let answer = client.send_anonymous(&request).await;
        let page = answer.map_err(io::Error::other)?.body;
        let page = String::from_utf8_lossy(&page);
        let samples = page
            .lines()
            .filter(|line| line.starts_with("sidekick_retries_total{"));
        let values = samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum::<f64>() as u64)
    }

    /// Waits until somebody ends it at the live table, where `q` and Ctrl-C are its own.
    pub(crate) async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Lets it finish what it has, and waits.
    pub(crate) async fn stop(self) -> io::Result<()> {
        self.stop.ask();
        match self.ended.await {
            Ok(Outcome::Drained) => Ok(()),
            _ => Err(io::Error::other("sidekick did not drain")),
        }
    }
}
