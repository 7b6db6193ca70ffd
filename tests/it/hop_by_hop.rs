//! Fields that speak of one connection stay on it (RFC 9110 §7.6.1).

use crate::vocabulary::{Origin, Sidekick};

#[test]
fn wish_for_trailers_passes() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    sidekick.exchange("GET / HTTP/1.1\r\nHost: b\r\nConnection: TE\r\nTE: trailers\r\n\r\n");
    assert_eq!(origin.request().head.values("TE"), ["trailers"]);
}

#[test]
fn no_connection_word_of_the_client_reaches_the_backend() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).start();
    for connection in [
        "close",
        "keep-alive",
        "Close",
        "foo",
        "close, foo",
        " , ,close",
    ] {
        let before = origin.request_count();
        let response = sidekick.exchange(format!(
            "GET / HTTP/1.1\r\nHost: b\r\nConnection: {connection}\r\nFoo: stays\r\n\r\n"
        ));
        assert_eq!(response.status(), 200);
        let head = origin.requests()[before].head.clone();
        for value in head.values("Connection") {
            assert_eq!(
                value.to_ascii_lowercase(),
                "keep-alive",
                "{connection:?} gave\n{head}"
            );
        }
        assert_eq!(
            head.has("Foo"),
            !connection.contains("foo"),
            "{connection:?} gave\n{head}"
        );
    }
}

#[test]
fn trailers_of_an_upload_are_not_promoted_to_fields() {
    let origin = Origin::scripted(|connection| {
        connection.body()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    sidekick.exchange(
        "PUT / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nhi\r\n0\r\nX-Late: 1\r\nX-Later: 2\r\n\r\n",
    );
    let received = origin.request();
    assert!(!received.head.has("X-Late"));
    assert_eq!(received.trailers, ["X-Late: 1", "X-Later: 2"]);
}
