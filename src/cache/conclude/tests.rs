use super::super::stored::Selected;
use super::super::tests::{Exchange, NOW, date, head, request};
use super::super::{Plan, plan};
use super::*;

const BOUNDS: Bounds = Bounds {
    smallest_body: 10,
    unknown_length: false,
};
const COOKIE: &str = "Cookie: a=b\r\n";
const OBJECT: &str = "ETag: \"a\"\r\nContent-Type: a/b\r\n";
const MINUTE: &str = "ETag: \"a\"\r\nCache-Control: max-age=60\r\n";

fn stored(fields: &str, with_credentials: bool) -> StoredHead {
    let mut stored = head(200, fields, NOW - 100);
    stored.body_length = 100;
    stored.body = "body".into();
    stored.with_credentials = with_credentials;
    stored
}

/// Asks about a response as the plan says, a hundred seconds after it was stored.
fn after(method: &str, asked: &str, stored: &StoredHead, status: u16, fields: &str) -> Conclusion {
    let exchange = Exchange::new(method, asked, status, fields);
    let plan = plan(&exchange.presented, Selected::Response(stored), NOW);
    let asked = match &plan {
        Plan::Validate {
            stored, validation, ..
        } => Asked {
            stored: Some(stored),
            validation: Some(validation),
        },
        Plan::Miss { stored, .. } => Asked {
            stored: *stored,
            validation: None,
        },
        other => panic!("{other:?}"),
    };
    exchange.conclude(asked, BOUNDS)
}

fn served(conclusion: Conclusion) -> (StoredHead, Answer, Keep) {
    match conclusion {
        Conclusion::Serve { head, answer, keep } => (*head, answer, keep),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_miss_that_may_be_stored_is() {
    let fields = format!("Content-Length: 100\r\nVary: Foo\r\n{OBJECT}");
    let exchange = Exchange::new("GET", &format!("Foo: 1\r\n{COOKIE}"), 200, &fields);
    let Conclusion::Store(head) = exchange.conclude(Asked::default(), BOUNDS) else {
        panic!("not stored");
    };
    assert!(head.with_credentials);
    assert!(!head.fields.has("Content-Length") && head.fields.has("Date"));
    let (request, bytes) = request("GET", "/b/k", "Foo: 1\r\n");
    assert_eq!(
        Some(head.variant),
        Vary::of(&head.fields).variant(&request, &bytes)
    );
}

#[test]
fn a_miss_that_may_not_be_stored_passes() {
    for (status, fields) in [
        (200, "Content-Length: 9\r\nETag: \"a\"\r\n"),
        (
            206,
            "Content-Length: 100\r\nContent-Range: bytes 0-99/200\r\nETag: \"a\"\r\n",
        ),
        (304, "ETag: \"a\"\r\n"),
        (403, "Content-Length: 100\r\n"),
        (404, "Content-Length: 100\r\n"),
    ] {
        let exchange = Exchange::new("GET", COOKIE, status, fields);
        let conclusion = exchange.conclude(Asked::default(), BOUNDS);
        assert_eq!(conclusion, Conclusion::PassOn, "{status}");
    }
}

#[test]
fn a_304_serves_what_is_stored_with_its_own_fields() {
    let fields = "ETag: \"a\"\r\nContent-Type: c/d\r\n";
    let (head, answer, keep) = served(after("GET", COOKIE, &stored(OBJECT, true), 304, fields));
    assert_eq!(head.fields.first("Content-Type"), Some(&b"c/d"[..]));
    assert_eq!((&*head.body, head.body_length), ("body", 100));
    assert_eq!((answer, keep), (Answer::Whole, Keep::Updated));
}

#[test]
fn a_304_with_nothing_new_writes_nothing() {
    let fields = "ETag: \"a\"\r\nX-Amz-Request-Id: 2\r\n";
    let (_, _, keep) = served(after("GET", COOKIE, &stored(OBJECT, true), 304, fields));
    assert_eq!(keep, Keep::AsItWas);
    // But freshness for those who need not ask is something new.
    let (head, _, keep) = served(after("GET", "", &stored(MINUTE, false), 304, fields));
    assert_eq!((head.response_time, keep), (NOW, Keep::Updated));
    // And so is being readable without credentials.
    let (head, _, keep) = served(after("GET", "", &stored(MINUTE, true), 304, fields));
    assert!(!head.with_credentials);
    assert_eq!(keep, Keep::Updated);
}

#[test]
fn credentials_do_not_lengthen_what_others_may_read() {
    let fresh = format!(
        "ETag: \"a\"\r\nDate: {}\r\nCache-Control: max-age=600\r\n",
        date(NOW - 100)
    );
    let (head, _, keep) = served(after(
        "GET",
        COOKIE,
        &stored(&fresh, false),
        304,
        "ETag: \"a\"\r\n",
    ));
    assert!(head.with_credentials);
    assert_eq!(keep, Keep::AsItWas);
}

#[test]
fn a_304_that_forbids_storing_is_served_once() {
    let fields = "ETag: \"a\"\r\nCache-Control: no-store\r\n";
    let (_, _, keep) = served(after("GET", "", &stored(MINUTE, false), 304, fields));
    assert_eq!(keep, Keep::No);
    let no_store = "Cache-Control: no-store\r\n";
    let (_, _, keep) = served(after(
        "GET",
        no_store,
        &stored(MINUTE, false),
        304,
        "ETag: \"a\"\r\n",
    ));
    assert_eq!(keep, Keep::AsItWas);
    let cookie = "ETag: \"a\"\r\nSet-Cookie: c=d\r\n";
    let (head, _, keep) = served(after("GET", COOKIE, &stored(OBJECT, true), 304, cookie));
    assert!(head.fields.has("Set-Cookie"));
    assert_eq!(keep, Keep::AsItWas);
}

#[test]
fn the_clients_conditions_and_range_are_answered_from_the_store() {
    let object = stored(OBJECT, false);
    let tag = "ETag: \"a\"\r\n";
    let answer = |asked: &str| {
        let asked = format!("{COOKIE}{asked}");
        served(after("GET", &asked, &object, 304, tag)).1
    };
    assert_eq!(answer("If-None-Match: \"a\"\r\n"), Answer::NotModified);
    assert_eq!(answer("If-None-Match: \"b\"\r\n"), Answer::Whole);
    assert_eq!(answer("If-Match: \"a\"\r\n"), Answer::Whole);
    assert!(matches!(answer("Range: bytes=0-9\r\n"), Answer::Part(range) if range.length() == 10));
    assert_eq!(
        answer("Range: bytes=0-9\r\nIf-Range: \"b\"\r\n"),
        Answer::Whole
    );
}

#[test]
fn a_304_about_the_clients_version_is_the_clients() {
    let asked = format!("{COOKIE}If-None-Match: \"b\"\r\n");
    let object = stored(OBJECT, true);
    assert_eq!(
        after("GET", &asked, &object, 304, "ETag: \"b\"\r\n"),
        Conclusion::Evict
    );
    assert_eq!(after("GET", &asked, &object, 304, ""), Conclusion::AskAgain);
    assert_eq!(
        after("GET", COOKIE, &object, 304, "ETag: \"z\"\r\n"),
        Conclusion::AskAgain
    );
}

#[test]
fn a_changed_object_takes_the_place_of_the_stored_one() {
    let object = stored(OBJECT, true);
    let changed = "ETag: \"b\"\r\nContent-Length: 100\r\n";
    assert!(matches!(
        after("GET", COOKIE, &object, 200, changed),
        Conclusion::Store(_)
    ));
    for outdated in [
        "ETag: \"b\"\r\nContent-Length: 9\r\n",
        "ETag: \"b\"\r\nContent-Length: 100\r\nCache-Control: no-store\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        assert_eq!(
            after("GET", COOKIE, &object, 200, outdated),
            Conclusion::Evict,
            "{outdated}"
        );
    }
}

#[test]
fn the_same_object_is_not_stored_again() {
    let object = stored(OBJECT, true);
    let same = "ETag: \"a\"\r\nContent-Length: 100\r\n";
    let conclusion = |fields: &str| after("GET", COOKIE, &object, 200, fields);
    assert_eq!(conclusion(same), Conclusion::PassOn);
    let Conclusion::Freshen(head) = conclusion(&format!("{same}X: new\r\n")) else {
        panic!("not freshened");
    };
    assert_eq!((&*head.body, head.body_length), ("body", 100));
    for other in [
        "ETag: W/\"a\"\r\nContent-Length: 100\r\n",
        "ETag: \"a\"\r\nContent-Length: 101\r\n",
    ] {
        assert!(matches!(conclusion(other), Conclusion::Store(_)), "{other}");
    }
}

#[test]
fn a_part_of_the_same_version_leaves_the_whole_alone() {
    let object = stored(OBJECT, true);
    let asked = format!("{COOKIE}Range: bytes=0-9\r\n");
    let part = |tag: &str| {
        let fields =
            format!("ETag: {tag}\r\nContent-Range: bytes 0-9/100\r\nContent-Length: 10\r\n");
        after("GET", &asked, &object, 206, &fields)
    };
    assert_eq!(part("\"a\""), Conclusion::PassOn);
    assert_eq!(part("\"b\""), Conclusion::Evict);
}

#[test]
fn what_is_gone_is_evicted_and_a_refusal_leaves_it_alone() {
    let object = stored(OBJECT, true);
    for status in [404, 410] {
        let conclusion = after("GET", COOKIE, &object, status, "Content-Length: 100\r\n");
        assert_eq!(conclusion, Conclusion::Evict, "{status}");
    }
    for status in [400, 401, 403, 412, 416, 429, 500, 502, 503, 504] {
        let fields = "Content-Length: 100\r\nCache-Control: max-age=60\r\n";
        let conclusion = after("GET", COOKIE, &object, status, fields);
        assert_eq!(conclusion, Conclusion::PassOn, "{status}");
    }
}

#[test]
fn an_error_may_be_worse_than_stale() {
    let fields = "ETag: \"a\"\r\nCache-Control: max-age=60, stale-if-error=60\r\n";
    let object = stored(fields, false);
    assert_eq!(
        after("GET", "", &object, 503, "Content-Length: 0\r\n"),
        Conclusion::ServeStale(Answer::Whole)
    );
    assert_eq!(
        after("GET", "", &object, 501, "Content-Length: 0\r\n"),
        Conclusion::PassOn
    );
    assert_eq!(
        after("GET", COOKIE, &object, 503, "Content-Length: 0\r\n"),
        Conclusion::PassOn
    );
}

#[test]
fn a_head_freshens_or_evicts() {
    let object = stored(MINUTE, false);
    let same = "ETag: \"a\"\r\nContent-Length: 100\r\nX: 1\r\n";
    let Conclusion::Freshen(head) = after("HEAD", "", &object, 200, same) else {
        panic!("not freshened");
    };
    assert_eq!((head.response_time, &*head.body), (NOW, "body"));
    for other in [
        "ETag: \"b\"\r\nContent-Length: 100\r\n",
        "ETag: \"a\"\r\nContent-Length: 99\r\n",
    ] {
        assert_eq!(
            after("HEAD", "", &object, 200, other),
            Conclusion::Evict,
            "{other}"
        );
    }
    assert_eq!(after("HEAD", "", &object, 404, ""), Conclusion::Evict);
    assert_eq!(after("HEAD", "", &object, 403, ""), Conclusion::PassOn);
    let (_, answer, _) = served(after("HEAD", "", &object, 304, "ETag: \"a\"\r\n"));
    assert_eq!(answer, Answer::Whole);
}

#[test]
fn a_head_without_credentials_opens_nothing() {
    let object = stored(MINUTE, true);
    let same = "ETag: \"a\"\r\nContent-Length: 100\r\nX: 1\r\n";
    let Conclusion::Freshen(head) = after("HEAD", "", &object, 200, same) else {
        panic!("not freshened");
    };
    assert!(head.with_credentials);
}
