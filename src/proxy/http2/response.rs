//! A response in the text of HTTP/1.1, taken apart into what HTTP/2 sends: a function of the bytes
//! seen so far, without a socket.

use bytes::Bytes;
use http::header::{CONNECTION, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::http::{BodyFraming, ChunkScanner, ChunkStep, Method, Parsed, ResponseHead};

/// Reads a response, interim ones before it included.
#[derive(Debug)]
pub(super) struct Transcoder {
    /// What is answered: the answer to HEAD has no body.
    method: Method,
    state: State,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Box<Chunks>),
    UntilClose,
    Ended,
}

#[derive(Debug, Default)]
struct Chunks {
    scanner: ChunkScanner,
    /// Framing since the last data: where the body ends, it ends with the trailers.
    framing: Vec<u8>,
}

/// What the next bytes are. Counts are of bytes of the text, and never zero.
#[derive(Debug)]
pub(super) enum Piece {
    /// An interim response.
    Interim(usize, Response<()>),
    /// The head of the final response, with which it `ends` or does not.
    Final {
        len: usize,
        head: Response<()>,
        ends: bool,
    },
    /// Data, the last of it if the response `ends` with it.
    Data { len: usize, ends: bool },
    /// Nothing that is sent.
    Framing(usize),
    /// The end behind the last data, with the trailers.
    End(usize, Option<HeaderMap>),
}

/// The text is no response. Whoever writes it has checked it, so this does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Transcoder {
    /// For the answer to a request of this method.
    pub(super) fn new(method: Method) -> Self {
        Self {
            method,
            state: State::Head,
        }
    }

    /// Whether the next bytes are data, for which there has to be room.
    pub(super) fn is_in_data(&self) -> bool {
        match &self.state {
            State::Length(_) | State::UntilClose => true,
            State::Chunked(chunks) => chunks.scanner.data_remaining() > 0,
            State::Head | State::Ended => false,
        }
    }

    /// Whether the end of the text is the end of the response.
    pub(super) fn may_end(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    /// Says what the first bytes of `text` are, which begins where the last piece ended and is not
    /// empty. A head must be whole.
    ///
    /// # Errors
    /// The text is malformed.
    pub(super) fn next(&mut self, text: &[u8]) -> Result<Piece, Malformed> {
        match &mut self.state {
            State::Head => self.head(text),
            State::Length(left) => {
                let len = usize::try_from(*left).map_or(text.len(), |left| left.min(text.len()));
                *left -= len as u64;
                let ends = *left == 0;
                if ends {
                    self.state = State::Ended;
                }
                Ok(Piece::Data { len, ends })
            }
            State::Chunked(chunks) => {
                let piece = chunks.next(text)?;
                if matches!(piece, Piece::End(..)) {
                    self.state = State::Ended;
                }
                Ok(piece)
            }
            State::UntilClose => Ok(Piece::Data {
                len: text.len(),
                ends: false,
            }),
            State::Ended => Err(Malformed),
        }
    }

    fn head(&mut self, text: &[u8]) -> Result<Piece, Malformed> {
        let mut head = ResponseHead::default();
        if head.parse(text, self.method, false) != Ok(Parsed::Complete) {
            return Err(Malformed);
        }
        let len = head.len();
        let response = translated(&head, &text[..len])?;
        if head.is_interim() {
            return Ok(Piece::Interim(len, response));
        }
        self.state = match head.framing() {
            BodyFraming::None | BodyFraming::Length(0) => State::Ended,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::Chunked(Box::default()),
            BodyFraming::UntilClose => State::UntilClose,
        };
        let ends = matches!(self.state, State::Ended);
        Ok(Piece::Final {
            len,
            head: response,
            ends,
        })
    }
}

impl Chunks {
    fn next(&mut self, text: &[u8]) -> Result<Piece, Malformed> {
        match self.scanner.step(text).map_err(|_| Malformed)? {
            ChunkStep::Data(len) => {
                self.framing.clear();
                Ok(Piece::Data { len, ends: false })
            }
            ChunkStep::Framing(len) => {
                self.framing.extend_from_slice(&text[..len]);
                Ok(Piece::Framing(len))
            }
            ChunkStep::End(len) => {
                self.framing.extend_from_slice(&text[..len]);
                Ok(Piece::End(len, trailers(&self.framing)?))
            }
            ChunkStep::NeedMore => Err(Malformed),
        }
    }
}

/// Status and fields, without those of a connection (RFC 9113 §8.2.2).
fn translated(head: &ResponseHead, text: &[u8]) -> Result<Response<()>, Malformed> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(head.status()).map_err(|_| Malformed)?;
    // One copy, of which all values are parts.
    let copy = Bytes::copy_from_slice(text);
    let fields = response.headers_mut();
    fields.reserve(head.fields(text).count());
    for (name, value) in head.fields(&copy) {
        append(fields, name, copy.slice_ref(value))?;
    }
    Ok(response)
}

/// The fields behind the last chunk, `framing` being what came after the last data; none when
/// there are none.
fn trailers(framing: &[u8]) -> Result<Option<HeaderMap>, Malformed> {
    let mut trailers = HeaderMap::new();
    // The line end of the last data, if there was some, then the size of the last chunk.
    let framing = framing.strip_prefix(b"\r\n").unwrap_or(framing);
    let lines = framing.split(|&byte| byte == b'\n').skip(1);
    for line in lines.map(<[u8]>::trim_ascii_end) {
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let value = Bytes::copy_from_slice(line[colon + 1..].trim_ascii());
        append(&mut trailers, &line[..colon], value)?;
    }
    Ok(Some(trailers).filter(|trailers| !trailers.is_empty()))
}

fn append(fields: &mut HeaderMap, name: &[u8], value: Bytes) -> Result<(), Malformed> {
    let name = HeaderName::from_bytes(name).map_err(|_| Malformed)?;
    let of_connection = [CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(&name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "te");
    if !of_connection {
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| Malformed)?;
        fields.try_append(name, value).map_err(|_| Malformed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::{Malformed, Piece, Transcoder};
    use crate::http::Method;

    /// What is sent for `text`, given in pieces of at most `most` bytes behind the heads.
    fn sent(method: Method, text: &[u8], most: usize) -> Result<String, Malformed> {
        let mut transcoder = Transcoder::new(method);
        let mut story = String::new();
        let mut data = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let piece = match transcoder.state {
                super::State::Head => transcoder.next(&text[at..])?,
                _ => transcoder.next(&text[at..text.len().min(at.saturating_add(most))])?,
            };
            at += match piece {
                Piece::Interim(len, head) => {
                    let _ = write!(story, "{} ", head.status().as_u16());
                    len
                }
                Piece::Final { len, head, ends } => {
                    let _ = write!(story, "{}", head.status().as_u16());
                    for (name, value) in head.headers() {
                        let _ = write!(story, " {name}={}", value.to_str().unwrap());
                    }
                    story += if ends { "." } else { "" };
                    len
                }
                Piece::Data { len, ends } => {
                    data.extend_from_slice(&text[at..at + len]);
                    story += if ends { "." } else { "" };
                    len
                }
                Piece::Framing(len) => len,
                Piece::End(len, trailers) => {
                    for (name, value) in trailers.iter().flatten() {
                        let _ = write!(story, " {name}:{}", value.to_str().unwrap());
                    }
                    story += ".";
                    len
                }
            };
        }
        story += if transcoder.may_end() { "~" } else { "" };
        Ok(format!("{story} {}", String::from_utf8(data).unwrap()))
    }

    fn get(text: &str) -> String {
        sent(Method::Get, text.as_bytes(), usize::MAX).unwrap()
    }

    #[test]
    fn a_length_ends_with_its_last_byte() {
        assert_eq!(
            get("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 3\r\n\r\nabc"),
            "200 etag=\"x\" content-length=3. abc"
        );
    }

    #[test]
    fn without_a_body_the_head_is_the_end() {
        let nothing = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(get(nothing), "200 content-length=0. ");
        assert_eq!(get("HTTP/1.1 204 No\r\nA: b\r\n\r\n"), "204 a=b. ");
        assert_eq!(
            get("HTTP/1.1 304 Not\r\nETag: \"x\"\r\n\r\n"),
            "304 etag=\"x\". "
        );
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
        let story = sent(Method::Head, head, usize::MAX).unwrap();
        assert_eq!(story, "200 content-length=9. ");
    }

    #[test]
    fn interim_responses_come_before_the_final_one() {
        assert_eq!(
            get(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
            ),
            "100 103 200 content-length=1. x"
        );
    }

    #[test]
    fn fields_of_the_connection_stay_behind() {
        assert_eq!(
            get(
                "HTTP/1.1 426 Upgrade\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\
                 Keep-Alive: timeout=5\r\nX-Proxy: true\r\nContent-Length: 0\r\n\r\n"
            ),
            "426 x-proxy=true content-length=0. "
        );
    }

    #[test]
    fn what_lasts_until_the_close_has_no_end_of_its_own() {
        assert_eq!(get("HTTP/1.1 200 OK\r\n\r\nabc"), "200~ abc");
    }

    #[test]
    fn chunks_lose_their_framing_wherever_the_text_is_split() {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
                     3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX-Sum: 1 2\r\nB:\r\n\r\n";
        for most in 1..text.len() {
            let story = sent(Method::Get, text, most).unwrap();
            assert_eq!(story, "200 trailer=x-sum x-sum:1 2 b:. abcdefgh", "{most}");
        }
        let bare = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(sent(Method::Get, bare, 1).unwrap(), "200. ");
    }

    #[test]
    fn nothing_comes_behind_the_end() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab";
        assert_eq!(sent(Method::Get, text, usize::MAX), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_chunking_carries_the_same_bytes(
            chunks in prop::collection::vec("[a-z]{1,40}", 0..8),
            most in 1usize..64,
        ) {
            let mut text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            for chunk in &chunks {
                let _ = write!(text, "{:x}\r\n{chunk}\r\n", chunk.len());
            }
            text += "0\r\n\r\n";
            let story = sent(Method::Get, text.as_bytes(), most).unwrap();
            prop_assert_eq!(story, format!("200. {}", chunks.concat()));
        }
    }
}
