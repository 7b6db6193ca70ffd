//! The line that says why there are no keys.

use std::fmt;

/// Why there are no keys; one line, without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoKeys {
    why: String,
    cure: &'static str,
}

impl NoKeys {
    pub(super) fn new(why: impl Into<String>, cure: &'static str) -> Self {
        Self {
            why: why.into(),
            cure,
        }
    }

    /// The same when another source, asked before, had none either.
    pub(super) fn after(self, earlier: &Self) -> Self {
        Self {
            why: format!("{}; {}", earlier.why, self.why),
            cure: self.cure,
        }
    }
}

impl fmt::Display for NoKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, cure } = self;
        write!(formatter, "no keys for the cache's store: {why}; {cure}")
    }
}

impl std::error::Error for NoKeys {}
