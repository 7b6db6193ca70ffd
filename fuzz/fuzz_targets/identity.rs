//! Any text is an identity or an error in one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::net::tls::Identity;

fuzz_target!(|bytes: &[u8]| {
    let password = bytes.first().is_some_and(|byte| byte % 2 == 0);
    if let Err(error) = Identity::from_pem(bytes, bytes, password.then_some("password")) {
        assert!(!error.to_string().contains('\n'));
    }
});
