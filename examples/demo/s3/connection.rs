//! One client connection: an HTTP/1.1 exchange at a time, bodies held whole.

use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a request with `Expect: 100-continue` waits before it sends its body all the same.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

const FIELDS: usize = 64;

/// A response with its body.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, in the order received.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Response {
    /// The value of the first field `name`, which is in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn says(&self, name: &str, word: &str) -> bool {
        self.field(name)
            .is_some_and(|value| value.eq_ignore_ascii_case(word))
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: BytesMut,
    reusable: bool,
}

impl Connection {
    /// Connects to `address`.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: BytesMut::new(),
            reusable: true,
        })
    }

    /// Whether another exchange may follow.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Sends a request and reads the response to it. With `expects`, the head holds
    /// `Expect: 100-continue` and the body waits for the answer to that.
    pub(crate) async fn exchange(
        &mut self,
        head: &str,
        body: &[u8],
        expects: bool,
    ) -> io::Result<Response> {
        self.reusable = false;
        self.stream.write_all(head.as_bytes()).await?;
        let mut refusal = None;
        if expects && let Ok(first) = timeout(CONTINUE_WAIT, self.read_head()).await {
            refusal = Some(first?).filter(|response| response.status >= 200);
        }
        let refused = refusal.is_some();
        let mut response = match refusal {
            Some(refusal) => refusal,
            None => self.send_body(body).await?,
        };
        self.reusable = true;
        self.read_body(&mut response, head.starts_with("HEAD "))
            .await?;
        self.reusable &= !refused && !response.says("connection", "close");
        Ok(response)
    }

    /// The head of the response to `body`. A server may answer and close before it has all of it.
    async fn send_body(&mut self, body: &[u8]) -> io::Result<Response> {
        let sent = self.stream.write_all(body).await;
        let answered = self.read_final_head().await;
        if answered.is_err() {
            sent?;
        }
        answered
    }

    async fn read_final_head(&mut self) -> io::Result<Response> {
        loop {
            let response = self.read_head().await?;
            if response.status >= 200 {
                return Ok(response);
            }
        }
    }

    async fn read_head(&mut self) -> io::Result<Response> {
        loop {
            if let Some((response, length)) = parse(&self.received)? {
                self.received.advance(length);
                return Ok(response);
            }
            self.read_more().await?;
        }
    }

    async fn read_body(&mut self, response: &mut Response, to_head: bool) -> io::Result<()> {
        if to_head || matches!(response.status, 204 | 304) {
            return Ok(());
        }
        if response.says("transfer-encoding", "chunked") {
            response.body = self.read_chunks().await?;
        } else if let Some(length) = response.field("content-length") {
            let length = length.parse().map_err(|_| invalid("Content-Length"))?;
            response.body = self.take(length).await?;
        } else {
            self.reusable = false;
            while self.stream.read_buf(&mut self.received).await? > 0 {}
            response.body = self.received.split().freeze();
        }
        Ok(())
    }

    /// The data of a chunked body; trailers are read and dropped.
    async fn read_chunks(&mut self) -> io::Result<Bytes> {
        let mut all = BytesMut::new();
        loop {
            let line = self.take_line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("chunk size"))?;
            if size == 0 {
                while !self.take_line().await?.is_empty() {}
                return Ok(all.freeze());
            }
            all.extend_from_slice(&self.take(size).await?);
            if !self.take_line().await?.is_empty() {
                return Err(invalid("chunk end"));
            }
        }
    }

    async fn take_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.received.split_to(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.read_more().await?;
        }
    }

    async fn take(&mut self, length: usize) -> io::Result<Bytes> {
        self.received
            .reserve(length.saturating_sub(self.received.len()));
        while self.received.len() < length {
            self.read_more().await?;
        }
        Ok(self.received.split_to(length).freeze())
    }

    async fn read_more(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.received).await? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection ended before the response did",
            ));
        }
        Ok(())
    }
}

/// The head at the start of `bytes` and its length, once it is complete.
fn parse(bytes: &[u8]) -> io::Result<Option<(Response, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = head.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let fields = head.headers.iter().map(|field| {
        let value = String::from_utf8_lossy(field.value).into_owned();
        (field.name.to_ascii_lowercase(), value)
    });
    let fields = fields.collect();
    let status = head.code.unwrap_or_default();
    Ok(Some((
        Response {
            status,
            fields,
            body: Bytes::new(),
        },
        length,
    )))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the response has an invalid {what}"),
    )
}
