//! Asking a backend whether a stored response still holds (RFC 9111 §4.3.1), and whose question
//! its 304 answers.

use super::presented::Presented;
use super::stored::StoredHead;
use super::validator::{any_weak_match, is_etag, strong_match, weak_match};
use crate::http::{
    Edits, Forwarded, RequestHead, is_strong_etag, list_members, write_edited_request,
};

/// A conditional request: the client's own head, and at most one field that is added to it or
/// changed in it. What the client signed stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// The field that goes out, in the place of the client's if it sent one.
    field: Option<(&'static str, Vec<u8>)>,
    whose: Whose,
}

/// Whose validators a 304 can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Only the stored one.
    Stored,
    /// The stored one or one of the client's: the tag in the 304 tells.
    Both,
    /// The client's, among which the stored one may be.
    Clients,
}

/// What a 304 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotModified {
    /// What is stored holds (§4.3.3).
    Stored,
    /// What the client has holds, and what is stored does not.
    Clients,
    /// What the client has holds; of what is stored it says nothing.
    ClientsPerhapsStored,
    /// Something that nobody asked about, or nothing that could be told: ask again without a field
    /// of ours.
    Unclear,
}

impl Validation {
    /// How a backend is asked about a stored response by this request; `None` when it cannot be,
    /// for want of a validator or because the request is signed against any addition.
    ///
    /// An entity tag goes by `If-None-Match`, weak ones too; only without one does
    /// `Last-Modified` go by `If-Modified-Since`. A tag list of the client's gets the stored tag
    /// added. A date of the client's is replaced by the stored one, or stands beside a tag, which
    /// overrides it (RFC 9110 §13.1.3).
    pub fn of(presented: &Presented, stored: &StoredHead) -> Option<Self> {
        if !stored.can_be_validated() {
            return None;
        }
        match stored.etag() {
            Some(tag) => by_tag(presented, tag),
            None => by_date(presented, stored.last_modified()?),
        }
    }

    /// Appends the head that asks the backend.
    pub fn write(
        &self,
        request: &RequestHead,
        bytes: &[u8],
        forwarded: &Forwarded<'_>,
        out: &mut Vec<u8>,
    ) {
        let Some((name, value)) = &self.field else {
            write_edited_request(request, bytes, forwarded, &Edits::default(), out);
            return;
        };
        let edits = Edits {
            without: &[name],
            with: &[(name, value)],
        };
        write_edited_request(request, bytes, forwarded, &edits, out);
    }

    /// What a 304 to this question says of the stored response; `answer` is its head. The
    /// validators in it select what it is about (§4.3.4).
    ///
    /// Where a tag of the client's may have matched, a date that is the stored one proves nothing.
    pub(super) fn judge(&self, stored: &StoredHead, answer: &StoredHead) -> NotModified {
        let is_told = self.whose == Whose::Stored || answer.etag().is_some();
        let selects = selects(stored, answer).filter(|_| is_told);
        match (self.whose, selects) {
            (_, Some(true)) | (Whose::Stored, None) => NotModified::Stored,
            (Whose::Both | Whose::Clients, Some(false)) => NotModified::Clients,
            (Whose::Clients, None) => NotModified::ClientsPerhapsStored,
            (Whose::Stored, Some(false)) | (Whose::Both, None) => NotModified::Unclear,
        }
    }
}

fn by_tag(presented: &Presented, tag: &[u8]) -> Option<Validation> {
    const NAME: &str = "If-None-Match";
    let is_signed = presented.signed().if_none_match;
    let Some(list) = presented.conditions().if_none_match.as_deref() else {
        // A server that looks at a date beside a tag errs, and its 304 must not pass for ours.
        let whose = match presented.conditions().if_modified_since {
            Some(_) => Whose::Both,
            None => Whose::Stored,
        };
        return (!is_signed).then(|| Validation {
            field: Some((NAME, tag.to_vec())),
            whose,
        });
    };
    let is_list_of_tags = list_members(list).all(is_etag);
    if any_weak_match(list, tag) || is_signed || !is_list_of_tags {
        return Some(Validation::of_the_clients());
    }
    Some(Validation {
        field: Some((NAME, [list, b", ", tag].concat())),
        whose: Whose::Both,
    })
}

fn by_date(presented: &Presented, modified: &[u8]) -> Option<Validation> {
    let conditions = presented.conditions();
    let is_signed = presented.signed().if_modified_since;
    // A tag of the client's is compared and a date beside it ignored (RFC 9110 §13.1.3).
    if conditions.if_none_match.is_some() {
        return Some(Validation::of_the_clients());
    }
    match (conditions.if_modified_since.is_some(), is_signed) {
        (true, true) => Some(Validation::of_the_clients()),
        (false, true) => None,
        (_, false) => Some(Validation {
            field: Some(("If-Modified-Since", modified.to_vec())),
            whose: Whose::Stored,
        }),
    }
}

impl Validation {
    fn of_the_clients() -> Self {
        Self {
            field: None,
            whose: Whose::Clients,
        }
    }
}

/// Whether a 304 is about what is stored: by its strong tag, else its weak one, else its date
/// (§4.3.4). `None` when it has no validator.
fn selects(stored: &StoredHead, answer: &StoredHead) -> Option<bool> {
    if let Some(tag) = answer.etag() {
        let own = stored.etag().unwrap_or_default();
        return Some(if is_strong_etag(tag) && is_strong_etag(own) {
            strong_match(own, tag)
        } else {
            weak_match(own, tag)
        });
    }
    let modified = answer.last_modified()?;
    Some(stored.last_modified() == Some(modified))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, date, head, request};
    use super::*;

    const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=A, \
                          SignedHeaders=host;if-modified-since;if-none-match, Signature=0\r\n";
    const PARTLY_SIGNED: &str =
        "Authorization: AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=0\r\n";

    fn validation(fields: &str, stored: &str) -> Option<Validation> {
        let (request, bytes) = request("GET", "/b/k", fields);
        let presented = Presented::of(&request, &bytes, "http").unwrap();
        Validation::of(&presented, &head(200, stored, NOW))
    }

    /// The conditions that go to the backend.
    fn sent(fields: &str, stored: &str) -> String {
        let (request, bytes) = request("GET", "/b/k", fields);
        let forwarded = Forwarded {
            client: "10.0.0.9",
            proto: "http",
        };
        let mut out = Vec::new();
        validation(fields, stored)
            .unwrap()
            .write(&request, &bytes, &forwarded, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.split_inclusive("\r\n")
            .filter(|line| line.starts_with("If-"))
            .collect()
    }

    fn judged(fields: &str, stored: &str, answer: &str) -> NotModified {
        validation(fields, stored)
            .unwrap()
            .judge(&head(200, stored, NOW), &head(304, answer, NOW))
    }

    #[test]
    fn the_stored_tag_is_added_weak_ones_too() {
        assert_eq!(sent("", "ETag: \"a\"\r\n"), "If-None-Match: \"a\"\r\n");
        assert_eq!(sent("", "ETag: W/\"a\"\r\n"), "If-None-Match: W/\"a\"\r\n");
        assert_eq!(
            sent(PARTLY_SIGNED, "ETag: \"a\"\r\n"),
            "If-None-Match: \"a\"\r\n"
        );
        let both = format!("ETag: \"a\"\r\nLast-Modified: {}\r\n", date(NOW));
        assert_eq!(sent("", &both), "If-None-Match: \"a\"\r\n");
    }

    #[test]
    fn without_a_usable_tag_the_date_is() {
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 9));
        let expected = format!("If-Modified-Since: {}\r\n", date(NOW - 9));
        assert_eq!(sent("", &modified), expected);
        assert_eq!(sent("", &format!("ETag: a\r\n{modified}")), expected);
        let older = format!("If-Modified-Since: {}\r\n", date(NOW - 99));
        assert_eq!(sent(&older, &modified), expected);
        assert_eq!(validation("", ""), None);
        assert_eq!(validation("", "Last-Modified: x\r\n"), None);
    }

    #[test]
    fn a_clients_tags_stay_and_the_stored_one_joins_them() {
        let stored = "ETag: \"a\"\r\n";
        assert_eq!(
            sent("If-None-Match: \"b\"\r\nIf-None-Match: \"c\"\r\n", stored),
            "If-None-Match: \"b\", \"c\", \"a\"\r\n"
        );
        for unchanged in [
            "If-None-Match: W/\"a\", \"b\"\r\n",
            "If-None-Match: *\r\n",
            "If-None-Match: b\r\n",
        ] {
            assert_eq!(sent(unchanged, stored), unchanged);
        }
        let origin = "If-Match: \"a\"\r\n";
        assert_eq!(
            sent(origin, stored),
            format!("{origin}If-None-Match: \"a\"\r\n")
        );
    }

    #[test]
    fn what_is_signed_stays_as_it_is() {
        let fields = format!("If-None-Match: \"b\"\r\n{SIGNED}");
        assert_eq!(sent(&fields, "ETag: \"a\"\r\n"), "If-None-Match: \"b\"\r\n");
        let since = format!("If-Modified-Since: {}\r\n", date(NOW - 99));
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 9));
        assert_eq!(sent(&format!("{since}{SIGNED}"), &modified), since);
        assert_eq!(validation(SIGNED, "ETag: \"a\"\r\n"), None);
        assert_eq!(
            validation("Authorization: Unheard-Of x\r\n", "ETag: \"a\"\r\n"),
            None
        );
    }

    #[test]
    fn a_304_to_our_question_alone_is_ours_unless_it_names_another() {
        let stored = format!("ETag: \"a\"\r\nLast-Modified: {}\r\n", date(NOW - 9));
        for (answer, expected) in [
            ("ETag: \"a\"\r\n", NotModified::Stored),
            ("ETag: W/\"a\"\r\n", NotModified::Stored),
            ("", NotModified::Stored),
            ("ETag: \"b\"\r\n", NotModified::Unclear),
        ] {
            assert_eq!(judged("", &stored, answer), expected, "{answer}");
        }
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 8));
        assert_eq!(judged("", &stored, &modified), NotModified::Unclear);
    }

    #[test]
    fn a_304_to_both_is_told_apart_by_its_tag() {
        let (fields, stored) = ("If-None-Match: \"b\"\r\n", "ETag: \"a\"\r\n");
        assert_eq!(
            judged(fields, stored, "ETag: \"a\"\r\n"),
            NotModified::Stored
        );
        assert_eq!(
            judged(fields, stored, "ETag: \"b\"\r\n"),
            NotModified::Clients
        );
        assert_eq!(judged(fields, stored, ""), NotModified::Unclear);
        let modified = format!("Last-Modified: {}\r\n", date(NOW - 8));
        let stored = format!("{stored}{modified}");
        assert_eq!(judged(fields, &stored, &modified), NotModified::Unclear);
    }

    #[test]
    fn a_date_of_the_clients_beside_our_tag_takes_no_304_for_ours() {
        let fields = format!("If-Modified-Since: {}\r\n", date(NOW - 5));
        let stored = "ETag: \"a\"\r\n";
        assert_eq!(judged(&fields, stored, ""), NotModified::Unclear);
        assert_eq!(
            judged(&fields, stored, "ETag: \"b\"\r\n"),
            NotModified::Clients
        );
        assert_eq!(
            judged(&fields, stored, "ETag: \"a\"\r\n"),
            NotModified::Stored
        );
    }

    #[test]
    fn a_304_to_the_client_is_always_the_clients() {
        let fields = format!("If-None-Match: \"b\"\r\n{SIGNED}");
        let stored = "ETag: \"a\"\r\n";
        assert_eq!(
            judged(&fields, stored, "ETag: \"b\"\r\n"),
            NotModified::Clients
        );
        assert_eq!(
            judged(&fields, stored, ""),
            NotModified::ClientsPerhapsStored
        );
        let same = "If-None-Match: \"a\"\r\n";
        assert_eq!(judged(same, stored, "ETag: \"a\"\r\n"), NotModified::Stored);
    }
}
