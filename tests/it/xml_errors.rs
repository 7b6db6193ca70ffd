//! What sidekick answers when nothing is left to try: an S3 error that S3 clients understand.

use crate::vocabulary::{Origin, Response, Running, Sidekick, wait_until};

fn element(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let from = xml
        .find(&open)
        .unwrap_or_else(|| panic!("no {open} in {xml}"))
        + open.len();
    let length = xml[from..]
        .find(&close)
        .unwrap_or_else(|| panic!("no {close} in {xml}"));
    xml[from..from + length].to_owned()
}

/// A process whose only backend has just died.
fn forsaken() -> (Origin, Running) {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    origin.refuse();
    (origin, sidekick)
}

fn assert_own(response: &Response, status: u16) {
    assert_eq!(response.status(), status, "{}", response.head);
    assert_eq!(response.field("Server").as_deref(), Some("sidekick"));
    assert_eq!(
        response.field("Content-Type").as_deref(),
        Some("application/xml")
    );
    assert!(
        response.head.has("Date") && response.head.has("Content-Length"),
        "{}",
        response.head
    );
}

#[test]
fn bad_gateway_is_an_s3_error() {
    let (_origin, sidekick) = forsaken();
    let response = sidekick.get("/bucket/key?x=1");
    assert_own(&response, 502);
    assert_eq!(response.field("Retry-After").as_deref(), Some("1"));
    let xml = response.text();
    assert!(
        xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"),
        "{xml}"
    );
    assert!(xml.trim_end().ends_with("</Error>"), "{xml}");
    assert_eq!(element(&xml, "Resource"), "/bucket/key");
    for name in ["Code", "Message", "RequestId"] {
        assert!(!element(&xml, name).is_empty(), "{name} in {xml}");
    }
}

#[test]
fn request_ids_differ() {
    let (_origin, sidekick) = forsaken();
    let id = || element(&sidekick.get("/").text(), "RequestId");
    assert_ne!(id(), id());
}

#[test]
fn nothing_of_the_client_is_markup() {
    let (_origin, sidekick) = forsaken();
    for target in ["/<Code>x</Code>&amp;\"'", "/a&b", "/]]>", "/?<script>"] {
        let text = sidekick.get(target).text();
        assert_eq!(text.matches("<Code>").count(), 1, "{text}");
        assert!(!text.contains("a&b") && !text.contains("]]>"), "{text}");
        assert!(!text.contains("<script>"), "{text}");
    }
}

#[test]
fn head_is_told_without_a_body() {
    let (_origin, sidekick) = forsaken();
    let mut client = sidekick.client();
    let response = client.exchange("HEAD /key HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_own(&response, 502);
    let next = client.get("/key");
    assert_own(&next, 502);
}

#[test]
fn connection_lives_on_after_an_error() {
    let (_origin, sidekick) = forsaken();
    let mut client = sidekick.client();
    for _ in 0..3 {
        assert_own(&client.get("/"), 502);
    }
}

#[test]
fn backend_never_reached_in_time_is_a_gateway_timeout() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--connect-timeout", "200ms")
        .start();
    origin.close_connections();
    origin.black_hole();
    let response = sidekick.get("/");
    assert_own(&response, 504);
    assert_eq!(response.field("Retry-After").as_deref(), Some("1"));
}

#[test]
fn unhealthy_from_the_start_is_a_bad_gateway() {
    let origin = Origin::saying("ok");
    origin.sick();
    let sidekick = Sidekick::new()
        .site([&origin])
        .health_every("50ms")
        .start_cold();
    // Before its first check has ended a backend is worth a try; the second follows the first.
    wait_until("two checks have failed", || {
        sidekick.metric_of("sidekick_health_error_counts", &origin) >= 2.0
    });
    assert_own(&sidekick.get("/"), 502);
    assert_eq!(origin.request_count(), 0);
}

#[test]
fn refusal_of_bad_syntax_is_an_s3_error_too() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let response = sidekick.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_own(&response, 400);
    assert!(
        !response.head.has("Retry-After"),
        "trying again would not help"
    );
    assert!(!element(&response.text(), "Code").is_empty());
}
