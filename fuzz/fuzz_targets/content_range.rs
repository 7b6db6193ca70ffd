//! A range that was read lies within its whole, and reads back as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::http::ContentRange;

fuzz_target!(|value: &[u8]| {
    if let Some(range) = ContentRange::parse(value) {
        assert!(range.first <= range.last);
        assert!(range.complete.is_none_or(|length| range.last < length));
        let complete = range
            .complete
            .map_or_else(|| "*".to_owned(), |length| length.to_string());
        let written = format!("bytes {}-{}/{complete}", range.first, range.last);
        assert_eq!(ContentRange::parse(written.as_bytes()), Some(range));
    }
});
