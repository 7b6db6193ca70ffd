//! An exchange by HTTP/2: a stream.

use std::io::{self, ErrorKind};

use http::{HeaderMap, Request};

use super::{AnswerHead, Ask, Exchange, Fields, Upload};
use crate::vocabulary::http2::{Asked, Http2Client};

pub(super) struct Http2 {
    asked: Asked,
    upload: Upload,
}

#[track_caller]
pub(super) fn begin(client: &Http2Client, ask: Ask) -> Http2 {
    let uri = format!("{}://bucket.example{}", client.scheme(), ask.path);
    let mut request = Request::builder().method(ask.method).uri(uri);
    for (name, value) in ask.fields {
        request = request.header(name, value);
    }
    if let Upload::Length(length) = ask.upload {
        request = request.header("content-length", length);
    }
    let is_finished = matches!(ask.upload, Upload::Nothing);
    let request = request.body(()).expect("a request");
    Http2 {
        asked: client.begin(request, is_finished),
        upload: ask.upload,
    }
}

impl Exchange for Http2 {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.asked.send(bytes, false).map_err(io::Error::other)
    }

    fn finish(&mut self, trailers: &[(&'static str, &'static str)]) -> io::Result<()> {
        if matches!(self.upload, Upload::Nothing) {
            return Ok(());
        }
        let ended = if trailers.is_empty() {
            self.asked.send(b"", true)
        } else {
            self.asked.send_trailers(trailers)
        };
        match self.upload {
            Upload::Open => ended.map_err(io::Error::other),
            // A body of a known length is whole already, and the stream may be over with its answer.
            Upload::Nothing | Upload::Length(_) => Ok(()),
        }
    }

    fn interim(&mut self) -> Option<u16> {
        self.asked.interim()
    }

    fn head(&mut self) -> io::Result<AnswerHead> {
        let head = self.asked.head().map_err(cut)?;
        Ok(AnswerHead {
            status: head.status().as_u16(),
            fields: fields(head.headers()),
        })
    }

    fn some(&mut self) -> io::Result<Vec<u8>> {
        // A frame may be empty and not the last one.
        while let Some(data) = self.asked.some() {
            let data = data.map_err(cut)?;
            if !data.is_empty() {
                return Ok(data.to_vec());
            }
        }
        Ok(Vec::new())
    }

    fn trailers(&mut self) -> Fields {
        let trailers = self.asked.trailers();
        trailers.as_ref().map(fields).unwrap_or_default()
    }

    fn vanish(mut self: Box<Self>) {
        self.asked.reset();
    }
}

/// The other side's doing. What the library itself objects to, as a body of another length than was
/// said, is a failure: the other side took it for a good answer.
#[track_caller]
fn cut(error: h2::Error) -> io::Error {
    assert!(
        error.is_remote() || error.is_io(),
        "the answer is against the rules: {error}"
    );
    io::Error::new(ErrorKind::ConnectionReset, error)
}

fn fields(map: &HeaderMap) -> Fields {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Fields(
        map.iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
    )
}
