//! How a download whose backend died goes on from another one: what to ask for, and whether the
//! answer is what the client was promised. A function of three heads, nothing else.
//!
//! The client has the head of a 200 or 206 with a length and a strong entity tag, and some bytes of
//! the body. Another backend is asked for the rest with `Range`, and with `If-Match` so that a
//! changed object says so (RFC 9110 §13.1.1, §14.2). Both may be added to a signed request; but a
//! `Range` that the client sent and signed stays as it is, and then the bytes that the client has
//! already are left out here.

use crate::http::{
    BodyFraming, ContentRange, Edits, Forwarded, Method, Parsed, RequestHead, ResponseHead,
    is_strong_etag, signature, write_edited_request,
};

/// What a client was promised with the response head that it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    status: u16,
    etag: Box<[u8]>,
    length: u64,
    range: Option<ContentRange>,
    way: Way,
}

/// How the rest is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With a range of ours.
    Rest,
    /// With the client's own request, its beginning being left out.
    Again,
}

/// Why an answer does not continue a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The backend cannot serve it now; another one may.
    Unable,
    /// It is another object now, or the backend does not know ranges.
    Other,
}

impl Resume {
    /// What can be promised again, `request_bytes` and `response_bytes` being what the client sent
    /// and got, their heads at the beginning. `None` when the download cannot be resumed.
    pub(super) fn of(
        request: &RequestHead,
        request_bytes: &[u8],
        response_bytes: &[u8],
    ) -> Option<Self> {
        if request.method() != Method::Get || !request.framing().is_empty() {
            return None;
        }
        let mut response = ResponseHead::default();
        let parsed = response.parse(response_bytes, Method::Get, false);
        if parsed != Ok(Parsed::Complete) {
            return None;
        }
        let BodyFraming::Length(length) = response.framing() else {
            return None;
        };
        let etag = response.field(response_bytes, "ETag")?;
        let range = content_range(&response, response_bytes);
        let is_promised = match response.status() {
            200 => true,
            206 => range.is_some_and(|range| range.length() == length),
            _ => false,
        };
        (is_promised && is_strong_etag(etag)).then(|| Self {
            status: response.status(),
            etag: etag.into(),
            length,
            range,
            way: way(request, request_bytes),
        })
    }

    /// Length of the body that the client was promised.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends the head that asks for what is missing when the client has `received` bytes.
    pub(super) fn write(
        &self,
        request: &RequestHead,
        request_bytes: &[u8],
        forwarded: &Forwarded<'_>,
        received: u64,
        out: &mut Vec<u8>,
    ) {
        let first = self.first() + received;
        let last = self.first() + self.length - 1;
        let range = format!("bytes={first}-{last}");
        let mut with: Vec<(&str, &[u8])> = Vec::new();
        let without: &[&str] = match self.way {
            Way::Rest => {
                with.push(("Range", range.as_bytes()));
                &["Range", "If-Range"]
            }
            Way::Again => &[],
        };
        if request.field(request_bytes, "If-Match").is_none() {
            with.push(("If-Match", &self.etag));
        }
        let edits = Edits {
            without,
            with: &with,
        };
        write_edited_request(request, request_bytes, forwarded, &edits, out);
    }

    /// Whether this answer carries the very bytes that are missing when the client has `received`
    /// of them, and how many bytes at its beginning the client has already.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn continues(
        &self,
        response: &ResponseHead,
        bytes: &[u8],
        received: u64,
    ) -> Result<u64, Mismatch> {
        if response.status() >= 500 {
            return Err(Mismatch::Unable);
        }
        let (status, range, known) = match self.way {
            Way::Again => (self.status, self.range, received),
            Way::Rest => (206, Some(self.rest(received)), 0),
        };
        let is_same = response.status() == status
            && response.field(bytes, "ETag") == Some(&self.etag)
            && response.framing() == BodyFraming::Length(self.length - received + known)
            && agree(range, content_range(response, bytes));
        is_same.then_some(known).ok_or(Mismatch::Other)
    }

    /// Where the client's body begins in the whole.
    fn first(&self) -> u64 {
        self.range.map_or(0, |range| range.first)
    }

    fn rest(&self, received: u64) -> ContentRange {
        ContentRange {
            first: self.first() + received,
            last: self.first() + self.length - 1,
            complete: self.range.map_or(Some(self.length), |range| range.complete),
        }
    }
}

/// A signed range must stay, and a part of a multipart object does not go with a range.
fn way(request: &RequestHead, bytes: &[u8]) -> Way {
    let is_fixed = |name: &str| {
        request.field(bytes, name).is_some()
            && signature::covers(request, bytes, &name.to_ascii_lowercase())
    };
    let asks_for_part = request.query(bytes).is_some_and(|query| {
        query
            .split(|&byte| byte == b'&')
            .any(|parameter| parameter.starts_with(b"partNumber="))
    });
    if is_fixed("Range") || is_fixed("If-Range") || asks_for_part {
        Way::Again
    } else {
        Way::Rest
    }
}

fn content_range(response: &ResponseHead, bytes: &[u8]) -> Option<ContentRange> {
    (response.status() == 206)
        .then(|| response.field(bytes, "Content-Range"))
        .flatten()
        .and_then(ContentRange::parse)
}

/// The same range; a length of the whole that one of them does not know is no difference.
fn agree(expected: Option<ContentRange>, found: Option<ContentRange>) -> bool {
    match (expected, found) {
        (None, None) => true,
        (Some(expected), Some(found)) => {
            (expected.first, expected.last) == (found.first, found.last)
                && (expected.complete.is_none()
                    || found.complete.is_none()
                    || expected.complete == found.complete)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Mismatch, Resume};
    use crate::http::{Forwarded, Method, Parsed, RequestHead, ResponseHead};

    const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=A, \
                          SignedHeaders=host;range, Signature=0\r\n";

    fn request(method: &str, fields: &str) -> (RequestHead, String) {
        let text = format!("{method} /b/k HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let mut head = RequestHead::default();
        assert_eq!(head.parse(text.as_bytes()), Ok(Parsed::Complete), "{text}");
        (head, text)
    }

    fn response(text: &str) -> (ResponseHead, String) {
        let text = format!("HTTP/1.1 {text}\r\n\r\n");
        let mut head = ResponseHead::default();
        let parsed = head.parse(text.as_bytes(), Method::Get, false);
        assert_eq!(parsed, Ok(Parsed::Complete), "{text}");
        (head, text)
    }

    fn promised(fields: &str, answer: &str) -> Option<Resume> {
        let (head, bytes) = request("GET", fields);
        Resume::of(&head, bytes.as_bytes(), response(answer).1.as_bytes())
    }

    /// The fields that ask another backend, without those of every request.
    fn asked(fields: &str, answer: &str, received: u64) -> String {
        let (head, bytes) = request("GET", fields);
        let resume = promised(fields, answer).unwrap();
        let forwarded = Forwarded {
            client: "10.0.0.9",
            proto: "http",
        };
        let mut out = Vec::new();
        resume.write(&head, bytes.as_bytes(), &forwarded, received, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.split_inclusive("\r\n")
            .skip(2)
            .filter(|line| !line.starts_with("X-") && *line != "\r\n")
            .collect()
    }

    fn continues(fields: &str, answer: &str, received: u64, next: &str) -> Result<u64, Mismatch> {
        let (head, bytes) = response(next);
        promised(fields, answer)
            .unwrap()
            .continues(&head, bytes.as_bytes(), received)
    }

    const WHOLE: &str = "200 OK\r\nETag: \"t\"\r\nContent-Length: 1000";
    const PART: &str =
        "206 Partial\r\nETag: \"t\"\r\nContent-Length: 100\r\nContent-Range: bytes 50-149/1000";

    #[test]
    fn only_a_known_length_of_one_version_can_be_resumed() {
        assert!(promised("", WHOLE).is_some());
        assert!(promised("Range: bytes=50-149\r\n", PART).is_some());
        for not in [
            "200 OK\r\nContent-Length: 1000",
            "200 OK\r\nETag: W/\"t\"\r\nContent-Length: 1000",
            "200 OK\r\nETag: \"t\"\r\nTransfer-Encoding: chunked",
            "200 OK\r\nETag: \"t\"",
            "206 Partial\r\nETag: \"t\"\r\nContent-Length: 100",
            "206 Partial\r\nETag: \"t\"\r\nContent-Length: 99\r\nContent-Range: bytes 50-149/1000",
            "404 Not Found\r\nETag: \"t\"\r\nContent-Length: 1000",
        ] {
            assert_eq!(promised("", not), None, "{not}");
        }
    }

    #[test]
    fn only_a_get_without_a_body_can_be_resumed() {
        let (_, answer) = response(WHOLE);
        for (method, fields) in [("POST", ""), ("GET", "Content-Length: 3\r\n"), ("PUT", "")] {
            let (head, bytes) = request(method, fields);
            assert_eq!(
                Resume::of(&head, bytes.as_bytes(), answer.as_bytes()),
                None,
                "{method} {fields}"
            );
        }
    }

    #[test]
    fn the_rest_is_asked_for_with_the_version_that_was_begun() {
        assert_eq!(
            asked("A: 1\r\n", WHOLE, 300),
            "A: 1\r\nRange: bytes=300-999\r\nIf-Match: \"t\"\r\n"
        );
        assert_eq!(
            asked(
                "Range: bytes=50-149\r\nA: 1\r\nIf-Range: \"t\"\r\n",
                PART,
                7
            ),
            "A: 1\r\nRange: bytes=57-149\r\nIf-Match: \"t\"\r\n"
        );
        assert_eq!(
            asked("If-Match: \"t\", \"u\"\r\n", WHOLE, 1),
            "If-Match: \"t\", \"u\"\r\nRange: bytes=1-999\r\n"
        );
    }

    #[test]
    fn a_signed_range_stays_and_its_beginning_is_left_out() {
        let fields = format!("Range: bytes=50-149\r\n{SIGNED}");
        assert_eq!(
            asked(&fields, PART, 7),
            format!("{fields}If-Match: \"t\"\r\n")
        );
        assert_eq!(continues(&fields, PART, 7, PART), Ok(7));
        let other = PART.replace("50-149", "51-150");
        assert_eq!(continues(&fields, PART, 7, &other), Err(Mismatch::Other));
        // Without a range of the client's, one of ours breaks no signature.
        assert!(asked(SIGNED, WHOLE, 7).contains("Range: bytes=7-999\r\n"));
    }

    #[test]
    fn the_matching_range_of_the_same_version_continues() {
        let rest = "206 Partial\r\nETag: \"t\"\r\nContent-Length: 700\r\n\
                    Content-Range: bytes 300-999/1000";
        assert_eq!(continues("", WHOLE, 300, rest), Ok(0));
        assert_eq!(
            continues("", WHOLE, 300, &rest.replace("/1000", "/*")),
            Ok(0)
        );
        for (from, to) in [
            ("\"t\"", "\"u\""),
            ("ETag: \"t\"\r\n", ""),
            ("300-999/1000", "299-998/1000"),
            ("300-999/1000", "300-999/2000"),
            ("Content-Range: bytes 300-999/1000", "A: b"),
            ("206 Partial", "200 OK"),
            ("Content-Length: 700", "Content-Length: 699"),
            ("Content-Length: 700", "Transfer-Encoding: chunked"),
        ] {
            let other = rest.replace(from, to);
            let found = continues("", WHOLE, 300, &other);
            assert_eq!(found, Err(Mismatch::Other), "{other}");
        }
        for refused in [
            "412 Precondition Failed",
            "404 Not Found",
            "416 No",
            "403 No",
        ] {
            assert_eq!(continues("", WHOLE, 300, refused), Err(Mismatch::Other));
        }
        for refused in ["500 Error", "503 Slow Down"] {
            assert_eq!(continues("", WHOLE, 300, refused), Err(Mismatch::Unable));
        }
    }

    proptest! {
        #[test]
        fn whoever_serves_what_was_asked_for_continues(
            length in 1u64..1 << 50,
            received in any::<prop::sample::Index>(),
            first in 0u64..1 << 50,
            ranged in any::<bool>(),
        ) {
            let received = received.index(usize::try_from(length).unwrap()) as u64;
            let first = if ranged { first } else { 0 };
            let complete = first + length + if ranged { 5 } else { 0 };
            let last = first + length - 1;
            let begun = if ranged {
                format!("206 P\r\nETag: \"t\"\r\nContent-Length: {length}\r\n\
                         Content-Range: bytes {first}-{last}/{complete}")
            } else {
                format!("200 OK\r\nETag: \"t\"\r\nContent-Length: {length}")
            };
            let text = asked("", &begun, received);
            let range = text.split("bytes=").nth(1).and_then(|rest| rest.split("\r\n").next());
            let (from, to) = range.and_then(|range| range.split_once('-')).unwrap();
            prop_assert_eq!((from.parse(), to.parse()), (Ok(first + received), Ok(last)));
            let rest = format!("206 P\r\nETag: \"t\"\r\nContent-Length: {}\r\n\
                                Content-Range: bytes {from}-{to}/{complete}", length - received);
            prop_assert_eq!(continues("", &begun, received, &rest), Ok(0));
        }
    }
}
