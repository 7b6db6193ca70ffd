//! A connected TCP socket: transfers that wait for readiness and then ask the kernel directly.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use rustix::io::{Errno, writev};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::{AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::LentPipe;
use crate::sys;

/// The bytes of a connection as the kernel has them.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
}

/// What the kernel has for us when asked outright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// Nothing, and the connection is open.
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// An end of file or an error.
    End,
}

impl Socket {
    /// Wraps a connected socket. Options are set as far as the kernel allows.
    pub(super) fn new(tcp: TcpStream) -> Self {
        // Without them the connection is slower, not wrong.
        let _ = sys::tune(&tcp);
        Self { tcp }
    }

    /// Receives what is there into `free` and returns the count; 0 is end of file.
    pub(super) fn poll_recv(
        &self,
        context: &mut Context<'_>,
        free: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let len = free.len();
        debug_assert!(len > 0, "read without room");
        self.poll_transfer(context, Interest::READABLE, len, |tcp| {
            let (count, _) = recv(tcp, &mut *free, RecvFlags::empty())?;
            Ok(count)
        })
    }

    /// Sends from `first`, then `second`, in one call; returns how many bytes were taken.
    pub(super) fn poll_send(
        &self,
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

    /// Takes at most `most` bytes into an empty pipe, without copying them, and returns the count;
    /// 0 is end of file.
    pub(super) fn poll_fill(
        &self,
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
    pub(super) fn poll_drain(
        &self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        let len = lent.pipe.len();
        self.poll_transfer(context, Interest::WRITABLE, len, |tcp| lent.pipe.drain(tcp))
    }

    /// Waits until a read would return something: bytes, end of file or an error.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp.poll_read_ready(context)
    }

    /// Waits until there is something to be read, without taking it.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn poll_peek(&self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.tcp
            .poll_peek(context, &mut ReadBuf::new(&mut [0; 1][..]))
    }

    /// Whether nothing has been reported since the last read: what has arrived is looked at only
    /// then, and costs a system call.
    pub(super) fn is_silent(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match self.tcp.poll_read_ready(&mut context) {
            Poll::Pending => true,
            Poll::Ready(Err(_)) => false,
            Poll::Ready(Ok(())) => {
                let unsaid = self.tcp.try_read(&mut [0]);
                unsaid.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
        }
    }

    /// Whether the kernel itself has nothing for us, reported or not.
    pub(super) fn is_silent_now(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(&self.tcp, &mut [0; 1][..], flags).is_err_and(|error| error == Errno::AGAIN)
    }

    /// Takes what the kernel has, reported or not.
    pub(super) fn receive_now(&self, free: &mut [u8]) -> Arrived {
        match recv(&self.tcp, free, RecvFlags::DONTWAIT) {
            Ok((count @ 1.., _)) => Arrived::Bytes(count),
            Err(Errno::AGAIN) => Arrived::Nothing,
            Ok(_) | Err(_) => Arrived::End,
        }
    }

    /// Sends what the kernel takes at once; of the rest nobody hears.
    pub(super) fn send_now(&self, bytes: &[u8]) {
        let _ = send(&self.tcp, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }

    /// Ends our side; the peer can still send.
    pub(super) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }

    /// Makes the close a reset, so that the peer can't take it for a clean end.
    pub(super) fn reset_on_close(&self) {
        sys::reset_on_close(&self.tcp);
    }
}

/// The readiness that was believed in is over; asking for it again registers the task.
fn would_block(result: &io::Result<usize>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
