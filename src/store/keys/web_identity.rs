//! Keys of a role from the security token service: `AssumeRoleWithWebIdentity` of its API, version
//! 2011-06-15, which takes no signature.

use std::fmt::Write as _;

use super::document::life;
use super::element::element;
use super::lookup::token;
use super::request::Request;
use super::{Found, NoKeys, Way, pair};
use crate::config::WebIdentity;
use crate::http::Method;

const CURE: &str =
    "look at AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and the trust policy of the role";

/// Exchanges the token for keys. The file is read anew each time: its provider replaces it.
pub(super) async fn look_up(identity: &WebIdentity, way: Way<'_>) -> Result<Found, NoKeys> {
    let service = &identity.service;
    let token = token(&identity.token_file)
        .await
        .map_err(|why| NoKeys::new(why, CURE))?;
    let body = form(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &identity.role),
        ("RoleSessionName", &identity.session),
        ("WebIdentityToken", token.reveal()),
    ]);
    let request = Request {
        method: Method::Post,
        path: "/",
        fields: &[("Content-Type", "application/x-www-form-urlencoded")],
        body: &body,
    };
    let answer = way.ask(service, &request).await;
    let found = answer.and_then(|answer| read(answer.granted()?, answer.now)?.alive());
    found.map_err(|why| NoKeys::new(format!("{service} gives none: {why}"), CURE))
}

/// The keys of an answer that came at `now`.
fn read(body: &[u8], now: u64) -> Result<Found, String> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let part = element(text, "Credentials").ok_or("its answer holds no credentials")?;
    let keys = match (
        element(part, "AccessKeyId"),
        element(part, "SecretAccessKey"),
    ) {
        (Some(access_key), Some(secret_key)) => {
            pair(access_key, secret_key, element(part, "SessionToken"))
        }
        _ => None,
    };
    let keys = keys.ok_or("its answer holds no keys")?;
    let life = element(part, "Expiration")
        .map(|text| life(text, now))
        .transpose()?;
    Ok(Found { keys, life })
}

/// A form as the body of a request (`application/x-www-form-urlencoded`).
fn form(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        let _ = write!(form, "{name}=");
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                form.push(char::from(byte));
            } else {
                let _ = write!(form, "%{byte:02X}");
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_out_of_the_answer() {
        let body = b"<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
            <AssumeRoleWithWebIdentityResult><Audience>x</Audience><Credentials>\n\
            <SessionToken>C/+==</SessionToken><SecretAccessKey>B</SecretAccessKey>\
            <Expiration>1970-01-01T01:00:00Z</Expiration><AccessKeyId>A</AccessKeyId>\
            </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        let found = read(body, 600).unwrap();
        assert_eq!(Some(found.keys), pair("A", "B", Some("C/+==")));
        assert_eq!(found.life, Some(Duration::from_mins(50)));
    }

    #[test]
    fn half_an_answer_is_none_and_no_key_is_repeated() {
        for body in [
            &b""[..],
            b"\xff",
            b"<Credentials><AccessKeyId>A</AccessKeyId>",
            b"<Credentials><SecretAccessKey>hunter2</SecretAccessKey></Credentials>",
            b"<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>hunter2 &amp;</SecretAccessKey></Credentials>",
            b"<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>hunter2</SecretAccessKey>\
              <Expiration>soon</Expiration></Credentials>",
        ] {
            let line = read(body, 0).unwrap_err();
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn a_form_is_encoded_whole() {
        let form = form(&[("a", "arn:aws:iam::1:role/r"), ("b", "x y&z=+~é")]);
        assert_eq!(
            form,
            "a=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&b=x%20y%26z%3D%2B~%C3%A9"
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic(
            body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "(</?(Credentials|AccessKeyId|SecretAccessKey|SessionToken|Expiration)>|[a-z0-9<>/Z:-]{0,6}){0,12}"
                    .prop_map(String::into_bytes),
            ],
            now: u64,
        ) {
            if let Ok(found) = read(&body, now) {
                prop_assert!(found.keys.access_key.reveal().is_ascii());
            }
        }
    }
}
