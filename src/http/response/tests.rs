use super::*;

fn parsed_for(text: &[u8], request: Method, asked: bool) -> Result<ResponseHead, Rejection> {
    let mut head = ResponseHead::default();
    match head.parse(text, request, asked)? {
        Parsed::Complete => Ok(head),
        Parsed::Partial => panic!("not complete: {}", text.escape_ascii()),
    }
}

fn parsed(text: &[u8]) -> Result<ResponseHead, Rejection> {
    parsed_for(text, Method::Get, false)
}

fn with(fields: &str) -> Result<ResponseHead, Rejection> {
    parsed(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes())
}

fn all_refused(
    rule: Rejection,
    results: impl IntoIterator<Item = Result<ResponseHead, Rejection>>,
) {
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result.map(|_| ()), Err(rule), "case {index}");
    }
}

#[test]
fn a_head_is_read_as_offsets() {
    let bytes = b"HTTP/1.1 206 Partial Content\r\nETag: \"x\"\r\nContent-Length: 2\r\n\r\nab";
    let head = parsed(bytes).unwrap();
    assert_eq!(
        (head.status(), head.reason(bytes)),
        (206, &b"Partial Content"[..])
    );
    assert_eq!(head.field(bytes, "etag"), Some(&b"\"x\""[..]));
    assert_eq!(head.framing(), BodyFraming::Length(2));
    assert_eq!(head.len(), bytes.len() - 2);
    assert!(head.keep_alive() && !head.is_interim());
}

#[test]
fn a_reason_may_be_missing_or_beyond_ascii() {
    for (line, reason) in [
        (&b"HTTP/1.1 200\r\n\r\n"[..], &b""[..]),
        (b"HTTP/1.1 200 \r\n\r\n", b""),
        (b"HTTP/1.1 200 \xc3\xa9 x\r\n\r\n", b"\xc3\xa9 x"),
    ] {
        assert_eq!(parsed(line).unwrap().reason(line), reason);
    }
}

#[test]
fn what_is_no_status_line_is_refused_early() {
    all_refused(
        Rejection::NotHttp,
        [parsed(b"\x15"), parsed(b"<html>"), parsed(b"\r\nHTTP/1.1")],
    );
    all_refused(Rejection::NotHttp, [parsed(b"ICY 200 OK\r\n")]);
    all_refused(
        Rejection::UnknownVersion,
        [parsed(b"HTTP/2"), parsed(b"HTTP/1.2 200 OK\r\n")],
    );
    all_refused(Rejection::BadStatusLine, [parsed(b"HTTP/1.1 20 OK\r\n")]);
}

#[test]
fn malformed_status_lines_are_refused() {
    all_refused(
        Rejection::BadStatusLine,
        [
            &b"HTTP/1.1 2000 OK\r\n\r\n"[..],
            b"HTTP/1.1  200 OK\r\n\r\n",
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 099 x\r\n\r\n",
            b"HTTP/1.1 200 a\0b\r\n\r\n",
            b"HTTP/1.1 \r\n\r\n",
        ]
        .map(parsed),
    );
    all_refused(
        Rejection::UnknownVersion,
        [
            &b"HTTP/1.1\t200 OK\r\n\r\n"[..],
            b"HTTP/1.\r\n\r\n",
            b"HTTP/1.10 200 OK\r\n\r\n",
        ]
        .map(parsed),
    );
}

#[test]
fn line_ends_are_as_strict_as_in_requests() {
    all_refused(
        Rejection::BareLf,
        [
            &b"HTTP/1.1 200 OK\n\n"[..],
            b"HTTP/1.1 200 OK\r\nX: y\n\r\n",
            b"HTTP/1.1 200 OK\r\n\n",
        ]
        .map(parsed),
    );
    all_refused(
        Rejection::BareCr,
        [
            &b"HTTP/1.1 200 O\rK\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        ]
        .map(parsed),
    );
}

#[test]
fn field_lines_are_as_strict_as_in_requests() {
    all_refused(
        Rejection::FoldedLine,
        [with("X: a\r\n b\r\n"), with(" X: a\r\n")],
    );
    all_refused(
        Rejection::SpaceBeforeColon,
        [with("Content-Length : 5\r\n")],
    );
    all_refused(
        Rejection::BadFieldName,
        [with("X\r\n"), with(": a\r\n"), with("X@: a\r\n")],
    );
    all_refused(
        Rejection::ControlInValue,
        [with("X: a\0\r\n"), with("X: \x1b[0m\r\n")],
    );
}

#[test]
fn framing_fields_are_as_strict_as_in_requests() {
    all_refused(
        Rejection::LengthAndEncoding,
        [with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")],
    );
    all_refused(
        Rejection::RepeatedLength,
        [
            with("Content-Length: 5\r\nContent-Length: 5\r\n"),
            with("Content-Length: 5, 5\r\n"),
        ],
    );
    all_refused(
        Rejection::BadLength,
        [with("Content-Length: +5\r\n"), with("Content-Length:\r\n")],
    );
    all_refused(
        Rejection::BadEncoding,
        [with("Transfer-Encoding: gzip, chunked\r\n")],
    );
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    all_refused(Rejection::RepeatedEncoding, [with(twice)]);
    let old = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    all_refused(Rejection::EncodingInHttp10, [parsed(old)]);
}

#[test]
fn heads_are_as_bounded_as_in_requests() {
    assert_eq!(with(&"X: y\r\n".repeat(256)).unwrap().fields.len(), 256);
    all_refused(Rejection::TooManyFields, [with(&"X: y\r\n".repeat(257))]);
    all_refused(
        Rejection::HeadTooLarge,
        [with(&format!("X: {}\r\n", "y".repeat(65_536)))],
    );
}

#[test]
fn ambiguous_framing_is_refused_even_where_no_body_follows() {
    let both =
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
    all_refused(
        Rejection::LengthAndEncoding,
        [parsed(both), parsed_for(both, Method::Head, false)],
    );
}

#[test]
fn head_response_carries_no_body() {
    for fields in ["Content-Length: 9", "Transfer-Encoding: chunked", "X: y"] {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
        let head = parsed_for(text.as_bytes(), Method::Head, false).unwrap();
        assert_eq!(head.framing(), BodyFraming::None);
        assert!(head.keep_alive());
    }
}

#[test]
fn statuses_without_a_body_have_none_whatever_the_fields_say() {
    for status in [100, 103, 204, 304] {
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\n");
        let head = parsed(text.as_bytes()).unwrap();
        assert_eq!(head.framing(), BodyFraming::None);
        assert_eq!(head.keep_alive(), status == 304, "{status}");
    }
    assert!(
        parsed(b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n")
            .unwrap()
            .keep_alive()
    );
}

#[test]
fn a_body_without_length_lasts_until_close() {
    let head = with("X: y\r\n").unwrap();
    assert_eq!(
        (head.framing(), head.keep_alive()),
        (BodyFraming::UntilClose, false)
    );
}

#[test]
fn keep_alive_needs_the_version_and_the_options() {
    let stays = |text: &str| parsed(text.as_bytes()).unwrap().keep_alive();
    assert!(!stays(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    assert!(!stays("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    assert!(stays(
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
    ));
}

#[test]
fn interim_responses_are_told_from_a_switch() {
    assert!(
        parsed(b"HTTP/1.1 100 Continue\r\n\r\n")
            .unwrap()
            .is_interim()
    );
    let switch = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let head = parsed_for(switch, Method::Get, true).unwrap();
    assert!(!head.is_interim() && !head.keep_alive());
    assert_eq!(head.framing(), BodyFraming::None);
}

#[test]
fn a_switch_nobody_asked_for_is_refused() {
    let switch = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    all_refused(Rejection::UnaskedSwitch, [parsed(switch)]);
    let nameless = b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n";
    all_refused(
        Rejection::UnaskedSwitch,
        [parsed_for(nameless, Method::Get, true)],
    );
}

#[test]
fn fields_of_this_hop_are_told_from_the_others() {
    let bytes = b"HTTP/1.1 200 OK\r\nConnection: B\r\nA: 1\r\nB: 2\r\nServer: x\r\nServer: y\r\n\
                  X-Proxy: z\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    let head = parsed(bytes).unwrap();
    let fields: Vec<_> = head.end_to_end(bytes).collect();
    assert_eq!(fields, [(&b"A"[..], &b"1"[..]), (b"Server", b"x")]);
}

#[test]
fn how_long_a_connection_is_kept_idle_is_read_from_keep_alive() {
    for (value, expected) in [
        ("timeout=5", Some(5)),
        ("max=100, Timeout=7", Some(7)),
        ("timeout=5;max=3", None),
        ("timeout=", None),
        ("timeout=-1", None),
        ("5", None),
        ("", None),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\n\r\n");
        let head = parsed(bytes.as_bytes()).unwrap();
        assert_eq!(
            head.idle_timeout().map(|timeout| timeout.as_secs()),
            expected,
            "{value}"
        );
    }
}
