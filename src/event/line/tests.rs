use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::*;
use crate::event::{Detail, Field, HealthEvent, TraceEvent, TraceKind};

/// 2024-05-06 15:04:05.123 UTC.
fn at() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_715_007_845_123)
}

fn trace() -> TraceEvent {
    TraceEvent {
        kind: TraceKind::Application,
        endpoint: "http://h:9000".into(),
        at: at(),
        client: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        rx: 64,
        tx: 1231,
        latency: Duration::from_nanos(420_670),
        first_byte: Some(Duration::from_micros(300)),
        health_error: None,
        status: Some(200),
        method: b"GET"[..].into(),
        target: b"/b/k?a=b"[..].into(),
        detail: None,
        attempts: 1,
        error: None,
        cache: None,
    }
}

fn health(up: bool, reason: &str, downtime: Duration) -> HealthEvent {
    HealthEvent {
        endpoint: "http://h:9000".into(),
        up,
        reason: reason.into(),
        downtime,
        at: at(),
    }
}

fn line(json: bool, event: impl Into<Event>) -> String {
    let mut out = Vec::new();
    Format::with_zone(json, TimeZone::UTC).line(&event.into(), &mut out);
    let line = String::from_utf8(out).expect("a line is text");
    line.strip_suffix('\n').expect("a line ends").to_owned()
}

fn text(event: impl Into<Event>) -> String {
    line(false, event)
}

fn json(event: impl Into<Event>) -> String {
    line(true, event)
}

fn fields(pairs: &[(&str, &str)]) -> Vec<Field> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()))
        .collect()
}

fn detailed() -> TraceEvent {
    let detail = Detail {
        request: fields(&[
            ("Host", "h"),
            ("authorization", "AWS4-HMAC-SHA256 HUSH"),
            ("x-amz-meta-a", "1"),
            ("X-Amz-Meta-A", "2"),
        ]),
        response: fields(&[("ETag", "\"e\""), ("Set-Cookie", "HUSH")]),
    };
    TraceEvent {
        detail: Some(Box::new(detail)),
        ..trace()
    }
}

#[test]
fn log_json() {
    assert_eq!(
        json(health(
            false,
            "connection refused",
            Duration::from_nanos(123)
        )),
        r#"{"Type":"LOG","Endpoint":"http://h:9000","Status":"down","Error":"connection refused","Downtime":123,"Timestamp":"2024-05-06T15:04:05.123Z"}"#
    );
    assert_eq!(
        json(health(true, "200 OK", Duration::from_secs(63))),
        r#"{"Type":"LOG","Endpoint":"http://h:9000","Status":"up","Error":"","Downtime":63000000000,"Timestamp":"2024-05-06T15:04:05.123Z"}"#
    );
}

#[test]
fn log_text() {
    assert_eq!(
        text(health(false, "connection refused", Duration::ZERO)),
        "LOG  : 15:04:05.123  http://h:9000 is down: connection refused"
    );
    assert_eq!(
        text(health(true, "200 OK", Duration::from_secs(63))),
        "LOG  : 15:04:05.123  http://h:9000 is up: 200 OK (was down for 1m3s)"
    );
    assert_eq!(
        text(health(true, "", Duration::ZERO)),
        "LOG  : 15:04:05.123  http://h:9000 is up"
    );
}

#[test]
fn text_times_are_local() {
    let zone = TimeZone::fixed(jiff::tz::offset(-7));
    let mut out = Vec::new();
    Format::with_zone(false, zone).line(&Event::info("hello", at()), &mut out);
    assert_eq!(out, b"LOG  : 08:04:05.123  hello\n");
}

#[test]
fn trace_json() {
    assert_eq!(
        json(trace()),
        r#"{"type":"TRACE","host":"http://h:9000","time":"2024-05-06T15:04:05.123Z","client":"127.0.0.1","callStats":{"rx":64,"tx":1231,"latency":420670,"timetofirstbyte":300000,"healthError":null},"statusCode":200,"statusMsg":"OK","method":"GET","path":"/b/k","query":"a=b"}"#
    );
}

#[test]
fn trace_json_tells_what_is_unusual_at_its_end() {
    let event = TraceEvent {
        endpoint: "".into(),
        client: None,
        first_byte: None,
        health_error: Some("timeout".into()),
        status: None,
        target: b"/"[..].into(),
        attempts: 2,
        error: Some("reset".into()),
        cache: Some("HIT"),
        ..trace()
    };
    assert_eq!(
        json(event),
        r#"{"type":"TRACE","host":"","time":"2024-05-06T15:04:05.123Z","client":"","callStats":{"rx":64,"tx":1231,"latency":420670,"timetofirstbyte":0,"healthError":"timeout"},"statusCode":0,"statusMsg":"","method":"GET","path":"/","query":"","attempts":2,"cache":"HIT","error":"reset"}"#
    );
}

#[test]
fn debug_json() {
    assert_eq!(
        json(detailed()),
        r#"{"type":"DEBUG","host":"http://h:9000","time":"2024-05-06T15:04:05.123Z","client":"127.0.0.1","callStats":{"rx":64,"tx":1231,"latency":420670,"timetofirstbyte":300000,"healthError":null},"statusCode":200,"statusMsg":"OK","method":"GET","path":"/b/k","query":"a=b","request":{"headers":{"Host":["h"],"Authorization":["REDACTED"],"X-Amz-Meta-A":["1","2"]},"rawquery":"a=b"},"response":{"headers":{"Etag":["\"e\""],"Set-Cookie":["REDACTED"]},"statuscode":200}}"#
    );
}

#[test]
fn trace_text() {
    assert_eq!(
        text(trace()),
        "15:04:05.123 [200 OK] http://h:9000 GET /b/k?a=b 127.0.0.1 420µs ↑ 64 B ↓ 1.2 KiB"
    );
    let failed = TraceEvent {
        endpoint: "".into(),
        client: None,
        status: None,
        target: b"/b/k"[..].into(),
        attempts: 3,
        cache: Some("MISS"),
        error: Some("connection reset".into()),
        ..trace()
    };
    assert_eq!(
        text(failed),
        "15:04:05.123 [no answer] - GET /b/k 420µs ↑ 64 B ↓ 1.2 KiB 3 attempts cache MISS: connection reset"
    );
}

#[test]
fn debug_text() {
    let expected = [
        "15:04:05.123 [200 OK] http://h:9000 GET /b/k?a=b 127.0.0.1 420µs ↑ 64 B ↓ 1.2 KiB",
        "    > Host: h",
        "    > authorization: REDACTED",
        "    > x-amz-meta-a: 1",
        "    > X-Amz-Meta-A: 2",
        "    < ETag: \"e\"",
        "    < Set-Cookie: REDACTED",
    ];
    assert_eq!(text(detailed()).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn notices() {
    assert_eq!(
        text(Event::info("reloaded", at())),
        "LOG  : 15:04:05.123  reloaded"
    );
    assert_eq!(
        text(Event::error("bad file", at())),
        "ERROR: 15:04:05.123  bad file"
    );
    assert_eq!(
        json(Event::error("bad file", at())),
        r#"{"Type":"ERROR","Message":"bad file","Timestamp":"2024-05-06T15:04:05.123Z"}"#
    );
}

#[test]
fn no_signature_is_printed_in_any_form() {
    let target = b"/b/k?X-Amz-Credential=HUSH&X-Amz-Signature=HUSH&a=b"[..].into();
    let event = TraceEvent {
        target,
        ..detailed()
    };
    for line in [text(event.clone()), json(event)] {
        assert!(!line.contains("HUSH"), "{line}");
        assert!(line.contains("X-Amz-Signature=REDACTED&a=b"), "{line}");
    }
}

#[test]
fn a_path_cannot_forge_a_line_or_drive_a_terminal() {
    let target = "/a\n15:04 forged\x1b[2J\u{9b}1m\u{202e}\"\\é"
        .as_bytes()
        .into();
    let event = TraceEvent { target, ..trace() };
    let line = text(event.clone());
    assert_eq!(line.lines().count(), 1);
    assert!(
        line.contains(r#"/a\x0a15:04 forged\x1b[2J\u{9b}1m\u{202e}"\é 127"#),
        "{line}"
    );
    let line = json(event);
    assert!(!line.chars().any(is_unprintable), "{line}");
    let value: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        value["path"],
        "/a\n15:04 forged\x1b[2J\u{9b}1m\u{202e}\"\\é"
    );
}

#[test]
fn bytes_that_are_no_text_are_shown_and_break_nothing() {
    let event = TraceEvent {
        target: b"/\xff\xfe?\xff"[..].into(),
        ..trace()
    };
    assert!(text(event.clone()).contains(r"/\xff\xfe?\xff"));
    let value: Value = serde_json::from_str(&json(event)).expect("JSON");
    assert_eq!(value["path"], "/\u{fffd}\u{fffd}");
}

proptest::proptest! {
    #[test]
    fn every_trace_is_one_line_and_json_reads_back(
        target in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
        status in proptest::option::of(0_u16..1000),
    ) {
        let event = TraceEvent { target: target.clone().into(), status, ..trace() };
        proptest::prop_assert!(!text(event.clone()).chars().any(is_unprintable));
        let line = json(event);
        proptest::prop_assert!(!line.chars().any(is_unprintable));
        let value: Value = serde_json::from_str(&line)?;
        let path = String::from_utf8_lossy(split_target(&target).0);
        proptest::prop_assert_eq!(value["path"].as_str(), Some(&*path));
    }
}
