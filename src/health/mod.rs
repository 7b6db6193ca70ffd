//! Active checks: one task a backend on the control thread, each at its own jittered pace.

mod checker;
mod probe;
mod roster;

pub use checker::{HealthChecker, Reporter};
pub use probe::Probe;
pub use roster::Roster;
