//! The certificate of `--auto-tls-host`, as others see it.

use std::time::{Duration, UNIX_EPOCH};

use base64ct::{Base64, Encoding};

use crate::config::Host;
use crate::net::tls::{SelfSigned, sha256};

#[test]
fn it_is_for_its_names_and_its_time() {
    let now = UNIX_EPOCH + Duration::from_hours(20_000 * 24);
    let names = [
        Host::Name("*.a.example".to_owned()),
        Host::Ip("::1".parse().expect("an address")),
    ];
    let made = SelfSigned::new(&names, now).expect("made");
    let leaf = made.identity().leaf();
    assert_eq!(leaf.names, ["*.a.example", "::1"]);
    assert_eq!(leaf.not_before, 19_999 * 86_400);
    assert_eq!(leaf.not_after, 20_825 * 86_400);
    assert_eq!(leaf.warning(now), None);
    assert_eq!(leaf.to_string(), "*.a.example, ::1; expires 2027-01-07");
}

#[test]
fn fingerprint_and_pin_are_digests_as_openssl_and_curl_write_them() {
    let names = [Host::Name("a".repeat(63))];
    let made = SelfSigned::new(&names, UNIX_EPOCH + Duration::from_hours(24 * 9999)).expect("made");
    let digest = sha256([made.identity().certified().cert[0].as_ref()]);
    assert_eq!(made.fingerprint().len(), 32 * 3 - 1);
    assert!(
        made.fingerprint()
            .starts_with(&format!("{:02X}:{:02X}:", digest[0], digest[1]))
    );
    let key = made.identity().certified().key.public_key().expect("a key");
    let pin = Base64::encode_string(&sha256([key.as_ref()]));
    assert_eq!(made.pin(), format!("sha256//{pin}"));
}
