//! From what was typed to what it means.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::args::{
    cache::CacheConfig, health::HealthConfig, limits::Limits, listen::ListenAddress, run,
};
use super::args::{output::OutputConfig, sites::Balance, sites::DnsConfig, tls::TlsConfig};
use super::command_line::Typed;
use super::error::{Error, Problem, shown};
use super::setting::{Settings, file_path};
use super::site::{MOST_ENDPOINTS, SiteConfig, too_many};
use super::{Config, environment, file, unavailable, warning};

/// What the command line and the environment said at the start. It is kept for the process's
/// life: a reload builds from it again, with the file read anew.
#[derive(Debug)]
pub struct Arguments {
    settings: Settings,
    sites: Vec<String>,
    cache: Box<Option<CacheConfig>>,
}

/// One SITE as text, with the words that name its place in an error.
struct TypedSite {
    text: String,
    place: String,
}

impl Arguments {
    pub(crate) fn new(
        typed: Typed,
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let settings = typed.settings.over(environment::read(variable)?);
        Ok(Self {
            settings,
            sites: typed.sites,
            cache: Box::new(CacheConfig::from_variables(variable)?),
        })
    }

    /// What it all means. Reads the configuration file through `read_file` if one is named; sites
    /// of the command line stand instead of the file's.
    pub fn build(&self, read_file: &impl Fn(&Path) -> io::Result<String>) -> Result<Config, Error> {
        let path = self.settings.optional(&run::CONFIG, file_path)?;
        let (settings, sites) = match &path {
            None => (self.settings.clone(), Vec::new()),
            Some(path) => {
                let text = read_file(path).map_err(|cause| Error::unreadable(path, &cause))?;
                let file = file::parse(&text).map_err(|fault| fault.in_file(path))?;
                let (weaker, sites) = file.into_parts(path);
                (self.settings.clone().over(weaker), sites)
            }
        };
        unavailable::check(&settings)?;
        let sites = sites_of(&self.typed_sites(path.as_deref(), sites))?;
        let listen = ListenAddress::build(&settings)?;
        Ok(Config {
            health: HealthConfig::build(&settings)?,
            dns: DnsConfig::build(&settings, &sites)?,
            tls: TlsConfig::build(&settings)?,
            output: OutputConfig::build(&settings)?,
            balance: Balance::build(&settings)?,
            limits: Limits::build(&settings)?,
            cache: Option::clone(&self.cache),
            warnings: warning::about(&sites, &listen),
            file: path,
            sites,
            listen,
        })
    }

    fn typed_sites(&self, path: Option<&Path>, in_file: Vec<(String, usize)>) -> Vec<TypedSite> {
        if self.sites.is_empty() {
            let path = path
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            let place = |line| format!("{path}:{line}: site");
            in_file
                .into_iter()
                .map(|(text, line)| TypedSite {
                    text,
                    place: place(line),
                })
                .collect()
        } else {
            self.sites
                .iter()
                .enumerate()
                .map(|(at, text)| TypedSite {
                    text: text.clone(),
                    place: format!("SITE {}", at + 1),
                })
                .collect()
        }
    }
}

fn sites_of(typed: &[TypedSite]) -> Result<Vec<SiteConfig>, Error> {
    if typed.is_empty() {
        return Err(Error::no_sites());
    }
    let mut sites: Vec<SiteConfig> = Vec::with_capacity(typed.len());
    let mut seen: HashMap<(String, u16), usize> = HashMap::new();
    for (at, TypedSite { text, place }) in typed.iter().enumerate() {
        let refuse = |problem: &Problem| {
            // What stands before an `@` may be a password.
            let value = if text.contains('@') {
                "…@…".to_owned()
            } else {
                shown(text)
            };
            Error::usage(format!("{place} `{value}`: {problem}"))
        };
        let site = SiteConfig::parse(text).map_err(|problem| refuse(&problem))?;
        if seen.len() + site.endpoints.len() > MOST_ENDPOINTS {
            return Err(refuse(&too_many()));
        }
        for endpoint in &site.endpoints {
            if let Some(first) = seen.insert(endpoint.server(), at) {
                return Err(refuse(&Problem::new(if first == at {
                    format!("`{endpoint}` is named twice; remove one")
                } else {
                    format!("`{endpoint}` is in SITE {} already; remove one", first + 1)
                })));
            }
        }
        sites.push(site);
    }
    Ok(sites)
}
