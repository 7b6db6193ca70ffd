//! The command line: what starts, and how what does not start says so.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::vocabulary::{Client, Origin, OriginConnection, Sidekick};

const SITE: &str = "http://127.0.0.1:9";

#[test]
fn wrong_input_is_one_line_that_names_the_argument() {
    let site = |text: &str| (Sidekick::new().argument(text), text.to_owned());
    let option = |name: &str, value: &str| {
        (
            Sidekick::new().option(name, value).argument(SITE),
            name.to_owned(),
        )
    };
    let wrong = [
        site("ftp://127.0.0.1"),
        site("127.0.0.1:9000"),
        site("http://"),
        site("http://127.0.0.1:9000/bucket"),
        site("http://127.0.0.1:99999"),
        site("http://127.0.0.1:x"),
        site("http://a b"),
        site("http://[::1"),
        site("http://h{1...x}"),
        site("http://h{3...1}:9000"),
        site("http://h{1...200}:{1...200}"),
        site("http://a,,http://b"),
        site("http://a,https://b"),
        option("--address", "nonsense"),
        option("--address", "127.0.0.1:99999"),
        option("--health-duration", "soon"),
        option("--health-duration", "-5s"),
        option("--health-timeout", "0"),
        option("--health-port", "70000"),
        option("--host-balance", "best"),
        option("--trace", "some"),
        option("--status-code", "abc"),
        option("--shutdown-timeout", "1 fortnight"),
        option("--threads", "-1"),
        option("--cert", "/c.pem"),
        option("--key", "/k.pem"),
        option("--client-cert", "/c.pem"),
        option("--client-key", "/k.pem"),
        option("--key-password", "open sesame"),
        option("--auto-tls-host", "a,,b"),
        option("--auto-tls-host", "https://a"),
        option("--tls-max", "1.1"),
        option("--no-such-flag", "1"),
    ];
    for (sidekick, named) in wrong {
        let finished = sidekick.run();
        assert_eq!(finished.code, Some(64), "{named}: {finished:?}");
        assert_eq!(finished.stderr.len(), 1, "{named}: {finished:?}");
        assert!(finished.stdout.is_empty(), "{named}: {finished:?}");
        let part = named.split(',').next().unwrap_or_default();
        assert!(
            finished.stderr[0].contains(part),
            "{named} is not named: {finished:?}"
        );
        assert!(!finished.stderr[0].contains("panicked"), "{finished:?}");
    }
}

#[test]
fn site_named_twice_is_wrong_input() {
    let finished = Sidekick::new().argument(SITE).argument(SITE).run();
    assert_eq!(
        (finished.code, finished.stderr.len()),
        (Some(64), 1),
        "{finished:?}"
    );
}

#[test]
fn wrong_environment_is_named_by_its_variable() {
    let finished = Sidekick::bare()
        .environment("SIDEKICK_HEALTH_PORT", "many")
        .argument(SITE)
        .run();
    assert_eq!(
        (finished.code, finished.stderr.len()),
        (Some(64), 1),
        "{finished:?}"
    );
    assert!(
        finished.stderr[0].contains("SIDEKICK_HEALTH_PORT"),
        "{finished:?}"
    );
}

#[test]
fn no_site_is_the_help_text_and_a_failure() {
    let finished = Sidekick::bare().run();
    assert!(!matches!(finished.code, Some(0) | None), "{finished:?}");
    let said = [finished.stdout, finished.stderr].concat().join("\n");
    assert!(
        said.contains("Usage") && said.contains("--health-path"),
        "{said}"
    );
}

#[test]
fn address_in_use_is_one_line_and_exit_code_1() {
    let origin = Origin::saying("mine");
    let finished = Sidekick::new()
        .option("--address", origin.address().to_string())
        .argument(SITE)
        .run();
    assert_eq!(
        (finished.code, finished.stderr.len()),
        (Some(1), 1),
        "{finished:?}"
    );
    assert!(
        finished.stderr[0].contains(&origin.address().to_string()),
        "{finished:?}"
    );
}

#[test]
fn file_that_cannot_be_read_is_one_line_and_exit_code_1() {
    let finished = Sidekick::new()
        .option("--config", "/no/such/file.toml")
        .argument(SITE)
        .run();
    assert_eq!(
        (finished.code, finished.stderr.len()),
        (Some(1), 1),
        "{finished:?}"
    );
    assert!(
        finished.stderr[0].contains("/no/such/file.toml"),
        "{finished:?}"
    );
}

#[test]
fn help_and_version_are_answers_not_errors() {
    for flag in ["--help", "-h"] {
        let finished = Sidekick::bare().flag(flag).run();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let text = finished.stdout.join("\n");
        for name in ["--address", "--health-path", "--shutdown-timeout", "SITE"] {
            assert!(text.contains(name), "{name} in\n{text}");
        }
    }
    for flag in ["--version", "-v"] {
        let finished = Sidekick::bare().flag(flag).run();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(
            finished.stdout[0].contains(env!("CARGO_PKG_VERSION")),
            "{finished:?}"
        );
    }
}

#[test]
fn completions_and_manual_are_printed() {
    for (words, mark) in [
        (vec!["completions", "bash"], "complete"),
        (vec!["man"], ".TH"),
    ] {
        let mut sidekick = Sidekick::bare();
        for word in words {
            sidekick = sidekick.argument(word);
        }
        let finished = sidekick.run();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(finished.stdout.join("\n").contains(mark), "{finished:?}");
    }
}

#[test]
fn check_says_what_would_run_and_ends() {
    let finished = Sidekick::new()
        .flag("--check")
        .argument("http://127.0.0.{1...3}:9000")
        .run();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let said = [finished.stdout, finished.stderr].concat().join("\n");
    assert!(said.contains("http://127.0.0.3:9000"), "{said}");

    let finished = Sidekick::new()
        .flag("--check")
        .argument("http://{1..}")
        .run();
    assert_eq!(
        (finished.code, finished.stderr.len()),
        (Some(64), 1),
        "{finished:?}"
    );
}

#[test]
fn environment_counts_and_the_flag_wins() {
    let origin = Origin::saying("ok").checked_at("/from/environment");
    let from_environment = Sidekick::new()
        .without("--health-path")
        .environment("SIDEKICK_HEALTH_PATH", "/from/environment")
        .site([&origin]);
    drop(from_environment.start());

    let origin = Origin::saying("ok").checked_at("/from/flag");
    let from_flag = Sidekick::new()
        .option("--health-path", "/from/flag")
        .environment("SIDEKICK_HEALTH_PATH", "/from/environment")
        .site([&origin]);
    drop(from_flag.start());
}

#[test]
fn short_flags_are_the_long_ones() {
    let origin = Origin::saying("ok").checked_at("/short");
    let sidekick = Sidekick::bare()
        .option("-a", "127.0.0.1:0")
        .option("-p", "/short")
        .option("-d", "10m")
        .option("-t", "application")
        .flag("-l")
        .site([&origin])
        .start();
    sidekick.get("/x");
    sidekick.stdout_line_where(|line| line.contains("GET /x"));
}

#[test]
fn default_health_path_is_the_root() {
    let origin = Origin::saying("ok").checked_at("/");
    let sidekick = Sidekick::new()
        .without("--health-path")
        .site([&origin])
        .start();
    assert_eq!(origin.health_checks()[0].target(), "/");
    assert_eq!(sidekick.get("/key").text(), "ok");
}

fn answer(connection: &mut OriginConnection) -> io::Result<()> {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

#[test]
fn ellipses_are_backends() {
    let at = |last, port| Origin::scripted_at(IpAddr::from([127, 0, 0, last]), port, answer);
    // A port that is free on one address is not always free on the other.
    let pair = (0..20).find_map(|_| {
        let second = at(2, 0).expect("a free port");
        let third = at(3, second.port()).ok()?;
        Some([second, third])
    });
    let origins = pair.expect("a port free on two addresses");
    let site = format!("http://127.0.0.{{2...3}}:{}/", origins[0].port());
    let sidekick = Sidekick::new().argument(site).start_cold();
    for origin in &origins {
        sidekick.wait_until_up(origin);
    }
    for _ in 0..4 {
        assert_eq!(sidekick.get("/").text(), "ok");
    }
    assert!(origins.iter().all(|origin| origin.request_count() == 2));
}

#[test]
fn brackets_hold_ipv6() {
    // Containers without IPv6 have nothing to show here.
    let Ok(origin) = Origin::scripted_at(Ipv6Addr::LOCALHOST.into(), 0, answer) else {
        return;
    };
    let sidekick = Sidekick::new().site([&origin]).start();
    assert_eq!(sidekick.get("/").text(), "ok");
}

#[test]
fn address_without_a_host_is_every_interface() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .option("--address", ":0")
        .site([&origin])
        .start();
    let port = sidekick.address().port();
    for ip in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 9)] {
        assert_eq!(Client::connect((ip, port).into()).get("/").text(), "ok");
    }
    if Origin::scripted_at(Ipv6Addr::LOCALHOST.into(), 0, answer).is_ok() {
        assert_eq!(
            Client::connect((Ipv6Addr::LOCALHOST, port).into())
                .get("/")
                .text(),
            "ok"
        );
    }
}

#[test]
fn name_that_does_not_resolve_is_a_backend_that_is_down() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .argument("http://no-such-host.invalid:9000")
        .site([&origin])
        .start();
    assert_eq!(sidekick.get("/").text(), "ok");
}

#[test]
fn listening_is_told_on_stderr_even_when_quiet() {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new().flag("--quiet").site([&origin]).start();
    let wanted = format!("sidekick: listening on http://{}", sidekick.address());
    sidekick.stderr_line_where(|line| line == wanted);
}
