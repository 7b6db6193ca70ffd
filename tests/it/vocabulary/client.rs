//! A client that says exactly what it is told and fails the test when an answer is not as asked.

use std::net::{SocketAddr, TcpStream};

use rustls::SupportedProtocolVersion;

use super::authority::AUTHORITY;
use super::connection::{Connection, End};
use super::message::{Body, Head, Response, escaped};
use super::patience::PATIENCE;

pub(crate) struct Client {
    pub(crate) connection: Connection,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .unwrap_or_else(|error| panic!("the client cannot connect to {address}: {error}"));
        Self {
            connection: Connection::new(stream),
        }
    }

    /// By this version of TLS to a server of the tests' authority.
    pub(crate) fn connect_by(
        version: &'static SupportedProtocolVersion,
        address: SocketAddr,
    ) -> Self {
        let config = AUTHORITY.client_config(version, "http/1.1");
        let Self { connection } = Self::connect(address);
        let connection = connection
            .with_server(config)
            .unwrap_or_else(|error| panic!("no handshake with {address}: {error}"));
        Self { connection }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.connection
            .send(bytes)
            .expect("the client's bytes are taken");
        self
    }

    #[track_caller]
    pub(crate) fn read_head(&mut self) -> Head {
        self.connection
            .head()
            .unwrap_or_else(|error| panic!("no response head: {error}"))
    }

    /// The next response to anything but HEAD; an interim one has no body.
    #[track_caller]
    pub(crate) fn read_response(&mut self) -> Response {
        self.read_response_to("GET")
    }

    #[track_caller]
    pub(crate) fn read_response_to(&mut self, method: &str) -> Response {
        let head = self.read_head();
        let body = self.read_body(&head, method);
        Response {
            head,
            body: body.bytes,
        }
    }

    #[track_caller]
    fn read_body(&mut self, head: &Head, method: &str) -> Body {
        let status = head.status();
        let bodiless = method == "HEAD" || status < 200 || status == 204 || status == 304;
        let body = if bodiless {
            Ok(Body::default())
        } else if head.is_chunked() {
            self.connection.chunked_body()
        } else if let Some(length) = head.content_length() {
            self.connection.exactly(length).map(|bytes| Body {
                bytes,
                trailers: Vec::new(),
            })
        } else {
            self.connection.rest().map(|(bytes, end)| {
                assert_eq!(end, End::Fin, "a body until close ended by reset\n{head}");
                Body {
                    bytes,
                    trailers: Vec::new(),
                }
            })
        };
        body.unwrap_or_else(|error| panic!("the body is not whole: {error}\n{head}"))
    }

    /// One request and its response.
    #[track_caller]
    pub(crate) fn exchange(&mut self, request: impl AsRef<[u8]>) -> Response {
        let method = request
            .as_ref()
            .split(|byte| *byte == b' ')
            .next()
            .unwrap_or_default();
        let method = String::from_utf8_lossy(method).into_owned();
        self.send(request).read_response_to(&method)
    }

    #[track_caller]
    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.exchange(format!(
            "GET {target} HTTP/1.1\r\nHost: bucket.example\r\n\r\n"
        ))
    }

    #[track_caller]
    pub(crate) fn put(&mut self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.exchange(request("PUT", target, body.as_ref()))
    }

    /// The body's bytes that arrived of a response that must not look complete.
    #[track_caller]
    pub(crate) fn read_cut_body(&mut self, head: &Head) -> Vec<u8> {
        let (bytes, end) = self.connection.rest().expect("the connection ends");
        let complete = if head.is_chunked() {
            bytes.ends_with(b"0\r\n\r\n")
        } else if let Some(length) = head.content_length() {
            bytes.len() >= length
        } else {
            end == End::Fin
        };
        assert!(
            !complete,
            "the cut response looks complete:\n{head}{}",
            escaped(&bytes)
        );
        bytes
    }

    /// The other side ends the connection, by FIN or RST, and says nothing more before.
    #[track_caller]
    pub(crate) fn expect_closed(&mut self) -> End {
        let (bytes, end) = self.connection.rest().expect("the connection ends");
        assert!(
            bytes.is_empty(),
            "bytes before the end:\n{}",
            escaped(&bytes)
        );
        end
    }

    #[track_caller]
    pub(crate) fn expect_eof(&mut self) {
        assert_eq!(self.expect_closed(), End::Fin);
    }

    /// Ends the connection at once, as a killed process does.
    pub(crate) fn vanish(self) {
        self.connection.reset_on_close().expect("SO_LINGER");
    }
}

/// A request whose body has a length.
pub(crate) fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nHost: bucket.example\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// The same in chunks of `size` bytes.
pub(crate) fn chunked_request(method: &str, target: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nHost: bucket.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for chunk in body.chunks(size) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}
