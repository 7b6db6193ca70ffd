//! Every form of a key, with the password right, wrong and missing.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};

use crate::net::tls::{Identity, MaterialError, Roots};

const PASSWORD: &str = "open sesame";

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name);
    fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// The identity of the certificate that the key's name begins with.
fn identity(key: &str, password: Option<&str>) -> Result<Identity, MaterialError> {
    let kind = key.split('.').next().expect("a name has a beginning");
    let certificate = fixture(&format!("{kind}.cert.pem"));
    Identity::from_pem(&certificate, &fixture(key), password)
}

#[test]
fn every_plain_form_is_read_whatever_the_password() {
    for key in [
        "rsa.pkcs1.pem",
        "rsa.pkcs8.pem",
        "p256.sec1.pem",
        "p256.parameters.pem",
        "p256.pkcs8.pem",
        "p384.sec1.pem",
        "p384.pkcs8.pem",
        "p521.sec1.pem",
        "p521.pkcs8.pem",
        "ed25519.pkcs8.pem",
    ] {
        for password in [None, Some("of another key")] {
            let read = identity(key, password);
            assert!(read.is_ok(), "{key}: {read:?}");
        }
    }
}

#[test]
fn every_encrypted_form_is_opened_by_its_password_alone() {
    for key in [
        "rsa.pkcs1.aes128.pem",
        "rsa.pkcs1.aes192.pem",
        "rsa.pkcs1.aes256.pem",
        "rsa.pkcs1.des3.pem",
        "p256.sec1.aes256.pem",
        "rsa.pbes2.aes-128-cbc.pem",
        "rsa.pbes2.aes-192-cbc.pem",
        "rsa.pbes2.aes-256-cbc.pem",
        "rsa.pbes2.des3.pem",
        "rsa.pbes2.sha1.pem",
        "p256.scrypt.pem",
        "ed25519.pbes2.pem",
    ] {
        let right = identity(key, Some(PASSWORD));
        assert!(right.is_ok(), "{key}: {right:?}");
        for wrong in ["", "Open sesame", "x"] {
            let error = identity(key, Some(wrong)).expect_err(key);
            assert_eq!(error, MaterialError::PasswordWrong, "{key} {wrong}");
        }
        let error = identity(key, None).expect_err(key);
        assert_eq!(error, MaterialError::PasswordMissing, "{key}");
    }
}

#[test]
fn ciphers_that_are_not_known_are_named() {
    for (key, cipher) in [
        ("rsa.pbes1.pem", "PBES1"),
        ("rsa.pkcs1.camellia256.pem", "CAMELLIA-256-CBC"),
    ] {
        let error = identity(key, Some(PASSWORD)).expect_err(key);
        assert_eq!(error, MaterialError::UnsupportedCipher(cipher.to_owned()));
        assert!(error.to_string().contains(cipher));
    }
}

#[test]
fn one_file_may_hold_all_in_any_order_with_text_around() {
    let (certificate, key) = (fixture("p256.cert.pem"), fixture("p256.parameters.pem"));
    for parts in [[&certificate, &key], [&key, &certificate]] {
        let mut text = b"Bag Attributes\n    friendlyName: both\n".to_vec();
        for part in parts {
            text.extend_from_slice(part);
            text.extend_from_slice(b"\nwhat people write between\n\n");
        }
        for text in [text.clone(), crlf(&text)] {
            let read = Identity::from_pem(&text, &text, None);
            assert!(read.is_ok(), "{read:?}");
        }
    }
    let encrypted = crlf(&fixture("rsa.pkcs1.aes256.pem"));
    let read = Identity::from_pem(&fixture("rsa.cert.pem"), &encrypted, Some(PASSWORD));
    assert!(read.is_ok(), "{read:?}");
}

fn crlf(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).expect("PEM is text");
    text.replace('\n', "\r\n").into_bytes()
}

#[test]
fn the_chain_keeps_its_order() {
    let both = [fixture("rsa.cert.pem"), fixture("p256.cert.pem")].concat();
    let read = Identity::from_pem(&both, &fixture("rsa.pkcs8.pem"), None).expect("the first's");
    assert_eq!(read.certified().cert.len(), 2);
    assert_eq!(
        read.leaf().names,
        ["rsa.example", "10.0.0.1", "2001:db8::1"]
    );
    let error = Identity::from_pem(&both, &fixture("p256.pkcs8.pem"), None);
    assert_eq!(error.expect_err("the second's"), MaterialError::KeyMismatch);
}

#[test]
fn what_is_wrong_is_said_of_the_right_file() {
    let (certificate, key) = (fixture("p256.cert.pem"), fixture("p256.pkcs8.pem"));
    let broken = |tag: &str| format!("-----BEGIN {tag}-----\nAAEC\n-----END {tag}-----\n");
    for (chain, key, expected) in [
        (&b""[..], &key[..], MaterialError::NoCertificate),
        (&key, &key, MaterialError::NoCertificate),
        (&certificate[..200], &key, MaterialError::NoCertificate),
        (
            broken("CERTIFICATE").as_bytes(),
            &key,
            MaterialError::BrokenCertificate(1),
        ),
        (
            &[&certificate[..], broken("CERTIFICATE").as_bytes()].concat(),
            &key,
            MaterialError::BrokenCertificate(2),
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            &key,
            MaterialError::BrokenPem,
        ),
        (&certificate, b"", MaterialError::NoKey),
        (&certificate, &certificate, MaterialError::NoKey),
        (
            &certificate,
            broken("PRIVATE KEY").as_bytes(),
            MaterialError::BrokenKey,
        ),
        (
            &certificate,
            broken("ENCRYPTED PRIVATE KEY").as_bytes(),
            MaterialError::BrokenKey,
        ),
        (
            &certificate,
            broken("OPENSSH PRIVATE KEY").as_bytes(),
            MaterialError::UnsupportedKey("OPENSSH PRIVATE KEY".to_owned()),
        ),
        (
            &certificate,
            &fixture("p384.sec1.pem"),
            MaterialError::KeyMismatch,
        ),
    ] {
        let error = Identity::from_pem(chain, key, Some(PASSWORD)).expect_err("refused");
        assert_eq!(error, expected);
        let of_certificate = matches!(
            expected,
            MaterialError::NoCertificate
                | MaterialError::BrokenCertificate(_)
                | MaterialError::BrokenPem
        );
        assert_eq!(error.is_of_certificate(), of_certificate);
        let line = error.to_string();
        assert!(!line.contains('\n') && !line.contains(PASSWORD), "{line}");
    }
}

#[test]
fn an_expired_certificate_is_a_warning() {
    let day = Duration::from_hours(24);
    let now = UNIX_EPOCH + day * 20_000;
    let warning = |from: SystemTime, to: SystemTime| {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["a".to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (from.into(), to.into());
        let certificate = params.self_signed(&key).expect("signed").pem();
        let identity =
            Identity::from_pem(certificate.as_bytes(), key.serialize_pem().as_bytes(), None);
        identity.expect("usable").leaf().warning(now)
    };
    for (from, to, words) in [
        (now - day, now + day * 8, None),
        (now - day, now + day * 6, Some("expires on 2024-10-10")),
        (now - day * 2, now - day, Some("expired on 2024-10-03")),
        (
            now + day,
            now + day * 9,
            Some("not valid before 2024-10-05"),
        ),
    ] {
        let told = warning(from, to);
        match words {
            None => assert_eq!(told, None),
            Some(words) => assert!(
                told.as_ref().is_some_and(|line| line.contains(words)),
                "{told:?}"
            ),
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Identity::from_pem(&text, &text, Some(PASSWORD));
    }

    #[test]
    fn a_file_with_a_wrong_byte_is_answered(at in 0_usize..4000, byte: u8) {
        let mut text = [fixture("p256.cert.pem"), fixture("p256.parameters.pem")].concat();
        let at = at % text.len();
        text[at] = byte;
        let _ = Identity::from_pem(&text, &text, None);
        let _ = Roots::from_pem(&text);
    }

    #[test]
    fn a_certificate_with_a_wrong_byte_is_answered(at in 0_usize..1000, byte: u8) {
        let mut der = pem::parse(fixture("p256.cert.pem")).expect("PEM").into_contents();
        let at = at % der.len();
        der[at] = byte;
        let text = pem::encode(&pem::Pem::new("CERTIFICATE", der));
        let _ = Identity::from_pem(text.as_bytes(), &fixture("p256.pkcs8.pem"), None);
        let _ = Roots::from_pem(text.as_bytes());
    }
}
