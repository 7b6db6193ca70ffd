//! What a store holds is read as heads or taken for a miss; heads that were read are written back
//! as they were, and each makes an answer that is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::cache::{Answer, CacheKey, StoredResponses};
use sidekick::http::{Method, Parsed, RequestHead, ResponseHead};

const REQUEST: &[u8] = b"GET /b/k HTTP/1.1\r\nHost: a\r\n\r\n";
/// What every object starts with that is not a miss at once.
const START: &[u8] = b"sidekick heads\x01\0\0\0\x0chttp\na\n\n/b/k";

fuzz_target!(|input: (bool, u64, &[u8])| {
    let (is_started, now, bytes) = input;
    let mut request = RequestHead::default();
    assert_eq!(request.parse(REQUEST), Ok(Parsed::Complete));
    let key = CacheKey::of(&request, REQUEST, "http");
    let bytes = if is_started { [START, bytes].concat() } else { bytes.to_vec() };
    let Some(stored) = StoredResponses::decode(&bytes, key.resource()) else {
        return;
    };
    assert_eq!(stored.encode(key.resource()), bytes);
    let _ = stored.select(&key, &request, REQUEST);
    for head in stored.heads() {
        for answer in [Answer::Whole, Answer::NotModified] {
            let mut written = Vec::new();
            head.write(answer, now, &mut written);
            let mut parsed = ResponseHead::default();
            assert_eq!(parsed.parse(&written, Method::Get, false), Ok(Parsed::Complete));
            assert_eq!(parsed.len(), written.len());
        }
    }
});
