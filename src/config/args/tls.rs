//! TLS towards clients and backends.

use crate::config::flag::Flag;

pub(crate) const CERT: Flag = Flag::text("cert", "FILE", "Certificate chain of the listener, PEM");

pub(crate) const KEY: Flag = Flag::text("key", "FILE", "Its private key, PEM; it may be encrypted");

pub(crate) const KEY_PASSWORD: Flag = Flag::text(
    "key-password",
    "TEXT",
    "Password of the private key; better set in the environment",
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
    "Trust backends by these certificates, PEM file or directory",
);

pub(crate) const CLIENT_CERT: Flag = Flag::text(
    "client-cert",
    "FILE",
    "Certificate to show to backends, PEM",
);

pub(crate) const CLIENT_KEY: Flag = Flag::text("client-key", "FILE", "Its private key, PEM");

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
