//! The response side of a stream: the bytes of an HTTP/1.1 response as frames.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};

use super::response::{Piece, Transcoder};
use super::settings::SEND_BUFFER;

/// A response that is written.
#[derive(Debug)]
pub(super) struct Outgoing {
    transcoder: Transcoder,
    respond: SendResponse<Bytes>,
    /// Set from the final head on.
    stream: Option<SendStream<Bytes>>,
    ended: bool,
}

/// What has become of some text.
enum Written {
    Taken(usize),
    /// The client takes no data now.
    NoRoom,
}

impl Outgoing {
    pub(super) fn new(transcoder: Transcoder, respond: SendResponse<Bytes>) -> Self {
        Self {
            transcoder,
            respond,
            stream: None,
            ended: false,
        }
    }

    /// Takes as much of `first`, then `second`, as the client has room for; the count.
    ///
    /// # Errors
    /// The client has reset the stream, or its connection is gone.
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut taken = 0;
        for text in [first, second] {
            let mut at = 0;
            while at < text.len() {
                match self.write(context, &text[at..])? {
                    Written::Taken(count) => at += count,
                    Written::NoRoom if taken + at > 0 => return Poll::Ready(Ok(taken + at)),
                    Written::NoRoom => return Poll::Pending,
                }
            }
            taken += at;
        }
        Poll::Ready(Ok(taken))
    }

    fn write(&mut self, context: &mut Context<'_>, text: &[u8]) -> io::Result<Written> {
        let text = if self.transcoder.is_in_data() {
            match self.poll_room(context, text.len())? {
                0 => return Ok(Written::NoRoom),
                room => &text[..text.len().min(room)],
            }
        } else {
            text
        };
        let piece = self.transcoder.next(text).map_err(|_| broken())?;
        Ok(Written::Taken(match piece {
            Piece::Interim(len, head) => {
                self.respond
                    .send_informational(head)
                    .map_err(io::Error::other)?;
                len
            }
            Piece::Final { len, head, ends } => {
                let stream = self.respond.send_response(head, ends);
                self.stream = Some(stream.map_err(io::Error::other)?);
                self.ended = ends;
                len
            }
            Piece::Data { len, ends } => self.send_data(text, len, ends)?,
            Piece::Framing(len) => len,
            Piece::End(len, trailers) => {
                let stream = self.stream.as_mut().ok_or_else(broken)?;
                match trailers {
                    Some(trailers) => stream.send_trailers(trailers),
                    None => stream.send_data(Bytes::new(), true),
                }
                .map_err(io::Error::other)?;
                self.ended = true;
                len
            }
        }))
    }

    /// Sends the first `len` bytes, and the end with them when it is known to follow; how much of
    /// the text that was.
    fn send_data(&mut self, text: &[u8], len: usize, mut ends: bool) -> io::Result<usize> {
        let mut taken = len;
        let mut trailers = None;
        if !ends && !self.transcoder.is_in_data() && taken < text.len() {
            match self.transcoder.next(&text[taken..]).map_err(|_| broken())? {
                Piece::Framing(more) => taken += more,
                Piece::End(more, with) => {
                    taken += more;
                    ends = with.is_none();
                    trailers = with;
                }
                _ => return Err(broken()),
            }
        }
        let stream = self.stream.as_mut().ok_or_else(broken)?;
        let data = Bytes::copy_from_slice(&text[..len]);
        stream.send_data(data, ends).map_err(io::Error::other)?;
        self.ended = ends;
        if let Some(trailers) = trailers {
            stream.send_trailers(trailers).map_err(io::Error::other)?;
            self.ended = true;
        }
        Ok(taken)
    }

    /// Bytes of data that can be sent now, of at most `wanted`; with none, the task is woken later.
    fn poll_room(&mut self, context: &mut Context<'_>, wanted: usize) -> io::Result<usize> {
        let stream = self.stream.as_mut().ok_or_else(broken)?;
        stream.reserve_capacity(wanted.min(SEND_BUFFER));
        match stream.capacity() {
            0 => match stream.poll_capacity(context) {
                Poll::Pending => Ok(0),
                Poll::Ready(Some(Ok(room))) => Ok(room),
                Poll::Ready(None) => Err(broken()),
                Poll::Ready(Some(Err(error))) => Err(io::Error::other(error)),
            },
            room => Ok(room),
        }
    }

    /// Ready when the client has reset the stream, or its connection is gone.
    pub(super) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.stream {
            Some(stream) => stream.poll_reset(context),
            None => self.respond.poll_reset(context),
        }
        .map(drop)
    }

    /// Whether the response is whole.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Nothing more comes. What has no end of its own ends here, if it `is_whole`; what is cut
    /// short is reset (RFC 9113 §8.1).
    pub(super) fn finish(&mut self, is_whole: bool) {
        if self.ended {
            return;
        }
        if let Some(stream) = self
            .stream
            .as_mut()
            .filter(|_| is_whole && self.transcoder.may_end())
        {
            self.ended = stream.send_data(Bytes::new(), true).is_ok();
        } else {
            self.respond.send_reset(Reason::INTERNAL_ERROR);
        }
    }
}

fn broken() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
