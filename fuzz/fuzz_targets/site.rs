//! A SITE argument is read or refused in one line; what is read stays within its bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::config::{MOST_ENDPOINTS, SiteConfig};

fuzz_target!(|text: &str| {
    match SiteConfig::parse(text) {
        Ok(site) => assert!((1..=MOST_ENDPOINTS).contains(&site.endpoints.len())),
        Err(problem) => assert!(!problem.to_string().contains('\n')),
    }
});
