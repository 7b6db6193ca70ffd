//! A stored head as an answer.

use super::StoredHead;
use crate::cache::fields::{is_one_of, starts_with};
use crate::cache::freshness::Freshness;
use crate::http::{ContentRange, reason_phrase};

/// How a stored response answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With 304: the client has it (RFC 9111 §4.3.2).
    NotModified,
    /// As it is.
    Whole,
    /// With these bytes of it, as 206.
    Part(ContentRange),
}

/// Fields that describe the content that a 304 does not have (RFC 9110 §15.4.5).
const OF_CONTENT: [&str; 5] = [
    "content-encoding",
    "content-language",
    "content-md5",
    "content-range",
    "content-type",
];

/// Fields that are true of all bytes and not of some: a client that checks them would find fault
/// with every part.
const OF_WHOLE: [&str; 4] = ["content-digest", "content-md5", "content-range", "digest"];
const CHECKSUMS: &str = "x-amz-checksum-";

impl StoredHead {
    /// Appends the head of the answer, as if a backend had sent it: a status line, the stored
    /// fields, `Age` (RFC 9111 §5.1), the length of what follows. Parsed again, it is written for
    /// the client like any other.
    pub fn write(&self, answer: Answer, now: u64, out: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        let status = match answer {
            Answer::NotModified => 304,
            Answer::Whole => self.status,
            Answer::Part(_) => 206,
        };
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(digits.format(status).as_bytes());
        out.push(b' ');
        match answer {
            Answer::Whole => out.extend_from_slice(&self.reason),
            _ => out.extend_from_slice(reason_phrase(status).as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
        for (name, value) in self.fields.iter() {
            if !is_left_out(name, answer) {
                line(name, value, out);
            }
        }
        let age = Freshness::age(self, now);
        line(b"Age", digits.format(age).as_bytes(), out);
        match answer {
            Answer::NotModified => {}
            Answer::Whole if self.status == 204 => {}
            Answer::Whole => {
                line(
                    b"Content-Length",
                    digits.format(self.body_length).as_bytes(),
                    out,
                );
            }
            Answer::Part(range) => {
                let text = format!("bytes {}-{}/{}", range.first, range.last, self.body_length);
                line(b"Content-Range", text.as_bytes(), out);
                line(
                    b"Content-Length",
                    digits.format(range.length()).as_bytes(),
                    out,
                );
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn is_left_out(name: &[u8], answer: Answer) -> bool {
    is_one_of(name, &["age", "content-length"])
        || match answer {
            Answer::NotModified => is_one_of(name, &OF_CONTENT),
            Answer::Whole => false,
            Answer::Part(_) => is_one_of(name, &OF_WHOLE) || starts_with(name, CHECKSUMS),
        }
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{NOW, head};
    use super::*;
    use crate::http::{BodyFraming, Method, Parsed, ResponseHead};

    const FIELDS: &str = "ETag: \"a\"\r\nContent-Type: text/plain\r\nAge: 7\r\n\
                          X-Amz-Checksum-CRC32: x\r\nCache-Control: max-age=60\r\n";

    fn written(answer: Answer) -> (ResponseHead, String) {
        let mut stored = head(200, FIELDS, NOW);
        stored.body_length = 1000;
        let mut out = Vec::new();
        stored.write(answer, NOW + 5, &mut out);
        let mut parsed = ResponseHead::default();
        assert_eq!(parsed.parse(&out, Method::Get, false), Ok(Parsed::Complete));
        assert_eq!(parsed.values(&out, "Date").count(), 1);
        (parsed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_whole_answer_has_all_fields_and_its_age() {
        let (head, text) = written(Answer::Whole);
        assert_eq!(head.framing(), BodyFraming::Length(1000));
        assert!(
            text.starts_with("HTTP/1.1 200 Stored\r\nETag: \"a\"\r\nContent-Type"),
            "{text}"
        );
        assert!(
            text.contains("\r\nAge: 12\r\n") && !text.contains("Age: 7"),
            "{text}"
        );
        assert!(text.contains("X-Amz-Checksum"));
    }

    #[test]
    fn a_part_says_which_and_carries_no_checksum_of_the_whole() {
        let range = ContentRange {
            first: 10,
            last: 19,
            complete: Some(1000),
        };
        let (head, text) = written(Answer::Part(range));
        assert_eq!(
            (head.status(), head.framing()),
            (206, BodyFraming::Length(10))
        );
        assert!(text.contains("\r\nContent-Range: bytes 10-19/1000\r\n"));
        assert!(text.contains("\r\nContent-Type") && !text.contains("Checksum"));
    }

    #[test]
    fn a_304_carries_the_validators_and_not_the_contents_fields() {
        let (head, text) = written(Answer::NotModified);
        assert_eq!((head.status(), head.framing()), (304, BodyFraming::None));
        assert!(text.contains("\r\nETag: \"a\"\r\n") && text.contains("\r\nCache-Control: "));
        assert!(!text.contains("Content-"), "{text}");
    }
}
