//! One connection with exact control of its bytes and of how it ends.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ServerConfig};

use socket2::SockRef;

use super::message::{Body, Head, escaped};
use super::patience::PATIENCE;
use super::transport::Transport;

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    /// The stream's end without the good-bye that TLS says first.
    Cut,
    Reset,
}

pub(crate) struct Connection {
    stream: Transport,
    /// Received, not yet consumed.
    ahead: Vec<u8>,
    /// The first bytes of all that was received, for messages.
    seen: Vec<u8>,
}

const SEEN: usize = 4096;

impl Connection {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).expect("TCP_NODELAY");
        let connection = Self {
            stream: Transport::clear(tcp),
            ahead: Vec::new(),
            seen: Vec::new(),
        };
        connection.give_up_after(PATIENCE);
        connection
    }

    /// Goes on by TLS with the server at the other end.
    pub(crate) fn with_server(mut self, config: Arc<ClientConfig>) -> io::Result<Self> {
        self.stream = self.stream.with_server(config)?;
        Ok(self)
    }

    /// Goes on by TLS with the client at the other end.
    pub(crate) fn with_client(mut self, config: Arc<ServerConfig>) -> io::Result<Self> {
        self.stream = self.stream.with_client(config)?;
        Ok(self)
    }

    /// A second handle, so that one thread can send while another reads.
    pub(crate) fn sender(&self) -> Transport {
        self.stream.try_clone().expect("a second handle")
    }

    /// The certificate that the other side showed.
    pub(crate) fn shown(&self) -> Option<Vec<u8>> {
        self.stream.shown()
    }

    pub(crate) fn give_up_after(&self, patience: Duration) {
        let tcp = self.stream.tcp();
        tcp.set_read_timeout(Some(patience))
            .expect("a read time-out");
        tcp.set_write_timeout(Some(patience))
            .expect("a write time-out");
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Puts bytes back in front of what comes next.
    pub(crate) fn unread(&mut self, bytes: &[u8]) {
        self.ahead.splice(0..0, bytes.iter().copied());
    }

    /// Reads more; the number of bytes is 0 at the end of the stream.
    fn fill(&mut self) -> io::Result<usize> {
        let before = self.ahead.len();
        let read = match self.stream.receive(&mut self.ahead) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let seen = escaped(&self.seen);
                let text = format!("nothing more within the deadline; received so far:\n{seen}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            other => other?,
        };
        let room = SEEN.saturating_sub(self.seen.len()).min(read);
        self.seen
            .extend_from_slice(&self.ahead[before..before + room]);
        Ok(read)
    }

    fn fill_or_fail(&mut self, wanted: &str) -> io::Result<()> {
        if self.fill()? == 0 {
            let seen = escaped(&self.seen);
            let text = format!("the stream ended before {wanted}; received:\n{seen}");
            return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
        }
        Ok(())
    }

    /// Bytes through the first `end`.
    fn through(&mut self, end: &[u8], wanted: &str) -> io::Result<Vec<u8>> {
        let mut from = 0;
        loop {
            let found = self.ahead[from..]
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return Ok(self.ahead.drain(..from + at + end.len()).collect());
            }
            from = self.ahead.len().saturating_sub(end.len() - 1);
            self.fill_or_fail(wanted)?;
        }
    }

    /// The next head, or none at a clean end of the stream.
    pub(crate) fn next_head(&mut self) -> io::Result<Option<Head>> {
        if self.ahead.is_empty() && self.fill()? == 0 {
            return Ok(None);
        }
        self.head().map(Some)
    }

    pub(crate) fn head(&mut self) -> io::Result<Head> {
        Ok(Head {
            raw: self.through(b"\r\n\r\n", "the end of a head")?,
        })
    }

    pub(crate) fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < length {
            self.fill_or_fail("that many bytes")?;
        }
        Ok(self.ahead.drain(..length).collect())
    }

    /// Whatever is there, waiting for the first byte; empty at the end of the stream.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.ahead.is_empty() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.ahead))
    }

    /// One chunk's data; the last chunk is empty, and its trailers are yet to be read.
    pub(crate) fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let line = self.through(b"\r\n", "the end of a chunk size")?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let digits = line.split([';', '\r']).next().unwrap_or_default();
        let size = usize::from_str_radix(digits, 16).map_err(|_| {
            io::Error::new(ErrorKind::InvalidData, format!("no chunk size: {line:?}"))
        })?;
        let data = self.exactly(size)?;
        if size > 0 && self.exactly(2)? != b"\r\n" {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "no line end behind a chunk",
            ));
        }
        Ok(data)
    }

    /// The field lines between the last chunk and the empty line.
    pub(crate) fn trailers(&mut self) -> io::Result<Vec<String>> {
        let mut trailers = Vec::new();
        loop {
            let line = self.through(b"\r\n", "the end of the trailers")?;
            if line == b"\r\n" {
                return Ok(trailers);
            }
            trailers.push(String::from_utf8_lossy(&line[..line.len() - 2]).into_owned());
        }
    }

    pub(crate) fn chunked_body(&mut self) -> io::Result<Body> {
        let mut bytes = Vec::new();
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(Body {
                    bytes,
                    trailers: self.trailers()?,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
    }

    /// Everything up to the end of the stream, and which end it was.
    pub(crate) fn rest(&mut self) -> io::Result<(Vec<u8>, End)> {
        loop {
            match self.fill() {
                Ok(0) => return Ok((std::mem::take(&mut self.ahead), End::Fin)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Ok((std::mem::take(&mut self.ahead), End::Reset));
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok((std::mem::take(&mut self.ahead), End::Cut));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends FIN; reading goes on.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.stream.finish()
    }

    /// Keeps the kernel from receiving much ahead of what is read.
    pub(crate) fn narrow(&self) -> io::Result<()> {
        SockRef::from(self.stream.tcp()).set_recv_buffer_size(256 << 10)
    }

    /// From now on closing sends RST instead of FIN.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        SockRef::from(self.stream.tcp()).set_linger(Some(Duration::ZERO))
    }

    /// Says good-bye where the protocol has a word for it; closing does not.
    pub(crate) fn say_goodbye(&self) -> io::Result<()> {
        self.stream.say_goodbye()
    }
}
