//! What a response varied on (RFC 9111 §4.1, RFC 9110 §12.5.5).

use sha2::{Digest as _, Sha256};

use super::fields::Fields;
use crate::http::{RequestHead, list_members, redact};

/// The names in a response's `Vary`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vary {
    /// `*` is among them: no other request ever matches.
    Anything,
    /// In lower case, sorted, each once; none, when every request matches.
    Names(Vec<Box<[u8]>>),
}

/// The fields of a request that a response varied on, as a digest: two requests match where it is
/// equal. Not the values themselves: they are the client's, and the store's operator reads along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant(pub [u8; 32]);

impl Vary {
    /// Reads the field of a response.
    pub fn of(fields: &Fields) -> Self {
        let mut names: Vec<Box<[u8]>> = Vec::new();
        for name in fields.values("Vary").flat_map(list_members) {
            if name == b"*" {
                return Self::Anything;
            }
            names.push(name.to_ascii_lowercase().into());
        }
        names.sort_unstable();
        names.dedup();
        Self::Names(names)
    }

    /// Whether it names a field that is a secret: what is stored then could not be told from a
    /// trace of somebody's credentials, and would match nobody else.
    pub fn names_secret(&self) -> bool {
        match self {
            Self::Anything => false,
            Self::Names(names) => names.iter().any(|name| redact::is_secret_field(name)),
        }
    }

    /// The variant that a request selects; `None` for `*`.
    ///
    /// Lines of the same name are one list, and white space around its commas means nothing; a
    /// field that is missing matches one that is missing.
    pub fn variant(&self, request: &RequestHead, bytes: &[u8]) -> Option<Variant> {
        let Self::Names(names) = self else {
            return None;
        };
        if names.is_empty() {
            return Some(Variant::default());
        }
        let mut digest = Sha256::new();
        for name in names {
            let is_wanted = |found: &[u8]| found.eq_ignore_ascii_case(name);
            let mut is_there = false;
            digest.update(name);
            for (_, value) in request.fields(bytes).filter(|(found, _)| is_wanted(found)) {
                is_there = true;
                for member in list_members(value) {
                    digest.update(b",");
                    digest.update(member);
                }
            }
            digest.update(if is_there { b"\n+" } else { b"\n-" });
        }
        Some(Variant(digest.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::request;
    use super::*;

    fn vary(values: &[&str]) -> Vary {
        let lines = values.iter().map(|value| (&b"vary"[..], value.as_bytes()));
        Vary::of(&lines.collect())
    }

    fn variant(names: &str, fields: &str) -> Option<Variant> {
        let (head, bytes) = request("GET", "/", fields);
        vary(&[names]).variant(&head, &bytes)
    }

    #[test]
    fn a_star_anywhere_matches_nothing() {
        for values in [
            &["*"][..],
            &["*, *"],
            &[", *"],
            &["", "*"],
            &["*, Foo"],
            &["Foo, *"],
        ] {
            assert_eq!(vary(values), Vary::Anything, "{values:?}");
        }
        assert_eq!(variant("*", ""), None);
    }

    #[test]
    fn names_are_in_any_case_and_order() {
        assert_eq!(vary(&["B, a", "b"]), vary(&["A,B"]));
        assert_eq!(vary(&[]), Vary::Names(Vec::new()));
        assert!(vary(&["Accept, Authorization"]).names_secret());
        assert!(!vary(&["Accept"]).names_secret());
    }

    #[test]
    fn requests_match_by_the_fields_named() {
        let same = |names, one, other| variant(names, one) == variant(names, other);
        assert!(same("Foo", "Foo: 1\r\nBar: 2\r\n", "foo: 1\r\n"));
        assert!(!same("Foo", "Foo: 1\r\n", "Foo: 2\r\n"));
        assert!(!same("Foo", "Foo: 1\r\n", ""));
        assert!(!same("Foo", "Foo:\r\n", ""));
        assert!(same("Foo", "Bar: 1\r\n", ""));
        assert!(!same(
            "Foo, Bar",
            "Foo: 1\r\nBar: 2\r\n",
            "Foo: 1\r\nBar: 3\r\n"
        ));
        assert!(!same("Foo, Bar", "Foo: 1\r\n", "Bar: 1\r\n"));
        assert_eq!(variant("", "Foo: 1\r\n"), Some(Variant::default()));
    }

    #[test]
    fn lines_and_spaces_of_a_list_make_no_difference() {
        let same = |one, other| variant("Foo", one) == variant("Foo", other);
        assert!(same("Foo: 1,2\r\n", "Foo: 1 , 2\r\n"));
        assert!(same("Foo: 1, 2\r\n", "Foo: 1\r\nFoo: 2\r\n"));
        assert!(!same("Foo: 1, 2\r\n", "Foo: 2, 1\r\n"));
        assert!(!same("Foo: \"1,2\"\r\n", "Foo: \"1, 2\"\r\n"));
    }
}
