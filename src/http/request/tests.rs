use super::*;

fn parsed(text: &[u8]) -> Result<RequestHead, Rejection> {
    let mut head = RequestHead::default();
    match head.parse(text)? {
        Parsed::Complete => Ok(head),
        Parsed::Partial => panic!("not complete: {}", text.escape_ascii()),
    }
}

fn with(fields: &str) -> Result<RequestHead, Rejection> {
    parsed(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes())
}

fn line(line: &str) -> Result<RequestHead, Rejection> {
    parsed(format!("{line}\r\nHost: a\r\n\r\n").as_bytes())
}

/// Every text is refused with the same rule.
fn all_refused(rule: Rejection, results: impl IntoIterator<Item = Result<RequestHead, Rejection>>) {
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result.map(|_| ()), Err(rule), "case {index}");
    }
}

#[test]
fn a_head_is_read_as_offsets() {
    let bytes = b"PUT /b/k%20//../x?q=1?&y HTTP/1.1\r\nhOST: s3.local:9000\r\nX:  v \t\r\n\
                  Content-Length: 5\r\n\r\nhello";
    let head = parsed(bytes).unwrap();
    assert_eq!(head.len(), bytes.len() - 5);
    assert_eq!(
        (head.method(), head.method_text(bytes)),
        (Method::Put, &b"PUT"[..])
    );
    assert_eq!(head.target(bytes), b"/b/k%20//../x?q=1?&y");
    assert_eq!(head.path(bytes), b"/b/k%20//../x");
    assert_eq!(head.query(bytes), Some(&b"q=1?&y"[..]));
    assert_eq!(head.host(bytes), b"s3.local:9000");
    assert_eq!(head.field(bytes, "x"), Some(&b"v"[..]));
    assert_eq!(head.fields(bytes).count(), 3);
    assert_eq!(head.framing(), BodyFraming::Length(5));
    assert_eq!(head.version(), Version::Http11);
    assert!(head.keep_alive() && !head.expects_continue() && !head.upgrade());
}

#[test]
fn a_cleared_head_reads_the_next_request() {
    let mut head = parsed(b"POST /a HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\n").unwrap();
    head.clear();
    assert!(head.is_empty());
    let next = b"GET /b HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_eq!(head.parse(next), Ok(Parsed::Complete));
    assert_eq!(
        (head.target(next), head.framing()),
        (&b"/b"[..], BodyFraming::None)
    );
    assert_eq!(head.fields(next).count(), 1);
}

#[test]
fn reading_the_next_request_allocates_nothing() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nConnection: B\r\n\r\n";
    let mut head = parsed(bytes).unwrap();
    let room = (head.fields.as_ptr(), head.fields.capacity());
    head.clear();
    assert_eq!(head.parse(bytes), Ok(Parsed::Complete));
    assert_eq!((head.fields.as_ptr(), head.fields.capacity()), room);
}

#[test]
fn one_empty_line_before_the_request_is_skipped_and_counted() {
    let bytes = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(parsed(bytes).unwrap().len(), bytes.len());
    for more in [&b"\r\n\r\nGET"[..], b"\nGET / HTTP/1.1\r\n", b"\rGET"] {
        all_refused(Rejection::BadRequestLine, [parsed(more)]);
    }
}

#[test]
fn what_starts_no_message_is_refused_at_its_first_byte() {
    all_refused(
        Rejection::NotHttp,
        [
            parsed(b"\x16"),
            parsed(b"\x00"),
            parsed(b" GET /"),
            parsed(b"\x80"),
            parsed(b"\r\n\x16"),
        ],
    );
}

#[test]
fn a_bad_request_line_is_refused_before_the_head_is_whole() {
    assert_eq!(parsed(b"GET /\r\n").unwrap_err(), Rejection::BadRequestLine);
    assert_eq!(
        parsed(b"GET / HTTP/3.0\r\n").unwrap_err(),
        Rejection::UnknownVersion
    );
    assert_eq!(
        parsed(b"GET x HTTP/1.1\r\n").unwrap_err(),
        Rejection::BadTarget
    );
}

#[test]
fn malformed_request_lines_are_refused() {
    all_refused(
        Rejection::BadRequestLine,
        [
            "GET",
            "GET /",
            "G(T / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "GET HTTP/1.1",
        ]
        .map(line),
    );
}

#[test]
fn unknown_versions_are_refused() {
    all_refused(
        Rejection::UnknownVersion,
        [
            "HTTP/2.0",
            "HTTP/1.2",
            "HTTP/0.9",
            "http/1.1",
            "HTTP/1.10",
            "HTTP/1",
            "HTTP/01.1",
            "",
        ]
        .map(|version| line(&format!("GET / {version}"))),
    );
}

#[test]
fn whitespace_and_controls_in_the_target_are_refused() {
    all_refused(
        Rejection::BadTarget,
        [
            "GET /a b HTTP/1.1",
            "GET  / HTTP/1.1",
            "GET /a\tb HTTP/1.1",
            "GET /\x7f HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "GET / HTTP/1.1 HTTP/1.1",
            "GET /  HTTP/1.1",
        ]
        .map(line),
    );
}

#[test]
fn fragments_are_refused() {
    all_refused(Rejection::BadTarget, [line("GET /a#b HTTP/1.1")]);
}

#[test]
fn targets_of_no_known_form_are_refused() {
    all_refused(
        Rejection::BadTarget,
        [
            "GET * HTTP/1.1",
            "GET a HTTP/1.1",
            "GET a:80 HTTP/1.1",
            "GET ftp://a/ HTTP/1.1",
            "GET http:///x HTTP/1.1",
            "GET http://u@a/ HTTP/1.1",
            "GET http://a?q HTTP/1.1",
        ]
        .map(line),
    );
}

#[test]
fn bytes_beyond_ascii_in_a_target_pass_as_they_came() {
    let bytes = "GET /ä\"<>^`{|}\\?ö HTTP/1.1\r\nHost: a\r\n\r\n".as_bytes();
    assert_eq!(
        parsed(bytes).unwrap().target(bytes),
        "/ä\"<>^`{|}\\?ö".as_bytes()
    );
}

#[test]
fn connect_is_not_implemented() {
    let refused = line("CONNECT a:443 HTTP/1.1").unwrap_err();
    assert_eq!((refused, refused.status()), (Rejection::Connect, 501));
}

#[test]
fn an_absolute_target_is_reduced_to_its_path() {
    for (target, reduced) in [
        ("GET http://a/x?y", "/x?y"),
        ("GET HTTPS://A:443/", "/"),
        ("GET http://a", "/"),
        ("GET http://a:80//x", "//x"),
        ("OPTIONS http://a", "*"),
        ("OPTIONS *", "*"),
    ] {
        let bytes = format!("{target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            parsed(bytes.as_bytes()).unwrap().target(bytes.as_bytes()),
            reduced.as_bytes()
        );
    }
}

#[test]
fn an_absolute_target_that_differs_from_host_is_refused() {
    all_refused(
        Rejection::HostMismatch,
        [
            "GET http://b/ HTTP/1.1",
            "GET http://a:81/ HTTP/1.1",
            "GET http://a:443/ HTTP/1.1",
        ]
        .map(line),
    );
}

#[test]
fn a_request_without_host_is_refused_in_both_versions() {
    all_refused(
        Rejection::NoHost,
        [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
            b"GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n",
        ]
        .map(parsed),
    );
}

#[test]
fn several_hosts_are_refused_even_when_equal() {
    all_refused(
        Rejection::SeveralHosts,
        [with("host: a\r\n"), with("HOST: b\r\n")],
    );
}

#[test]
fn a_host_that_is_none_is_refused() {
    for host in ["a b", "a,b", "a/b", "u@a", "a:b", "[::1", "a#"] {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        all_refused(Rejection::BadHost, [parsed(text.as_bytes())]);
    }
}

#[test]
fn a_bare_lf_is_refused_wherever_it_ends_a_line() {
    all_refused(
        Rejection::BareLf,
        [
            &b"GET / HTTP/1.1\nHost: a\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\nZ: 1\r\n\r\n",
            b"GET / HTTP/1.1\n",
        ]
        .map(parsed),
    );
}

#[test]
fn a_bare_cr_is_refused() {
    all_refused(
        Rejection::BareCr,
        [
            with("X: a\rb\r\n"),
            with("X: \r\r\n"),
            line("GET / HTTP/1.1\r"),
            line("GET /\r HTTP/1.1"),
        ],
    );
}

#[test]
fn nul_and_other_controls_in_a_value_are_refused() {
    for byte in (0..0x20)
        .chain([0x7f])
        .filter(|byte| !b"\t\n\r".contains(byte))
    {
        let value = char::from(byte);
        all_refused(
            Rejection::ControlInValue,
            [
                with(&format!("X: a{value}b\r\n")),
                with(&format!("X:{value}\r\n")),
            ],
        );
    }
}

#[test]
fn tabs_and_bytes_beyond_ascii_in_a_value_pass() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX: \x80\t\xff\r\n\r\n";
    assert_eq!(
        parsed(bytes).unwrap().field(bytes, "X"),
        Some(&b"\x80\t\xff"[..])
    );
}

#[test]
fn a_folded_line_is_refused() {
    all_refused(
        Rejection::FoldedLine,
        [with("X: a\r\n b\r\n"), with("X: a\r\n\tb: c\r\n")],
    );
    let first = b"GET / HTTP/1.1\r\n Host: a\r\n\r\n";
    all_refused(Rejection::FoldedLine, [parsed(first)]);
}

#[test]
fn space_before_a_colon_is_refused() {
    all_refused(
        Rejection::SpaceBeforeColon,
        [with("X : a\r\n"), with("Content-Length\t: 1\r\n")],
    );
}

#[test]
fn bad_field_names_are_refused() {
    all_refused(
        Rejection::BadFieldName,
        [
            "X\r\n",
            ": a\r\n",
            "X Y: a\r\n",
            "X(: a\r\n",
            "\0X: a\r\n",
            "ä: a\r\n",
            "X\x0b: a\r\n",
        ]
        .map(with),
    );
}

#[test]
fn length_beside_encoding_is_refused_in_any_order() {
    all_refused(
        Rejection::LengthAndEncoding,
        [
            with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
            with("transfer-encoding: chunked\r\nCONTENT-LENGTH: 0\r\n"),
        ],
    );
}

#[test]
fn a_repeated_length_is_refused_even_when_equal() {
    all_refused(
        Rejection::RepeatedLength,
        [
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\ncontent-length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5,\r\n",
        ]
        .map(with),
    );
}

#[test]
fn a_length_that_is_no_number_is_refused() {
    for value in [
        "",
        "+5",
        "-5",
        "5 5",
        "0x5",
        "5a",
        "5.0",
        "٣",
        "9223372036854775808",
        "18446744073709551616",
    ] {
        all_refused(
            Rejection::BadLength,
            [with(&format!("Content-Length: {value}\r\n"))],
        );
    }
    let largest = with("Content-Length: 9223372036854775807\r\n").unwrap();
    assert_eq!(largest.framing(), BodyFraming::Length(i64::MAX as u64));
}

#[test]
fn any_encoding_but_chunked_is_refused() {
    for value in [
        "",
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "identity",
        "chunked;q=1",
        "xchunked",
    ] {
        all_refused(
            Rejection::BadEncoding,
            [with(&format!("Transfer-Encoding: {value}\r\n"))],
        );
    }
    assert_eq!(
        with("Transfer-Encoding: CHUNKED \r\n").unwrap().framing(),
        BodyFraming::Chunked
    );
}

#[test]
fn several_encodings_are_refused() {
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    all_refused(Rejection::RepeatedEncoding, [with(twice)]);
}

#[test]
fn an_encoding_in_http_1_0_is_refused() {
    let bytes = b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    all_refused(Rejection::EncodingInHttp10, [parsed(bytes)]);
}

#[test]
fn a_head_over_64_kib_is_refused_and_one_of_64_kib_is_not() {
    let sized = |size: usize| {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "y".repeat(size - frame)
        )
    };
    let largest = sized(crate::http::HEAD_LIMIT);
    assert_eq!(
        parsed(largest.as_bytes()).unwrap().len(),
        crate::http::HEAD_LIMIT
    );
    let larger = sized(crate::http::HEAD_LIMIT + 1);
    all_refused(Rejection::HeadTooLarge, [parsed(larger.as_bytes())]);
    let endless = vec![b'G'; crate::http::HEAD_LIMIT];
    all_refused(Rejection::HeadTooLarge, [parsed(&endless)]);
    assert_eq!(Rejection::HeadTooLarge.status(), 431);
}

#[test]
fn more_than_256_fields_are_refused_and_256_are_not() {
    assert_eq!(with(&"X: y\r\n".repeat(255)).unwrap().fields.len(), 256);
    all_refused(Rejection::TooManyFields, [with(&"X: y\r\n".repeat(256))]);
    assert_eq!(Rejection::TooManyFields.status(), 431);
}

#[test]
fn connection_options_decide_on_keep_alive_with_the_version() {
    for (version, options, stays) in [
        ("1.1", "X: y", true),
        ("1.1", "Connection: close", false),
        ("1.1", "Connection: x, CLOSE", false),
        ("1.1", "Connection: keep-alive, close", false),
        ("1.0", "X: y", false),
        ("1.0", "Connection: Keep-Alive", true),
        ("1.0", "Connection: keep-alive\r\nConnection: close", false),
    ] {
        let text = format!("GET / HTTP/{version}\r\nHost: a\r\n{options}\r\n\r\n");
        assert_eq!(
            parsed(text.as_bytes()).unwrap().keep_alive(),
            stays,
            "{text}"
        );
    }
}

#[test]
fn more_connection_options_than_anybody_means_are_refused() {
    assert!(with(&format!("Connection: {}\r\n", "a,".repeat(32))).is_ok());
    let many = format!("Connection: {}\r\n", "a,".repeat(33));
    all_refused(Rejection::TooManyOptions, [with(&many)]);
}

#[test]
fn continue_is_expected_only_with_a_body_in_http_1_1() {
    let text = |version: &str, body: &str| {
        format!("PUT / HTTP/{version}\r\nHost: a\r\nExpect: 100-Continue\r\n{body}\r\n")
    };
    let expects = |text: String| parsed(text.as_bytes()).unwrap().expects_continue();
    assert!(expects(text("1.1", "Content-Length: 1\r\n")));
    assert!(expects(text("1.1", "Transfer-Encoding: chunked\r\n")));
    assert!(!expects(text("1.1", "Content-Length: 0\r\n")));
    assert!(!expects(text("1.1", "")));
    assert!(!expects(text("1.0", "Content-Length: 1\r\n")));
}

#[test]
fn an_upgrade_counts_when_connection_names_it() {
    assert!(
        with("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n")
            .unwrap()
            .upgrade()
    );
    assert!(!with("Upgrade: websocket\r\n").unwrap().upgrade());
    assert!(!with("Connection: upgrade\r\n").unwrap().upgrade());
    assert!(
        !with("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n")
            .unwrap()
            .upgrade()
    );
    let old = b"GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    assert!(!parsed(old).unwrap().upgrade());
}

#[test]
fn trailers_are_accepted_when_te_says_so() {
    assert!(with("TE: gzip, Trailers\r\n").unwrap().accepts_trailers());
    assert!(!with("TE: gzip\r\n").unwrap().accepts_trailers());
}
