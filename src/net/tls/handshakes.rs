//! Shaking hands, one at a time.
//!
//! A handshake is a millisecond or so of arithmetic. When many peers come at once, a worker that
//! served them all before it looked at its other connections would keep those waiting for as long
//! as all handshakes take together.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::client_hello::is_whole;
use super::records::Connection;
use super::session::Session;
use super::{TlsAcceptor, failure};
use crate::net::socket::Socket;
use crate::net::{Buffer, Spares, Stream};

/// Buffers kept for reuse where few connections are busy at once.
const SPARE_BUFFERS: usize = 16;

/// A thread's handshakes, and the buffers that its TLS sessions share.
#[derive(Debug)]
pub struct Handshakes {
    turn: Semaphore,
    spares: Rc<Spares>,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self::new(Rc::new(Spares::keeping(SPARE_BUFFERS)))
    }
}

impl Handshakes {
    /// Handshakes of a thread whose TLS sessions use buffers of `spares`.
    pub fn new(spares: Rc<Spares>) -> Self {
        Self {
            turn: Semaphore::new(1),
            spares,
        }
    }

    /// Shakes hands with a peer that came to us.
    ///
    /// # Errors
    /// The peer left, does not speak TLS, or one side refuses the other.
    pub async fn accept(&self, tcp: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Stream> {
        let socket = Socket::new(tcp);
        let hello = self.hello(&socket).await?;
        let config = acceptor.config_for(hello.filled());
        let connection =
            UnbufferedServerConnection::new(config).map_err(|error| refused(&error))?;
        let connection = Connection::Server(connection);
        let session = Session::new(connection, Rc::clone(&self.spares), Some(hello));
        self.shake(socket, session).await
    }

    /// Shakes hands with the peer that `socket` leads to, which has to prove that it is `name`.
    ///
    /// # Errors
    /// As [`Handshakes::accept`]; the peer does not prove it.
    pub(in crate::net) async fn connect(
        &self,
        socket: Socket,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Stream> {
        let connection =
            UnbufferedClientConnection::new(config, name).map_err(|error| refused(&error))?;
        let connection = Connection::Client(connection);
        let session = Session::new(connection, Rc::clone(&self.spares), None);
        self.shake(socket, session).await
    }

    /// Reads the first record that the peer sends, without a buffer before anything comes.
    async fn hello(&self, socket: &Socket) -> io::Result<Buffer> {
        poll_fn(|context| socket.poll_readable(context)).await?;
        let mut hello = self.spares.take();
        while !is_whole(hello.filled()) {
            match poll_fn(|context| socket.poll_recv(context, hello.free())).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => hello.advance(count),
            }
        }
        Ok(hello)
    }

    async fn shake(&self, socket: Socket, mut session: Session) -> io::Result<Stream> {
        loop {
            let turn = self.turn.acquire().await.map_err(io::Error::other)?;
            let is_done = session.go_on_shaking(&socket)?;
            yield_now().await;
            drop(turn);
            poll_fn(|context| session.poll_flush(&socket, context)).await?;
            if is_done {
                return Ok(Stream::secured(socket, session));
            }
            poll_fn(|context| session.poll_receive(&socket, context)).await?;
        }
    }
}

fn refused(error: &rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, failure::describe(error))
}
