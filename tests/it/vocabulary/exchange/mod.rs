//! A request and its answer in words that every protocol has.

mod http1;
mod http2;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use rustls::version::{TLS12, TLS13};

use super::body::{Digest, Digesting};
use super::client::Client;
use super::http2::Http2Client;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    Http1,
    Http1OverTls12,
    Http1OverTls13,
    Http2,
    Http2OverTls,
}

impl Speech {
    pub(crate) const ALL: [Self; 5] = [
        Self::Http1,
        Self::Http1OverTls12,
        Self::Http1OverTls13,
        Self::Http2,
        Self::Http2OverTls,
    ];

    pub(crate) fn is_secured(self) -> bool {
        !matches!(self, Self::Http1 | Self::Http2)
    }

    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2OverTls)
    }
}

/// A client's connection, for one exchange after the other.
pub(crate) enum Caller {
    /// None once it has vanished.
    Http1(Option<Client>),
    Http2(Http2Client),
}

impl Caller {
    pub(crate) fn connect(speech: Speech, address: SocketAddr) -> Self {
        match speech {
            Speech::Http1 => Self::Http1(Some(Client::connect(address))),
            Speech::Http1OverTls12 => Self::Http1(Some(Client::connect_by(&TLS12, address))),
            Speech::Http1OverTls13 => Self::Http1(Some(Client::connect_by(&TLS13, address))),
            Speech::Http2 => Self::Http2(Http2Client::connect(address)),
            Speech::Http2OverTls => Self::Http2(Http2Client::connect_by_tls(address)),
        }
    }

    /// Sends a request's head.
    #[track_caller]
    pub(crate) fn begin(&mut self, ask: Ask) -> Box<dyn Exchange + '_> {
        match self {
            Self::Http1(client) => Box::new(http1::begin(client, ask)),
            Self::Http2(client) => Box::new(http2::begin(client, ask)),
        }
    }

    /// A request without a body.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &'static str, path: impl Into<String>) -> Answer {
        self.begin(Ask::new(method, path)).answer()
    }
}

/// What follows a request's head.
#[derive(Clone, Copy)]
pub(crate) enum Upload {
    Nothing,
    Length(usize),
    /// As long as it gets.
    Open,
}

/// A request's head.
pub(crate) struct Ask {
    method: &'static str,
    path: String,
    fields: Vec<(&'static str, &'static str)>,
    upload: Upload,
}

impl Ask {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            fields: Vec::new(),
            upload: Upload::Nothing,
        }
    }

    pub(crate) fn field(mut self, name: &'static str, value: &'static str) -> Self {
        self.fields.push((name, value));
        self
    }

    pub(crate) fn upload(mut self, upload: Upload) -> Self {
        self.upload = upload;
        self
    }
}

/// Field lines, their names in lower case, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// The only value of this name, in lower case; several are a failure.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        value
    }
}

/// A final answer's head.
#[derive(Clone, Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
}

/// A final answer up to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) body: Digest,
    pub(crate) trailers: Fields,
    pub(crate) end: Ending,
}

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// Nobody takes it for whole: the connection or stream was reset, or the framing tells.
    Cut,
}

/// An exchange under way. What is neither progress nor an end that the protocol knows is a failure.
pub(crate) trait Exchange {
    /// Sends some of the body as the other side takes it.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Ends the body.
    fn finish(&mut self, trailers: &[(&'static str, &'static str)]) -> io::Result<()>;

    /// The next interim answer; none when the final one is there.
    fn interim(&mut self) -> Option<u16>;

    /// The final answer's head.
    fn head(&mut self) -> io::Result<AnswerHead>;

    /// What comes next of the body; nothing at its end, an error where it is cut.
    fn some(&mut self) -> io::Result<Vec<u8>>;

    /// The fields after a whole body.
    fn trailers(&mut self) -> Fields;

    /// The client goes away: its connection does, or its stream on a connection that stays.
    fn vanish(self: Box<Self>);
}

impl dyn Exchange + '_ {
    /// Sends a body, or as much of it as the other side takes; whether that was all.
    pub(crate) fn upload(&mut self, blocks: impl Iterator<Item = Vec<u8>>) -> bool {
        let mut blocks = blocks;
        blocks.all(|block| self.send(&block).is_ok()) && self.finish(&[]).is_ok()
    }

    /// Reads so many bytes of the body at least.
    #[track_caller]
    pub(crate) fn read(&mut self, length: usize) {
        let mut left = length;
        while left > 0 {
            let some = self.some().expect("more of the body");
            assert!(!some.is_empty(), "{left} bytes are missing");
            left = left.saturating_sub(some.len());
        }
    }

    /// Everything up to the end, whichever it is.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_watched(|_| {})
    }

    /// The same; `watch` is told how much of the body there is as it grows.
    #[track_caller]
    pub(crate) fn answer_watched(&mut self, watch: impl Fn(usize)) -> Answer {
        let head = self.head();
        let AnswerHead { status, fields } =
            head.unwrap_or_else(|error| panic!("no answer: {error}"));
        let mut digesting = Digesting::default();
        let end = loop {
            match self.some() {
                Ok(some) if some.is_empty() => break Ending::Whole,
                Ok(some) => {
                    digesting.add(&some);
                    watch(digesting.length());
                }
                Err(error) if error.kind() == ErrorKind::TimedOut => panic!("{error}"),
                Err(_) => break Ending::Cut,
            }
        };
        let trailers = match end {
            Ending::Whole => self.trailers(),
            Ending::Cut => Fields::default(),
        };
        Answer {
            status,
            fields,
            body: digesting.done(),
            trailers,
            end,
        }
    }
}
