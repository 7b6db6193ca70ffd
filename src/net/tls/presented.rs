//! What a peer is shown: an identity that can be replaced while connections are made.

use std::sync::{Arc, PoisonError, RwLock};

use pem::Pem;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::Identity;

/// The identity that new handshakes show; those that have begun keep theirs.
#[derive(Debug)]
pub struct Presented {
    /// Held for as long as it takes to copy the pointer, once a handshake.
    current: RwLock<Arc<CertifiedKey>>,
}

impl Presented {
    /// Shows this identity.
    pub fn new(identity: &Identity) -> Self {
        Self {
            current: RwLock::new(Arc::clone(identity.certified())),
        }
    }

    /// Shows another one from now on.
    pub fn replace(&self, identity: &Identity) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::clone(identity.certified());
    }

    /// The chain that is shown now, PEM, the own certificate first.
    pub fn pem(&self) -> String {
        let current = self.current();
        let blocks = current.cert.iter();
        let blocks: Vec<Pem> = blocks
            .map(|certificate| Pem::new("CERTIFICATE", certificate.as_ref()))
            .collect();
        let unix = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_many_config(&blocks, unix)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for Presented {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
