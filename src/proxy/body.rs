//! How far one message's body has come: which bytes of a buffer belong to it, and when it ends.

use crate::http::{BodyFraming, ChunkScanner, ChunkStep, Rejection};
use crate::net::Buffer;

/// A body on its way through a buffer.
///
/// `[from, to)` of the buffer has been recognised as part of the body and waits to be passed on;
/// what lies behind `to` has not been looked at, or belongs to the next message once the body is
/// complete.
#[derive(Debug)]
pub(super) struct Body {
    coding: Coding,
    from: usize,
    to: usize,
}

#[derive(Debug)]
enum Coding {
    Ended,
    Length(u64),
    Chunked(ChunkScanner),
    /// Chunked from the backend, for a client that does not know the coding: data only.
    Decoded(ChunkScanner),
    UntilClose,
}

impl Body {
    /// A body framed as `framing`, whose first byte will stand at `start`.
    pub(super) fn new(framing: BodyFraming, start: usize) -> Self {
        let coding = match framing {
            BodyFraming::None | BodyFraming::Length(0) => Coding::Ended,
            BodyFraming::Length(length) => Coding::Length(length),
            BodyFraming::Chunked => Coding::Chunked(ChunkScanner::default()),
            BodyFraming::UntilClose => Coding::UntilClose,
        };
        Self {
            coding,
            from: start,
            to: start,
        }
    }

    /// The same, with the chunked coding taken off on the way.
    pub(super) fn decoded(framing: BodyFraming, start: usize) -> Self {
        match framing {
            BodyFraming::Chunked => {
                let coding = Coding::Decoded(ChunkScanner::default());
                Self {
                    coding,
                    from: start,
                    to: start,
                }
            }
            _ => Self::new(framing, start),
        }
    }

    /// Looks at the bytes that have arrived in `buffer` since the last call.
    ///
    /// # Errors
    /// The chunked coding is broken.
    pub(super) fn recognise(&mut self, buffer: &mut Buffer) -> Result<(), Rejection> {
        let arrived = &buffer.filled()[self.to..];
        match &mut self.coding {
            Coding::Ended => {}
            Coding::UntilClose => self.to += arrived.len(),
            Coding::Length(left) => {
                let taken =
                    usize::try_from(*left).map_or(arrived.len(), |left| left.min(arrived.len()));
                self.to += taken;
                *left -= taken as u64;
                if *left == 0 {
                    self.coding = Coding::Ended;
                }
            }
            Coding::Chunked(scanner) => {
                let scan = scanner.scan(arrived)?;
                self.to += scan.consumed;
                if scan.done {
                    self.coding = Coding::Ended;
                }
            }
            Coding::Decoded(scanner) => {
                let (kept, done) = strip(scanner, buffer, self.to)?;
                self.to = kept;
                if done {
                    self.coding = Coding::Ended;
                }
            }
        }
        Ok(())
    }

    /// The part of `buffer` that waits to be passed on.
    pub(super) fn pending<'a>(&self, buffer: &'a Buffer) -> &'a [u8] {
        &buffer.filled()[self.from..self.to]
    }

    /// Whether anything waits to be passed on.
    pub(super) fn is_pending(&self) -> bool {
        self.from < self.to
    }

    /// Counts `count` pending bytes as passed on.
    pub(super) fn passed(&mut self, count: usize) {
        self.from = (self.from + count).min(self.to);
    }

    /// Bytes still to come that are data whatever they are, so that they can pass unseen. Only what
    /// stands in the buffer already comes before them.
    pub(super) fn ahead(&self) -> u64 {
        match &self.coding {
            Coding::Ended => 0,
            Coding::Length(left) => *left,
            Coding::Chunked(scanner) | Coding::Decoded(scanner) => scanner.data_remaining(),
            Coding::UntilClose => u64::MAX,
        }
    }

    /// Counts `count` of the bytes [`Body::ahead`] as passed on by another way than the buffer.
    pub(super) fn skip(&mut self, count: u64) {
        match &mut self.coding {
            Coding::Length(left) => {
                *left = left.saturating_sub(count);
                if *left == 0 {
                    self.coding = Coding::Ended;
                }
            }
            Coding::Chunked(scanner) | Coding::Decoded(scanner) => scanner.data_passed(count),
            Coding::Ended | Coding::UntilClose => {}
        }
    }

    /// Whether the whole body has been recognised.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.coding, Coding::Ended)
    }

    /// The sender has closed. Returns whether that is how this body ends; else it was cut short.
    pub(super) fn end_of_file(&mut self) -> bool {
        if matches!(self.coding, Coding::UntilClose) {
            self.coding = Coding::Ended;
        }
        self.is_complete()
    }

    /// Where the next message begins, once this one is complete.
    pub(super) fn end(&self) -> usize {
        self.to
    }

    /// The buffer has lost its first `count` bytes, none of them of this body.
    pub(super) fn moved(&mut self, count: usize) {
        self.from -= count;
        self.to -= count;
    }

    /// Goes back to `start`, where the body began, to pass all of it on once more.
    pub(super) fn rewind(&mut self, start: usize) {
        self.from = start;
    }

    /// Empties `buffer` for the next read; only when nothing is pending and more is to come.
    pub(super) fn restart(&mut self, buffer: &mut Buffer) {
        debug_assert!(!self.is_pending() && self.to == buffer.len());
        buffer.clear();
        self.from = 0;
        self.to = 0;
    }
}

/// Moves the data of the chunks that begin at `from` together, over the framing between them.
/// Returns where the data ends now and whether the last chunk was seen; bytes behind the body are
/// kept right after it.
fn strip(
    scanner: &mut ChunkScanner,
    buffer: &mut Buffer,
    from: usize,
) -> Result<(usize, bool), Rejection> {
    let (mut read, mut write) = (from, from);
    let filled = buffer.filled_mut();
    let mut done = false;
    while read < filled.len() && !done {
        match scanner.step(&filled[read..])? {
            ChunkStep::NeedMore => break,
            ChunkStep::Framing(count) => read += count,
            ChunkStep::Data(count) => {
                filled.copy_within(read..read + count, write);
                read += count;
                write += count;
            }
            ChunkStep::End(count) => {
                read += count;
                done = true;
            }
        }
    }
    let rest = filled.len() - read;
    filled.copy_within(read.., write);
    buffer.truncate(write + rest);
    Ok((write, done))
}

#[cfg(test)]
mod tests {
    use super::Body;
    use crate::http::BodyFraming;
    use crate::net::Buffer;

    fn buffer_of(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::default();
        append(&mut buffer, bytes);
        buffer
    }

    fn append(buffer: &mut Buffer, bytes: &[u8]) {
        buffer.free()[..bytes.len()].copy_from_slice(bytes);
        buffer.advance(bytes.len());
    }

    #[test]
    fn a_length_ends_the_body_and_leaves_the_next_message_alone() {
        let mut buffer = buffer_of(b"headbodyNEXT");
        let mut body = Body::new(BodyFraming::Length(4), 4);
        body.recognise(&mut buffer).unwrap();
        assert_eq!(body.pending(&buffer), b"body");
        assert!(body.is_complete());
        assert_eq!(body.end(), 8);
    }

    #[test]
    fn a_chunked_body_passes_as_it_came() {
        let mut buffer = buffer_of(b"3\r\nabc\r\n0\r\n\r\nNEXT");
        let mut body = Body::new(BodyFraming::Chunked, 0);
        body.recognise(&mut buffer).unwrap();
        assert_eq!(body.pending(&buffer), b"3\r\nabc\r\n0\r\n\r\n");
        assert!(body.is_complete());
    }

    #[test]
    fn a_decoded_body_loses_its_framing_wherever_it_is_split() {
        let whole = b"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nA: b\r\n\r\n";
        for split in 0..=whole.len() {
            let mut buffer = buffer_of(b"head");
            let mut body = Body::decoded(BodyFraming::Chunked, 4);
            append(&mut buffer, &whole[..split]);
            body.recognise(&mut buffer).unwrap();
            append(&mut buffer, &whole[split..]);
            body.recognise(&mut buffer).unwrap();
            assert!(body.is_complete(), "split at {split}");
            assert_eq!(body.pending(&buffer), b"abcdefgh", "split at {split}");
        }
    }

    #[test]
    fn what_is_ahead_of_a_length_can_pass_unseen() {
        let mut buffer = buffer_of(b"head01234");
        let mut body = Body::new(BodyFraming::Length(20), 4);
        body.recognise(&mut buffer).unwrap();
        assert_eq!(body.ahead(), 15);
        body.passed(5);
        body.restart(&mut buffer);
        body.skip(14);
        assert_eq!((body.ahead(), body.is_complete()), (1, false));
        body.skip(1);
        assert_eq!((body.ahead(), body.is_complete()), (0, true));
        assert_eq!(body.end(), 0);
    }

    #[test]
    fn what_is_ahead_of_a_chunk_ends_with_its_data() {
        for coding in [Body::new, Body::decoded] {
            let mut buffer = buffer_of(b"10\r\n01234");
            let mut body = coding(BodyFraming::Chunked, 0);
            body.recognise(&mut buffer).unwrap();
            assert_eq!(body.ahead(), 11);
            body.passed(usize::MAX / 2);
            body.restart(&mut buffer);
            body.skip(11);
            assert_eq!((body.ahead(), body.is_complete()), (0, false));
            append(&mut buffer, b"\r\n1\r\n5\r\n0\r\n\r\nNEXT");
            body.recognise(&mut buffer).unwrap();
            assert!(body.is_complete());
            assert_eq!(&buffer.filled()[body.end()..], b"NEXT");
        }
    }

    #[test]
    fn nothing_is_ahead_of_a_chunk_header() {
        let mut buffer = buffer_of(b"10");
        let mut body = Body::new(BodyFraming::Chunked, 0);
        body.recognise(&mut buffer).unwrap();
        assert_eq!(body.ahead(), 0);
    }

    #[test]
    fn only_a_body_framed_by_the_close_may_end_with_it() {
        assert!(Body::new(BodyFraming::UntilClose, 0).end_of_file());
        assert!(!Body::new(BodyFraming::Length(1), 0).end_of_file());
        assert!(!Body::new(BodyFraming::Chunked, 0).end_of_file());
        assert!(Body::new(BodyFraming::None, 0).end_of_file());
    }
}
