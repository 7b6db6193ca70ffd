//! What a signature covers is found in any head, and nothing is covered without one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::http::{Parsed, RequestHead, signature};

fuzz_target!(|bytes: &[u8]| {
    let mut head = RequestHead::default();
    if head.parse(bytes) != Ok(Parsed::Complete) {
        return;
    }
    let covers = signature::covers(&head, bytes, "range");
    let is_signed = head.field(bytes, "Authorization").is_some() || head.query(bytes).is_some();
    assert!(is_signed || !covers);
});
