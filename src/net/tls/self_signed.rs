//! A certificate made at the start, for a sidecar whose clients can be told to trust it.

use std::time::{Duration, SystemTime};

use base64ct::{Base64, Encoding};
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificates::Leaf;
use super::digest::sha256;
use super::identity::Identity;
use super::material_error::MaterialError;
use crate::config::Host;

const DAY: Duration = Duration::from_hours(24);
/// The clocks of clients may be behind.
const BEFORE: Duration = DAY;
/// The longest that every client accepts of a server's certificate.
const AFTER: Duration = Duration::from_hours(825 * 24);
/// RFC 5280, upper bounds: the longest common name.
const LONGEST_COMMON_NAME: usize = 64;

/// A fresh key, and its certificate signed by itself.
#[derive(Debug)]
pub struct SelfSigned {
    identity: Identity,
    fingerprint: String,
    pin: String,
}

impl SelfSigned {
    /// ECDSA P-256, for these names and addresses, from a day before `now` to 825 days after it.
    ///
    /// It says that it is no CA and names no key usage: so whoever gets it as trusted root takes it
    /// for this server's, and for no other's. (With a key usage but without `keyCertSign`, OpenSSL
    /// would not see that it signed itself.)
    ///
    /// # Errors
    /// A name that no certificate can state.
    pub fn new(names: &[Host], now: SystemTime) -> Result<Self, MaterialError> {
        let failed = |error: rcgen::Error| MaterialError::NotMade(error.to_string());
        let mut params = CertificateParams::default();
        params.not_before = (now - BEFORE).into();
        params.not_after = (now + AFTER).into();
        params.distinguished_name = subject(names);
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in names {
            params.subject_alt_names.push(match name {
                Host::Name(name) => SanType::DnsName(ia5(name)?),
                Host::Ip(address) => SanType::IpAddress(*address),
            });
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let public_key = sha256([key.subject_public_key_info().as_slice()]);
        Ok(Self {
            fingerprint: fingerprint(&certificate),
            pin: format!("sha256//{}", Base64::encode_string(&public_key)),
            identity: identity(certificate, &key)?,
        })
    }

    /// Chain and key.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// SHA-256 of the certificate as `openssl x509 -fingerprint` writes it: `AB:CD:...`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// SHA-256 of the public key as `curl --pinnedpubkey` takes it (RFC 7469 §2.4):
    /// `sha256//BASE64`.
    pub fn pin(&self) -> &str {
        &self.pin
    }
}

/// Two sidecars of one machine have different subjects when they have different names: software
/// that looks for issuers by subject is not led astray.
fn subject(names: &[Host]) -> DistinguishedName {
    let first = names.first().map(ToString::to_string);
    let common = first.filter(|name| name.len() <= LONGEST_COMMON_NAME);
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "sidekick");
    subject.push(
        DnType::CommonName,
        common.unwrap_or_else(|| "sidekick".to_owned()),
    );
    subject
}

fn ia5(name: &str) -> Result<Ia5String, MaterialError> {
    Ia5String::try_from(name).map_err(|error| MaterialError::NotMade(error.to_string()))
}

fn identity(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> Result<Identity, MaterialError> {
    let chain = vec![certificate];
    let leaf = Leaf::of_chain(&chain)?;
    Identity::new(
        chain,
        leaf,
        PrivateKeyDer::Pkcs8(key.serialize_der().into()),
    )
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = sha256([certificate.as_ref()]);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
