//! What would run, in words: the answer to `--check`.

use std::fmt;

use super::{
    BackendTls, Balance, CacheConfig, Config, Host, ListenerTls, Scheme, StoreConfig, duration,
};

/// Endpoints of a site that are named one by one.
const NAMED: usize = 8;

/// A few lines, without an end of line at the end.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.file {
            writeln!(f, "file     {}", path.display())?;
        }
        writeln!(
            f,
            "listen   {}{}",
            self.listen,
            shown_to_clients(&self.tls.listener)
        )?;
        for (at, site) in self.sites.iter().enumerate() {
            write!(f, "site {:<3} ", at + 1)?;
            for (nth, endpoint) in site.endpoints.iter().take(NAMED).enumerate() {
                write!(f, "{}{endpoint}", if nth == 0 { "" } else { ", " })?;
            }
            match site.endpoints.len().saturating_sub(NAMED) {
                0 => writeln!(f)?,
                more => writeln!(f, " and {more} more")?,
            }
        }
        if self.sites.iter().any(|site| site.scheme() == Scheme::Https) {
            writeln!(f, "trust    {}", believed(&self.tls.backends))?;
        }
        let health = &self.health;
        write!(f, "health   GET {}", health.path)?;
        if health.read_path != health.path {
            write!(f, ", {} for the last site,", health.read_path)?;
        }
        if let Some(port) = health.port {
            write!(f, " on port {port}")?;
        }
        write!(f, " every {}", duration::format(health.interval))?;
        write!(f, ", given up after {}", duration::format(health.timeout))?;
        writeln!(
            f,
            "{}",
            if health.optimistic {
                ", only while down"
            } else {
                ""
            }
        )?;
        write!(
            f,
            "balance  {}",
            match self.balance {
                Balance::Least => "least requests in flight",
                Balance::Random => "random",
                Balance::RoundRobin => "round-robin",
                Balance::P2c => "the better of two at random, by latency and load",
            }
        )?;
        if let Some(cache) = &self.cache {
            write!(f, "\ncache    {cache}")?;
        }
        for warning in &self.warnings {
            write!(f, "\nwarning  {warning}")?;
        }
        Ok(())
    }
}

/// Where it keeps what, without a key.
impl fmt::Display for CacheConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.store {
            StoreConfig::Memory { most } => write!(f, "{most} bytes of memory")?,
            StoreConfig::S3(bucket) => write!(
                f,
                "bucket {} at {}, checked every {}",
                bucket.bucket,
                bucket.endpoint,
                duration::format(self.health_every)
            )?,
        }
        write!(f, "; bodies of {} bytes and more", self.min_size)
    }
}

fn shown_to_clients(tls: &ListenerTls) -> String {
    match tls {
        ListenerTls::Plain => String::new(),
        ListenerTls::Files(files) => format!(", TLS with {}", files.cert.display()),
        ListenerTls::SelfSigned(names) => {
            let names: Vec<String> = names.iter().map(Host::to_string).collect();
            format!(
                ", TLS with a self-signed certificate for {}",
                names.join(", ")
            )
        }
    }
}

fn believed(tls: &BackendTls) -> String {
    let trusted = match &tls.cacert {
        _ if tls.insecure => "any certificate of a backend, not verified".to_owned(),
        Some(path) => format!("backends by {}", path.display()),
        None => "backends by the certificates of the system".to_owned(),
    };
    match &tls.identity {
        Some(files) => format!("{trusted}; shown to them {}", files.cert.display()),
        None => trusted,
    }
}
