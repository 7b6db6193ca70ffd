//! Requests and answers pass byte for byte; what is added says who asked.

use crate::vocabulary::{Origin, Sidekick, request};

#[test]
fn added_fields_say_who_asked_for_what() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    sidekick.exchange("GET / HTTP/1.1\r\nHost: bucket.example:9000\r\n\r\n");

    let head = origin.request().head;
    assert_eq!(head.field("X-Forwarded-For").as_deref(), Some("127.0.0.1"));
    assert_eq!(
        head.field("X-Forwarded-Host").as_deref(),
        Some("bucket.example:9000")
    );
    assert_eq!(head.field("X-Forwarded-Proto").as_deref(), Some("http"));
    assert_eq!(head.field("X-Real-IP").as_deref(), Some("127.0.0.1"));
}

#[test]
fn client_is_appended_to_those_it_forwards_for() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    sidekick.exchange(
        "GET / HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n\
         X-Forwarded-For: 10.0.0.3\r\n\r\n",
    );

    let chain = origin.request().head.values("X-Forwarded-For").join(", ");
    assert_eq!(chain, "10.0.0.1, 10.0.0.2, 10.0.0.3, 127.0.0.1");
}

#[test]
fn server_of_the_backend_stands_alone() {
    let origin = Origin::replying("HTTP/1.1 200 OK\r\nServer: MinIO\r\nContent-Length: 0\r\n\r\n");
    let sidekick = Sidekick::new().site([&origin]).start();
    let response = sidekick.get("/");
    assert_eq!(response.head.values("Server"), ["MinIO"]);
    assert_eq!(response.head.values("X-Proxy"), ["true"]);
}

#[test]
fn every_byte_value_passes_both_ways() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).start();
    let body: Vec<u8> = (0..=255).cycle().take(4096).collect();
    assert_eq!(sidekick.client().put("/key", &body).body, body);
    assert_eq!(origin.request().body, Some(body));
}

#[test]
fn every_method_may_carry_a_body() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "LOCK"] {
        let response = client.exchange(request(method, "/key", b"<body/>"));
        assert_eq!(response.text(), "<body/>", "{method}");
        assert_eq!(
            origin.requests().last().expect("a request").head.method(),
            method
        );
    }
}

#[test]
fn long_targets_pass_whole() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    let target = format!("/{}?prefix={}", "k".repeat(8000), "%2F".repeat(2000));
    assert_eq!(sidekick.get(&target).status(), 200);
    assert_eq!(origin.request().head.target(), target);
}

#[test]
fn errors_of_the_backend_are_the_backends_own() {
    for status in [400, 403, 404, 409, 412, 416, 429, 500, 501, 502, 503, 504] {
        let reply = format!(
            "HTTP/1.1 {status} Its Own\r\nServer: MinIO\r\nContent-Length: 8\r\n\r\n<Error/>"
        );
        let origin = Origin::replying(reply);
        let sidekick = Sidekick::new().site([&origin]).start();
        let response = sidekick.get("/");
        assert_eq!(
            response.head.start_line(),
            format!("HTTP/1.1 {status} Its Own")
        );
        assert_eq!(response.field("Server").as_deref(), Some("MinIO"));
        assert_eq!(response.text(), "<Error/>");
        assert_eq!(
            origin.request_count(),
            1,
            "an answer is an answer: {status} is not asked twice"
        );
    }
}
