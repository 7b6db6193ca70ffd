//! Active checks: one task a backend on the control thread, each with a phase of its own.

mod checker;
mod probe;
mod roster;
mod rounds;

pub use checker::{HealthChecker, Reporter};
pub use probe::Probe;
pub use roster::Roster;
