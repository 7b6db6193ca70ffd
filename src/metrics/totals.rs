//! What the cells of all workers add up to.

use super::histogram::Distribution;

/// Answers by class: 1xx to 5xx by their first digit, and index 0 for none at all.
pub(super) type Classes<T> = [T; 6];

/// The index of a status in [`Classes`]; what is no status counts as no answer.
pub(super) fn class(status: Option<u16>) -> usize {
    match status {
        Some(status @ 100..=599) => usize::from(status / 100),
        _ => 0,
    }
}

/// The sum over all workers of what they counted about a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that ended here, failed ones included.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
    /// Bytes of heads and bodies from clients.
    pub rx: u64,
    /// Bytes of heads and bodies to clients.
    pub tx: u64,
    /// Answers by class: index 1 to 5 for 1xx to 5xx, 0 for none.
    pub classes: Classes<u64>,
    /// Requests sent again after they failed here.
    pub retries: u64,
    /// Downloads that broke here and went on from another backend.
    pub resumes: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections that could not be made.
    pub connect_errors: u64,
    /// Requests over a connection that was kept open.
    pub reuses: u64,
    /// Time from a request's head to its answer's last byte.
    pub duration: Distribution,
    /// Time from a request's head to its answer's first byte.
    pub first_byte: Distribution,
}
