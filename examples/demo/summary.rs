//! The end of the story, for people, and whether it is a good one.

use crate::human;
use crate::scenario::Outcome;
use crate::sites::Tally;
use crate::traffic::Seen;
use std::fmt;

/// What there is to say.
pub(crate) struct Summary {
    pub(crate) clients: u32,
    pub(crate) seen: Seen,
    pub(crate) outcome: Outcome,
    /// Requests that each server received.
    pub(crate) served: Tally,
    /// Attempts of sidekick beyond the first of each request.
    pub(crate) retries: u64,
}

impl Summary {
    /// Whether no client saw a failure and everything took place.
    pub(crate) fn is_good(&self) -> bool {
        self.seen.failures == 0 && self.outcome.checks.iter().all(|check| check.holds)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            clients,
            seen,
            outcome,
            served,
            retries,
        } = self;
        let operations: Vec<String> = seen
            .operations
            .iter()
            .map(|(operation, number)| format!("{} {operation}", human::count(*number)))
            .collect();
        let [one, two] = served.map(|site| site.map(human::count).join(" + "));
        writeln!(f, "\nSummary")?;
        writeln!(
            f,
            "  requests    {} by {clients} clients",
            human::count(seen.requests)
        )?;
        writeln!(f, "              {}", operations.join(", "))?;
        writeln!(f, "  served by   site 1: {one}, site 2: {two}")?;
        writeln!(
            f,
            "  retries     {} by sidekick, unknown to the clients",
            human::count(*retries)
        )?;
        let (written, read) = (human::bytes(seen.written), human::bytes(seen.read));
        writeln!(
            f,
            "  bytes       {written} written, {read} read back and compared"
        )?;
        writeln!(f, "  slowest     {}", human::time(seen.slowest))?;
        writeln!(f, "  failovers   {}", outcome.failovers.len())?;
        for failover in &outcome.failovers {
            writeln!(f, "              {failover}")?;
        }
        writeln!(
            f,
            "  failures    {} seen by the clients",
            human::count(seen.failures)
        )?;
        for told in &seen.told {
            writeln!(f, "              {told}")?;
        }
        for check in &outcome.checks {
            let mark = if check.holds { "yes" } else { "NO" };
            writeln!(f, "  {mark:<12}{}", check.what)?;
        }
        let verdict = if self.is_good() {
            "The clients saw no failure."
        } else {
            "This is not how it should be."
        };
        write!(f, "{verdict}")
    }
}
