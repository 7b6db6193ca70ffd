//! TLS over one socket, in the worker's own buffers.
//!
//! rustls is used without buffers of its own: what arrives is received in large pieces and
//! decrypted where it lies, what leaves is encrypted for one large send. A connection that is idle
//! holds neither buffer.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::records::{Connection, Step, Wish};
use crate::net::socket::{Arrived, Socket};
use crate::net::{Buffer, Spares};

/// Bytes before the length of a record, and with it (RFC 8446 §5.1).
const HEADER: usize = 5;
/// The largest plaintext of a record: with so much room for it, none has to wait in the queue.
const LARGEST_RECORD: usize = 16 << 10;

/// One TLS connection.
#[derive(Debug)]
pub(in crate::net) struct Session {
    connection: Connection,
    spares: Rc<Spares>,
    /// What has arrived, from `used` on still encrypted.
    incoming: Option<Buffer>,
    used: usize,
    /// Whether any of it has not been looked at: else all that is there is not enough.
    untried: bool,
    /// Encrypted, and not sent yet.
    outgoing: Option<Buffer>,
    sent: usize,
    /// How many bytes of a writer's are in `outgoing`: it hears of them when they have been sent.
    owed: usize,
    /// Decrypted, and not read yet; of the first one, `taken` bytes have been.
    plaintext: VecDeque<Vec<u8>>,
    taken: usize,
    /// The peer has said that nothing more comes.
    peer_closed: bool,
    goodbye: bool,
    failed: bool,
}

impl Session {
    /// A connection on which nothing was sent yet; `arrived` is what the peer has said already.
    pub(super) fn new(connection: Connection, spares: Rc<Spares>, arrived: Option<Buffer>) -> Self {
        Self {
            connection,
            spares,
            incoming: arrived,
            used: 0,
            untried: true,
            outgoing: None,
            sent: 0,
            owed: 0,
            plaintext: VecDeque::new(),
            taken: 0,
            peer_closed: false,
            goodbye: false,
            failed: false,
        }
    }

    /// Whether both sides agreed on HTTP/2.
    pub(in crate::net) fn is_http2(&self) -> bool {
        self.connection.protocol() == Some(b"h2")
    }

    /// Goes on with the handshake as far as what has arrived allows. Returns whether nothing more
    /// has to come: what there is to say then waits to be flushed.
    ///
    /// # Errors
    /// The peer closed, or one side refuses the other. It is told why, as far as the kernel takes
    /// it at once.
    pub(super) fn go_on_shaking(&mut self, socket: &Socket) -> io::Result<bool> {
        loop {
            match self.step(Wish::Read(&mut []), socket)? {
                Step::NeedMore(still_shaking) => return Ok(!still_shaking),
                Step::PeerClosed | Step::Closed => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                // Application data on the heels of the handshake waits in the queue.
                Step::Read(_) | Step::Written(_) | Step::Again => {}
            }
        }
    }

    /// As [`Stream::poll_read`](crate::net::Stream::poll_read).
    pub(in crate::net) fn poll_read(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
        free: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = self.take_plaintext(free);
        loop {
            let is_enough = free.len() - read < LARGEST_RECORD || !self.has_record();
            if self.peer_closed || read > 0 && is_enough {
                self.spare_idle_buffers();
                return Poll::Ready(Ok(read));
            }
            match self.step(Wish::Read(&mut free[read..]), socket)? {
                Step::Read(count) => read += count,
                Step::PeerClosed | Step::Closed => self.peer_closed = true,
                Step::NeedMore(_) if read == 0 => {
                    // An answer of TLS's own may wait to be sent. Neither that nor its failure keeps us
                    // from reading: what the peer said before it went away is still there.
                    let _ = self.poll_flush(socket, context);
                    match self.poll_receive(socket, context) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => {
                            self.spare_idle_buffers();
                            return Poll::Pending;
                        }
                    }
                }
                Step::NeedMore(_) | Step::Written(_) | Step::Again => {}
            }
        }
    }

    /// As [`Stream::poll_write`](crate::net::Stream::poll_write): bytes count as taken when the
    /// kernel has all that they were encrypted to.
    pub(in crate::net) fn poll_write(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_flush(socket, context))?;
            if self.owed > 0 {
                debug_assert!(self.owed <= first.len() + second.len(), "other bytes");
                return Poll::Ready(Ok(std::mem::take(&mut self.owed)));
            }
            if first.is_empty() && second.is_empty() {
                return Poll::Ready(Ok(0));
            }
            match self.step(Wish::Write(first, second), socket)? {
                Step::Written(count) => self.owed = count,
                Step::PeerClosed => self.peer_closed = true,
                Step::Read(_) | Step::Again => {}
                Step::NeedMore(_) | Step::Closed => {
                    return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
                }
            }
        }
    }

    /// The next write is of other bytes than the last one, which was pending: what was encrypted of
    /// those leaves all the same, before what comes now.
    pub(in crate::net) fn forget_pending_write(&mut self) {
        self.owed = 0;
    }

    /// Sends the goodbye.
    pub(in crate::net) fn poll_goodbye(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.queue_goodbye(socket);
        self.poll_flush(socket, context)
    }

    /// Sends the goodbye if the kernel takes it at once.
    pub(in crate::net) fn say_goodbye(&mut self, socket: &Socket) {
        self.queue_goodbye(socket);
        self.send_now(socket);
    }

    fn queue_goodbye(&mut self, socket: &Socket) {
        while !self.goodbye {
            match self.step(Wish::Goodbye, socket) {
                Ok(Step::Read(_) | Step::Again | Step::PeerClosed) => {}
                // Nobody is left to say it to, or it is said.
                Ok(Step::Written(_) | Step::NeedMore(_) | Step::Closed) | Err(_) => {
                    self.goodbye = true;
                }
            }
        }
    }

    /// Whether a read would return something without asking the socket.
    pub(in crate::net) fn has_something(&self) -> bool {
        !self.plaintext.is_empty() || self.peer_closed || self.untried && self.has_record()
    }

    #[cfg(test)]
    pub(in crate::net) fn holds_buffers(&self) -> bool {
        self.incoming.is_some() || self.outgoing.is_some()
    }

    /// As [`Stream::is_idle`](crate::net::Stream::is_idle). What arrives on an idle connection may
    /// be TLS's own: tickets to come back with, new keys.
    pub(in crate::net) fn is_idle(&mut self, socket: &Socket) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        while self.is_quiet(socket) {
            match self.poll_receive(socket, &mut context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return false,
                Poll::Pending => {
                    self.spare_idle_buffers();
                    return true;
                }
            }
        }
        false
    }

    /// The same, asking the kernel itself.
    pub(in crate::net) fn is_idle_now(&mut self, socket: &Socket) -> bool {
        while self.is_quiet(socket) {
            let incoming = self.room_for_more();
            match socket.receive_now(incoming.free()) {
                Arrived::Bytes(count) => {
                    incoming.advance(count);
                    self.untried = true;
                }
                Arrived::End => return false,
                Arrived::Nothing => {
                    self.spare_idle_buffers();
                    return true;
                }
            }
        }
        false
    }

    /// Whether nothing of what has arrived so far is for the reader.
    fn is_quiet(&mut self, socket: &Socket) -> bool {
        loop {
            if self.peer_closed || !self.plaintext.is_empty() {
                return false;
            }
            match self.step(Wish::Read(&mut []), socket) {
                Ok(Step::NeedMore(_)) => return true,
                Ok(Step::PeerClosed | Step::Closed) => self.peer_closed = true,
                Ok(Step::Read(_) | Step::Written(_) | Step::Again) => {}
                Err(_) => return false,
            }
        }
    }

    /// One step of the connection. A failure is told to the peer, and is ours to pass on; after it
    /// there are no more steps.
    fn step(&mut self, wish: Wish<'_>, socket: &Socket) -> io::Result<Step> {
        if self.failed {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let step = self.advance(wish);
        if let Ok(Step::NeedMore(_)) = step {
            self.untried = false;
        }
        step.map_err(|error| {
            self.failed = true;
            // This step brings out the alert that says why.
            let _ = self.advance(Wish::Read(&mut []));
            self.send_now(socket);
            io::Error::new(io::ErrorKind::InvalidData, self.connection.describe(&error))
        })
    }

    fn advance(&mut self, wish: Wish<'_>) -> Result<Step, rustls::Error> {
        let outgoing = self.outgoing.get_or_insert_with(|| self.spares.take());
        let arrived = match &mut self.incoming {
            Some(incoming) => &mut incoming.filled_mut()[self.used..],
            None => &mut [],
        };
        let (step, used) = self
            .connection
            .step(arrived, outgoing, &mut self.plaintext, wish);
        self.used += used;
        step
    }

    fn send_now(&mut self, socket: &Socket) {
        if let Some(outgoing) = &self.outgoing {
            socket.send_now(&outgoing.filled()[self.sent..]);
        }
    }

    /// Copies what was decrypted before there was a reader for it.
    fn take_plaintext(&mut self, free: &mut [u8]) -> usize {
        let mut read = 0;
        while let Some(first) = self.plaintext.front() {
            let rest = &first[self.taken..];
            let count = rest.len().min(free.len() - read);
            free[read..read + count].copy_from_slice(&rest[..count]);
            read += count;
            self.taken += count;
            if self.taken < first.len() {
                break;
            }
            self.plaintext.pop_front();
            self.taken = 0;
        }
        read
    }

    /// Whether a whole record has arrived that was not looked at.
    fn has_record(&self) -> bool {
        let Some(incoming) = &self.incoming else {
            return false;
        };
        match incoming.filled().get(self.used..) {
            Some(arrived @ [_, _, _, high, low, ..]) => {
                arrived.len() >= HEADER + usize::from(u16::from_be_bytes([*high, *low]))
            }
            _ => false,
        }
    }

    /// Sends what has been encrypted.
    pub(super) fn poll_flush(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(outgoing) = &mut self.outgoing else {
            return Poll::Ready(Ok(()));
        };
        while self.sent < outgoing.len() {
            match ready!(socket.poll_send(context, &outgoing.filled()[self.sent..], &[]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        self.sent = 0;
        if let Some(outgoing) = self.outgoing.take() {
            self.spares.put(outgoing);
        }
        Poll::Ready(Ok(()))
    }

    /// Receives more of what is encrypted.
    pub(super) fn poll_receive(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let incoming = self.room_for_more();
        if incoming.is_full() {
            let error = "a TLS message is larger than can be held";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        match ready!(socket.poll_recv(context, incoming.free()))? {
            // The end of the connection without the peer's word that it is the end of the data.
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            count => {
                incoming.advance(count);
                self.untried = true;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn room_for_more(&mut self) -> &mut Buffer {
        let incoming = self.incoming.get_or_insert_with(|| self.spares.take());
        incoming.consume(self.used);
        self.used = 0;
        incoming
    }

    /// Gives back what holds nothing.
    fn spare_idle_buffers(&mut self) {
        if let Some(incoming) = &self.incoming
            && self.used == incoming.len()
            && let Some(incoming) = self.incoming.take()
        {
            self.used = 0;
            self.spares.put(incoming);
        }
        if let Some(outgoing) = &self.outgoing
            && outgoing.is_empty()
            && let Some(outgoing) = self.outgoing.take()
        {
            self.spares.put(outgoing);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let buffers = [self.incoming.take(), self.outgoing.take()];
        for buffer in buffers.into_iter().flatten() {
            self.spares.put(buffer);
        }
    }
}
