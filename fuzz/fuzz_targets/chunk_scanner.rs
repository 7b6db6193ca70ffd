//! A chunked body scans the same in two pieces as at once, and every byte is counted once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sidekick::http::{ChunkScanner, ChunkStep, Rejection};

/// Bytes used and bytes of data, whether the body ended, or the rule broken.
fn walk(pieces: &[&[u8]]) -> Result<(usize, usize, bool), Rejection> {
    let mut scanner = ChunkScanner::default();
    let (mut used, mut data) = (0, 0);
    for piece in pieces {
        let mut rest = *piece;
        while !scanner.is_done() {
            let count = match scanner.step(rest)? {
                ChunkStep::NeedMore => break,
                ChunkStep::Data(count) => {
                    data += count;
                    count
                }
                ChunkStep::Framing(count) | ChunkStep::End(count) => count,
            };
            assert!(count > 0);
            used += count;
            rest = &rest[count..];
        }
    }
    Ok((used, data, scanner.is_done()))
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut) % (bytes.len() + 1);
    let at_once = walk(&[bytes]);
    assert_eq!(at_once, walk(&[&bytes[..cut], &bytes[cut..]]));
    let scan = ChunkScanner::default().scan(bytes);
    let scanned = scan.map(|scan| (scan.consumed, scan.data as usize, scan.done));
    assert_eq!(at_once, scanned);
});
