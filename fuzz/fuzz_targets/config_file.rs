//! A configuration file is read or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::config::file;

fuzz_target!(|text: &str| {
    let _ = file::parse(text);
});
