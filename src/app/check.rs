//! `--check`: what would run, without running it.

use std::fmt::Write as _;

use super::StartError;
use crate::config::{Config, Host};
use crate::net::Resolver;

/// Says what would run, with every name looked up. A name that does not resolve is no error: its
/// backend would be down until it does.
///
/// # Errors
/// One line: the system has no runtime to give.
pub fn check(config: &Config) -> Result<String, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::new)?;
    let mut said = config.to_string();
    let names: std::collections::BTreeSet<&String> = config
        .sites
        .iter()
        .flat_map(|site| &site.endpoints)
        .filter_map(|endpoint| match &endpoint.host {
            Host::Name(name) => Some(name),
            Host::Ip(_) => None,
        })
        .collect();
    for name in names {
        let line = match runtime.block_on(Resolver.resolve(name)) {
            Ok(answer) => {
                let addresses: Vec<String> =
                    answer.addresses.iter().map(ToString::to_string).collect();
                format!("{name} resolves to {}", addresses.join(", "))
            }
            Err(error) => format!("{error}: its backends would be down until it resolves"),
        };
        let _ = write!(said, "\n{line}");
    }
    Ok(said)
}
