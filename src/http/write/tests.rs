use super::super::{BodyFraming, Method, Parsed, RequestHead, ResponseHead, Version};
use super::*;

const FORWARDED: Forwarded<'_> = Forwarded {
    client: "10.0.0.9",
    proto: "http",
};

const ADDED: &str = "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Host: a\r\n\
                     X-Forwarded-Proto: http\r\nX-Real-IP: 10.0.0.9\r\n";

fn sent_with(request: &str, edits: &Edits<'_>) -> String {
    let mut head = RequestHead::default();
    assert_eq!(
        head.parse(request.as_bytes()),
        Ok(Parsed::Complete),
        "{request}"
    );
    let mut out = b"before".to_vec();
    write_edited_request(&head, request.as_bytes(), &FORWARDED, edits, &mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("before").unwrap().to_owned()
}

fn sent(request: &str) -> String {
    sent_with(request, &Edits::default())
}

/// What remains of these fields, without those that are always added.
fn passed(fields: &str) -> String {
    let text = sent(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let text = text.strip_prefix("GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
    text.replace(ADDED, "")
        .strip_suffix("\r\n")
        .unwrap()
        .to_owned()
}

fn answered_to(response: &str, to: &ClientSide, asked: bool) -> String {
    let mut head = ResponseHead::default();
    let parsed = head.parse(response.as_bytes(), Method::Get, asked);
    assert_eq!(parsed, Ok(Parsed::Complete), "{response}");
    let mut out = Vec::new();
    write_response(&head, response.as_bytes(), to, &mut out);
    String::from_utf8(out).unwrap()
}

fn to(version: Version, keep_alive: bool, framing: BodyFraming) -> ClientSide {
    ClientSide {
        version,
        keep_alive,
        framing,
    }
}

fn answered(response: &str) -> String {
    answered_to(
        response,
        &to(Version::Http11, true, BodyFraming::Length(0)),
        false,
    )
}

#[test]
fn a_request_passes_byte_for_byte_with_the_forwarding_fields_behind_it() {
    let request = "PUT /a//../%2F?x=%20&&y HTTP/1.1\r\nhoST:a\r\nx-ODD:   v  w \t\r\nEmpty:\r\n\
                   Authorization: AWS4-HMAC-SHA256 x\r\nExpect: 100-continue\r\n\
                   Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n";
    assert_eq!(
        sent(&format!("{request}\r\n")),
        format!("{request}{ADDED}\r\n")
    );
}

#[test]
fn the_empty_line_before_a_request_stays_here() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\n";
    assert_eq!(
        sent(&format!("\r\n{request}\r\n")),
        format!("{request}{ADDED}\r\n")
    );
}

#[test]
fn hop_by_hop_fields_stop_here_and_those_that_connection_names() {
    assert_eq!(
        passed(
            "Connection: close, X-Mine\r\nA: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n\
             Proxy-Authorization: x\r\nTE: gzip\r\nX-MINE: 2\r\nUpgrade: websocket\r\nB: 2\r\n"
        ),
        "A: 1\r\nB: 2\r\n"
    );
}

#[test]
fn connection_cannot_take_away_what_the_request_means() {
    let fields = "Authorization: x\r\nContent-Length: 1\r\nX-Amz-Date: 1\r\nIf-Match: x\r\n";
    let named = "Connection: Host, Authorization, content-length, X-Amz-Date, If-Match\r\n";
    assert_eq!(passed(&format!("{named}{fields}")), fields);
}

#[test]
fn te_passes_as_trailers_and_nothing_else() {
    assert_eq!(
        passed("TE: gzip;q=1, trailers\r\nA: 1\r\n"),
        "A: 1\r\nTE: trailers\r\nConnection: TE\r\n"
    );
}

#[test]
fn an_upgrade_passes_with_its_connection_option() {
    assert_eq!(
        passed("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nTE: trailers\r\n"),
        "Upgrade: websocket\r\nTE: trailers\r\nConnection: TE, Upgrade\r\n"
    );
    assert_eq!(
        passed("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"),
        ""
    );
}

#[test]
fn the_client_is_appended_to_x_forwarded_for_in_its_place() {
    let text = passed("x-forwarded-for:  1.1.1.1 , 2.2.2.2 \r\nA: 1\r\n");
    assert!(
        text.starts_with("x-forwarded-for:  1.1.1.1 , 2.2.2.2, 10.0.0.9\r\nA: 1\r\n"),
        "{text}"
    );
    let text = passed(
        "X-Forwarded-For: 1.1.1.1\r\nA: 1\r\nx-forwarded-for: \r\nX-Forwarded-FOR: 3.3.3.3\r\n",
    );
    assert!(
        text.starts_with("A: 1\r\nX-Forwarded-FOR: 1.1.1.1, 3.3.3.3, 10.0.0.9\r\n"),
        "{text}"
    );
}

#[test]
fn what_a_proxy_before_us_said_of_the_client_is_kept() {
    let fields = "X-Forwarded-Host: b\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 9.9.9.9\r\n";
    assert_eq!(
        passed(fields),
        format!("{fields}X-Forwarded-For: 10.0.0.9\r\n")
    );
}

#[test]
fn http_1_0_is_sent_on_as_http_1_1_without_expect() {
    assert_eq!(
        sent("POST /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
        format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n{ADDED}\r\n")
    );
}

#[test]
fn an_absolute_target_is_sent_in_origin_form() {
    for (before, after) in [
        ("GET http://a/x?y", "GET /x?y"),
        ("GET http://A", "GET /"),
        ("OPTIONS http://a", "OPTIONS *"),
    ] {
        assert_eq!(
            sent(&format!("{before} HTTP/1.1\r\nHost: a\r\n\r\n")),
            format!("{after} HTTP/1.1\r\nHost: a\r\n{ADDED}\r\n")
        );
    }
}

#[test]
fn edits_replace_fields_whatever_their_case() {
    let edits = Edits {
        without: &["Range", "If-Match"],
        with: &[("Range", b"bytes=5-")],
    };
    assert_eq!(
        sent_with(
            "GET / HTTP/1.1\r\nHost: a\r\nrange: bytes=0-\r\nA: 1\r\n\r\n",
            &edits
        ),
        format!("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\n{ADDED}Range: bytes=5-\r\n\r\n")
    );
}

#[test]
fn a_response_passes_byte_for_byte_with_x_proxy() {
    let response =
        "HTTP/1.1 200 Fine, thanks\r\nserver: MinIO\r\nETag:  \"x\"\r\nContent-Length: 3\r\n";
    assert_eq!(
        answered(&format!("{response}\r\n")),
        format!("{response}X-Proxy: true\r\n\r\n")
    );
}

#[test]
fn only_the_first_server_and_one_x_proxy_remain() {
    assert_eq!(
        answered(
            "HTTP/1.1 200 OK\r\nServer: a\r\nX-PROXY: false\r\nServer: b\r\nContent-Length: 0\r\n\r\n"
        ),
        "HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 0\r\nX-Proxy: true\r\n\r\n"
    );
}

#[test]
fn hop_by_hop_fields_of_a_response_stop_here() {
    assert_eq!(
        answered(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, x\r\nKeep-Alive: timeout=5\r\nX: 1\r\n\
             Upgrade: h2\r\nProxy-Authenticate: y\r\nContent-Length: 0\r\n\r\n"
        ),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Proxy: true\r\n\r\n"
    );
}

#[test]
fn the_status_line_is_http_1_1_with_the_reason_kept() {
    assert!(
        answered("HTTP/1.0 404 Gone fishing\r\n\r\n").starts_with("HTTP/1.1 404 Gone fishing\r\n")
    );
    assert!(answered("HTTP/1.1 299\r\n\r\n").starts_with("HTTP/1.1 299 \r\n"));
}

#[test]
fn connection_says_what_the_clients_version_does_not() {
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let line = |version, keep_alive| {
        let text = answered_to(
            response,
            &to(version, keep_alive, BodyFraming::Length(0)),
            false,
        );
        text.strip_prefix("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Proxy: true\r\n")
            .unwrap()
            .to_owned()
    };
    assert_eq!(line(Version::Http11, true), "\r\n");
    assert_eq!(line(Version::Http11, false), "Connection: close\r\n\r\n");
    assert_eq!(
        line(Version::Http10, true),
        "Connection: keep-alive\r\n\r\n"
    );
    assert_eq!(line(Version::Http10, false), "Connection: close\r\n\r\n");
}

#[test]
fn chunked_passes_to_http_1_1_and_is_dropped_for_http_1_0() {
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n";
    let new = answered_to(
        response,
        &to(Version::Http11, true, BodyFraming::Chunked),
        false,
    );
    assert!(new.contains("\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n"));
    let old = answered_to(
        response,
        &to(Version::Http10, false, BodyFraming::UntilClose),
        false,
    );
    assert_eq!(
        old,
        "HTTP/1.1 200 OK\r\nX-Proxy: true\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn a_body_without_length_can_be_chunked_for_the_client() {
    let text = answered_to(
        "HTTP/1.0 200 OK\r\n\r\n",
        &to(Version::Http11, true, BodyFraming::Chunked),
        false,
    );
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nX-Proxy: true\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
}

#[test]
fn a_204_loses_its_framing_fields_and_a_304_keeps_its_length() {
    assert_eq!(
        answered("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        "HTTP/1.1 204 No Content\r\nX-Proxy: true\r\n\r\n"
    );
    assert!(answered("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n").contains("Content-Length: 5"));
}

#[test]
fn a_switch_passes_with_upgrade() {
    let text = answered_to(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        &to(Version::Http11, false, BodyFraming::None),
        true,
    );
    assert_eq!(
        text,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Proxy: true\r\n\
         Connection: Upgrade\r\n\r\n"
    );
}

#[test]
fn an_interim_response_passes_without_additions() {
    let response = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nConnection: keep-alive\r\n\r\n";
    let mut head = ResponseHead::default();
    assert_eq!(
        head.parse(response, Method::Get, false),
        Ok(Parsed::Complete)
    );
    let mut out = Vec::new();
    write_interim(&head, response, &mut out);
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
}
