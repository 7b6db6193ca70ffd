//! What is printed, and what never is.

use std::time::Duration;

use serde_json::Value;

use crate::vocabulary::{Origin, Running, Sidekick, holds_for};

fn json_where(sidekick: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
    let parse = |line: &str| serde_json::from_str::<Value>(line).ok();
    let line = sidekick.stdout_line_where(|line| parse(line).is_some_and(|value| wanted(&value)));
    parse(&line).expect("parsed before")
}

fn traced(sidekick: &Running, path: &str) -> Value {
    json_where(sidekick, |line| line["path"] == path)
}

#[test]
fn trace_line_says_what_happened() {
    let origin = Origin::echo();
    let sidekick = Sidekick::new().site([&origin]).flag("--json").start();
    let request = "PUT /bucket/key?a=b&c HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello";
    let response = sidekick.exchange(request);
    let line = traced(&sidekick, "/bucket/key");

    assert_eq!(line["type"], "TRACE");
    assert_eq!(line["host"], origin.url());
    assert_eq!(line["client"], "127.0.0.1");
    assert_eq!(
        (&line["statusCode"], &line["statusMsg"]),
        (&200.into(), &"OK".into())
    );
    assert_eq!(
        (&line["method"], &line["query"]),
        (&"PUT".into(), &"a=b&c".into())
    );
    let stats = &line["callStats"];
    assert_eq!(stats["rx"], request.len());
    assert_eq!(stats["tx"], response.head.raw.len() + response.body.len());
    let latency = stats["latency"].as_u64().expect("nanoseconds");
    let first_byte = stats["timetofirstbyte"].as_u64().expect("nanoseconds");
    assert!(
        0 < first_byte && first_byte <= latency,
        "{first_byte} {latency}"
    );
    assert!(latency < 10_000_000_000, "{latency}");
    assert_eq!(stats["healthError"], Value::Null);
    let time = line["time"].as_str().expect("a time");
    assert!(
        time.len() >= 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T',
        "{time}"
    );
}

#[test]
fn text_trace_line_reads_like_a_sentence() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--trace", "application")
        .start();
    sidekick.get("/b/k?q");
    let line = sidekick.stdout_line_where(|line| line.contains("/b/k?q"));
    let middle = format!(" [200 OK] {} GET /b/k?q 127.0.0.1 ", origin.url());
    let (time, rest) = line
        .split_once(&middle)
        .unwrap_or_else(|| panic!("no {middle:?}: {line}"));
    assert_eq!(time.len(), "15:04:05.000".len(), "{line}");
    assert!(rest.contains('↑') && rest.contains('↓'), "{line}");
}

#[test]
fn transitions_are_one_line_each_with_the_reason() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .flag("--json")
        .flag("--log")
        .health_every("50ms")
        .start();
    origin.sick();
    sidekick.wait_until_down(&origin);
    let down = json_where(&sidekick, |line| {
        line["Type"] == "LOG" && line["Status"] == "down"
    });
    assert_eq!(down["Endpoint"], origin.url());
    assert!(
        down["Error"]
            .as_str()
            .is_some_and(|reason| reason.contains("503")),
        "{down}"
    );
    assert!(
        down["Timestamp"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z')),
        "{down}"
    );

    origin.well();
    sidekick.wait_until_up(&origin);
    let up = json_where(&sidekick, |line| {
        line["Type"] == "LOG" && line["Status"] == "up" && line["Downtime"].as_u64() > Some(0)
    });
    assert_eq!(up["Endpoint"], origin.url());
    let downs = sidekick
        .stdout()
        .iter()
        .filter(|line| line.contains(r#""down""#))
        .count();
    assert_eq!(downs, 1, "{:?}", sidekick.stdout());
}

#[test]
fn text_transition_names_the_reason() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .flag("--log")
        .health_every("50ms")
        .start();
    origin.refuse();
    origin.close_connections();
    let wanted = format!("{} is down: ", origin.url());
    let line = sidekick.stdout_line_where(|line| line.contains(&wanted));
    assert!(line.starts_with("LOG"), "{line}");
    assert!(line.contains("refused"), "{line}");
}

#[test]
fn quiet_prints_no_line_a_request() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).flag("--quiet").start();
    for _ in 0..5 {
        sidekick.get("/quiet");
    }
    holds_for(Duration::from_millis(200), "nothing is printed", || {
        sidekick.stdout().is_empty()
    });
}

#[test]
fn trace_says_which_requests() {
    for (trace, requests, checks) in [
        ("all", true, true),
        ("application", true, false),
        ("minio", false, true),
    ] {
        let origin = Origin::saying("ok");
        let sidekick = Sidekick::new()
            .site([&origin])
            .flag("--json")
            .option("--trace", trace)
            .health_every("50ms")
            .start();
        let before = origin.health_checks().len();
        sidekick.get("/application");
        let marker = if requests { "/application" } else { "/health" };
        traced(&sidekick, marker);
        crate::vocabulary::wait_until("more checks", || origin.health_checks().len() > before + 2);
        if checks {
            traced(&sidekick, "/health");
        }
        let printed = |path: &str| sidekick.stdout().iter().any(|line| line.contains(path));
        assert_eq!(printed("/application"), requests, "--trace {trace}");
        assert_eq!(printed("\"/health\""), checks, "--trace {trace}");
    }
}

/// Answers with the status that is the target.
fn obedient() -> Origin {
    Origin::scripted(|connection| {
        let status = connection.request.target()[1..4].to_owned();
        connection.send(format!(
            "HTTP/1.1 {status} Told\r\nContent-Length: 0\r\n\r\n"
        ))
    })
}

#[test]
fn filters_let_only_their_own_pass() {
    let origin = obedient();
    let all = ["/200", "/404", "/503", "/201"];
    for (options, kept) in [
        (
            vec![("--status-code", "404"), ("--status-code", "201")],
            vec!["/404", "/201"],
        ),
        (vec![], vec!["/404", "/503"]),
    ] {
        let mut sidekick = Sidekick::new()
            .site([&origin])
            .flag("--json")
            .option("--trace", "application");
        sidekick = if options.is_empty() {
            sidekick.flag("--errors")
        } else {
            sidekick
        };
        for (name, value) in options {
            sidekick = sidekick.repeated(name, value);
        }
        let sidekick = sidekick.start();
        let mut client = sidekick.client();
        for target in all {
            client.get(target);
        }
        for target in &kept {
            traced(&sidekick, target);
        }
        let printed = |path: &&str| sidekick.stdout().iter().any(|line| line.contains(path));
        let found: Vec<&str> = all.into_iter().filter(printed).collect();
        let wanted: Vec<&str> = all
            .into_iter()
            .filter(|target| kept.contains(target))
            .collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn secrets_are_never_printed() {
    const SECRET: &str = "0123456789abcdef-secret";
    let origin = Origin::replying(format!(
        "HTTP/1.1 200 OK\r\nSet-Cookie: s={SECRET}\r\nContent-Length: 0\r\n\r\n"
    ));
    let sidekick = Sidekick::new()
        .site([&origin])
        .flag("--json")
        .flag("--debug")
        .start();
    sidekick.exchange(format!(
        "GET /key?x=kept&X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}&Signature={SECRET} \
         HTTP/1.1\r\nHost: b\r\nAuthorization: AWS4-HMAC-SHA256 Signature={SECRET}\r\n\
         Cookie: s={SECRET}\r\nX-Amz-Security-Token: {SECRET}\r\nX-Visible: shown\r\n\r\n"
    ));
    let line = traced(&sidekick, "/key");
    assert_eq!(line["type"], "DEBUG");
    assert!(
        line["query"]
            .as_str()
            .is_some_and(|query| query.contains("x=kept")),
        "{line}"
    );
    let text = line.to_string();
    assert!(text.contains("shown"), "{line}");
    assert!(
        sidekick.stdout().iter().all(|line| !line.contains(SECRET)),
        "{line}"
    );
}

#[test]
fn debug_line_shows_both_heads() {
    let origin = Origin::replying("HTTP/1.1 200 OK\r\nX-Answer: 42\r\nContent-Length: 0\r\n\r\n");
    let sidekick = Sidekick::new()
        .site([&origin])
        .flag("--json")
        .flag("--debug")
        .start();
    sidekick.exchange("GET /key?a=b HTTP/1.1\r\nHost: b\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n");
    let line = traced(&sidekick, "/key");
    assert_eq!(line["type"], "DEBUG");
    assert_eq!(line["response"]["statuscode"], 200);
    assert_eq!(line["request"]["rawquery"], "a=b");
    let lists = |side: &str, name: &str| {
        let headers = line[side]["headers"].as_object().expect("headers").clone();
        let found = headers
            .into_iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, values)| values).unwrap_or_default()
    };
    assert_eq!(lists("request", "X-Two"), serde_json::json!(["1", "2"]));
    assert_eq!(lists("response", "X-Answer"), serde_json::json!(["42"]));
}

#[test]
fn failed_request_is_traced_as_it_was_answered() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().site([&origin]).flag("--json").start();
    origin.refuse();
    assert_eq!(sidekick.get("/lost").status(), 502);
    assert_eq!(traced(&sidekick, "/lost")["statusCode"], 502);
}

#[test]
fn every_line_is_json_whatever_strangers_send() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .flag("--json")
        .flag("--debug")
        .start();
    sidekick.exchange(
        &b"GET /a\"b\\c?\xe2\x82\xac HTTP/1.1\r\nHost: b\r\nX-Odd: \"\\\xff\xfe\t\r\n\r\n"[..],
    );
    sidekick.get("/last");
    traced(&sidekick, "/last");
    for line in sidekick.stdout() {
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
    }
}

#[test]
fn nobody_reading_slows_no_request() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .site([&origin])
        .flag("--json")
        .deaf()
        .start();
    let mut client = sidekick.client();
    let target = format!("/{}", "k".repeat(2000));
    // Far more than a pipe and every queue hold.
    for _ in 0..12_000 {
        assert_eq!(client.get(&target).status(), 200);
    }
    let dropped = sidekick.metric("sidekick_dropped_lines_total", &[]);
    assert!(
        dropped > Some(0.0),
        "lines are dropped and counted: {dropped:?}"
    );
}
