//! What the demo's user may choose, and what sidekick is told.

use crate::s3::{Credentials, HEALTH_PATH};
use crate::sites::Sites;
use crate::traffic::BUCKET;
use clap::Parser;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

const ABOUT: &str = "sidekick at work: failover between servers and sites, in one process

Starts four S3 servers as two sites, in memory and with signatures verified; sidekick in front of
them; and S3 clients that write, read, list and delete through sidekick, sign every request, check
every byte and never retry. Then, in five equal parts:

  1  all four servers run: site 1 shares the work, site 2 rests
  2  one server of site 1 stops: the other takes its work
  3  it comes back, and gets its share again
  4  site 1 stops: site 2 serves
  5  site 1 comes back, and takes over again

The four servers share one store, as sites do whose replication takes no time: what was written
to one site can be read from the other.

Exits 0 if no client saw a failure and all five parts took place as described, otherwise 1.";

/// sidekick at work.
#[derive(Debug, Parser)]
#[command(name = "demo", about = ABOUT)]
pub(crate) struct Options {
    /// How long the five parts take together
    #[arg(long, value_name = "N", default_value_t = 25)]
    #[arg(value_parser = clap::value_parser!(u32).range(10..=3600))]
    seconds: u32,

    /// How many clients there are, each with one connection
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,

    /// Stay up afterwards to be played with, and say how; lines instead of the live table
    #[arg(long)]
    keep: bool,

    /// Lines instead of the live table, also on a terminal
    #[arg(long)]
    lines: bool,
}

impl Options {
    /// Reads the command line; wrong input and `--help` end the process.
    pub(crate) fn from_command_line() -> Self {
        Self::parse()
    }

    /// The length of all parts together.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// The number of clients.
    pub(crate) fn clients(&self) -> u32 {
        self.clients
    }

    /// Whether all stays up after the last part.
    pub(crate) fn keeps_running(&self) -> bool {
        self.keep
    }

    /// Whether sidekick may draw its live table. Not with `--keep`: it would hide what to play
    /// with.
    fn wants_table(&self) -> bool {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        terminal && !self.lines && !self.keep
    }

    /// The command line of sidekick in front of `sites`. Without the table it logs servers that go
    /// down and come up, and the requests that fail.
    pub(crate) fn sidekick_arguments(&self, sites: &Sites) -> Vec<String> {
        let mut arguments = vec![
            "--address=127.0.0.1:0".to_owned(),
            format!("--health-path={HEALTH_PATH}"),
            "--health-duration=500ms".to_owned(),
        ];
        if !self.wants_table() {
            let lines = ["--log", "--trace=application", "--errors"];
            arguments.extend(lines.map(str::to_owned));
        }
        arguments.extend(sites.arguments());
        arguments
    }
}

/// Prints what a client needs to join in.
pub(crate) fn explain_how_to_play(endpoint: SocketAddr, credentials: &Credentials) {
    let Credentials {
        access_key,
        secret_key,
    } = credentials;
    println!(
        "
sidekick keeps running until Ctrl-C:

  endpoint    http://{endpoint}
  access key  {access_key}
  secret key  {secret_key}
  bucket      {BUCKET}

For example:

  curl --user {access_key}:{secret_key} --aws-sigv4 aws:amz:us-east-1:s3 \\
    --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \\
    'http://{endpoint}/{BUCKET}?list-type=2&max-keys=5'

  AWS_ACCESS_KEY_ID={access_key} AWS_SECRET_ACCESS_KEY={secret_key} AWS_DEFAULT_REGION=us-east-1 \\
    aws --endpoint-url http://{endpoint} s3 ls s3://{BUCKET}/
"
    );
}
