//! A request head that is accepted is accepted in two pieces too, and what is written of it for
//! a backend is accepted again with the same meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::http::{Forwarded, Parsed, RequestHead, write_request};

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let mut head = RequestHead::default();
    let at_once = head.parse(bytes);

    let cut = usize::from(cut) % (bytes.len() + 1);
    let mut pieces = RequestHead::default();
    let in_pieces = match pieces.parse(&bytes[..cut]) {
        Ok(Parsed::Partial) => pieces.parse(bytes),
        other => other,
    };
    assert_eq!(at_once.ok(), in_pieces.ok());
    assert_eq!(head.len(), pieces.len());

    if at_once != Ok(Parsed::Complete) {
        return;
    }
    let mut written = Vec::new();
    let forwarded = Forwarded { client: "192.0.2.1", proto: "http" };
    write_request(&head, bytes, &forwarded, &mut written);
    let mut again = RequestHead::default();
    match again.parse(&written) {
        Ok(Parsed::Complete) => {}
        // What is added may exceed the bounds of a head.
        Err(rejection) if rejection.status() == 431 => return,
        other => panic!("{other:?}"),
    }
    assert_eq!(again.len(), written.len());
    assert_eq!(again.method_text(&written), head.method_text(bytes));
    assert_eq!(again.target(&written), head.target(bytes));
    assert_eq!(again.host(&written), head.host(bytes));
    assert_eq!(again.framing(), head.framing());
    assert_eq!(again.upgrade(), head.upgrade());
    assert_eq!(again.accepts_trailers(), head.accepts_trailers());
    assert!(again.keep_alive());
});
