//! A duration that is read means the same when it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::config::duration;

fuzz_target!(|text: &str| {
    if let Ok(read) = duration::parse(text) {
        assert_eq!(duration::parse(&duration::format(read)).ok(), Some(read));
    }
});
