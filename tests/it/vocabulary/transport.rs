//! What carries a connection's bytes: a socket, or TLS over one. One thread may send while another
//! receives.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

use super::authority::SERVER_NAME;

/// Bytes of a call to the system.
const PIECE: usize = 16 * 1024;

pub(crate) struct Transport {
    tcp: TcpStream,
    tls: Option<Arc<Tls>>,
}

struct Tls {
    session: Mutex<rustls::Connection>,
    /// Held from a record's making until it is sent: records have an order.
    sending: Mutex<()>,
}

impl Transport {
    pub(crate) fn clear(tcp: TcpStream) -> Self {
        Self { tcp, tls: None }
    }

    /// Shakes hands with a server.
    pub(crate) fn with_server(self, config: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(SERVER_NAME).expect("a name");
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Self::shake(self.tcp, session.into())
    }

    /// Shakes hands with a client.
    pub(crate) fn with_client(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        Self::shake(self.tcp, session.into())
    }

    fn shake(mut tcp: TcpStream, mut session: rustls::Connection) -> io::Result<Self> {
        session.set_buffer_limit(None);
        while session.is_handshaking() {
            session.complete_io(&mut tcp)?;
        }
        let tls = Tls {
            session: Mutex::new(session),
            sending: Mutex::new(()),
        };
        Ok(Self {
            tcp,
            tls: Some(Arc::new(tls)),
        })
    }

    /// A second handle.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            tcp: self.tcp.try_clone()?,
            tls: self.tls.clone(),
        })
    }

    /// The certificate that the other side showed.
    pub(crate) fn shown(&self) -> Option<Vec<u8>> {
        let session = self.tls.as_ref()?.session.lock().expect("unpoisoned");
        let shown = session.peer_certificates()?.first()?;
        Some(shown.to_vec())
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Appends what comes next; nothing at the end of the stream. Without TLS's own good-bye the end
    /// is an error of the kind `UnexpectedEof`.
    pub(crate) fn receive(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        let mut buffer = [0; PIECE];
        let Some(tls) = &self.tls else {
            let read = (&self.tcp).read(&mut buffer)?;
            into.extend_from_slice(&buffer[..read]);
            return Ok(read);
        };
        let before = into.len();
        let mut ended = tls.take(&[], into)?;
        while into.len() == before && !ended {
            let read = (&self.tcp).read(&mut buffer)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            ended = tls.take(&buffer[..read], into)?;
        }
        Ok(into.len() - before)
    }

    /// Ends what is sent, in order: TLS says good-bye before the FIN.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.say_goodbye()?;
        self.tcp.shutdown(std::net::Shutdown::Write)
    }

    pub(crate) fn say_goodbye(&self) -> io::Result<()> {
        let Some(tls) = &self.tls else { return Ok(()) };
        tls.send(&self.tcp, |session| {
            session.send_close_notify();
            Ok(())
        })
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else {
            return self.tcp.write(bytes);
        };
        let piece = &bytes[..bytes.len().min(PIECE)];
        tls.send(&self.tcp, |session| session.writer().write_all(piece))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tls {
    /// Reads records; whether the other side has said good-bye.
    fn take(&self, mut records: &[u8], into: &mut Vec<u8>) -> io::Result<bool> {
        let mut session = self.session.lock().expect("unpoisoned");
        loop {
            if !records.is_empty() {
                session.read_tls(&mut records)?;
                session
                    .process_new_packets()
                    .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            }
            match session.reader().read_to_end(into) {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if records.is_empty() {
                return Ok(false);
            }
        }
    }

    /// Makes records and sends them. The session is free while the socket takes them, so that the
    /// other thread receives meanwhile.
    fn send(
        &self,
        mut tcp: &TcpStream,
        write: impl FnOnce(&mut rustls::Connection) -> io::Result<()>,
    ) -> io::Result<()> {
        let _turn = self.sending.lock().expect("unpoisoned");
        let mut records = Vec::new();
        {
            let mut session = self.session.lock().expect("unpoisoned");
            write(&mut session)?;
            while session.wants_write() {
                session.write_tls(&mut records)?;
            }
        }
        tcp.write_all(&records)
    }
}
