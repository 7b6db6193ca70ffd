//! A stream for a library that wants tokio's traits. Between the two stand buffers of ours: few
//! large reads and writes instead of many small ones, and nothing while nothing moves.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Buffer, Spares, Stream};

/// The library's end. What it writes is sent by [`StreamPump::poll_send`], or when the buffer is
/// full; `poll_flush` alone sends nothing, so that all that comes out of one turn leaves at once.
#[derive(Debug)]
pub struct StreamIo(Rc<RefCell<Ends>>);

/// The owner's end of the same stream.
#[derive(Debug)]
pub struct StreamPump(Rc<RefCell<Ends>>);

#[derive(Debug)]
struct Ends {
    stream: Stream,
    spare: Rc<Spares>,
    inward: Option<Lent>,
    outward: Option<Lent>,
    received: u64,
}

/// A buffer, and how much at its beginning has been passed on.
#[derive(Debug)]
struct Lent {
    buffer: Buffer,
    passed: usize,
}

impl Lent {
    fn rest(&self) -> &[u8] {
        &self.buffer.filled()[self.passed..]
    }
}

impl StreamIo {
    /// Wraps a stream from which `read` has been read already. Buffers come from `spare`.
    pub fn new(stream: Stream, read: &[u8], spare: Rc<Spares>) -> (Self, StreamPump) {
        let mut ends = Ends {
            stream,
            spare,
            inward: None,
            outward: None,
            received: read.len() as u64,
        };
        if !read.is_empty() {
            let mut buffer = ends.spare.take();
            buffer.append(read);
            ends.inward = Some(Lent { buffer, passed: 0 });
        }
        let shared = Rc::new(RefCell::new(ends));
        (Self(Rc::clone(&shared)), StreamPump(shared))
    }
}

impl StreamPump {
    /// Sends what was written. Ready when all of it is with the kernel.
    pub fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_send(context)
    }

    /// Bytes received so far.
    pub fn received(&self) -> u64 {
        self.0.borrow().received
    }
}

impl Ends {
    /// Fills the inward buffer, if it is empty; ready with `false` at the end of the stream.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.inward.is_some() {
            return Poll::Ready(Ok(true));
        }
        // A buffer is taken when there is something for it.
        ready!(self.stream.poll_readable(context))?;
        let mut buffer = self.spare.take();
        let read = self.stream.poll_read(context, &mut buffer);
        if let Poll::Ready(Ok(count @ 1..)) = read {
            self.received += count as u64;
            self.inward = Some(Lent { buffer, passed: 0 });
            return Poll::Ready(Ok(true));
        }
        self.spare.put(buffer);
        read.map_ok(|_| false)
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(lent) = &mut self.outward {
            if let rest @ [_, ..] = lent.rest() {
                let count = ready!(self.stream.poll_write(context, rest, &[]))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                lent.passed += count;
            } else if let Some(lent) = self.outward.take() {
                self.spare.put(lent.buffer);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what there is room for, making room only when there is none.
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if pieces.iter().all(|piece| piece.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if self
            .outward
            .as_ref()
            .is_some_and(|lent| lent.buffer.is_full())
        {
            ready!(self.poll_send(context))?;
        }
        let buffer = match &mut self.outward {
            Some(lent) => &mut lent.buffer,
            none => {
                let buffer = self.spare.take();
                &mut none.insert(Lent { buffer, passed: 0 }).buffer
            }
        };
        Poll::Ready(Ok(pieces.iter().map(|piece| buffer.append(piece)).sum()))
    }
}

impl AsyncRead for StreamIo {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut ends = self.0.borrow_mut();
        if !ready!(ends.poll_receive(context))? {
            return Poll::Ready(Ok(()));
        }
        if let Some(lent) = &mut ends.inward {
            let rest = lent.rest();
            let count = rest.len().min(target.remaining());
            target.put_slice(&rest[..count]);
            lent.passed += count;
        }
        if let Some(lent) = ends.inward.take_if(|lent| lent.rest().is_empty()) {
            ends.spare.put(lent.buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StreamIo {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let pieces = [IoSlice::new(bytes)];
        self.0.borrow_mut().poll_take(context, &pieces)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_take(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.0.borrow_mut();
        ready!(ends.poll_send(context))?;
        ends.stream.poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::StreamIo;
    use crate::net::{BUFFER_SIZE, Spares, Stream};

    async fn pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (Stream::plain(near.unwrap()), far.unwrap().0)
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first() {
        let (near, mut far) = pair().await;
        let (mut io, pump) = StreamIo::new(near, b"first ", Rc::new(Spares::keeping(1)));
        far.write_all(b"second").await.unwrap();
        let mut all = [0; 12];
        io.read_exact(&mut all).await.unwrap();
        assert_eq!(&all, b"first second");
        assert_eq!(pump.received(), 12);
        drop(far);
        assert_eq!(io.read(&mut all).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn nothing_is_sent_before_it_is_asked_for() {
        let (near, mut far) = pair().await;
        let (mut io, pump) = StreamIo::new(near, b"", Rc::new(Spares::keeping(1)));
        io.write_all(b"one ").await.unwrap();
        io.flush().await.unwrap();
        io.write_all(b"two").await.unwrap();
        let mut seen = [0; 16];
        let early = tokio::time::timeout(Duration::from_millis(20), far.read(&mut seen)).await;
        assert!(early.is_err());
        std::future::poll_fn(|context| pump.poll_send(context))
            .await
            .unwrap();
        assert_eq!(far.read(&mut seen).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_sent_meanwhile() {
        let (near, mut far) = pair().await;
        let (mut io, _) = StreamIo::new(near, b"", Rc::new(Spares::keeping(1)));
        let sent: Vec<u8> = (0..5 * BUFFER_SIZE).map(|at| (at % 251) as u8).collect();
        let writing = async {
            io.write_all(&sent).await.unwrap();
            io.shutdown().await.unwrap();
        };
        let mut all = Vec::new();
        let ((), read) = tokio::join!(writing, far.read_to_end(&mut all));
        read.unwrap();
        assert!(all == sent);
    }
}
