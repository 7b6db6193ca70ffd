//! TLS: what both sides are shown and believe. Certificates and keys are read from bytes here;
//! files are somebody else's.

mod acceptor;
mod calendar;
mod certificates;
mod client_hello;
mod connector;
mod digest;
mod encrypted_pem;
mod failure;
mod handshakes;
mod identity;
mod material_error;
mod presented;
mod private_key;
mod records;
mod roots;
mod self_signed;
mod session;
#[cfg(test)]
mod tests;
mod verifier;

use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::config::TlsVersion;

pub use acceptor::{TlsAcceptor, server_config};
pub use certificates::Leaf;
pub use client_hello::{is_whole, prefers_http2};
pub use connector::{TlsConnector, client_config};
pub use digest::{DIGEST_SIZE, sha256};
pub use failure::describe;
pub use handshakes::Handshakes;
pub use identity::Identity;
pub use material_error::MaterialError;
pub use presented::Presented;
pub use roots::Roots;
pub use self_signed::SelfSigned;
pub(super) use session::Session;
pub use verifier::Trust;

/// The cryptography, always named where it is used: no process-wide default is ever set.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The versions to speak when `newest` is the newest: 1.2 at least.
fn versions(newest: TlsVersion) -> Vec<&'static SupportedProtocolVersion> {
    match newest {
        TlsVersion::V12 => vec![&rustls::version::TLS12],
        TlsVersion::V13 => vec![&rustls::version::TLS13, &rustls::version::TLS12],
    }
}
