//! What would run, in words: the answer to `--check`.

use std::fmt;

use super::{Balance, Config, duration};

/// Endpoints of a site that are named one by one.
const NAMED: usize = 8;

/// A few lines, without an end of line at the end.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.file {
            writeln!(f, "file     {}", path.display())?;
        }
        writeln!(f, "listen   {}", self.listen)?;
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
        for warning in &self.warnings {
            write!(f, "\nwarning  {warning}")?;
        }
        Ok(())
    }
}
