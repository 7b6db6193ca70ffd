//! A response head that is accepted is accepted in two pieces too, and what is written of it for
//! a client is accepted again with the same meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::http::{ClientSide, Method, Parsed, ResponseHead, Version, write_response};

fuzz_target!(|input: (u16, bool, bool, &[u8])| {
    let (cut, to_head, asked, bytes) = input;
    let method = if to_head { Method::Head } else { Method::Get };
    let mut head = ResponseHead::default();
    let at_once = head.parse(bytes, method, asked);

    let cut = usize::from(cut) % (bytes.len() + 1);
    let mut pieces = ResponseHead::default();
    let in_pieces = match pieces.parse(&bytes[..cut], method, asked) {
        Ok(Parsed::Partial) => pieces.parse(bytes, method, asked),
        other => other,
    };
    assert_eq!(at_once.ok(), in_pieces.ok());
    assert_eq!(head.len(), pieces.len());

    if at_once != Ok(Parsed::Complete) {
        return;
    }
    let to = ClientSide {
        version: Version::Http11,
        keep_alive: head.keep_alive(),
        framing: head.framing(),
    };
    let mut written = Vec::new();
    write_response(&head, bytes, &to, &mut written);
    let mut again = ResponseHead::default();
    match again.parse(&written, method, asked) {
        Ok(Parsed::Complete) => {}
        // What is added may exceed the bounds of a head.
        Err(rejection) if rejection.status() == 431 => return,
        other => panic!("{other:?}"),
    }
    assert_eq!(again.len(), written.len());
    assert_eq!(again.status(), head.status());
    assert_eq!(again.reason(&written), head.reason(bytes));
    assert_eq!(again.framing(), head.framing());
    assert_eq!(again.keep_alive(), head.keep_alive());
    assert_eq!(again.values(&written, "X-Proxy").count(), 1);
    assert!(again.values(&written, "Server").count() <= 1);
});
