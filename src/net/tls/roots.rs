//! Whom to trust.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::certificates::{blocks, certificates};
use super::material_error::MaterialError;

/// Certificates that are trusted as they are.
#[derive(Debug, Clone)]
pub struct Roots {
    /// As issuers of others.
    pub(super) anchors: Arc<RootCertStore>,
    /// As a server's own: one that says it is a CA is no server to webpki, but is just what a
    /// self-signed server shows.
    pub(super) exact: Vec<CertificateDer<'static>>,
    skipped: usize,
}

impl Roots {
    /// Nobody is trusted.
    pub fn none() -> Self {
        Self {
            anchors: Arc::new(RootCertStore::empty()),
            exact: Vec::new(),
            skipped: 0,
        }
    }

    /// All certificates of a PEM text. Those that cannot be used are counted.
    ///
    /// # Errors
    /// There is none, or none that can be used.
    pub fn from_pem(text: &[u8]) -> Result<Self, MaterialError> {
        let found = certificates(&blocks(text)?)?;
        let mut anchors = RootCertStore::empty();
        let (used, skipped) = anchors.add_parsable_certificates(found.iter().cloned());
        if used == 0 {
            return Err(MaterialError::BrokenCertificate(1));
        }
        Ok(Self {
            anchors: Arc::new(anchors),
            exact: found,
            skipped,
        })
    }

    /// What the system trusts: `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the usual places. Finding
    /// nothing is no error: see [`Roots::count`].
    pub fn of_system() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let mut anchors = RootCertStore::empty();
        let (_, skipped) = anchors.add_parsable_certificates(found.certs);
        Self {
            anchors: Arc::new(anchors),
            exact: Vec::new(),
            skipped: skipped + found.errors.len(),
        }
    }

    /// How many are trusted.
    pub fn count(&self) -> usize {
        self.anchors.len()
    }

    /// How many could not be used.
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}
