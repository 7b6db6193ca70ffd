//! A certificate that is not replaced in time: told when the warning begins, and when it changes.

use std::time::SystemTime;

use crate::net::tls::Leaf;

/// The dates of a certificate that is shown, and what was told of them.
pub(super) struct Dates {
    /// The flag and the file, as lines name them.
    file: String,
    leaf: Leaf,
    told: Option<String>,
}

impl Dates {
    /// Of a certificate whose warning of this moment is told already.
    pub(super) fn new(file: String, leaf: Leaf, now: SystemTime) -> Self {
        let told = leaf.warning(now);
        Self { file, leaf, told }
    }

    /// The line to tell, when it is another than before.
    pub(super) fn news(&mut self, now: SystemTime) -> Option<String> {
        let warning = self.leaf.warning(now);
        if warning == self.told {
            return None;
        }
        self.told.clone_from(&warning);
        warning.map(|warning| format!("{}: {warning}", self.file))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::config::Host;
    use crate::net::tls::SelfSigned;

    #[test]
    fn each_warning_is_told_once() {
        let day = Duration::from_hours(24);
        let start = UNIX_EPOCH + day * 20_000;
        let made = SelfSigned::new(&[Host::Name("a".to_owned())], start).expect("made");
        let leaf = made.identity().leaf().clone();
        let mut dates = Dates::new("`--cert c`".to_owned(), leaf, start);
        let told: Vec<_> = [1, 800, 820, 821, 826, 900]
            .map(|days| dates.news(start + day * days))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(
            told,
            [
                "`--cert c`: the certificate expires on 2027-01-07",
                "`--cert c`: the certificate expired on 2027-01-07"
            ]
        );
    }
}
