//! Errors in the form that S3 clients read.

use std::fmt::Write as _;

use super::rejection::Rejection;
use super::reply::Reply;

/// An error answer of sidekick's own, as S3 writes it.
#[derive(Clone, Copy, Debug)]
pub struct S3Error<'a> {
    /// The HTTP status.
    pub status: u16,
    /// What programs look at: `ServiceUnavailable`, `BadGateway`.
    pub code: &'a str,
    /// What people look at: one sentence.
    pub message: &'a str,
    /// The path asked for, as it came from the client: any bytes.
    pub resource: &'a [u8],
    /// Found again in the trace.
    pub request_id: &'a str,
}

impl<'a> S3Error<'a> {
    /// The answer to a request that was refused for its syntax.
    pub fn refused(rejection: Rejection, resource: &'a [u8], request_id: &'a str) -> Self {
        let code = match rejection.status() {
            431 => "RequestHeaderSectionTooLarge",
            501 => "NotImplemented",
            _ => "BadRequest",
        };
        let message = rejection.reason();
        Self {
            status: rejection.status(),
            code,
            message,
            resource,
            request_id,
        }
    }

    /// The answer: XML, with `Retry-After: 1` where trying again may help.
    pub fn reply(&self) -> Reply {
        let reply = Reply::new(self.status)
            .content_type("application/xml")
            .body(self.xml());
        match self.status {
            502..=504 => reply.field("Retry-After", "1"),
            _ => reply,
        }
    }

    fn xml(&self) -> Vec<u8> {
        let mut xml = String::with_capacity(256 + self.resource.len());
        xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        element(&mut xml, "Code", self.code.as_bytes());
        element(&mut xml, "Message", self.message.as_bytes());
        element(&mut xml, "Resource", self.resource);
        element(&mut xml, "RequestId", self.request_id.as_bytes());
        xml.push_str("</Error>\n");
        xml.into_bytes()
    }
}

fn element(xml: &mut String, name: &str, content: &[u8]) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    for piece in content.utf8_chunks() {
        piece
            .valid()
            .chars()
            .for_each(|character| escape(xml, character));
        if !piece.invalid().is_empty() {
            xml.push(char::REPLACEMENT_CHARACTER);
        }
    }
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// What XML 1.0 forbids even as a reference becomes the replacement character (its §2.2).
fn escape(xml: &mut String, character: char) {
    match character {
        '&' => xml.push_str("&amp;"),
        '<' => xml.push_str("&lt;"),
        '>' => xml.push_str("&gt;"),
        '"' => xml.push_str("&quot;"),
        '\'' => xml.push_str("&apos;"),
        '\t' | '\n' | '\r' => {
            // Writing to a `String` cannot fail.
            let _ = write!(xml, "&#{};", u32::from(character));
        }
        '\0'..='\x1f' | '\x7f' | '\u{fffe}' | '\u{ffff}' => xml.push(char::REPLACEMENT_CHARACTER),
        _ => xml.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: S3Error<'_> = S3Error {
        status: 502,
        code: "BadGateway",
        message: "No backend answered.",
        resource: b"/b/k",
        request_id: "7F",
    };

    fn text(error: &S3Error<'_>) -> String {
        String::from_utf8(error.xml()).unwrap()
    }

    #[test]
    fn the_four_elements_stand_in_order() {
        assert_eq!(
            text(&ERROR),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>BadGateway</Code>\
             <Message>No backend answered.</Message><Resource>/b/k</Resource>\
             <RequestId>7F</RequestId></Error>\n"
        );
    }

    #[test]
    fn what_comes_from_the_client_cannot_leave_its_element() {
        let xml = text(&S3Error {
            resource: b"/<a>&\"'\x00\x07\xff\xc3\xa9\t",
            ..ERROR
        });
        assert!(
            xml.contains("/&lt;a&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}\u{fffd}é&#9;<"),
            "{xml}"
        );
    }

    #[test]
    fn retry_after_stands_where_trying_again_may_help() {
        let written = |status| {
            let mut out = Vec::new();
            S3Error { status, ..ERROR }.reply().write(
                false,
                true,
                crate::http::Version::Http11,
                0,
                &mut out,
            );
            String::from_utf8(out).unwrap()
        };
        for status in [502, 503, 504] {
            assert!(written(status).contains("\r\nRetry-After: 1\r\n"));
        }
        assert!(!written(400).contains("Retry-After"));
        assert!(written(400).contains("\r\nContent-Type: application/xml\r\n"));
    }
}
