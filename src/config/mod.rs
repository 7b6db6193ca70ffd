//! Configuration: flags, environment and file become one immutable, typed [`Config`].
//!
//! Two layers. What was typed is text with the place it stands at (`setting`, read by
//! `command_line`, `environment`, `file`); what it means is built once, by code that may fail
//! (`arguments`, and each topic in `args`). Every [`Error`] is one line that names the place and
//! the cure. The flags stand in one list, in `args`; help, completions, manual page and reference
//! are written from it.

mod args;
mod arguments;
mod command_line;
pub mod duration;
mod ellipses;
mod endpoint;
mod environment;
mod error;
pub mod file;
mod flag;
mod help;
mod host;
mod invocation;
mod reference;
mod secret;
mod setting;
mod site;
mod size;
mod summary;
#[cfg(test)]
mod tests;
mod unavailable;
mod warning;

use std::path::PathBuf;

pub use args::cache::{
    Authorization, BucketConfig, CacheConfig, ContainerKeys, KeySource, Keys, StoreConfig,
    WebIdentity,
};
pub use args::health::HealthConfig;
pub use args::limits::Limits;
pub use args::listen::ListenAddress;
pub use args::output::{OutputConfig, TraceKind};
pub use args::sites::{Balance, DnsConfig, NameServers};
pub use args::tls::{BackendTls, IdentityFiles, ListenerTls, TlsConfig, TlsVersion};
pub use arguments::Arguments;
pub use endpoint::{Endpoint, Scheme};
pub use error::{Error, ErrorKind, Problem};
pub use host::Host;
pub use invocation::{Invocation, from_process, parse, read_file};
pub use reference::{flag_table, reference};
pub use secret::Secret;
pub use site::{MOST_ENDPOINTS, SiteConfig};

/// Everything a running process was asked to be. Nothing after this knows a flag's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// At least one, by preference; no server stands twice in all of them.
    pub sites: Vec<SiteConfig>,
    /// Where clients connect.
    pub listen: ListenAddress,
    /// Active health checks.
    pub health: HealthConfig,
    /// How names become addresses.
    pub dns: DnsConfig,
    /// TLS on both sides.
    pub tls: TlsConfig,
    /// What is printed.
    pub output: OutputConfig,
    /// Which of a site's backends gets a request.
    pub balance: Balance,
    /// Bounds on time and number.
    pub limits: Limits,
    /// The shared cache; none while it is off.
    pub cache: Option<CacheConfig>,
    /// The file that settings were read from.
    pub file: Option<PathBuf>,
    /// What is allowed but probably not meant, a line each; for the start's log.
    pub warnings: Vec<String>,
}
