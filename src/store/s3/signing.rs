//! AWS Signature Version 4 in the `Authorization` field ("Signature Calculations for the
//! Authorization Header" of the Amazon S3 API reference), as values: no clock, no sockets.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::config::Keys;

/// Instead of a digest, for a body that is not known when its head is sent.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Whose signature, and where it counts.
pub(super) struct Signer<'a> {
    pub(super) keys: &'a Keys,
    pub(super) region: &'a str,
    /// Seconds since 1970, by the store's clock.
    pub(super) now: u64,
}

/// What a signature covers.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    /// As it goes over the wire.
    pub(super) path: &'a str,
    /// Of the body, or [`UNSIGNED`].
    pub(super) digest: &'a str,
    /// Further fields: names in lower case between `host` and `x-amz-`, in order.
    pub(super) fields: &'a [(&'a str, &'a str)],
}

impl Signer<'_> {
    /// Appends the fields that sign the request, each a line; `Host` and the further fields are the
    /// caller's to write.
    pub(super) fn write_fields(&self, signed: &Signed<'_>, out: &mut String) {
        let time = amz_date(self.now);
        let scope = format!("{}/{}/s3/aws4_request", &time[..8], self.region);
        let token = self.keys.session_token.as_ref();
        let mut fields = vec![("host", signed.host)];
        fields.extend(signed.fields);
        fields.push(("x-amz-content-sha256", signed.digest));
        fields.push(("x-amz-date", &time));
        fields.extend(token.map(|token| ("x-amz-security-token", token.reveal())));

        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut request = format!("{}\n{}\n\n", signed.method, signed.path);
        for (name, value) in &fields {
            let _ = writeln!(request, "{name}:{}", value.trim());
        }
        let _ = write!(request, "\n{names}\n{}", signed.digest);

        let digest = sha256(request.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let signature = hexadecimal(&hmac(&self.key(&time[..8]), text.as_bytes()));
        for (name, value) in fields.iter().filter(|(name, _)| name.starts_with("x-amz-")) {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        let _ = write!(
            out,
            "Authorization: AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}\r\n",
            self.keys.access_key.reveal(),
        );
    }

    fn key(&self, day: &str) -> Vec<u8> {
        let first = format!("AWS4{}", self.keys.secret_key.reveal()).into_bytes();
        [day, self.region, "s3", "aws4_request"]
            .iter()
            .fold(first, |key, part| hmac(&key, part.as_bytes()))
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3) and `/`.
pub(super) fn encode_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    // Keys may have any length (RFC 2104 §3), so this fails for none; a store would refuse the
    // signature that would follow.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// `20130524T000000Z`; the first eight characters are the day.
fn amz_date(unix: u64) -> String {
    let seconds = i64::try_from(unix).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    /// 24 May 2013, midnight: the time of the published examples.
    const PUBLISHED: u64 = 1_369_353_600;
    const HOST: &str = "examplebucket.s3.amazonaws.com";

    fn keys(token: Option<&str>) -> Keys {
        Keys {
            access_key: Secret::new("AKIAIOSFODNN7EXAMPLE"),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: token.map(Secret::new),
        }
    }

    fn fields(keys: &Keys, signed: &Signed<'_>) -> String {
        let mut out = String::new();
        let signer = Signer {
            keys,
            region: "us-east-1",
            now: PUBLISHED,
        };
        signer.write_fields(signed, &mut out);
        out
    }

    #[test]
    fn the_published_get_has_the_published_signature() {
        let signed = Signed {
            method: "GET",
            host: HOST,
            path: "/test.txt",
            digest: &sha256(b""),
            fields: &[("range", "bytes=0-9")],
        };
        let out = fields(&keys(None), &signed);
        let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(out.contains(&format!("Signature={signature}\r\n")), "{out}");
        assert!(out.contains("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"));
        assert!(
            out.contains("/20130524/us-east-1/s3/aws4_request,"),
            "{out}"
        );
        assert!(out.contains("x-amz-date: 20130524T000000Z\r\n"), "{out}");
    }

    #[test]
    fn the_published_key_is_derived() {
        // "Deriving a signing key", the worked example of the AWS General Reference.
        let secret = Keys {
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            ..keys(None)
        };
        let first = format!("AWS4{}", secret.secret_key.reveal()).into_bytes();
        let key = ["20120215", "us-east-1", "iam", "aws4_request"]
            .iter()
            .fold(first, |key, part| hmac(&key, part.as_bytes()));
        let expected = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d";
        assert_eq!(hexadecimal(&key), expected);
    }

    #[test]
    fn a_session_token_is_signed_and_sent() {
        let signed = Signed {
            method: "HEAD",
            host: HOST,
            path: "/",
            digest: UNSIGNED,
            fields: &[],
        };
        let out = fields(&keys(Some("token")), &signed);
        assert!(out.contains("x-amz-security-token: token\r\n"), "{out}");
        assert!(out.contains("x-amz-date;x-amz-security-token,"), "{out}");
        assert!(!out.contains("bPxRfiCY"), "{out}");
    }

    #[test]
    fn paths_are_encoded_once_and_keep_their_slashes() {
        assert_eq!(encode_path("/b/0af/body-1"), "/b/0af/body-1");
        assert_eq!(encode_path("/b/a b+ä%"), "/b/a%20b%2B%C3%A4%25");
    }
}
