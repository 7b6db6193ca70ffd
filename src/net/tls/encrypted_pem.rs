//! Keys that PEM itself encrypts: `Proc-Type: 4,ENCRYPTED` (RFC 1421 §4.6), as OpenSSL did before
//! PKCS#8.

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use des::TdesEde3;
use md5::{Digest, Md5};
use pem::Pem;

use super::material_error::MaterialError;

/// The block's content, decrypted where its fields say that it is encrypted.
///
/// # Errors
/// The password is missing or wrong, or the cipher is none of AES-CBC and DES-EDE3-CBC.
pub(super) fn decrypted(block: &Pem, password: Option<&str>) -> Result<Vec<u8>, MaterialError> {
    let headers = block.headers();
    if !headers
        .get("Proc-Type")
        .is_some_and(|kind| kind.contains("ENCRYPTED"))
    {
        return Ok(block.contents().to_vec());
    }
    let information = headers.get("DEK-Info").ok_or(MaterialError::BrokenKey)?;
    let (cipher, vector) = information
        .split_once(',')
        .ok_or(MaterialError::BrokenKey)?;
    let vector = hex(vector.trim()).ok_or(MaterialError::BrokenKey)?;
    let decrypt = match cipher.trim() {
        "AES-128-CBC" => aes_128,
        "AES-192-CBC" => aes_192,
        "AES-256-CBC" => aes_256,
        "DES-EDE3-CBC" => triple_des,
        other => return Err(MaterialError::UnsupportedCipher(other.to_owned())),
    };
    let password = password.ok_or(MaterialError::PasswordMissing)?;
    decrypt(block.contents(), password.as_bytes(), &vector)
}

fn aes_128(data: &[u8], password: &[u8], vector: &[u8]) -> Result<Vec<u8>, MaterialError> {
    decrypt::<Decryptor<Aes128>>(data, &derived(password, vector, 16)?, vector)
}

fn aes_192(data: &[u8], password: &[u8], vector: &[u8]) -> Result<Vec<u8>, MaterialError> {
    decrypt::<Decryptor<Aes192>>(data, &derived(password, vector, 24)?, vector)
}

fn aes_256(data: &[u8], password: &[u8], vector: &[u8]) -> Result<Vec<u8>, MaterialError> {
    decrypt::<Decryptor<Aes256>>(data, &derived(password, vector, 32)?, vector)
}

fn triple_des(data: &[u8], password: &[u8], vector: &[u8]) -> Result<Vec<u8>, MaterialError> {
    decrypt::<Decryptor<TdesEde3>>(data, &derived(password, vector, 24)?, vector)
}

fn decrypt<Mode: KeyIvInit + BlockModeDecrypt>(
    data: &[u8],
    key: &[u8],
    vector: &[u8],
) -> Result<Vec<u8>, MaterialError> {
    let mode = Mode::new_from_slices(key, vector).map_err(|_| MaterialError::BrokenKey)?;
    mode.decrypt_padded_vec::<Pkcs7>(data)
        .map_err(|_| MaterialError::PasswordWrong)
}

/// The key that OpenSSL derives (`EVP_BytesToKey` with MD5 and one round): digests of the last
/// digest, the password and the salt, one after the other. The salt is the vector's first 8 bytes.
fn derived(password: &[u8], vector: &[u8], size: usize) -> Result<Vec<u8>, MaterialError> {
    let salt = vector.get(..8).ok_or(MaterialError::BrokenKey)?;
    let mut key: Vec<u8> = Vec::with_capacity(size + 16);
    let mut last: Vec<u8> = Vec::new();
    while key.len() < size {
        let mut digest = Md5::new();
        digest.update(&last);
        digest.update(password);
        digest.update(salt);
        last = digest.finalize().to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(size);
    Ok(key)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let digits: Vec<u32> = text
        .bytes()
        .map(|byte| digit(&byte))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
    if rest.is_empty() {
        pairs.iter().map(byte).collect()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn vectors_are_pairs_of_hexadecimal_digits() {
        assert_eq!(hex("00fF"), Some(vec![0, 255]));
        for text in ["0", "0g", "é"] {
            assert_eq!(hex(text), None, "{text}");
        }
    }
}
