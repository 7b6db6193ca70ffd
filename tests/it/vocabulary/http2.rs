//! A client that speaks HTTP/2, by a library or frame by frame.

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

use super::authority::{AUTHORITY, SERVER_NAME};
use super::patience::{PATIENCE, wait_until};

/// A connection of HTTP/2 over clear text. Calls block; the connection itself is moved by a thread.
pub(crate) struct Http2Client {
    handle: Handle,
    requests: SendRequest<Bytes>,
    end: Arc<Mutex<Option<Result<(), h2::Error>>>>,
    scheme: &'static str,
    _stop: oneshot::Sender<()>,
}

/// A response whose body arrived whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Response<()>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let value = self.head.headers().get(name)?;
        Some(value.to_str().expect("a field of text"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request under way.
pub(crate) struct Asked {
    handle: Handle,
    response: Option<ResponseFuture>,
    sending: SendStream<Bytes>,
    body: Option<RecvStream>,
}

/// A request of this method for this path at `bucket.example`.
pub(crate) fn http2_request(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://bucket.example{path}"))
}

impl Http2Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &ample())
    }

    pub(crate) fn connect_with(address: SocketAddr, builder: &Builder) -> Self {
        Self::connect_over(address, None, builder)
    }

    /// By TLS to a server of the tests' authority that takes the protocol.
    pub(crate) fn connect_by_tls(address: SocketAddr) -> Self {
        let config = AUTHORITY.client_config(&TLS13, "h2");
        Self::connect_over(address, Some(config), &ample())
    }

    fn connect_over(
        address: SocketAddr,
        tls: Option<Arc<ClientConfig>>,
        builder: &Builder,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let runtime = single_thread();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || runtime.block_on(stopped));
        let builder = builder.clone();
        let (requests, connection) = within(&handle, async move {
            let stream = tokio::net::TcpStream::connect(address)
                .await
                .expect("it listens");
            stream.set_nodelay(true).expect("TCP_NODELAY");
            let stream = secured(stream, tls).await;
            builder.handshake(stream).await.expect("it speaks HTTP/2")
        });
        let end = Arc::default();
        let told: Arc<Mutex<_>> = Arc::clone(&end);
        handle.spawn(async move {
            let result = connection.await;
            *told.lock().expect("unpoisoned") = Some(result);
        });
        Self {
            handle,
            requests,
            end,
            scheme,
            _stop: stop,
        }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Sends a head, and says with it whether a body follows.
    #[track_caller]
    pub(crate) fn begin(&self, request: Request<()>, ended: bool) -> Asked {
        self.try_begin(request, ended)
            .expect("a stream can be opened")
    }

    pub(crate) fn try_begin(&self, request: Request<()>, ended: bool) -> Result<Asked, h2::Error> {
        let requests = self.requests.clone();
        let (response, sending) = within(&self.handle, async move {
            requests.ready().await?.send_request(request, ended)
        })?;
        Ok(Asked {
            handle: self.handle.clone(),
            response: Some(response),
            sending,
            body: None,
        })
    }

    #[track_caller]
    pub(crate) fn ask(&self, request: Request<()>) -> Answer {
        self.begin(request, true).answer()
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(http2_request("GET", path).body(()).expect("a request"))
    }

    /// Sends a request with a body of a known length.
    #[track_caller]
    pub(crate) fn put(&self, path: &str, body: &[u8]) -> Answer {
        let request = http2_request("PUT", path).header("content-length", body.len());
        let mut asked = self.begin(request.body(()).expect("a request"), false);
        asked.send(body, true).expect("the body is taken");
        asked.answer()
    }

    /// Waits until the server has closed the connection; the reason it gave.
    #[track_caller]
    pub(crate) fn end(&self) -> Option<Reason> {
        wait_until("the connection is closed", || {
            self.end.lock().expect("unpoisoned").is_some()
        });
        match self.end.lock().expect("unpoisoned").as_ref() {
            Some(Err(error)) => error.reason(),
            _ => None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.end.lock().expect("unpoisoned").is_none()
    }
}

impl Asked {
    /// The head of the final response.
    pub(crate) fn head(&mut self) -> Result<Response<()>, h2::Error> {
        let response = self.response.take().expect("the head is read once");
        let (parts, body) = within(&self.handle, response)?.into_parts();
        self.body = Some(body);
        Ok(Response::from_parts(parts, ()))
    }

    /// The next interim response, if one comes before the final one.
    pub(crate) fn interim(&mut self) -> Option<u16> {
        let mut response = self.response.take().expect("the head was not read");
        let (interim, response) = within(&self.handle, async move {
            let found = poll_fn(|context| response.poll_informational(context)).await;
            (found, response)
        });
        self.response = Some(response);
        interim.map(|found| found.expect("no reset").status().as_u16())
    }

    /// Some of the body; none at its end.
    pub(crate) fn some(&mut self) -> Option<Result<Bytes, h2::Error>> {
        let body = self.body.as_mut().expect("the head was read");
        within(&self.handle, async {
            let data = body.data().await;
            if let Some(Ok(data)) = &data {
                let _ = body.flow_control().release_capacity(data.len());
            }
            data
        })
    }

    /// The body up to its end.
    pub(crate) fn rest(&mut self) -> Result<Vec<u8>, h2::Error> {
        let mut all = Vec::new();
        while let Some(data) = self.some() {
            all.extend_from_slice(&data?);
        }
        Ok(all)
    }

    pub(crate) fn trailers(&mut self) -> Option<HeaderMap> {
        let body = self.body.as_mut().expect("the head was read");
        within(&self.handle, body.trailers()).expect("no reset")
    }

    #[track_caller]
    pub(crate) fn answer(mut self) -> Answer {
        let head = self
            .head()
            .unwrap_or_else(|error| panic!("no response: {error}"));
        let body = self
            .rest()
            .unwrap_or_else(|error| panic!("cut short: {error}"));
        let trailers = self.trailers();
        Answer {
            head,
            body,
            trailers,
        }
    }

    /// The body of the response, whatever its head says.
    #[track_caller]
    pub(crate) fn head_and_rest(self) -> Vec<u8> {
        self.answer().body
    }

    /// Sends data as the server takes it.
    pub(crate) fn send(&mut self, data: &[u8], ended: bool) -> Result<(), h2::Error> {
        let mut rest = Bytes::copy_from_slice(data);
        let sending = &mut self.sending;
        within(&self.handle, async move {
            while !rest.is_empty() {
                sending.reserve_capacity(rest.len());
                let room = match sending.capacity() {
                    0 => poll_fn(|context| sending.poll_capacity(context)).await,
                    room => Some(Ok(room)),
                };
                let room = room.ok_or(Reason::CANCEL)??;
                let piece = rest.split_to(room.min(rest.len()));
                sending.send_data(piece, ended && rest.is_empty())?;
            }
            if data.is_empty() {
                sending.send_data(Bytes::new(), ended)?;
            }
            Ok(())
        })
    }

    pub(crate) fn send_trailers(
        &mut self,
        trailers: &[(&'static str, &'static str)],
    ) -> Result<(), h2::Error> {
        let fields = trailers.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, http::HeaderValue::from_static(value))
        });
        self.sending.send_trailers(fields.collect())
    }

    /// Bytes that the server takes now, of so many.
    pub(crate) fn room(&mut self, wanted: usize) -> usize {
        self.sending.reserve_capacity(wanted);
        self.sending.capacity()
    }

    /// Waits for a reset of the stream.
    #[track_caller]
    pub(crate) fn reset_by_server(&mut self) -> Reason {
        let sending = &mut self.sending;
        within(&self.handle, poll_fn(|context| sending.poll_reset(context)))
            .expect("the connection stays")
    }

    pub(crate) fn reset(&mut self) {
        self.sending.send_reset(Reason::CANCEL);
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

async fn secured(stream: tokio::net::TcpStream, tls: Option<Arc<ClientConfig>>) -> Box<dyn Duplex> {
    let Some(config) = tls else {
        return Box::new(stream);
    };
    let name = ServerName::try_from(SERVER_NAME).expect("a name");
    let connecting = TlsConnector::from(config).connect(name, stream);
    let stream = connecting.await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    Box::new(stream)
}

/// Windows for bodies that nobody waits for.
fn ample() -> Builder {
    let mut builder = Builder::new();
    builder
        .initial_window_size(1 << 20)
        .initial_connection_window_size(16 << 20);
    builder
}

fn single_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Runs to the end, or fails when patience ends.
#[track_caller]
fn within<T>(handle: &Handle, future: impl Future<Output = T>) -> T {
    handle
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .unwrap_or_else(|_| panic!("nothing within {PATIENCE:?}"))
}

/// A connection on which every frame is written by hand.
pub(crate) struct Frames {
    stream: TcpStream,
}

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Frames {
    /// Says the preface and empty settings.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut frames = Self::silent(address);
        frames.greet();
        frames
    }

    pub(crate) fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
        Self::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a time-out");
        Self { stream }
    }

    pub(crate) fn greet(&mut self) {
        self.send(PREFACE).expect("a preface");
        self.frame(4, 0, 0, b"").expect("settings");
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> io::Result<()> {
        self.send(&framed(kind, flags, stream, payload))
    }

    /// The next frame: its kind, flags, stream and payload; none at the end.
    pub(crate) fn next(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((head[3], head[4], stream, payload))
    }

    /// The payload of the next frame of this kind; none at the end.
    pub(crate) fn next_of(&mut self, wanted: u8) -> Option<Vec<u8>> {
        loop {
            let (kind, _, _, payload) = self.next()?;
            if kind == wanted {
                return Some(payload);
            }
        }
    }

    /// Reads until the connection is closed; the code of a GOAWAY on the way.
    pub(crate) fn goodbye(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some((kind, _, _, payload)) = self.next() {
            if kind == 7 {
                code = Some(u32::from_be_bytes(
                    payload[4..8].try_into().expect("a code"),
                ));
            }
        }
        code
    }

    /// A second handle, so that one thread can send while another reads.
    pub(crate) fn second(&self) -> Self {
        let stream = self.stream.try_clone().expect("a second handle");
        Self { stream }
    }

    pub(crate) fn give_up_after(&self, patience: Duration) {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a time-out");
    }
}

pub(crate) fn framed(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a short frame")
        .to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// Fields as a header block: literals that nobody remembers (RFC 7541 §6.2.2).
pub(crate) fn header_block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            let length = text.len();
            if length < 127 {
                block.push(u8::try_from(length).expect("short"));
            } else {
                block.push(127);
                let mut rest = length - 127;
                while rest >= 128 {
                    block.push(u8::try_from(rest % 128).expect("seven bits") | 128);
                    rest /= 128;
                }
                block.push(u8::try_from(rest).expect("seven bits"));
            }
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The block of a GET.
pub(crate) fn get_block(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "bucket.example"),
        (":path", path),
    ];
    fields.extend_from_slice(more);
    header_block(&fields)
}
