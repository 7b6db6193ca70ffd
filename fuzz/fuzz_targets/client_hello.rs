//! Whatever a client begins with, its order of protocols is read or it is not; more bytes behind a
//! whole record change nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::net::tls::{is_whole, prefers_http2};

fuzz_target!(|bytes: &[u8]| {
    let told = prefers_http2(bytes);
    if is_whole(bytes) {
        let longer = [bytes, b"more"].concat();
        assert_eq!(prefers_http2(&longer), told);
    } else {
        assert_eq!(told, None);
    }
});
