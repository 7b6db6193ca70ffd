//! A request of HTTP/2 as the text of HTTP/1.1, so that one strict parser stands between every
//! client and every backend. Functions of values.

use std::io::Write as _;

use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::http::Rejection;

/// Fields of one connection, which HTTP/2 does not have (RFC 9113 §8.2.2). In text they would have
/// a meaning.
const CONNECTION_SPECIFIC: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// How the body of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it comes: its length is known, or there is none.
    Plain,
    /// In chunks, one for each frame.
    Chunked,
}

/// Appends the head; `ended` says that no body follows. How it is framed:
///
/// - with the `Content-Length` it has,
/// - without a body by nothing, or by `Content-Length: 0` where one is expected (RFC 9110 §8.6),
/// - else in chunks, since its end is not known.
///
/// # Errors
/// What the text could not say: CONNECT, a target that is no path, an `:authority` other than
/// `Host` (RFC 9113 §8.3.1), fields of a connection. Everything else is the parser's to refuse.
pub(super) fn write_head(
    parts: &Parts,
    ended: bool,
    out: &mut Vec<u8>,
) -> Result<Coding, Rejection> {
    if parts.method == Method::CONNECT {
        return Err(Rejection::Connect);
    }
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target(parts)?.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let authority = authority(parts)?;
    if let Some(authority) = authority {
        write_field("host", authority.as_bytes(), out);
    }
    write_fields(&parts.headers, authority.is_some(), out)?;
    let coding = write_framing(parts, ended, out);
    out.extend_from_slice(b"\r\n");
    Ok(coding)
}

/// Appends what comes before `length` bytes of data in a chunk.
pub(super) fn write_chunk_size(length: usize, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{length:x}\r\n");
}

/// Appends the last chunk and the trailers behind it.
pub(super) fn write_last_chunk(trailers: Option<&HeaderMap>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        write_field(name.as_str(), value.as_bytes(), out);
    }
    out.extend_from_slice(b"\r\n");
}

/// `:path`, which must be one: an absolute form would name a second authority.
fn target(parts: &Parts) -> Result<&str, Rejection> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("", http::uri::PathAndQuery::as_str);
    if target.starts_with('/') || (target == "*" && parts.method == Method::OPTIONS) {
        Ok(target)
    } else {
        Err(Rejection::BadTarget)
    }
}

/// `:authority`, if there is one; `Host` beside it must say the same.
fn authority(parts: &Parts) -> Result<Option<&str>, Rejection> {
    let Some(authority) = parts.uri.authority() else {
        return Ok(None);
    };
    let mut hosts = parts.headers.get_all(HOST).iter();
    let differs = |host: &[u8]| !host.eq_ignore_ascii_case(authority.as_str().as_bytes());
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(Rejection::SeveralHosts),
        (Some(host), None) if differs(host.as_bytes()) => Err(Rejection::HostMismatch),
        _ => Ok(Some(authority.as_str())),
    }
}

fn write_fields(
    fields: &HeaderMap,
    host_written: bool,
    out: &mut Vec<u8>,
) -> Result<(), Rejection> {
    let mut cookie_written = false;
    for (name, value) in fields {
        if *name == HOST && host_written {
            continue;
        }
        if *name == COOKIE {
            if !std::mem::replace(&mut cookie_written, true) {
                write_cookies(fields, out);
            }
            continue;
        }
        if CONNECTION_SPECIFIC.contains(&name.as_str()) {
            return Err(Rejection::BadFieldName);
        }
        write_field(name.as_str(), value.as_bytes(), out);
    }
    Ok(())
}

/// One field of all cookies: HTTP/2 may split them for the sake of compression (RFC 9113 §8.2.3).
fn write_cookies(fields: &HeaderMap, out: &mut Vec<u8>) {
    out.extend_from_slice(b"cookie: ");
    for (place, value) in fields.get_all(COOKIE).iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn write_framing(parts: &Parts, ended: bool, out: &mut Vec<u8>) -> Coding {
    if parts.headers.contains_key(CONTENT_LENGTH) {
        return Coding::Plain;
    }
    if !ended {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        return Coding::Chunked;
    }
    if [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method) {
        out.extend_from_slice(b"content-length: 0\r\n");
    }
    Coding::Plain
}

fn write_field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::{Builder, Parts};
    use proptest::prelude::*;

    use super::{Coding, write_head, write_last_chunk};
    use crate::http::{Parsed, Rejection, RequestHead};

    fn parts(builder: Builder) -> Parts {
        builder.body(()).unwrap().into_parts().0
    }

    fn get(uri: &str) -> Builder {
        Request::builder().method("GET").uri(uri)
    }

    fn written(builder: Builder, ended: bool) -> Result<(String, Coding), Rejection> {
        let mut out = Vec::new();
        let coding = write_head(&parts(builder), ended, &mut out)?;
        Ok((String::from_utf8(out).unwrap(), coding))
    }

    #[test]
    fn method_target_and_fields_pass_as_they_came() {
        let request = get("http://a.example:80/b//c/../%2f?x=%20&y")
            .header("x-one", "1")
            .header("authorization", "AWS4-HMAC-SHA256 a, b")
            .header("x-one", "2");
        let (text, coding) = written(request, true).unwrap();
        assert_eq!(
            text,
            "GET /b//c/../%2f?x=%20&y HTTP/1.1\r\nhost: a.example:80\r\nx-one: 1\r\nx-one: 2\r\n\
             authorization: AWS4-HMAC-SHA256 a, b\r\n\r\n"
        );
        assert_eq!(coding, Coding::Plain);
    }

    #[test]
    fn an_equal_host_is_written_once_and_another_is_refused() {
        let equal = written(get("http://a/").header("host", "A"), true).unwrap();
        assert_eq!(equal.0, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let alone = written(get("/").header("host", "b"), true).unwrap();
        assert_eq!(alone.0, "GET / HTTP/1.1\r\nhost: b\r\n\r\n");
        let other = written(get("http://a/").header("host", "b"), true);
        assert_eq!(other, Err(Rejection::HostMismatch));
        let two = get("http://a/").header("host", "a").header("host", "a");
        assert_eq!(written(two, true), Err(Rejection::SeveralHosts));
    }

    #[test]
    fn without_host_and_authority_the_parser_refuses() {
        let (text, _) = written(get("/"), true).unwrap();
        let parsed = RequestHead::default().parse(text.as_bytes());
        assert_eq!(parsed, Err(Rejection::NoHost));
    }

    #[test]
    fn cookies_become_one() {
        let request = get("http://a/")
            .header("cookie", "a=1")
            .header("x", "y")
            .header("cookie", "b=2; c=3");
        let (text, _) = written(request, true).unwrap();
        assert!(text.contains("\r\ncookie: a=1; b=2; c=3\r\nx: y\r\n"));
    }

    #[test]
    fn the_framing_is_told_by_length_end_and_method() {
        let framing = |method: &str, length: Option<&str>, ended: bool| {
            let mut request = get("http://a/").method(method);
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let (text, coding) = written(request, ended).unwrap();
            let lines = text
                .split("\r\n")
                .filter(|line| line.starts_with("content-l") || line.starts_with("tr"));
            (lines.collect::<Vec<_>>().join("|"), coding)
        };
        let is = |text: &str, coding| (text.to_owned(), coding);
        let length = is("content-length: 5", Coding::Plain);
        assert_eq!(framing("PUT", Some("5"), false), length);
        assert_eq!(framing("GET", None, true), is("", Coding::Plain));
        let nothing = is("content-length: 0", Coding::Plain);
        assert_eq!(framing("PUT", None, true), nothing);
        assert_eq!(framing("POST", None, true), nothing);
        let chunked = is("transfer-encoding: chunked", Coding::Chunked);
        assert_eq!(framing("PUT", None, false), chunked);
    }

    #[test]
    fn what_is_no_request_for_a_backend_is_refused() {
        let connect = Request::builder().method("CONNECT").uri("a:443");
        assert_eq!(written(connect, true), Err(Rejection::Connect));
        assert_eq!(written(get("*"), true), Err(Rejection::BadTarget));
        assert!(written(get("*").method("OPTIONS").header("host", "a"), true).is_ok());
        for name in super::CONNECTION_SPECIFIC {
            let request = get("http://a/").header(name, "x");
            assert_eq!(written(request, true), Err(Rejection::BadFieldName));
        }
    }

    #[test]
    fn trailers_stand_behind_the_last_chunk() {
        let request = parts(get("/").header("x-sum", "1"));
        let mut out = Vec::new();
        write_last_chunk(Some(&request.headers), &mut out);
        write_last_chunk(None, &mut out);
        assert_eq!(out, b"0\r\nx-sum: 1\r\n\r\n0\r\n\r\n");
    }

    proptest! {
        /// Whatever the library lets through, the text is one head of as many fields.
        #[test]
        fn no_field_smuggles_a_line_or_a_second_request(
            path in any::<Vec<u8>>(),
            fields in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..8),
        ) {
            let path = [b"/".as_slice(), &path].concat();
            let Ok(path) = http::uri::PathAndQuery::try_from(path.as_slice()) else {
                return Ok(());
            };
            let mut request = get(path.as_str()).header("host", "a");
            let mut count = 1;
            for (name, value) in &fields {
                let name = http::HeaderName::from_bytes(name);
                let value = http::HeaderValue::from_bytes(value);
                if let (Ok(name), Ok(value)) = (name, value) {
                    request = request.header(name, value);
                    count += 1;
                }
            }
            let mut out = Vec::new();
            prop_assume!(write_head(&parts(request), true, &mut out).is_ok());
            let mut head = RequestHead::default();
            if head.parse(&out) == Ok(Parsed::Complete) {
                prop_assert_eq!(head.len(), out.len());
                prop_assert_eq!(head.fields(&out).count(), count);
                prop_assert_eq!(head.target(&out), path.as_str().as_bytes());
            }
        }
    }
}
