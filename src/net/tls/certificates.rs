//! Certificates from PEM, and what an operator wants to know of one.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pem::Pem;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::{self, Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::calendar::day;
use super::material_error::MaterialError;

/// A certificate that ends sooner than this is worth a line.
const ENDS_SOON: Duration = Duration::from_hours(7 * 24);

/// What a certificate says of itself. `Display` is the names and the last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The subject alternative names (RFC 5280 §4.2.1.6) that are DNS names or addresses; where
    /// there are none, the subject's distinguished name.
    pub names: Vec<String>,
    /// Seconds since 1970 of the first moment.
    pub not_before: u64,
    /// Seconds since 1970 of the last moment.
    pub not_after: u64,
    /// The DER of its `SubjectPublicKeyInfo`.
    public_key: Vec<u8>,
}

/// All blocks of PEM text (RFC 7468); what stands around them is skipped.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Pem>, MaterialError> {
    pem::parse_many(text).map_err(|_| MaterialError::BrokenPem)
}

/// The certificates among the blocks, in their order.
///
/// # Errors
/// There is none.
pub(super) fn certificates(blocks: &[Pem]) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let found: Vec<_> = blocks
        .iter()
        // OpenSSL writes the others for certificates with trust settings, and did long ago.
        .filter(|block| matches!(block.tag(), "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|block| CertificateDer::from(block.contents().to_vec()))
        .collect();
    if found.is_empty() {
        return Err(MaterialError::NoCertificate);
    }
    Ok(found)
}

impl Leaf {
    /// Reads the first certificate of a chain.
    ///
    /// # Errors
    /// One of the chain is no X.509 certificate, or there is none.
    pub(super) fn of_chain(chain: &[CertificateDer<'_>]) -> Result<Self, MaterialError> {
        let mut leaves = Vec::with_capacity(chain.len());
        for (at, certificate) in chain.iter().enumerate() {
            let broken = |_| MaterialError::BrokenCertificate(at + 1);
            leaves.push(Self::read(certificate).map_err(broken)?);
        }
        leaves
            .into_iter()
            .next()
            .ok_or(MaterialError::NoCertificate)
    }

    /// Reads a certificate.
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Result<Self, der::Error> {
        let certificate = Certificate::from_der(certificate)?;
        let stated = certificate.tbs_certificate();
        let validity = stated.validity();
        let alternatives = stated
            .get_extension::<SubjectAltName>()?
            .map_or_else(Vec::new, |(_, SubjectAltName(names))| names);
        let mut names: Vec<String> = alternatives.iter().filter_map(name).collect();
        if names.is_empty() {
            names.push(printable(&stated.subject().to_string()));
        }
        Ok(Self {
            names,
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            public_key: stated.subject_public_key_info().to_der()?,
        })
    }

    /// Whether this is the certificate of the key with this `SubjectPublicKeyInfo`.
    pub(super) fn is_of(&self, public_key: &[u8]) -> bool {
        self.public_key == public_key
    }

    /// The last day, UTC: `2026-01-02`.
    pub fn last_day(&self) -> String {
        day(self.not_after)
    }

    /// What an operator should know of its dates: past, in the future, or over within a week.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if now > self.not_after {
            return Some(format!("the certificate expired on {}", self.last_day()));
        }
        if now < self.not_before {
            let first = day(self.not_before);
            return Some(format!("the certificate is not valid before {first}"));
        }
        (self.not_after - now < ENDS_SOON.as_secs())
            .then(|| format!("the certificate expires on {}", self.last_day()))
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names.join(", ");
        write!(formatter, "{names}; expires {}", self.last_day())
    }
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(printable(name.as_str())),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let address = <[u8; 4]>::try_from(octets)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// A certificate is written by strangers, and what it says ends up in lines.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(253).collect()
}
