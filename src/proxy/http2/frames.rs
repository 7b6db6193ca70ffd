//! What a client sends, seen frame by frame: whether it owes the rest of a request head, and how
//! much has nothing to do with any message. The library keeps both to itself.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::StreamIo;

/// Bytes of what stands before a frame (RFC 9113 §4.1).
const FRAME_HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows frames through any pieces they arrive in.
#[derive(Debug)]
pub(super) struct FrameWatch {
    /// Bytes to come that are looked at no closer: the preface, then the rest of a frame.
    skip: usize,
    head: [u8; FRAME_HEAD],
    head_len: usize,
    /// Whether the fields of a request go on in the next frame.
    continues: bool,
    /// Whether the frame that is passed over is one of fields.
    in_fields: bool,
    /// Request heads so far.
    begun: u64,
    chatter: u64,
}

impl FrameWatch {
    /// At the start of a connection that begins with so many bytes of preface.
    pub(super) fn new(preface: usize) -> Self {
        Self {
            skip: preface,
            head: [0; FRAME_HEAD],
            head_len: 0,
            continues: false,
            in_fields: false,
            begun: 0,
            chatter: 0,
        }
    }

    /// Passes over the bytes that have arrived.
    pub(super) fn observe(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip > 0 {
                return;
            }
            self.in_fields = false;
            let wanted = (FRAME_HEAD - self.head_len).min(bytes.len());
            self.head[self.head_len..self.head_len + wanted].copy_from_slice(&bytes[..wanted]);
            self.head_len += wanted;
            bytes = &bytes[wanted..];
            if self.head_len == FRAME_HEAD {
                self.begin_frame();
            }
        }
    }

    fn begin_frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        self.head_len = 0;
        self.in_fields = matches!(kind, HEADERS | CONTINUATION);
        if kind == HEADERS {
            self.begun += 1;
        }
        if self.skip == 0 || !matches!(kind, DATA | HEADERS | CONTINUATION) {
            self.chatter += (FRAME_HEAD + self.skip) as u64;
        }
        if self.in_fields {
            self.continues = flags & END_HEADERS == 0;
        }
    }

    /// The number of the request head that has begun and is not complete, or of the frame of which
    /// less than its beginning is there.
    pub(super) fn open_head(&self) -> Option<u64> {
        let open = self.continues || (self.in_fields && self.skip > 0) || self.head_len > 0;
        open.then_some(self.begun)
    }

    /// Bytes of frames that carry nothing of a message: settings, pings, priorities, windows, resets,
    /// unknown ones, and empty ones of any kind.
    pub(super) fn chatter(&self) -> u64 {
        self.chatter
    }
}

/// What a connection's owner sees of the frames.
#[derive(Debug, Default)]
pub(super) struct Seen {
    open_head: Cell<Option<u64>>,
    chatter: Cell<u64>,
}

impl Seen {
    /// As [`FrameWatch::open_head`].
    pub(super) fn open_head(&self) -> Option<u64> {
        self.open_head.get()
    }

    /// As [`FrameWatch::chatter`].
    pub(super) fn chatter(&self) -> u64 {
        self.chatter.get()
    }
}

/// The library's end of a stream, watched.
#[derive(Debug)]
pub(super) struct WatchedIo {
    io: StreamIo,
    watch: FrameWatch,
    seen: Rc<Seen>,
}

impl WatchedIo {
    /// The stream, which begins with so many bytes of preface, and what will be seen of it.
    pub(super) fn new(io: StreamIo, preface: usize) -> (Self, Rc<Seen>) {
        let seen = Rc::default();
        let watched = Self {
            io,
            watch: FrameWatch::new(preface),
            seen: Rc::clone(&seen),
        };
        (watched, seen)
    }
}

impl AsyncRead for WatchedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = target.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, target))?;
        self.watch.observe(&target.filled()[before..]);
        self.seen.open_head.set(self.watch.open_head());
        self.seen.chatter.set(self.watch.chatter());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WatchedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::FrameWatch;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.extend(vec![b'x'; length.into()]);
        frame
    }

    /// Where heads are open in a stream that comes byte by byte behind a preface of two.
    fn open_at(bytes: &[u8]) -> Vec<Option<u64>> {
        let mut watch = FrameWatch::new(2);
        watch.observe(b"PR");
        let states = bytes.iter().map(|byte| {
            watch.observe(&[*byte]);
            watch.open_head()
        });
        states.collect()
    }

    #[test]
    fn a_head_is_open_until_its_last_frame_is_complete() {
        let stream = [frame(1, 0, 3), frame(9, 0, 0), frame(9, 4, 2)].concat();
        let states = open_at(&stream);
        let (last, before) = states.split_last().unwrap();
        assert!(before.iter().all(Option::is_some), "{states:?}");
        assert_eq!(*last, None);
    }

    #[test]
    fn data_that_is_on_its_way_is_no_open_head() {
        let states = open_at(&frame(0, 0, 5));
        assert!(states[..8].iter().all(Option::is_some));
        assert!(states[8..].iter().all(Option::is_none), "{states:?}");
    }

    #[test]
    fn only_what_carries_nothing_is_chatter() {
        let mut watch = FrameWatch::new(0);
        watch.observe(&[frame(0, 0, 200), frame(1, 4, 3), frame(9, 4, 2)].concat());
        assert_eq!(watch.chatter(), 0);
        watch.observe(&[frame(0, 0, 0), frame(6, 0, 8), frame(200, 0, 11)].concat());
        assert_eq!(watch.chatter(), 9 + 17 + 20);
    }

    #[test]
    fn each_head_has_a_number() {
        let one = frame(1, 4, 3);
        let states = open_at(&[one.clone(), one].concat());
        assert_eq!(states[9..12], [Some(1), Some(1), None]);
        assert_eq!(states[21..24], [Some(2), Some(2), None]);
    }

    #[test]
    fn any_split_tells_the_same() {
        let stream = [
            frame(4, 0, 6),
            frame(1, 0, 9),
            frame(9, 4, 1),
            frame(0, 1, 30),
        ]
        .concat();
        let expected = open_at(&stream);
        for split in 1..stream.len() {
            let mut watch = FrameWatch::new(0);
            watch.observe(&stream[..split]);
            assert_eq!(watch.open_head(), expected[split - 1], "{split}");
            watch.observe(&stream[split..]);
            assert_eq!(watch.open_head(), None, "{split}");
        }
    }
}
