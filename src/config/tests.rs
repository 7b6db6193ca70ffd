//! The whole way from arguments, variables and a file to a `Config`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::args::{all, named};
use super::flag::Reach;
use super::*;

const SITE: &str = "http://a:9000";

/// A call of the program: its arguments, its variables, and the one file there is.
#[derive(Default, Clone)]
struct Call {
    args: Vec<String>,
    variables: HashMap<String, String>,
    file: Option<String>,
}

impl Call {
    fn new(args: &[&str]) -> Self {
        let args = args.iter().map(ToString::to_string).collect();
        Self {
            args,
            ..Self::default()
        }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Names `/s.toml` by `--config` and gives it this text.
    fn file(mut self, text: &str) -> Self {
        self.args
            .splice(0..0, ["--config".to_owned(), "/s.toml".to_owned()]);
        self.file = Some(text.to_owned());
        self
    }

    fn parse(&self) -> Result<Invocation, Error> {
        parse(
            self.args.iter().map(OsString::from),
            &|name| self.variables.get(name).map(OsString::from),
            &|_| self.read(),
        )
    }

    fn read(&self) -> io::Result<String> {
        self.file
            .clone()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn config(&self) -> Config {
        match self.parse() {
            Ok(Invocation::Run(config, _)) => *config,
            other => panic!("not run: {other:?}"),
        }
    }

    fn error(&self) -> String {
        let error = self.parse().expect_err("refused");
        assert_eq!(error.exit_code(), 64, "{error}");
        let line = error.to_string();
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[track_caller]
    fn refused(&self, words: &str) {
        let error = self.error();
        assert!(error.contains(words), "expected `{words}` in: {error}");
    }
}

#[test]
fn nothing_but_a_site_gives_the_defaults() {
    let config = Call::new(&[SITE]).config();
    assert_eq!(
        config.listen,
        ListenAddress {
            host: None,
            port: 8080
        }
    );
    assert_eq!(
        config.health,
        HealthConfig {
            path: "/".to_owned(),
            read_path: "/".to_owned(),
            port: None,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            optimistic: false,
        }
    );
    assert_eq!(
        config.dns,
        DnsConfig {
            round_robin: false,
            ttl_max: Duration::from_mins(10),
            name_servers: NameServers::default(),
        }
    );
    assert_eq!(
        (config.output.trace, config.output.trace_asked),
        (TraceKind::All, false)
    );
    assert_eq!(config.balance, Balance::Least);
    assert_eq!(
        config.limits,
        Limits {
            shutdown: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            header: Duration::from_secs(10),
            connect: Duration::from_secs(3),
            max_connections: None,
            retries: 7,
            threads: None,
        }
    );
    assert!(config.warnings.is_empty() && config.file.is_none());
}

#[test]
fn short_flags_mean_what_the_long_ones_mean() {
    let short = [
        "-a=:1", "-p", "x", "-r", "y", "-d", "7", "-l", "-t", "minio", "-e", "-q", SITE,
    ];
    let long = [
        "--address=:1",
        "--health-path",
        "x",
        "--read-health-path",
        "y",
        "--health-duration",
        "7",
        "--log",
        "--trace",
        "minio",
        "--errors",
        "--quiet",
        SITE,
    ];
    assert_eq!(Call::new(&short).config(), Call::new(&long).config());
    assert!(Call::new(&["-leq", SITE]).config().output.errors_only);
    assert!(matches!(
        Call::new(&["-h"]).parse(),
        Ok(Invocation::Help(_))
    ));
    assert!(matches!(
        Call::new(&["-v"]).parse(),
        Ok(Invocation::Version(_))
    ));
    assert!(Call::new(&["-i", SITE]).config().tls.backends.insecure);
}

#[test]
fn one_dash_before_a_long_name_is_taken_as_the_original_did() {
    let config = Call::new(&["-address", ":9", "-log", "-quiet=false", SITE]).config();
    assert_eq!(
        (config.listen.port, config.output.log, config.output.quiet),
        (9, true, false)
    );
}

#[test]
fn a_flag_beats_its_variable_that_the_file_that_the_default() {
    let interval = |call: &Call| call.config().health.interval.as_secs();
    let file = Call::new(&[SITE]).file("health-duration = '3s'");
    assert_eq!(interval(&file), 3);
    let variable = file.variable("SIDEKICK_HEALTH_DURATION", "2s");
    assert_eq!(interval(&variable), 2);
    let mut flag = variable.clone();
    flag.args.push("--health-duration=1s".to_owned());
    assert_eq!(interval(&flag), 1);
    flag.args.push("--health-duration=9s".to_owned());
    assert_eq!(interval(&flag), 9, "the last of a repeated flag counts");
    assert_eq!(
        interval(&variable.variable("SIDEKICK_HEALTH_DURATION", "")),
        3
    );
}

#[test]
fn switches_can_be_turned_off_by_the_stronger_place() {
    let log = |call: Call| call.config().output.log;
    let call = Call::new(&[SITE]).variable("SIDEKICK_LOG", "yes");
    assert!(log(call));
    let call = Call::new(&["--log=false", SITE]).variable("SIDEKICK_LOG", "1");
    assert!(!log(call));
    let call = Call::new(&[SITE])
        .file("log = true")
        .variable("SIDEKICK_LOG", "no");
    assert!(!log(call));
    Call::new(&[SITE])
        .variable("SIDEKICK_LOG", "on")
        .refused("`SIDEKICK_LOG=on`: a switch is");
    Call::new(&["--log=maybe", SITE]).refused("`--log=maybe`: a switch is");
}

#[test]
fn status_codes_are_repeated_or_listed() {
    let codes = |call: Call| call.config().output.status_codes;
    assert_eq!(
        codes(Call::new(&[
            "--status-code",
            "500",
            "--status-code=502",
            SITE
        ])),
        [500, 502]
    );
    let call = Call::new(&[SITE]).variable("SIDEKICK_STATUS_CODE", "404, 403");
    assert_eq!(codes(call.clone()), [404, 403]);
    assert_eq!(codes(call.file("status-code = [200]")), [404, 403]);
    Call::new(&["--status-code", "99", SITE]).refused("`--status-code 99`");
}

#[test]
fn wrong_values_name_the_flag_and_the_cure() {
    for (args, words) in [
        (
            &["--health-port", "65536"][..],
            "`--health-port 65536`: `65536` is not a port",
        ),
        (&["--health-port", "-1"], "`--health-port -1`"),
        (
            &["--health-duration", "0"],
            "`--health-duration 0`: must be longer than 0",
        ),
        (&["--health-duration", "-5s"], "cannot be negative"),
        (&["--health-timeout=5d"], "`d` is not a unit of time"),
        (&["--health-path", "/a b"], "no spaces"),
        (&["--address", "8080"], "write :8080"),
        (&["--dns-ttl", "1ms"], "1s or longer"),
        (
            &["--host-balance", "fastest"],
            "expected least, random, round-robin or p2c",
        ),
        (&["--trace", "none"], "expected all, application or minio"),
        (&["--retries", "101"], "from 0 to 100"),
        (&["--threads", "1.5"], "from 0 to 1024"),
        (&["--idle-timeout", "--log"], "`--idle-timeout --log`"),
        (
            &["--address"],
            "`--address` needs a value: `--address <HOST:PORT>`",
        ),
        (
            &["--helth-path", "x"],
            "`--helth-path` is not a flag; did you mean `--health-path`?",
        ),
        (
            &["--zzz"],
            "`--zzz` is not a flag; `sidekick --help` lists them",
        ),
        (&["-z"], "`-z` is not a flag"),
        (&["--config", ""], "a file name is missing"),
    ] {
        let mut call = Call::new(args);
        call.args.insert(0, SITE.to_owned());
        call.refused(words);
    }
}

#[test]
fn wrong_sites_name_their_place() {
    for (sites, words) in [
        (
            &["host:9000"][..],
            "SITE 1 `host:9000`: the scheme is missing; write http://host:9000",
        ),
        (&[SITE, "http://b{1..2}"], "SITE 2 `http://b{1..2}`"),
        (&["http://a,http://A:80/"], "`http://A:80` is named twice"),
        (
            &[SITE, SITE],
            "SITE 2 `http://a:9000`: `http://a:9000` is in SITE 1 already",
        ),
        (&["http://a{1...9000}", "http://b{1...1001}"], "SITE 2"),
        (
            &["http://root:hunter2@a"],
            "SITE 1 `…@…`: an endpoint has no user name or password",
        ),
        (&["http://u:p@h:9,http://b"], "…@…"),
    ] {
        Call::new(sites).refused(words);
    }
    Call::new(&[])
        .file("log = true\nsites = [\n'http://a',\n'b']")
        .refused("/s.toml:4: site `b`");
}

#[test]
fn sites_of_the_command_line_stand_instead_of_the_files() {
    let file = "sites = ['http://a{1...2}', 'http://b']";
    let config = Call::new(&[]).file(file).config();
    assert_eq!(
        config
            .sites
            .iter()
            .map(|s| s.endpoints.len())
            .collect::<Vec<_>>(),
        [2, 1]
    );
    let config = Call::new(&["http://c"]).file(file).config();
    assert_eq!(config.sites[0].endpoints[0].label(), "http://c");
    assert_eq!(config.sites.len(), 1);
}

#[test]
fn no_site_is_the_help_text_and_not_a_run() {
    for call in [
        Call::new(&[]),
        Call::new(&["--log"]),
        Call::new(&["--check"]).file(""),
    ] {
        assert!(matches!(call.parse(), Ok(Invocation::NoSites(text)) if text.contains("Usage")));
    }
}

#[test]
fn faults_of_the_file_name_file_and_line() {
    let call = Call::new(&[SITE]);
    call.clone()
        .file("\nlogs = true")
        .refused("/s.toml:2: `logs` is not a setting");
    call.clone()
        .file("health-port = 70000")
        .refused("/s.toml:1: `health-port = 70000`");
    call.clone()
        .file("\n\nlog = 1")
        .refused("/s.toml:3: `log` expects true or false");
    call.clone()
        .file("cert = 'x'")
        .refused("/s.toml:1: `cert = x`: --key is missing; name both or none");
    call.clone()
        .file("pprof = 'x'")
        .refused("/s.toml:1: `pprof` is not available");
    let unread = Call::new(&["--config", "/none.toml", SITE])
        .parse()
        .expect_err("no file");
    assert_eq!((unread.kind(), unread.exit_code()), (ErrorKind::File, 1));
    assert!(
        unread.to_string().contains("cannot read `/none.toml`"),
        "{unread}"
    );
    let call = call.variable("SIDEKICK_CONFIG", "/s.toml");
    assert_eq!(call.parse().expect_err("no file").exit_code(), 1);
}

#[test]
fn round_robin_dns_needs_exactly_one_endpoint() {
    assert!(Call::new(&["--rr-dns-mode", SITE]).config().dns.round_robin);
    for sites in [&["http://a,http://b"][..], &["http://a", "http://b"]] {
        let mut call = Call::new(sites);
        call.args.push("--rr-dns-mode".to_owned());
        call.refused("needs exactly one endpoint");
    }
}

#[test]
fn half_of_a_pair_is_refused_with_the_other_half_named() {
    for (args, words) in [
        (&["--cert=/c"][..], "`--cert /c`: --key is missing"),
        (&["--key=/k"], "`--key /k`: --cert is missing"),
        (
            &["--client-cert=/c"],
            "`--client-cert /c`: --client-key is missing",
        ),
        (
            &["--client-key=/k"],
            "`--client-key /k`: --client-cert is missing",
        ),
        (&["--cert=", "--key=/k"], "a file name is missing"),
        (
            &["--key-password=x"],
            "`--key-password ***`: there is no key",
        ),
        (
            &["--cert=/c", "--key=/k", "--auto-tls-host=a,b"],
            "`--auto-tls-host a,b`: a self-signed certificate beside that of --cert",
        ),
        (&["--auto-tls-host=a,,b"], "a name is missing"),
        (&["--auto-tls-host=a b"], "cannot stand in a host name"),
        (&["--tls-max=1.1"], "expected 1.2 or 1.3"),
    ] {
        let mut call = Call::new(args);
        call.args.push(SITE.to_owned());
        call.refused(words);
    }
}

#[test]
fn one_password_opens_the_keys_of_both_sides_and_is_never_printed() {
    let call = Call::new(&[
        "--cert=/c",
        "--key=/k",
        "--client-cert=/cc",
        "--client-key=/ck",
        "https://a",
    ])
    .variable("SIDEKICK_KEY_PASSWORD", "hunter2");
    let tls = call.config().tls;
    let identity = |cert: &str, key: &str| IdentityFiles {
        cert: cert.into(),
        key: key.into(),
        password: Some(Secret::new("hunter2")),
    };
    assert_eq!(tls.listener, ListenerTls::Files(identity("/c", "/k")));
    assert_eq!(tls.backends.identity, Some(identity("/cc", "/ck")));
    assert!(!format!("{:?}", call.config()).contains("hunter2"));
    assert!(!call.config().to_string().contains("hunter2"));
    let unset = call.variable("SIDEKICK_KEY_PASSWORD", "").config();
    assert_eq!(
        unset.tls.backends.identity.and_then(|files| files.password),
        None
    );
}

#[test]
fn names_of_the_self_signed_certificate_are_listed() {
    let tls = Call::new(&["--auto-tls-host=a, ::1,a", SITE]).config().tls;
    let names = ["a", "[::1]"].map(|name| Host::parse(name).expect(name));
    assert_eq!(tls.listener, ListenerTls::SelfSigned(names.to_vec()));
    assert_eq!(tls.newest, TlsVersion::V13);
    let tls = Call::new(&["--tls-max=1.2", SITE]).config().tls;
    assert_eq!(
        (tls.listener, tls.newest),
        (ListenerTls::Plain, TlsVersion::V12)
    );
}

#[test]
fn the_path_for_reads_follows_the_health_path() {
    let call = Call::new(&["--health-path", "live", SITE]);
    assert_eq!(call.config().health.read_path, "/live");
    let health = call
        .variable("SIDEKICK_READ_HEALTH_PATH", "/read")
        .config()
        .health;
    assert_eq!(
        (health.path.as_str(), health.read_path.as_str()),
        ("/live", "/read")
    );
}

#[test]
fn secrets_are_in_no_message() {
    let secret = "hunter2";
    for args in [
        &["--key-password", secret, SITE][..],
        &["--key-pasword=hunter2", SITE],
        &["--key-password=hunter2", "--zzz", SITE],
        &["http://root:hunter2@h"],
        &["http://h", "http://h2,root:hunter2@h"],
    ] {
        let error = Call::new(args).error();
        assert!(!error.contains(secret), "{error}");
    }
    let call = Call::new(&[SITE]).variable("SIDEKICK_KEY_PASSWORD", secret);
    assert!(!call.error().contains(secret));
    assert!(
        !Call::new(&[SITE])
            .file("key-password = 'hunter2'")
            .error()
            .contains(secret)
    );
    assert!(
        !Call::new(&[SITE])
            .file("key-password = 'hunter2")
            .error()
            .contains(secret)
    );
}

#[test]
fn what_is_not_built_is_refused_from_every_place() {
    let yet = "is not available in this version yet";
    for flag in all().filter(|flag| unavailable::is_refused(flag)) {
        let call = Call::new(&[SITE]);
        call.clone().variable(&flag.variable(), "1").refused(yet);
        let (arg, line) = match flag.value_word() {
            None => (format!("--{}", flag.name), format!("{} = true", flag.name)),
            Some(_) => (
                format!("--{}=1.3", flag.name),
                format!("{} = '1.3'", flag.name),
            ),
        };
        Call::new(&[&arg, SITE]).refused(yet);
        call.clone().file(&line).refused(yet);
        let off = if flag.value_word().is_none() {
            "false"
        } else {
            ""
        };
        let arg = format!("--{}={off}", flag.name);
        assert!(
            Call::new(&[&arg, SITE]).parse().is_ok(),
            "{arg} asks for nothing"
        );
    }
}

#[test]
fn the_cache_is_what_its_variables_say() {
    let call = Call::new(&[SITE]);
    assert!(call.clone().config().cache.is_none());
    let off = call.clone().variable("SIDEKICK_CACHE_ENDPOINT", "");
    assert!(off.config().cache.is_none());
    let on = call
        .clone()
        .variable("SIDEKICK_CACHE_ENDPOINT", "memory:1MiB");
    assert!(on.config().cache.is_some());
    call.variable("SIDEKICK_CACHE_ENDPOINT", "http://s")
        .refused("`SIDEKICK_CACHE_BUCKET` is missing");
}

/// A value for each flag that is built, which must change what the call means.
const EXAMPLES: [(&str, &str); 37] = [
    ("address", ":1"),
    ("host-balance", "random"),
    ("rr-dns-mode", "true"),
    ("dns-ttl", "1s"),
    ("health-path", "/x"),
    ("read-health-path", "/x"),
    ("health-port", "1"),
    ("health-duration", "1s"),
    ("health-timeout", "1s"),
    ("health-optimistic", "true"),
    ("log", "true"),
    ("trace", "minio"),
    ("errors", "true"),
    ("status-code", "500"),
    ("json", "true"),
    ("debug", "true"),
    ("quiet", "true"),
    ("shutdown-timeout", "0"),
    ("idle-timeout", "1s"),
    ("header-timeout", "1s"),
    ("connect-timeout", "1s"),
    ("max-connections", "1"),
    ("retries", "0"),
    ("threads", "2"),
    ("cert", "/c.pem"),
    ("key", "/k.pem"),
    ("key-password", "open"),
    ("auto-tls-host", "localhost"),
    ("tls-max", "1.2"),
    ("cacert", "/ca.pem"),
    ("client-cert", "/c.pem"),
    ("client-key", "/k.pem"),
    ("insecure", "true"),
    ("config", "/s.toml"),
    ("check", "true"),
    ("help", "true"),
    ("version", "true"),
];

/// Flags that mean nothing alone, each with those that it needs beside it.
const COMPANIONS: [(&str, &[&str]); 5] = [
    ("cert", &["--key=/k.pem"]),
    ("key", &["--cert=/c.pem"]),
    ("client-cert", &["--client-key=/k.pem"]),
    ("client-key", &["--client-cert=/c.pem"]),
    ("key-password", &["--cert=/c.pem", "--key=/k.pem"]),
];

#[test]
fn every_flag_is_built_or_refused_in_words() {
    for flag in all().filter(|flag| !unavailable::is_refused(flag)) {
        let example = EXAMPLES.iter().find(|(name, _)| *name == flag.name);
        let (name, value) = example.unwrap_or_else(|| panic!("--{} has no example", flag.name));
        let mut plain = Call::new(&[SITE]);
        plain.file = Some(String::new());
        let mut typed = plain.clone();
        typed.args.push(format!("--{name}={value}"));
        let mut variable = plain.clone().variable(&flag.variable(), value);
        if let Some((_, beside)) = COMPANIONS.iter().find(|(flag, _)| flag == name) {
            let beside = beside.iter().map(ToString::to_string);
            typed.args.extend(beside.clone());
            variable.args.extend(beside);
        }
        let config = |call: &Call| match call.parse().expect("accepted") {
            Invocation::Run(config, _) => format!("{config:?}"),
            other => format!("{other:?}"),
        };
        assert_ne!(config(&plain), config(&typed), "--{name} changes nothing");
        if flag.reach != Reach::CommandLine {
            assert_eq!(config(&variable), config(&typed), "{}", flag.variable());
        }
    }
    for (name, _) in EXAMPLES {
        assert!(
            named(name).is_some_and(|flag| !unavailable::is_refused(flag)),
            "{name}"
        );
    }
}

#[test]
fn flags_are_named_once() {
    let mut names: Vec<_> = all().map(|flag| flag.name.to_owned()).collect();
    names.extend(all().filter_map(|flag| flag.short.map(String::from)));
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    command_line::command(command_line::Purpose::Parse).debug_assert();
    command_line::command(command_line::Purpose::Show).debug_assert();
}

#[test]
fn a_reload_reads_the_file_anew_under_the_same_arguments() {
    let call = Call::new(&["--retries", "5"]).file("sites = ['http://a']\nthreads = 2");
    let Ok(Invocation::Run(before, arguments)) = call.parse() else {
        panic!("runs")
    };
    assert_eq!(
        (before.limits.retries, before.limits.threads),
        (5, NonZeroUsize::new(2))
    );
    let after = arguments.build(&|path| {
        assert_eq!(path, Path::new("/s.toml"));
        Ok("sites = ['http://b']\nretries = 1".to_owned())
    });
    let after = after.expect("valid");
    assert_eq!((after.limits.retries, after.limits.threads), (5, None));
    assert_eq!(after.sites[0].endpoints[0].label(), "http://b");
    assert!(arguments.build(&|_| Ok("sites = []".to_owned())).is_err());
}

#[test]
fn words_ask_for_scripts_and_pages() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let answer = Call::new(&["completions", shell]).parse();
        let Ok(Invocation::Completions(script)) = answer else {
            panic!("{shell}: {answer:?}")
        };
        assert!(
            script.contains("health-path") && !script.contains("tls-max"),
            "{shell}"
        );
    }
    Call::new(&["completions"]).refused("needs one shell");
    Call::new(&["completions", "tcsh"]).refused("`completions tcsh`: the shells are");
    let Ok(Invocation::Man(page)) = Call::new(&["man"]).parse() else {
        panic!("a page")
    };
    assert!(String::from_utf8_lossy(&page).contains(".TH sidekick 1"));
    Call::new(&["man", "x"]).refused("one argument too many");
    assert!(matches!(
        Call::new(&["help"]).parse(),
        Ok(Invocation::Help(_))
    ));
    let Ok(Invocation::Version(line)) = Call::new(&["--version"]).parse() else {
        panic!()
    };
    assert_eq!(line, concat!("sidekick ", env!("CARGO_PKG_VERSION")));
    Call::new(&["start"]).refused("write http://start");
}

#[test]
fn help_fits_a_terminal_and_names_every_flag() {
    let text = help::text();
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line, line.trim_end());
    }
    for flag in all().filter(|flag| !flag.hidden) {
        assert!(text.contains(&format!("--{}", flag.name)), "{}", flag.name);
    }
    assert!(text.contains("[env: SIDEKICK_HEALTH_PATH]") && !text.contains("tls-max"));
}

#[test]
fn check_says_what_would_run() {
    let call = Call::new(&["--check", "http://a{1...9}", "http://b", "-r", "/r"]);
    let Ok(Invocation::Check(config)) = call.parse() else {
        panic!("a check")
    };
    let text = config.to_string();
    for words in [
        "listen   :8080",
        "http://a8 and 1 more",
        "site 2   http://b",
        "/r for the last",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let secured = Call::new(&["--auto-tls-host=a", "--cacert=/ca", "https://m"]).config();
    let text = secured.to_string();
    for words in [
        "listen   :8080, TLS with a self-signed certificate for a",
        "trust    backends by /ca",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let none = |_: &str| None;
    let unread = |_: &Path| Err(io::ErrorKind::NotFound.into());
    let error = parse([bytes(b"--key-password=h\xff")].into_iter(), &none, &unread);
    let line = error.expect_err("refused").to_string();
    assert_eq!(line, "the argument `--key-password` is not UTF-8 text");
    let variable = |name: &str| (name == "SIDEKICK_ADDRESS").then(|| bytes(b"\xff"));
    let error = parse([OsString::from(SITE)].into_iter(), &variable, &unread);
    assert!(
        error
            .expect_err("refused")
            .to_string()
            .contains("`SIDEKICK_ADDRESS`")
    );
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/reference")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

#[test]
fn the_reference_of_flags_is_up_to_date() {
    assert!(
        page("flags.md") == reference(),
        "docs/reference/flags.md drifted: `cargo run --example reference > docs/reference/flags.md`"
    );
}

#[test]
fn the_reference_of_the_file_shows_files_that_work() {
    let page = page("config.md");
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("the end of the block"))
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        let config = Call::new(&[]).file(example).config();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
}

proptest! {
    #[test]
    fn any_command_line_is_answered_in_one_line(
        args in proptest::collection::vec(r"\PC{0,12}|-{0,3}[a-z-]{1,12}(=[ -~]{0,6})?", 0..5)
    ) {
        let call = Call { args, ..Call::default() };
        if let Err(error) = call.parse() {
            let line = error.to_string();
            prop_assert!(!line.is_empty() && !line.contains(char::is_control), "{}", line);
        }
    }

    #[test]
    fn any_value_of_any_flag_is_answered(
        at in 0..all().count(), value in r"\PC{0,12}|[-0-9a-z:./]{0,12}"
    ) {
        let flag = all().nth(at).expect("in range");
        let typed = Call::new(&[&format!("--{}={value}", flag.name), SITE]).parse();
        let set = Call::new(&[SITE]).variable(&flag.variable(), &value).parse();
        for error in [typed, set].into_iter().filter_map(Result::err) {
            prop_assert!(!error.to_string().contains(char::is_control));
        }
    }
}
