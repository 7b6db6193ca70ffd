//! An exchange by HTTP/1.1.

use std::fmt::Write as _;
use std::io::{self, ErrorKind};

use super::{AnswerHead, Ask, Exchange, Fields, Upload};
use crate::vocabulary::client::Client;
use crate::vocabulary::message::Head;

/// How the rest of the answer's body is framed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Length(usize),
    Chunks,
    /// The body and its last chunk are read, not what follows them.
    Trailers,
    UntilClose,
}

pub(super) struct Http1<'c> {
    client: &'c mut Option<Client>,
    is_head: bool,
    upload: Upload,
    /// The final head, read while looking for an interim one.
    ahead: Option<Head>,
    rest: Rest,
}

#[track_caller]
pub(super) fn begin(client: &mut Option<Client>, ask: Ask) -> Http1<'_> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: bucket.example\r\n",
        ask.method, ask.path
    );
    for (name, value) in ask.fields {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    match ask.upload {
        Upload::Nothing => {}
        Upload::Length(length) => {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        Upload::Open => head.push_str("Transfer-Encoding: chunked\r\n"),
    }
    head.push_str("\r\n");
    let mut exchange = Http1 {
        client,
        is_head: ask.method == "HEAD",
        upload: ask.upload,
        ahead: None,
        rest: Rest::Length(0),
    };
    exchange.client().send(head);
    exchange
}

impl Http1<'_> {
    #[track_caller]
    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("it has not vanished")
    }

    fn some_of(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let connection = &mut self.client().connection;
        let mut some = connection.some()?;
        if some.is_empty() {
            let text = format!("{length} bytes are missing");
            return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
        }
        if some.len() > length {
            connection.unread(&some.split_off(length));
        }
        self.rest = Rest::Length(length - some.len());
        Ok(some)
    }
}

impl Exchange for Http1<'_> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let is_chunk = matches!(self.upload, Upload::Open);
        let connection = &mut self.client().connection;
        if !is_chunk {
            return connection.send(bytes);
        }
        connection.send(format!("{:x}\r\n", bytes.len()))?;
        connection.send(bytes)?;
        connection.send("\r\n")
    }

    fn finish(&mut self, trailers: &[(&'static str, &'static str)]) -> io::Result<()> {
        if !matches!(self.upload, Upload::Open) {
            return Ok(());
        }
        let mut end = "0\r\n".to_owned();
        for (name, value) in trailers {
            let _ = write!(end, "{name}: {value}\r\n");
        }
        end.push_str("\r\n");
        self.client().connection.send(end)
    }

    fn interim(&mut self) -> Option<u16> {
        if self.ahead.is_some() {
            return None;
        }
        let head = self.client().read_head();
        let status = head.status();
        if status < 200 {
            return Some(status);
        }
        self.ahead = Some(head);
        None
    }

    fn head(&mut self) -> io::Result<AnswerHead> {
        let head = loop {
            let head = match self.ahead.take() {
                Some(head) => head,
                None => self.client().connection.head()?,
            };
            if head.status() >= 200 {
                break head;
            }
        };
        let status = head.status();
        self.rest = if self.is_head || status == 204 || status == 304 {
            Rest::Length(0)
        } else if head.is_chunked() {
            Rest::Chunks
        } else {
            head.content_length().map_or(Rest::UntilClose, Rest::Length)
        };
        Ok(AnswerHead {
            status,
            fields: fields(&head.field_lines()),
        })
    }

    fn some(&mut self) -> io::Result<Vec<u8>> {
        match self.rest {
            Rest::Length(0) | Rest::Trailers => Ok(Vec::new()),
            Rest::Length(length) => self.some_of(length),
            Rest::UntilClose => self.client().connection.some(),
            Rest::Chunks => {
                let chunk = self.client().connection.chunk()?;
                if chunk.is_empty() {
                    self.rest = Rest::Trailers;
                }
                Ok(chunk)
            }
        }
    }

    fn trailers(&mut self) -> Fields {
        if self.rest != Rest::Trailers {
            return Fields::default();
        }
        self.rest = Rest::Length(0);
        let lines = self.client().connection.trailers();
        fields(&lines.expect("the end of the trailers"))
    }

    fn vanish(self: Box<Self>) {
        self.client.take().expect("it has not vanished").vanish();
    }
}

fn fields(lines: &[String]) -> Fields {
    let fields = lines.iter().filter_map(|line| line.split_once(':'));
    Fields(
        fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
    )
}
