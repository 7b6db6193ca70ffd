//! What an origin says of caching (RFC 9111 §5.2.2).

use super::super::fields::Fields;
use super::{Directive, directives};

/// The directives of a response.
///
/// Freshness that is given twice with different values, or with a value that is no number, is no
/// freshness: the response is stale at once (§4.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseControl {
    /// §5.2.2.5
    pub no_store: bool,
    /// §5.2.2.4, the form that names fields too: those could be left out instead, but a response
    /// that is validated each time is right as well.
    pub no_cache: bool,
    /// §5.2.2.7, the form that names fields too, for the same reason.
    pub private: bool,
    /// §5.2.2.9
    pub public: bool,
    /// §5.2.2.2
    pub must_revalidate: bool,
    /// §5.2.2.8
    pub proxy_revalidate: bool,
    /// §5.2.2.3
    pub must_understand: bool,
    /// §5.2.2.1, in seconds.
    pub max_age: Option<u64>,
    /// §5.2.2.10, in seconds.
    pub s_maxage: Option<u64>,
    /// RFC 5861 §4: seconds of staleness that are better than a server error.
    pub stale_if_error: Option<u64>,
}

impl ResponseControl {
    /// Reads the directives of a response.
    pub fn of(fields: &Fields) -> Self {
        let mut control = Self::default();
        for directive in directives(fields.values("Cache-Control")) {
            control.take(&directive);
        }
        control
    }

    fn take(&mut self, directive: &Directive<'_>) {
        let flags = [
            ("no-store", &mut self.no_store),
            ("no-cache", &mut self.no_cache),
            ("private", &mut self.private),
            ("public", &mut self.public),
            ("must-revalidate", &mut self.must_revalidate),
            ("proxy-revalidate", &mut self.proxy_revalidate),
            ("must-understand", &mut self.must_understand),
        ];
        for (name, flag) in flags {
            *flag |= directive.is(name);
        }
        let seconds = [
            ("max-age", &mut self.max_age),
            ("s-maxage", &mut self.s_maxage),
            ("stale-if-error", &mut self.stale_if_error),
        ];
        for (name, slot) in seconds {
            if directive.is(name) {
                let value = directive.seconds().unwrap_or(0);
                let agrees = slot.is_none_or(|before| before == value);
                *slot = Some(if agrees { value } else { 0 });
            }
        }
    }

    /// Whether it says how long it is fresh, `Expires` aside.
    pub fn has_lifetime(&self) -> bool {
        self.max_age.is_some() || self.s_maxage.is_some()
    }

    /// Whether a shared cache may never use it stale, whoever asks (§4.2.4): `must-revalidate`,
    /// `proxy-revalidate`, `s-maxage`, which implies the latter (§5.2.2.10), `no-cache`.
    pub fn forbids_stale(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache || self.s_maxage.is_some()
    }

    /// Whether it lets a shared cache use an answer to one who showed credentials for others
    /// (§3.5).
    pub fn allows_sharing(&self) -> bool {
        self.public || self.must_revalidate || self.s_maxage.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> ResponseControl {
        let lines = values
            .iter()
            .map(|value| (&b"cache-control"[..], value.as_bytes()));
        ResponseControl::of(&lines.collect())
    }

    #[test]
    fn directives_of_all_lines_count_in_any_case() {
        let control = read(&[
            "Public, max-age=60",
            "S-MAXAGE=\"30\", x=\"private, no-store\"",
        ]);
        assert!(control.public && !control.private && !control.no_store);
        assert_eq!((control.max_age, control.s_maxage), (Some(60), Some(30)));
    }

    #[test]
    fn naming_fields_restricts_the_whole() {
        let control = read(&["no-cache=\"set-cookie, x\", private=\"y\""]);
        assert!(control.no_cache && control.private);
        assert!(read(&["no-cache = x"]).no_cache);
    }

    #[test]
    fn an_open_quote_hides_no_restriction() {
        assert!(read(&["x=\"a, no-store"]).no_store);
    }

    #[test]
    fn freshness_that_cannot_be_read_is_none() {
        for text in [
            "max-age=abc",
            "max-age",
            "max-age=",
            "max-age='60'",
            "max-age=-60",
            "max-age=60.5",
            "max-age=60a",
            "max-age =60",
            "max-age= 60",
            "max-age=60, max-age=61",
            "max-age=60, max-age=x",
        ] {
            assert_eq!(read(&[text]).max_age, Some(0), "{text}");
        }
        assert_eq!(read(&["max-age=60", "max-age=60"]).max_age, Some(60));
        assert_eq!(read(&["x-max-age=60"]).max_age, None);
    }

    #[test]
    fn what_forbids_stale_and_what_allows_sharing() {
        for (text, forbids, shares) in [
            ("", false, false),
            ("public", false, true),
            ("must-revalidate", true, true),
            ("proxy-revalidate", true, false),
            ("s-maxage=1", true, true),
            ("no-cache", true, false),
            ("max-age=1", false, false),
        ] {
            let control = read(&[text]);
            assert_eq!(control.forbids_stale(), forbids, "{text}");
            assert_eq!(control.allows_sharing(), shares, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(value in prop::collection::vec(any::<u8>(), 0..80)) {
            let lines = [(&b"Cache-Control"[..], &value[..])];
            ResponseControl::of(&lines.into_iter().collect());
        }
    }
}
