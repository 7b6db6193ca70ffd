//! A connection to a peer, as the rest of the program sees it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::writev;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::{AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::{Buffer, LentPipe};
use crate::sys;

/// A byte stream to a peer. Polling never blocks; a task that got `Pending` is woken later.
#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    dialed: Option<SocketAddr>,
}

impl Stream {
    /// Wraps a connected socket. Socket options are set as far as the kernel allows.
    pub fn plain(tcp: TcpStream) -> Self {
        // Without them the connection is slower, not wrong.
        let _ = sys::tune(&tcp);
        Self { tcp, dialed: None }
    }

    /// The same for a socket that we connected to `address`.
    pub(super) fn dialed(tcp: TcpStream, address: SocketAddr) -> Self {
        Self {
            dialed: Some(address),
            ..Self::plain(tcp)
        }
    }

    /// The address that we connected to; none when the peer came to us.
    pub fn address(&self) -> Option<SocketAddr> {
        self.dialed
    }

    /// Reads what is there into the free part of `buffer` and returns the count; 0 is end of file.
    ///
    /// A full buffer reads nothing and stays pending without a wake: callers ask only with room.
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<usize>> {
        self.poll_read_some(context, buffer, usize::MAX)
    }

    /// The same, and no more than `most` bytes.
    pub fn poll_read_some(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let len = buffer.free().len().min(most);
        debug_assert!(len > 0, "read without room");
        let read = self.poll_transfer(context, Interest::READABLE, len, |tcp| {
            let (count, _) = recv(tcp, &mut buffer.free()[..len], RecvFlags::empty())?;
            Ok(count)
        });
        if let Poll::Ready(Ok(count)) = read {
            buffer.advance(count);
        }
        read
    }

    /// Writes from `first`, then `second`, in one call; returns how many bytes were taken.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = first.len() + second.len();
        self.poll_transfer(context, Interest::WRITABLE, len, |tcp| {
            Ok(match (first, second) {
                (one, []) | ([], one) => send(tcp, one, SendFlags::NOSIGNAL)?,
                _ => writev(tcp, &[IoSlice::new(first), IoSlice::new(second)])?,
            })
        })
    }

    /// Waits until the socket is ready for a transfer of `len` bytes and tries it.
    ///
    /// The calls go to the kernel directly: the C library's are cancellation points, which costs
    /// more than the rest of what this process does for a small transfer.
    fn poll_transfer(
        &self,
        context: &mut Context<'_>,
        interest: Interest,
        len: usize,
        mut call: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(if interest.is_readable() {
                self.tcp.poll_read_ready(context)
            } else {
                self.tcp.poll_write_ready(context)
            })?;
            let mut moved = None;
            let result = self.tcp.try_io(interest, || {
                let count = call(&self.tcp)?;
                moved = Some(count);
                // Less than was asked for is all there was. Saying so here spares the next one the
                // call that would find nothing.
                if (1..len).contains(&count) {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(count)
            });
            match moved {
                Some(count) => return Poll::Ready(Ok(count)),
                None if would_block(&result) => {}
                None => return Poll::Ready(result),
            }
        }
    }

    /// Whether bytes can pass through a pipe, unseen: [`Stream::poll_fill`], [`Stream::poll_drain`].
    pub fn can_splice(&self) -> bool {
        true
    }

    /// Takes at most `most` bytes into an empty pipe, without copying them, and returns the count;
    /// 0 is end of file.
    pub fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
        most: u64,
    ) -> Poll<io::Result<usize>> {
        let most = usize::try_from(most).map_or(lent.capacity, |most| most.min(lent.capacity));
        loop {
            ready!(self.tcp.poll_read_ready(context))?;
            let filled = self
                .tcp
                .try_io(Interest::READABLE, || lent.pipe.fill(&self.tcp, most));
            if !would_block(&filled) {
                return Poll::Ready(filled);
            }
        }
    }

    /// Sends what is in the pipe, without copying it; returns how many bytes were taken.
    pub fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        let len = lent.pipe.len();
        self.poll_transfer(context, Interest::WRITABLE, len, |tcp| lent.pipe.drain(tcp))
    }

    /// Waits until a read would return something: bytes, end of file or an error.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp.poll_read_ready(context)
    }

    /// Ready when something has happened on a connection from which nothing is expected: with
    /// `true` when it is broken, with `false` when bytes or an end of file have arrived.
    pub fn poll_broken(&self, context: &mut Context<'_>) -> Poll<bool> {
        let mut first = [0];
        self.tcp
            .poll_peek(context, &mut ReadBuf::new(&mut first))
            .map(|peeked| peeked.is_err())
    }

    /// As [`Stream::is_idle`], asking the kernel itself: what has arrived a moment ago, and was not
    /// reported yet, counts too.
    pub fn is_idle_now(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = recv(&self.tcp, &mut [0; 1][..], flags);
        peeked.is_err_and(|error| error == rustix::io::Errno::AGAIN)
    }

    /// Ends our side; the peer can still send.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }

    /// Whether an idle connection can still be used: nothing has arrived on it, no end of file
    /// and no error. Costs a system call only when the kernel has reported something.
    pub fn is_idle(&self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match self.tcp.poll_read_ready(&mut context) {
            Poll::Pending => true,
            Poll::Ready(Err(_)) => false,
            Poll::Ready(Ok(())) => {
                let unsaid = self.tcp.try_read(&mut [0]);
                unsaid.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
        }
    }

    /// Closes with a reset, so that the peer can't take it for a clean end.
    pub fn reset(self) {
        sys::reset_on_close(&self.tcp);
    }
}

/// The readiness that was believed in is over; asking for it again registers the task.
fn would_block(result: &io::Result<usize>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
