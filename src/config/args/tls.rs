//! TLS towards clients and backends.

use std::path::PathBuf;

use crate::config::error::{Error, Problem};
use crate::config::flag::Flag;
use crate::config::host::Host;
use crate::config::secret::Secret;
use crate::config::setting::{Settings, file_path};

pub(crate) const CERT: Flag = Flag::text("cert", "FILE", "Certificate chain of the listener, PEM");

pub(crate) const KEY: Flag = Flag::text("key", "FILE", "Its private key, PEM; it may be encrypted");

pub(crate) const KEY_PASSWORD: Flag = Flag::text(
    "key-password",
    "TEXT",
    "Password of the private keys that are encrypted, of --key and of --client-key; better set in \
     the environment",
)
.secret();

pub(crate) const AUTO_TLS_HOST: Flag = Flag::text(
    "auto-tls-host",
    "NAMES",
    "Listen with a self-signed certificate for these names and addresses, separated by commas",
);

pub(crate) const TLS_MAX: Flag =
    Flag::choice("tls-max", &["1.2", "1.3"], "Newest version of TLS to speak")
        .default("1.3")
        .hidden();

pub(crate) const CACERT: Flag = Flag::text(
    "cacert",
    "FILE",
    "Trust backends by these certificates, PEM file or directory, instead of the system's",
);

pub(crate) const CLIENT_CERT: Flag = Flag::text(
    "client-cert",
    "FILE",
    "Certificate to show to backends, PEM",
);

pub(crate) const CLIENT_KEY: Flag = Flag::text(
    "client-key",
    "FILE",
    "Its private key, PEM; it may be encrypted",
);

pub(crate) const INSECURE: Flag =
    Flag::switch("insecure", "Do not verify the certificates of backends").short('i');

pub(crate) const FLAGS: &[&Flag] = &[
    &CERT,
    &KEY,
    &KEY_PASSWORD,
    &AUTO_TLS_HOST,
    &TLS_MAX,
    &CACERT,
    &CLIENT_CERT,
    &CLIENT_KEY,
    &INSECURE,
];

/// TLS on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// What clients are shown.
    pub listener: ListenerTls,
    /// Newest version to speak, on both sides; the oldest is 1.2.
    pub newest: TlsVersion,
    /// What backends are shown and believed.
    pub backends: BackendTls,
}

/// What clients are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerTls {
    /// Clients connect in clear text.
    Plain,
    /// A certificate of theirs to trust.
    Files(IdentityFiles),
    /// A certificate made at the start for these names and addresses, at least one, none twice. A
    /// name may start with `*.`.
    SelfSigned(Vec<Host>),
}

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The chain, PEM, the own certificate first.
    pub cert: PathBuf,
    /// The private key, PEM; it may be the same file.
    pub key: PathBuf,
    /// The key's password, where it is encrypted.
    pub password: Option<Secret>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    V12,
    /// RFC 8446.
    V13,
}

/// What backends are shown and believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendTls {
    /// Any certificate will do.
    pub insecure: bool,
    /// A PEM bundle, or a directory of them; `None` is what the system trusts.
    pub cacert: Option<PathBuf>,
    /// What a backend is shown that asks for a certificate.
    pub identity: Option<IdentityFiles>,
}

impl TlsConfig {
    pub(crate) fn build(settings: &Settings) -> Result<Self, Error> {
        let password = settings
            .optional(&KEY_PASSWORD, |text| Ok(Secret::new(text)))?
            .filter(|password| !password.reveal().is_empty());
        let served = pair(settings, &CERT, &KEY, password.as_ref())?;
        let identity = pair(settings, &CLIENT_CERT, &CLIENT_KEY, password.as_ref())?;
        if password.is_some() && served.is_none() && identity.is_none() {
            let problem = "there is no key that it could open; name one by --key or --client-key";
            return Err(settings.refuse(&KEY_PASSWORD, "", &Problem::new(problem)));
        }
        let names = settings.each(&AUTO_TLS_HOST, subject_name)?;
        let listener = match served {
            Some(_) if !names.is_empty() => {
                let problem = "a self-signed certificate beside that of --cert; remove one of them";
                return Err(settings.refuse(
                    &AUTO_TLS_HOST,
                    &joined(&names),
                    &Problem::new(problem),
                ));
            }
            Some(files) => ListenerTls::Files(files),
            None if names.is_empty() => ListenerTls::Plain,
            None => ListenerTls::SelfSigned(without_repetitions(names)),
        };
        Ok(Self {
            listener,
            newest: TlsVersion::build(settings)?,
            backends: BackendTls {
                insecure: settings.switch(&INSECURE)?,
                cacert: settings.optional(&CACERT, file_path)?,
                identity,
            },
        })
    }
}

impl TlsVersion {
    fn build(settings: &Settings) -> Result<Self, Error> {
        settings.value(&TLS_MAX, |text| match text {
            "1.2" => Ok(Self::V12),
            "1.3" => Ok(Self::V13),
            _ => Err(Problem::new("expected 1.2 or 1.3")),
        })
    }
}

/// A certificate and its key, which come together or not at all.
fn pair(
    settings: &Settings,
    cert: &Flag,
    key: &Flag,
    password: Option<&Secret>,
) -> Result<Option<IdentityFiles>, Error> {
    let alone = |flag: &Flag, path: &PathBuf, other: &Flag| {
        let problem = format!("--{} is missing; name both or none", other.name);
        settings.refuse(flag, &path.to_string_lossy(), &Problem::new(problem))
    };
    match (
        settings.optional(cert, file_path)?,
        settings.optional(key, file_path)?,
    ) {
        (None, None) => Ok(None),
        (Some(path), None) => Err(alone(cert, &path, key)),
        (None, Some(path)) => Err(alone(key, &path, cert)),
        (Some(cert), Some(key)) => Ok(Some(IdentityFiles {
            cert,
            key,
            password: password.cloned(),
        })),
    }
}

/// A name or address as a certificate states it: an IPv6 address does without brackets, too; the
/// first label may be `*` (RFC 9525 §6.3); there is no final dot.
fn subject_name(text: &str) -> Result<Host, Problem> {
    if text.is_empty() {
        return Err(Problem::new("a name is missing"));
    }
    if let Ok(address) = text.parse() {
        return Ok(Host::Ip(address));
    }
    let (wildcard, rest) = match text.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", text),
    };
    match Host::parse(rest)? {
        Host::Name(name) => {
            let name = name.trim_end_matches('.');
            Ok(Host::Name(format!("{wildcard}{name}")))
        }
        Host::Ip(_) if !wildcard.is_empty() => {
            Err(Problem::new("an address has no names below it; remove *."))
        }
        address @ Host::Ip(_) => Ok(address),
    }
}

fn joined(names: &[Host]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(",")
}

fn without_repetitions(names: Vec<Host>) -> Vec<Host> {
    let mut kept: Vec<Host> = Vec::with_capacity(names.len());
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_certificates_state_them() {
        for (text, written) in [
            ("localhost", "localhost"),
            ("a.example.", "a.example"),
            ("*.a.example", "*.a.example"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(subject_name(text).expect(text).to_string(), written);
        }
        for text in [
            "",
            "*",
            "*.",
            "*.10.0.0.1",
            "a b",
            "a:443",
            "https://a",
            "a..b",
            "1.2.3",
        ] {
            assert!(subject_name(text).is_err(), "{text}");
        }
    }
}
