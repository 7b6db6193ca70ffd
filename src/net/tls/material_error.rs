//! What can be wrong with certificates and keys, each in one line that ends with the cure.

use std::fmt;

/// Why bytes are no usable certificate or key. Whoever read the file puts its name before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaterialError {
    /// The text has PEM marks and is no PEM.
    BrokenPem,
    /// No `CERTIFICATE` block.
    NoCertificate,
    /// A certificate is no X.509; which one, from 1.
    BrokenCertificate(usize),
    /// No block with a private key.
    NoKey,
    /// A key of this kind cannot be used: the block's name.
    UnsupportedKey(String),
    /// The key is encrypted by a method that cannot be undone here: its name or OID.
    UnsupportedCipher(String),
    /// The key is encrypted and there is no password.
    PasswordMissing,
    /// The key is encrypted with another password, or is broken: nobody can tell these apart.
    PasswordWrong,
    /// The key is not what its block says.
    BrokenKey,
    /// Certificate and key do not belong together.
    KeyMismatch,
    /// A certificate could not be made, in the words of who tried.
    NotMade(String),
}

impl MaterialError {
    /// Whether the certificate's file is at fault, and not the key's.
    pub fn is_of_certificate(&self) -> bool {
        matches!(
            self,
            Self::BrokenPem | Self::NoCertificate | Self::BrokenCertificate(_)
        )
    }
}

impl fmt::Display for MaterialError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenPem => {
                formatter.write_str("a PEM block in it is broken; write the whole file again")
            }
            Self::NoCertificate => formatter.write_str(
                "no certificate in it; a PEM file has a line -----BEGIN CERTIFICATE-----",
            ),
            Self::BrokenCertificate(nth) => {
                write!(
                    formatter,
                    "certificate {nth} in it is broken; issue it again"
                )
            }
            Self::NoKey => formatter.write_str(
                "no private key in it; a PEM file has a line -----BEGIN PRIVATE KEY-----",
            ),
            Self::UnsupportedKey(kind) => write!(
                formatter,
                "the key ({kind}) cannot be used; make one of RSA, ECDSA P-256, P-384, P-521 or \
                 Ed25519"
            ),
            Self::UnsupportedCipher(cipher) => write!(
                formatter,
                "the key's encryption ({cipher}) is not supported; encrypt it by \
                 `openssl pkcs8 -topk8 -v2 aes-256-cbc`"
            ),
            Self::PasswordMissing => formatter.write_str(
                "the key is encrypted; set its password in SIDEKICK_KEY_PASSWORD or by \
                 --key-password",
            ),
            Self::PasswordWrong => formatter.write_str(
                "the password does not open the key; look at SIDEKICK_KEY_PASSWORD and \
                 --key-password",
            ),
            Self::BrokenKey => {
                formatter.write_str("the private key in it is broken; write the file again")
            }
            Self::KeyMismatch => formatter.write_str(
                "the key does not belong to the certificate; name the pair that was issued \
                 together, the own certificate first in its file",
            ),
            Self::NotMade(words) => write!(formatter, "no certificate can be made: {words}"),
        }
    }
}

impl std::error::Error for MaterialError {}
