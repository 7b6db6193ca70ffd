//! A connection to a peer, as the rest of the program sees it.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use super::socket::Socket;
use super::tls::Session;
use super::{Buffer, LentPipe};

/// A byte stream to a peer, in clear text or by TLS. Polling never blocks; a task that got
/// `Pending` is woken later.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    /// Boxed: connections in clear text have no room for it.
    tls: Option<Box<Session>>,
    dialed: Option<Dialed>,
}

/// Where a connection of ours leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialed {
    pub(super) address: SocketAddr,
    /// Which of the identities that followed each other was shown and which trust applied.
    pub(super) generation: u64,
}

impl Stream {
    /// Wraps a connected socket. Socket options are set as far as the kernel allows.
    pub fn plain(tcp: TcpStream) -> Self {
        Self::over(Socket::new(tcp))
    }

    pub(super) fn over(socket: Socket) -> Self {
        Self {
            socket,
            tls: None,
            dialed: None,
        }
    }

    /// The bytes inside a TLS session that is established.
    pub(super) fn secured(socket: Socket, session: Session) -> Self {
        Self {
            tls: Some(Box::new(session)),
            ..Self::over(socket)
        }
    }

    /// The same for a socket that we connected.
    pub(super) fn dialed(self, dialed: Dialed) -> Self {
        Self {
            dialed: Some(dialed),
            ..self
        }
    }

    /// The address that we connected to; none when the peer came to us.
    pub fn address(&self) -> Option<SocketAddr> {
        self.dialed.map(|dialed| dialed.address)
    }

    /// What [`TlsConnector::generation`] said when we connected; zero in clear text.
    ///
    /// [`TlsConnector::generation`]: super::tls::TlsConnector::generation
    pub fn generation(&self) -> u64 {
        self.dialed.map_or(0, |dialed| dialed.generation)
    }

    /// Whether the peer sees TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether both sides agreed on HTTP/2 when they shook hands (RFC 7301, `h2`).
    pub fn is_http2(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_http2())
    }

    /// Whether bytes can pass between this connection and a pipe unseen.
    pub fn can_splice(&self) -> bool {
        self.tls.is_none()
    }

    /// Reads what is there into the free part of `buffer` and returns the count; 0 is end of file.
    ///
    /// A full buffer reads nothing and stays pending without a wake: callers ask only with room.
    ///
    /// # Errors
    /// The connection broke, or its TLS did. An end of file without TLS's own goodbye is
    /// [`io::ErrorKind::UnexpectedEof`] (RFC 8446 §6.1): what came may have been cut short.
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
        let free = &mut buffer.free()[..len];
        let read = match &mut self.tls {
            None => self.socket.poll_recv(context, free),
            Some(tls) => tls.poll_read(&self.socket, context, free),
        };
        if let Poll::Ready(Ok(count)) = read {
            buffer.advance(count);
        }
        read
    }

    /// Writes from `first`, then `second`, in one call; returns how many bytes were taken.
    ///
    /// After `Pending` the same bytes have to be presented again, and more may follow them: of TLS
    /// some may have been encrypted already. See [`Stream::forget_pending_write`].
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.tls {
            None => self.socket.poll_send(context, first, second),
            Some(tls) => tls.poll_write(&self.socket, context, first, second),
        }
    }

    /// Says that the next write is of other bytes than the last one was, if that was pending.
    pub fn forget_pending_write(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.forget_pending_write();
        }
    }

    /// Takes at most `most` bytes into an empty pipe, without copying them, and returns the count;
    /// 0 is end of file. Only where [`Stream::can_splice`].
    pub fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
        most: u64,
    ) -> Poll<io::Result<usize>> {
        debug_assert!(self.can_splice(), "a pipe cannot decrypt");
        self.socket.poll_fill(context, lent, most)
    }

    /// Sends what is in the pipe, without copying it; returns how many bytes were taken. Only where
    /// [`Stream::can_splice`].
    pub fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        lent: &mut LentPipe,
    ) -> Poll<io::Result<usize>> {
        debug_assert!(self.can_splice(), "a pipe cannot encrypt");
        self.socket.poll_drain(context, lent)
    }

    /// Waits until a read would return something: bytes, end of file or an error.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.tls {
            Some(tls) if tls.has_something() => Poll::Ready(Ok(())),
            _ => self.socket.poll_readable(context),
        }
    }

    /// Ready when something has happened on a connection from which nothing is expected: with
    /// `true` when it is broken, with `false` when bytes or an end of file have arrived.
    pub fn poll_broken(&self, context: &mut Context<'_>) -> Poll<bool> {
        self.socket.poll_peek(context).map(|peeked| peeked.is_err())
    }

    /// Whether an idle connection can still be used: nothing has arrived on it, no end of file
    /// and no error. Costs a system call only when the kernel has reported something.
    pub fn is_idle(&mut self) -> bool {
        match &mut self.tls {
            None => self.socket.is_silent(),
            Some(tls) => tls.is_idle(&self.socket),
        }
    }

    /// As [`Stream::is_idle`], asking the kernel itself: what has arrived a moment ago, and was not
    /// reported yet, counts too.
    pub fn is_idle_now(&mut self) -> bool {
        match &mut self.tls {
            None => self.socket.is_silent_now(),
            Some(tls) => tls.is_idle_now(&self.socket),
        }
    }

    /// Ends our side; the peer can still send.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(tls) = &mut self.tls {
            match tls.poll_goodbye(&self.socket, context) {
                Poll::Ready(Ok(())) => {}
                unfinished => return unfinished,
            }
        }
        self.socket.poll_shutdown(context)
    }

    /// Says, as far as the kernel takes it at once, that what was sent is whole; to be called before
    /// the connection is dropped.
    pub fn say_goodbye(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.say_goodbye(&self.socket);
        }
    }

    /// Whether TLS has a buffer in use.
    #[cfg(test)]
    pub(super) fn holds_buffers(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.holds_buffers())
    }

    /// Makes the close a reset, so that the peer can't take it for a clean end.
    pub fn reset_on_close(&self) {
        self.socket.reset_on_close();
    }
}
