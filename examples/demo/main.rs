//! sidekick at work, in one process: four S3 servers as two sites, sidekick in front of them, and
//! clients that must not notice while a server and then a whole site goes away and comes back.
//!
//! `cargo run --release --example demo`; `--help` says what there is to choose.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a demo talks to whoever runs it"
)]

mod human;
mod narrator;
mod options;
mod s3;
mod scenario;
mod sidekick_process;
mod sites;
mod summary;
mod traffic;

use narrator::Narrator;
use options::Options;
use s3::Credentials;
use sidekick_process::Running;
use sites::Sites;
use std::error::Error;
use std::process::ExitCode;
use summary::Summary;
use tokio::runtime::{Builder, LocalOptions};
use traffic::Traffic;

fn main() -> ExitCode {
    let options = Options::from_command_line();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let shown = match runtime {
        Ok(runtime) => runtime.block_on(show(&options)),
        Err(error) => Err(error.into()),
    };
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The whole demo; whether the clients saw no failure and all that was announced took place.
async fn show(options: &Options) -> Result<bool, Box<dyn Error>> {
    let credentials = Credentials::new("demo-access-key", "demo-secret-key");
    let sites = Sites::start(&credentials)?;
    let mut sidekick = Running::start(&options.sidekick_arguments(&sites))?;
    let narrator = Narrator::new(sidekick.has_table());
    sites.announce(&narrator);
    narrator.say(&format!(
        "sidekick listens on http://{}",
        sidekick.address()
    ));
    sites.wait_until_checked(sidekick.address()).await?;

    let mut traffic = Traffic::start(sidekick.address(), &credentials, options.clients()).await?;
    narrator.say(&format!(
        "{} clients write, read, list and check every byte",
        options.clients()
    ));
    let outcome = tokio::select! {
        outcome = scenario::play(&sites, options.length(), &narrator) => outcome?,
        () = sidekick.ended() => return Err("interrupted".into()),
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
    };
    let seen = traffic.stop().await;
    let summary = Summary {
        clients: options.clients(),
        seen,
        outcome,
        served: sites.tally(),
        retries: sidekick.retries().await?,
    };

    if options.keeps_running() {
        println!("{summary}");
        options::explain_how_to_play(sidekick.address(), &credentials);
        tokio::signal::ctrl_c().await?;
        sidekick.stop().await?;
    } else {
        let stopped = sidekick.stop().await;
        narrator.release();
        println!("{summary}");
        stopped?;
    }
    Ok(summary.is_good())
}
