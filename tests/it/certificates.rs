//! Files of certificates: what does not start says so in one line, and what changes is taken over.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::vocabulary::{Finished, Origin, Sidekick};

const SITE: &str = "http://127.0.0.1:9";

fn fixture(name: &str) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    tests.join(name).to_string_lossy().into_owned()
}

/// With this certificate and key, both of `tests/tls`.
fn serving(cert: &str, key: &str) -> Sidekick {
    Sidekick::new()
        .option("--cert", fixture(cert))
        .option("--key", fixture(key))
        .argument(SITE)
}

#[track_caller]
fn ended_with_one_line(finished: &Finished, words: &[&str]) {
    assert_eq!(
        (finished.code, finished.stderr.len()),
        (Some(1), 1),
        "{finished:?}"
    );
    for words in words {
        assert!(finished.stderr[0].contains(words), "{words}: {finished:?}");
    }
}

#[test]
fn files_that_are_no_use_are_one_line_and_exit_code_1() {
    for (sidekick, words) in [
        (
            serving("no.pem", "p256.pkcs8.pem"),
            &["`--cert ", "no.pem`: cannot be read: no such file"][..],
        ),
        (
            serving("p256.pkcs8.pem", "p256.pkcs8.pem"),
            &["`--cert ", "no certificate in it"],
        ),
        (
            serving("p256.cert.pem", "p256.cert.pem"),
            &["`--key ", "no private key in it"],
        ),
        (
            serving("p256.cert.pem", "p384.sec1.pem"),
            &["`--key ", "does not belong to the certificate"],
        ),
        (
            serving("p256.cert.pem", "p256.scrypt.pem"),
            &["`--key ", "is encrypted", "SIDEKICK_KEY_PASSWORD"],
        ),
        (
            serving("p256.cert.pem", "p256.scrypt.pem").option("--key-password", "hunter2"),
            &["`--key ", "the password does not open the key"],
        ),
        (
            Sidekick::new()
                .option("--cacert", fixture("README.md"))
                .argument(SITE),
            &["`--cacert ", "no certificate in it"],
        ),
        (
            Sidekick::new()
                .option("--client-cert", fixture("rsa.cert.pem"))
                .option("--client-key", fixture("rsa.pbes1.pem"))
                .option("--key-password", "open sesame")
                .argument(SITE),
            &["`--client-key ", "PBES1", "openssl pkcs8"],
        ),
    ] {
        let finished = sidekick.run();
        ended_with_one_line(&finished, words);
        assert!(!finished.stderr[0].contains("hunter2"), "{finished:?}");
    }
}

#[test]
fn check_reads_the_files_and_says_what_they_are() {
    let finished = serving("p256.cert.pem", "p256.sec1.aes256.pem")
        .environment("SIDEKICK_KEY_PASSWORD", "open sesame")
        .option("--cacert", fixture("rsa.cert.pem"))
        .flag("--check")
        .run();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let said = finished.stdout.join("\n");
    for words in [
        "p256.cert.pem` is shown to clients: p256.example, 10.0.0.1, 2001:db8::1; expires 21",
        "rsa.cert.pem`: backends are trusted by 1 certificate",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let finished = serving("p256.cert.pem", "rsa.pkcs8.pem")
        .flag("--check")
        .run();
    ended_with_one_line(&finished, &["does not belong to the certificate"]);
}

/// A bundle of roots that is gone when the test is.
struct Bundle(PathBuf);

impl Bundle {
    fn new(name: &str) -> Self {
        let name = format!("{name}-{}.pem", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn write(&self, fixtures: &[&str]) {
        let parts = fixtures
            .iter()
            .map(|name| fs::read_to_string(fixture(name)));
        let text: String = parts.collect::<Result<_, _>>().expect("fixtures");
        fs::write(&self.0, text).expect("a scratch file");
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn changed_files_are_taken_over_and_broken_ones_are_not() {
    let origin = Origin::saying("ok");
    let bundle = Bundle::new("changed_files");
    bundle.write(&["rsa.cert.pem"]);
    let sidekick = Sidekick::new()
        .option("--cacert", bundle.0.to_string_lossy())
        .site([&origin])
        .start();
    sidekick.stdout_line_where(|line| line.contains("trusted by 1 certificate"));

    bundle.write(&["rsa.cert.pem", "p256.cert.pem"]);
    sidekick.stdout_line_where(|line| line.contains("trusted by 2 certificates"));

    bundle.write(&["rsa.pkcs8.pem"]);
    sidekick.signal(Signal::HUP);
    sidekick.stdout_line_where(|line| {
        line.contains("no certificate in it") && line.contains("stays in use")
    });

    bundle.write(&["rsa.cert.pem", "p256.cert.pem", "p384.cert.pem"]);
    sidekick.signal(Signal::HUP);
    sidekick.stdout_line_where(|line| line.contains("trusted by 3 certificates"));
    assert_eq!(sidekick.get("/").text(), "ok");
}
