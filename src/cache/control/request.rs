//! What a client says of caching (RFC 9111 §5.2.1).

use super::directives;
use crate::http::RequestHead;

/// The directives of a request. Where the same one is repeated, or its argument cannot be read,
/// the reading that asks more of the cache is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestControl {
    /// §5.2.1.4: a stored response is validated before it is used.
    pub no_cache: bool,
    /// §5.2.1.5: nothing of this exchange is stored.
    pub no_store: bool,
    /// §5.2.1.7: a stored response, or 504.
    pub only_if_cached: bool,
    /// §5.2.1.1: the greatest age, in seconds.
    pub max_age: Option<u64>,
    /// §5.2.1.3: seconds for which the response must still be fresh.
    pub min_fresh: Option<u64>,
    /// §5.2.1.2: seconds by which it may be stale; any number when the directive names none.
    pub max_stale: Option<u64>,
}

impl RequestControl {
    /// Reads the directives of a request. Without any `Cache-Control`, `Pragma: no-cache` means
    /// `no-cache` (§5.4).
    pub fn of(request: &RequestHead, bytes: &[u8]) -> Self {
        if request.field(bytes, "Cache-Control").is_none() {
            let pragma = directives(request.values(bytes, "Pragma"))
                .any(|directive| directive.is("no-cache"));
            return Self {
                no_cache: pragma,
                ..Self::default()
            };
        }
        Self::read(request.values(bytes, "Cache-Control"))
    }

    fn read<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut control = Self::default();
        for directive in directives(values) {
            if directive.is("no-cache") {
                control.no_cache = true;
            } else if directive.is("no-store") {
                control.no_store = true;
            } else if directive.is("only-if-cached") {
                control.only_if_cached = true;
            } else if directive.is("max-age") {
                let seconds = directive.seconds().unwrap_or(0);
                control.max_age = Some(control.max_age.unwrap_or(seconds).min(seconds));
            } else if directive.is("min-fresh") {
                let seconds = directive.seconds().unwrap_or(u64::MAX);
                control.min_fresh = Some(control.min_fresh.unwrap_or(seconds).max(seconds));
            } else if directive.is("max-stale") {
                let seconds = match directive.argument {
                    None => u64::MAX,
                    Some(_) => directive.seconds().unwrap_or(0),
                };
                control.max_stale = Some(control.max_stale.unwrap_or(seconds).min(seconds));
            }
        }
        control
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::tests::request;
    use super::RequestControl;

    fn read(value: &str) -> RequestControl {
        RequestControl::read(std::iter::once(value.as_bytes()))
    }

    #[test]
    fn directives_are_read_in_any_case_and_unknown_ones_ignored() {
        let control =
            read("No-Cache, NO-STORE, only-if-cached, max-age=5, min-fresh=\"6\", x=y, z");
        assert_eq!(
            control,
            RequestControl {
                no_cache: true,
                no_store: true,
                only_if_cached: true,
                max_age: Some(5),
                min_fresh: Some(6),
                max_stale: None,
            }
        );
    }

    #[test]
    fn max_stale_without_a_number_means_any() {
        assert_eq!(read("max-stale").max_stale, Some(u64::MAX));
        assert_eq!(read("max-stale=7").max_stale, Some(7));
        assert_eq!(read("max-stale=x").max_stale, Some(0));
    }

    #[test]
    fn the_stricter_reading_wins() {
        assert_eq!(read("max-age=5, max-age=3, max-age=4").max_age, Some(3));
        assert_eq!(read("max-age=x").max_age, Some(0));
        assert_eq!(read("min-fresh=5, min-fresh=7").min_fresh, Some(7));
        assert_eq!(read("min-fresh=x").min_fresh, Some(u64::MAX));
        assert_eq!(read("max-stale, max-stale=4").max_stale, Some(4));
    }

    #[test]
    fn pragma_counts_only_without_cache_control() {
        let of = |fields: &str| {
            let (head, bytes) = request("GET", "/", fields);
            RequestControl::of(&head, &bytes).no_cache
        };
        assert!(of("Pragma: no-cache\r\n"));
        assert!(of("Pragma: x, No-Cache\r\n"));
        assert!(!of("Pragma: no-cache\r\nCache-Control: max-age=1\r\n"));
        assert!(!of(""));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(value in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = RequestControl::read(std::iter::once(&value[..]));
        }
    }
}
