//! The one question that is asked of a `ClientHello` (RFC 8446 §4.1.2) before TLS sees it: which
//! protocol the client would rather speak. The server's library picks by its own order; the client
//! knows better what it wants.

/// The bytes of a record's head: type, version, length.
const RECORD_HEAD: usize = 5;
/// The most a record holds (RFC 8446 §5.1).
const LARGEST_RECORD: usize = 1 << 14;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// RFC 7301 §3.1.
const ALPN: usize = 16;

/// Whether nothing more is worth waiting for: the first record is there as a whole, or these bytes
/// begin no `ClientHello`.
pub fn is_whole(received: &[u8]) -> bool {
    match received {
        [] => false,
        [HANDSHAKE, _, _, high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            length > LARGEST_RECORD || rest.len() >= length
        }
        [first, ..] => *first != HANDSHAKE,
    }
}

/// Whether the client names `h2` before `http/1.1`, or only it. `None` where it names neither, or
/// the message is not there as a whole in the first record: nobody splits it to whom it matters.
pub fn prefers_http2(received: &[u8]) -> Option<bool> {
    if received.len() < RECORD_HEAD || received[0] != HANDSHAKE || !is_whole(received) {
        return None;
    }
    let mut record = Reader(&received[3..]).counted(2)?;
    if record.number(1)? != usize::from(CLIENT_HELLO) {
        return None;
    }
    let mut hello = record.counted(3)?;
    // Version and random.
    hello.take(2 + 32)?;
    let _session = hello.counted(1)?;
    let _ciphers = hello.counted(2)?;
    let _compressions = hello.counted(1)?;
    let mut extensions = hello.counted(2)?;
    while let Some(kind) = extensions.number(2) {
        let mut extension = extensions.counted(2)?;
        if kind == ALPN {
            return first_known(extension.counted(2)?);
        }
    }
    None
}

fn first_known(mut protocols: Reader<'_>) -> Option<bool> {
    while let Some(Reader(protocol)) = protocols.counted(1) {
        match protocol {
            b"h2" => return Some(true),
            b"http/1.1" => return Some(false),
            _ => {}
        }
    }
    None
}

/// What is left to read. Every step is bounded by what is there.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes, the highest first.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        let digits = self.take(bytes)?;
        Some(
            digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
        )
    }

    /// What stands behind its own length.
    fn counted(&mut self, bytes: usize) -> Option<Self> {
        let length = self.number(bytes)?;
        self.take(length).map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use rustls::pki_types::ServerName;

    use super::*;
    use crate::config::TlsVersion;
    use crate::net::tls::{Trust, client_config};

    fn hello(protocols: &[&str]) -> Vec<u8> {
        let config = client_config(Trust::Anyone, None, TlsVersion::V13).expect("a config");
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("written");
        bytes
    }

    #[test]
    fn the_clients_order_is_read() {
        for (protocols, order) in [
            (&["h2", "http/1.1"][..], Some(true)),
            (&["http/1.1", "h2"], Some(false)),
            (&["h2"], Some(true)),
            (&["http/1.1"], Some(false)),
            (&["spdy/3", "http/1.1"], Some(false)),
            (&["spdy/3"], None),
            (&[], None),
        ] {
            assert_eq!(prefers_http2(&hello(protocols)), order, "{protocols:?}");
        }
    }

    #[test]
    fn a_part_of_a_hello_is_waited_for_and_tells_nothing() {
        let hello = hello(&["h2", "http/1.1"]);
        for length in 0..hello.len() {
            assert!(!is_whole(&hello[..length]), "{length}");
            assert_eq!(prefers_http2(&hello[..length]), None, "{length}");
        }
        assert!(is_whole(&hello));
        assert!(is_whole(b"G") && is_whole(&[22, 3, 1, 255, 255]));
    }

    #[test]
    fn a_hello_of_two_records_tells_nothing() {
        let whole = hello(&["h2", "http/1.1"]);
        let (first, second) = whole[RECORD_HEAD..].split_at(100);
        let mut split = Vec::new();
        for part in [first, second] {
            split.extend_from_slice(&whole[..3]);
            split.extend_from_slice(&(part.len() as u16).to_be_bytes());
            split.extend_from_slice(part);
        }
        assert!(is_whole(&split));
        assert_eq!(prefers_http2(&split), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (is_whole(&bytes), prefers_http2(&bytes));
        }

        #[test]
        fn a_hello_with_a_wrong_byte_is_answered(at in 0_usize..300, byte: u8) {
            let mut bytes = hello(&["h2", "http/1.1"]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = (is_whole(&bytes), prefers_http2(&bytes));
        }
    }
}
