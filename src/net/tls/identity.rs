//! A certificate chain with its key.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::certificates::{Leaf, blocks, certificates};
use super::material_error::MaterialError;
use super::private_key::private_key;
use super::provider;

/// A certificate chain and the key of its first certificate, which are known to belong together.
#[derive(Debug, Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    leaf: Leaf,
}

impl Identity {
    /// Reads the chain from one PEM text and the key from another, which may be the same. Whatever
    /// else stands in them is skipped. The password is used where the key is encrypted.
    ///
    /// # Errors
    /// What is wrong with the certificates ([`MaterialError::is_of_certificate`]) or the key.
    pub fn from_pem(
        chain: &[u8],
        key: &[u8],
        password: Option<&str>,
    ) -> Result<Self, MaterialError> {
        let chain = certificates(&blocks(chain)?)?;
        let leaf = Leaf::of_chain(&chain)?;
        let key = blocks(key).map_err(|_| MaterialError::BrokenKey)?;
        Self::new(chain, leaf, private_key(&key, password)?)
    }

    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        leaf: Leaf,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, MaterialError> {
        let key = provider()
            .key_provider
            .load_private_key(key)
            .map_err(|_| MaterialError::BrokenKey)?;
        // Not `CertifiedKey::keys_match`: it knows no certificates of X.509 version 1.
        if key.public_key().is_some_and(|public| !leaf.is_of(&public)) {
            return Err(MaterialError::KeyMismatch);
        }
        Ok(Self {
            certified: Arc::new(CertifiedKey::new(chain, key)),
            leaf,
        })
    }

    /// The chain and key as rustls takes them.
    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// What the first certificate says of itself.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }
}
