//! A private key from PEM, encrypted or not.

use pem::Pem;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::der::asn1::Any;
use pkcs8::spki::AlgorithmIdentifierOwned;
use rustls::pki_types::PrivateKeyDer;

use super::encrypted_pem;
use super::material_error::MaterialError;

/// Single DES and RC4, and 3DES by a key derivation of their time.
const PBES1: &str = "PBES1";
const PKCS12: &str = "1.2.840.113549.1.12.1.";

/// The first private key among the blocks: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 §A.1.2) or SEC 1
/// (RFC 5915); encrypted by PBES2 (RFC 8018 §6.2) or as RFC 1421 has it.
///
/// # Errors
/// There is none, it is of no kind known here, or the password is missing or wrong.
pub(super) fn private_key(
    blocks: &[Pem],
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, MaterialError> {
    let is_key = |block: &&Pem| block.tag().ends_with("PRIVATE KEY");
    let block = blocks.iter().find(is_key).ok_or(MaterialError::NoKey)?;
    let der = match block.tag() {
        "ENCRYPTED PRIVATE KEY" => return pbes2(block.contents(), password),
        "PRIVATE KEY" => block.contents().to_vec(),
        _ => encrypted_pem::decrypted(block, password)?,
    };
    match block.tag() {
        "PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs8(der.into())),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(der.into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(der.into())),
        kind => Err(MaterialError::UnsupportedKey(kind.to_owned())),
    }
}

fn pbes2(der: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, MaterialError> {
    let encrypted =
        EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| unknown_encryption(der))?;
    let password = password.ok_or(MaterialError::PasswordMissing)?;
    let key = encrypted
        .decrypt(password)
        .map_err(|error| refused(&error))?;
    Ok(PrivateKeyDer::Pkcs8(key.as_bytes().to_vec().into()))
}

/// What an encryption is called that is not even parsed: those of PKCS#12 (RFC 7292 §C), else the
/// OID.
fn unknown_encryption(der: &[u8]) -> MaterialError {
    let method = || {
        let parts = Vec::<Any>::from_der(der).ok()?;
        let method: AlgorithmIdentifierOwned = parts.first()?.decode_as().ok()?;
        Some(method.oid.to_string())
    };
    match method() {
        Some(oid) if oid.starts_with(PKCS12) => MaterialError::UnsupportedCipher(PBES1.to_owned()),
        Some(oid) => MaterialError::UnsupportedCipher(oid),
        None => MaterialError::BrokenKey,
    }
}

fn refused(error: &pkcs8::Error) -> MaterialError {
    use pkcs8::pkcs5::Error::{
        AlgorithmParametersInvalid, NoPbes1CryptSupport, UnsupportedAlgorithm,
    };
    match error {
        pkcs8::Error::EncryptedPrivateKey(NoPbes1CryptSupport) => {
            MaterialError::UnsupportedCipher(PBES1.to_owned())
        }
        pkcs8::Error::EncryptedPrivateKey(
            UnsupportedAlgorithm { oid } | AlgorithmParametersInvalid { oid },
        ) => MaterialError::UnsupportedCipher(oid.to_string()),
        // What comes out with a wrong password is rarely even padded right, and never a key.
        _ => MaterialError::PasswordWrong,
    }
}
