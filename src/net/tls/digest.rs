//! SHA-256, for telling contents apart and for fingerprints.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::hash::Hash;

/// Bytes of a digest.
pub const DIGEST_SIZE: usize = 32;

/// The SHA-256 digest (FIPS 180-4) of the parts, one after the other.
pub fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; DIGEST_SIZE] {
    let mut digest = [0; DIGEST_SIZE];
    let Some(hash) = hash() else {
        return digest;
    };
    let mut context = hash.start();
    for part in parts {
        context.update(part);
    }
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// The hash function of the cipher suite that is named for it.
fn hash() -> Option<&'static dyn Hash> {
    match TLS13_AES_128_GCM_SHA256 {
        SupportedCipherSuite::Tls13(suite) => Some(suite.common.hash_provider),
        SupportedCipherSuite::Tls12(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::sha256;

    #[test]
    fn it_is_sha256_of_all_parts() {
        let digest = sha256([&b"a"[..], b"bc"]);
        // FIPS 180-4, the example of "abc".
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(digest[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
